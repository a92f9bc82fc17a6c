"""Foundation models behind one contract: what there is, how to load it, what it sees."""

from importlib import import_module

from .registry import find_spec, list_backbones, register_backbone
from .resolution import ResolutionReport, report_resolution
from .spec import FAMILIES, POOLINGS, BackboneSpec

__all__ = [
    'FAMILIES', 'POOLINGS', 'BackboneSpec', 'find_spec', 'list_backbones', 'register_backbone',
    'ResolutionReport', 'report_resolution',
    'AttentionMaps', 'Backbone', 'Features', 'attention_maps', 'fetch_backbone', 'load_backbone',
    'resolve_spec', 'save_backbone',
]

# Names whose modules load torch: they arrive on first use.
_HOMES = {
    'AttentionMaps': 'attention', 'Backbone': 'backbone', 'attention_maps': 'attention',
    'Features': 'features', 'fetch_backbone': 'fetching',
    'load_backbone': 'loading', 'resolve_spec': 'loading', 'save_backbone': 'saving',
}


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)
