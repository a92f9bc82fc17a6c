"""The streaming run: tiles through any function, reading ahead; knows no network."""

from .run import run_tiles

__all__ = ['run_tiles']
