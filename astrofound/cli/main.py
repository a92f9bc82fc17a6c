"""The ``astrofound`` command: finds the subcommand, turns errors into one line."""

import gc
import logging
import os
import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from importlib import import_module

import click

from astrofound.utils import AstrofoundError, AstrofoundWarning, check_choice, tune_process

__all__ = ['main', 'run']

# Help in one line each, so that ``astrofound --help`` imports no command.
_COMMANDS = {
    'detect': 'Detect and measure the sources of images.',
    'info': 'Say how an image is understood, or what is installed.',
    'compare': 'Compare two catalogues, or a catalogue with the truth.',
    'assess': 'Measure completeness and reliability on your own image.',
    'embed': 'Turn images or sources into feature vectors.',
    'explore': 'Map features, find neighbours and anomalies.',
    'models': 'List, describe and fetch backbones.',
    'simulate': 'Make a realistic image with a truth table.',
    'prepare': 'Cut a mosaic with a catalogue into tiles for training.',
    'train': 'Train a detector or a classifier.',
    'evaluate': 'Judge a detector on images with boxes.',
    'classify': 'Classify images, or the sources of a catalogue.',
    'advise': 'Recommend a backbone and a strategy for your data.',
    'reproduce': "Do a paper's experiments on your data and backbones.",
    'completion': 'Print what makes a shell complete commands.',
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx):
        return list(_COMMANDS)

    def get_command(self, ctx, name):
        if name not in _COMMANDS:
            return None
        return import_module(f'.{name}', __package__).command

    def resolve_command(self, ctx, args):
        if args:
            check_choice('command', args[0], _COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx, formatter):
        with formatter.section('Commands'):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(package_name='astrofound')
@click.option('-v', '--verbose', is_flag=True, help='Log what is being done.')
def _group(verbose):
    """Turn radio and optical survey images into catalogues."""
    logging.basicConfig(format='astrofound: %(message)s', stream=sys.stderr,
                        level=logging.WARNING)
    if verbose:
        logging.getLogger('astrofound').setLevel(logging.INFO)


def main(arguments=None):
    """
    Run the command line; an error becomes one line on standard error.

    Parameters
    ----------
    arguments : list of str, optional
        Words after the program's name; by default those of the process.

    Returns
    -------
    status : int
        Exit status: 0 done, 2 bad input or usage, 130 stopped by Ctrl-C, 143 by SIGTERM.
    """
    with warnings.catch_warnings(), _stopped_by_sigterm():
        warnings.simplefilter('ignore')
        warnings.simplefilter('always', AstrofoundWarning)
        warnings.showwarning = _show_warning  # catch_warnings puts the old one back
        try:
            return _group.main(arguments, prog_name='astrofound', standalone_mode=False) or 0
        except click.exceptions.Exit as leave:
            return leave.exit_code
        except (KeyboardInterrupt, click.exceptions.Abort) as error:
            # click 8.1.0 hides what its Abort comes from, but the context stays
            stop = error.__cause__ or error.__context__ or error
            _complain(f"stopped; {stop.args[0] if stop.args else 'no output was half written'}")
            return 143 if isinstance(stop, _Terminated) else 130
        except click.ClickException as error:
            _complain(error.format_message())
        except AstrofoundError as error:
            _complain(error)
        except BrokenPipeError:
            # The reader of our output has gone; Python's own flush at exit would complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            _complain(f'{error.strerror or error}: {error.filename}' if error.filename else error)
        except MemoryError as error:
            _complain(f'not enough memory ({error})')
        return 2


def run():
    """
    Be the command: `main` in a process of its own.

    Returns
    -------
    status : int
        Exit status.
    """
    tune_process()
    status = main()
    gc.freeze()  # or the interpreter looks through every object of every library as it ends
    return status


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which batch systems send before they kill."""


@contextmanager
def _stopped_by_sigterm():
    """Let SIGTERM end a command as tidily as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def stop(number, frame):
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _complain(message):
    print(f"astrofound: error: {' '.join(str(message).split())}", file=sys.stderr)


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"astrofound: warning: {' '.join(str(message).split())}", file=sys.stderr)
