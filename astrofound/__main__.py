"""``python -m astrofound`` is the ``astrofound`` command."""

import sys

from astrofound.cli import run

__all__ = []

if __name__ == '__main__':
    sys.exit(run())
