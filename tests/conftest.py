"""
What every test may lean on: the real observations, and quiet, repeatable surroundings.

The real observations are not in the repository. They are looked for in the folder named by
the environment variable ``ASTROFOUND_DATA``, else in ``../shared/data`` beside the repository
root; tests that need them are skipped, with the reason, where there is no such folder.
"""

import os
import signal
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Set before numpy, numba and torch are loaded: tests gain nothing from more threads, and a
# threaded sum may end in another last digit from run to run.
for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ.setdefault(_name, '1')
os.environ['MPLBACKEND'] = 'Agg'
os.environ.setdefault('HF_HUB_OFFLINE', '1')  # no test waits for a hub

# The same examples in every run; and no deadline, as a busy machine is not a fault.
settings.register_profile('astrofound', deadline=None, derandomize=True)
settings.load_profile('astrofound')


def pytest_configure():
    """Keep astropy's time tables off the network, and let the tests of Ctrl-C have it."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a run in the background ignores it, and every child would inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Give every test that reads the real observations their mark."""
    for item in items:
        if 'real_data' in getattr(item, 'fixturenames', ()):
            item.add_marker('real_data')


@pytest.fixture(scope='session')
def real_data():
    """Folder of the real observations; skips the test where it is missing."""
    folder = os.environ.get('ASTROFOUND_DATA')
    path = Path(folder) if folder else ROOT.parent / 'shared' / 'data'
    if not path.is_dir():
        pytest.skip(f'no real observations in {path}; name their folder in ASTROFOUND_DATA')
    return path


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures of a test, also of one that failed."""
    yield
    if 'matplotlib.pyplot' in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            sys.modules['matplotlib.pyplot'].close('all')
