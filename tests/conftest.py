"""
What every test may lean on: the real observations, and quiet, repeatable surroundings.

The real observations are not in the repository. They are looked for in the folder named by
the environment variable ``ASTROFOUND_DATA``, else in ``../shared/data`` beside the repository
root; tests that need them are skipped, with the reason, where there is no such folder.
"""

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Set before numpy, numba and torch are loaded: tests gain nothing from more threads, and a
# threaded sum may end in another last digit from run to run.
for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ.setdefault(_name, '1')
os.environ['MPLBACKEND'] = 'Agg'
os.environ.setdefault('HF_HUB_OFFLINE', '1')  # no test waits for a hub

# The same examples in every run; and no deadline, as a busy machine is not a fault.
settings.register_profile('astrofound', deadline=None, derandomize=True)
settings.load_profile('astrofound')


def pytest_configure():
    """Keep astropy's time tables off the network, and let the tests of Ctrl-C have it."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.auto_max_age = None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a run in the background ignores it, and every child would inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests that read the real observations; leave out what needs a network."""
    offline = pytest.mark.skip(reason='needs the network; ask for it by ASTROFOUND_REMOTE=1')
    for item in items:
        if item.get_closest_marker('remote_data') and not os.environ.get('ASTROFOUND_REMOTE'):
            item.add_marker(offline)
        if 'real_data' in getattr(item, 'fixturenames', ()):
            item.add_marker('real_data')


@pytest.fixture(scope='session')
def real_data():
    """Folder of the real observations; skips the test where it is missing."""
    folder = os.environ.get('ASTROFOUND_DATA')
    path = Path(folder) if folder else ROOT.parent / 'shared' / 'data'
    if not path.is_dir():
        pytest.skip(f'no real observations in {path}; name their folder in ASTROFOUND_DATA')
    return path


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures of a test, also of one that failed."""
    yield
    if 'matplotlib.pyplot' in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            sys.modules['matplotlib.pyplot'].close('all')


@pytest.fixture(scope='session')
def box_run(tmp_path_factory):
    """Run folder of a detector on the compact encoder, trained for seconds on blobs."""
    from astrofound.preprocess import NetworkInput
    from astrofound.training import BOX_RECIPES, BoxTile, train_boxes

    run = tmp_path_factory.mktemp('boxes') / 'run'
    rng = np.random.default_rng(0)
    tiles = []
    for number in range(12):
        data, boxes = make_blobs(rng, (64, 64), 5)
        tiles.append(BoxTile(data, data, boxes, np.arange(len(boxes)) % 2, np.zeros((0, 4)),
                             f'tile {number}'))
    recipe = BOX_RECIPES['default'].change(
        n_epochs=30, batch_size=4, width=16, head_width=32, learning_rate=4e-3, validate_every=30,
        averaging=0.8, mixed_precision=False)
    train_boxes(run, tiles[:8], tiles[8:], classes=('red', 'blue'), recipe=recipe, device='cpu',
                network_input=NetworkInput(scaling='significance', beam_pix=4.0),
                domain={'fwhm_pix': 4.0, 'beam_arcsec': 4.0, 'per_beam': True})
    return run


@pytest.fixture(scope='session')
def blobs():
    """Function that makes white noise with beams of 4 pixels in it, and boxes of 2 sigma."""
    return make_blobs


def make_blobs(rng, shape, n_sources, snr=(20, 60)):
    y, x = np.mgrid[:shape[0], :shape[1]] + 0.5
    sigma = 4 / np.sqrt(8 * np.log(2))
    data, boxes = rng.standard_normal(shape).astype(np.float32), []
    for _ in range(n_sources):
        centre = rng.uniform(6, [shape[1] - 6, shape[0] - 6])
        data += rng.uniform(*snr) * np.exp(-0.5 * np.square([x - centre[0], y - centre[1]]).sum(
            axis=0) / sigma**2)
        boxes.append([*(centre - 2 * sigma), *(centre + 2 * sigma)])
    return data, np.array(boxes).reshape(-1, 4)
