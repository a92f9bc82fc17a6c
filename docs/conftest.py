"""
Run the code blocks of the pages as a reader would: in a folder with the example mosaic.

``pytest`` collects every ``>>>`` block under ``docs``. Each page runs in an empty folder that
holds ``mosaic.fits.fz``, so that a page can write files and leaves none behind.
"""

import os
import shutil
from pathlib import Path

import pytest

os.environ['MPLBACKEND'] = 'Agg'
os.environ.setdefault('HF_HUB_OFFLINE', '1')

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ['conf.py']
collect_ignore_glob = ['_build/*', 'changes/*', 'gallery/*', 'reference/api/*']


def pytest_configure():
    """Keep the time tables of astropy from asking the network."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_mosaic(tmp_path, monkeypatch):
    mosaic = ROOT / 'examples' / 'data' / 'mosaic.fits.fz'
    if mosaic.exists():
        shutil.copy(mosaic, tmp_path)
    monkeypatch.chdir(tmp_path)
