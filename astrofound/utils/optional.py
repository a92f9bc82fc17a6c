"""Ask for a library that only some users need."""

from importlib import import_module

from .errors import MissingDependencyError

__all__ = ['require']


def require(module, *, extra, package=None, purpose='this'):
    """
    Import an optional dependency, or say in one sentence how to install it.

    Parameters
    ----------
    module : str
        Name to import.
    extra : str
        The extra of astrofound that installs it.
    package : str, optional
        Distribution name where it differs from the module's.
    purpose : str, optional
        What needs it, for the message.

    Returns
    -------
    module : module
        The imported module.

    Raises
    ------
    MissingDependencyError
        If the module itself is not installed. Errors from within it pass through.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if not f'{module}.'.startswith(f'{error.name}.'):
            raise  # the library is there and lacks something itself
        msg = (f'{package or module} is needed for {purpose}: '
               f'pip install "astrofound[{extra}]"')
        raise MissingDependencyError(msg) from None
