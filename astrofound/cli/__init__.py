"""The command line: one module a command, loaded when it is called."""

from .main import main, run

__all__ = ['main', 'run']
