"""Foundation models behind one contract: what there is, how to load it, what it sees."""

from importlib import import_module

from .registry import find_spec, list_backbones, register_backbone
from .spec import FAMILIES, POOLINGS, BackboneSpec

__all__ = [
    'FAMILIES', 'POOLINGS', 'BackboneSpec', 'find_spec', 'list_backbones', 'register_backbone',
    'Backbone', 'Features', 'fetch_backbone', 'load_backbone', 'resolve_spec',
]

# Names whose modules load torch: they arrive on first use.
_HOMES = {
    'Backbone': 'backbone', 'Features': 'features', 'fetch_backbone': 'fetching',
    'load_backbone': 'loading', 'resolve_spec': 'loading',
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)
