"""Kernels and stages for airspeed velocity: ``asv run -c benchmarks/asv.conf.json``."""
