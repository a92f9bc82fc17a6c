"""What a start costs before anything is done: importing, and asking the command for help."""

import subprocess
import sys


class Start:
    """A fresh interpreter; the time of one that does nothing is in all of them."""

    params = ('pass', 'import astrofound', 'from astrofound import SourceDetector')
    param_names = ('code',)
    timeout = 120

    def setup(self, code):
        """Fill the disk cache."""
        self.time_run(code)

    def time_run(self, code):
        """Start, run and end."""
        subprocess.run([sys.executable, '-c', code], check=True)


class Help:
    """The command asked for help, as a process."""

    params = ('--help', 'detect --help', '--version')
    param_names = ('arguments',)
    timeout = 120

    def setup(self, arguments):
        """Fill the disk cache."""
        self.time_run(arguments)

    def time_run(self, arguments):
        """Start, print and end."""
        subprocess.run([sys.executable, '-m', 'astrofound', *arguments.split()], check=True,
                       stdout=subprocess.DEVNULL)
