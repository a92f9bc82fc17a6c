"""Choose where a network runs."""

from .errors import InputError

__all__ = ['resolve_device']


def resolve_device(name='auto'):
    """
    Turn a device name into a `torch.device` that exists on this machine.

    Parameters
    ----------
    name : str or `torch.device`, optional
        ``'auto'`` takes the first CUDA or ROCm GPU where there is one, else the CPU;
        otherwise any torch device string such as ``'cpu'``, ``'cuda:1'`` or ``'mps'``.

    Returns
    -------
    device : `torch.device`
        A usable device.

    Raises
    ------
    InputError
        If the name is no device or the device is not there.
    """
    import torch

    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # fails on 'meta', which has no memory
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"device {name!r} cannot be used here ({reason}); pass 'cpu' or "
                         "'auto'") from None
    return device
