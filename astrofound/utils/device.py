"""Choose where a network runs."""

from .errors import InputError

__all__ = ['has_fast_bfloat16', 'is_out_of_memory', 'resolve_device']

_OUT_OF_MEMORY = ('out of memory', 'not enough memory', "can't allocate memory")


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


def has_fast_bfloat16(device):
    """
    Tell whether a device computes in bfloat16 natively, about twice as fast as in float32.

    Parameters
    ----------
    device : `torch.device`
        From `resolve_device`.

    Returns
    -------
    fast : bool
        `False` where bfloat16 is emulated or nothing is known.
    """
    import torch

    if device.type == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == 'cpu' and hasattr(torch.cpu, 'get_capabilities'):
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ('avx512_bf16', 'amx_bf16'))
    return False


def is_out_of_memory(error):
    """
    Tell whether an error says that memory is used up.

    Parameters
    ----------
    error : Exception
        What torch or numpy raised.

    Returns
    -------
    out_of_memory : bool
        On any device.
    """
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY)
