"""Which backbones there are, and what a name, folder or file stands for."""

from functools import cache

from ..utils import InputError, check_choice, load_plugins, nearest_name
from .published import PUBLISHED
from .spec import FAMILIES, BackboneSpec
from .toys import TOYS

__all__ = ['find_spec', 'list_backbones', 'register_backbone']

_SPECS = {}


def register_backbone(spec):
    """
    Make a backbone known by its name.

    Parameters
    ----------
    spec : BackboneSpec
        The record.

    Returns
    -------
    spec : BackboneSpec
        The same record.

    Raises
    ------
    InputError
        If the name is taken.
    """
    if not isinstance(spec, BackboneSpec):
        raise InputError(f"'spec' must be a BackboneSpec, got {type(spec).__name__}")
    if spec.name in _SPECS:
        raise InputError(f'a backbone {spec.name!r} is registered already; choose another name')
    _SPECS[spec.name] = spec
    return spec


def list_backbones(*, family=None, toys=False):
    """
    List the registered backbones.

    Parameters
    ----------
    family : str, optional
        Keep those of this family only.
    toys : bool, optional
        Whether to list the random networks made for tests, too.

    Returns
    -------
    names : list of str
        Names in the order of registration.

    Raises
    ------
    InputError
        If there is no such family.

    Examples
    --------
    >>> list_backbones(family='distilled')
    ['cradio_v3_b', 'cradio_v3_l', 'cradio_v3_h', 'am_radio_b']
    """
    if family is not None:
        check_choice('family', family, FAMILIES)
    _register_plugins()
    return [spec.name for spec in _SPECS.values()
            if (toys or not spec.is_toy) and family in (None, spec.family)]


def find_spec(name):
    """
    Look up a registered backbone.

    Parameters
    ----------
    name : str
        A name of `list_backbones`.

    Returns
    -------
    spec : BackboneSpec
        Its record.

    Raises
    ------
    InputError
        If there is none of that name; the message tells the nearest.

    Examples
    --------
    >>> find_spec('dinov2_vitb14').patch_size
    14
    """
    if name not in _SPECS:
        _register_plugins()
    if name in _SPECS:
        return _SPECS[name]
    near = nearest_name(name, _SPECS)
    hint = f'; did you mean {near!r}?' if near else '.'
    raise InputError(f"unknown backbone {name!r}{hint} See list_backbones(), or pass "
                     "'timm:NAME', a folder or a .safetensors file")


@cache  # once a process
def _register_plugins():
    """Register the records of other packages: entry points in ``astrofound.backbones``."""
    for specs in load_plugins('astrofound.backbones').values():
        for spec in [specs] if isinstance(specs, BackboneSpec) else specs:
            register_backbone(spec)


for _spec in (*PUBLISHED, *TOYS):
    register_backbone(_spec)
