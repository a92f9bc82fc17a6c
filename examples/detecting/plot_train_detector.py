"""
From a PyBDSF catalogue to a detector
=====================================

You have a mosaic and a catalogue of it that you trust. Can a detector learn from the two, and then
find the sources of the next mosaic? Here the catalogue has the columns of PyBDSF, but is written
from the truth of a simulated sky, so that nothing but astrofound is needed.
"""

import tempfile
from pathlib import Path

import astropy.units as u
import matplotlib.pyplot as plt
from astropy.table import QTable

from astrofound import SourceDetector
from astrofound.backbones import load_backbone
from astrofound.datasets import RadioSky, SourceCounts, SourceMix, prepare_tiles, split_sky
from astrofound.evaluation import score_truth
from astrofound.explore import plot_box_training, plot_overview
from astrofound.training import (
    BOX_RECIPES,
    choose_input,
    describe_domain,
    open_tiles,
    train_boxes,
)

sky = RadioSky(shape=(512, 512), artefacts=None, counts=SourceCounts(density=10),
               mix=SourceMix(gaussian=0.1, double=0, bent=0, diffuse=0))
known, other = sky(seed=0), sky(seed=1)
folder = Path(tempfile.mkdtemp())
# %%
# The catalogue. Which of its columns mean what is known by their names, so the same works with the
# ``.srl`` file of PyBDSF and the tables of Aegean, SExtractor and photutils.

real = known.truth[known.truth['snr'] > 5]
catalog = QTable({
    'Source_id': real['id'], 'RA': real['ra'], 'DEC': real['dec'],
    'Total_flux': real['flux'].to(u.Jy), 'E_Total_flux': 0 * real['flux'].to(u.Jy),
    'Maj': real['major'].to(u.deg), 'Min': real['minor'].to(u.deg), 'PA': real['pa_sky']})
catalog.write(folder / 'mosaic.srl.fits')
parts = prepare_tiles(known.image, folder / 'mosaic.srl.fits', folder / 'tiles', side=96)
print(parts['train'])

# %%
# A fifth of the tiles is held out, at one end of the sky, and tiles that overlap them are left out.
# They say which epoch is best and what a score means. This and what follows is
# ``astrofound train detector --data tiles/train.json``, made small: by default the pyramid and the
# head are wider, and the beam is larger for the network.

network_input = choose_input(parts['train'], load_backbone('compact'), beam_pix=5)
learn, others = split_sky(parts['train'])
tiles, held_out = (open_tiles(part, network_input) for part in (learn, others))
recipe = BOX_RECIPES['default'].change(
    tuning='frozen', n_epochs=8, batch_size=2, learning_rate=3e-3, width=32, head_width=128,
    averaging=0.9, validate_every=4, patience=None)
train_boxes(folder / 'run', tiles, held_out, classes=parts['train'].classes,
            network_input=network_input, recipe=recipe,
            domain=describe_domain(parts['train']), device='cpu')
plot_box_training(folder / 'run' / 'history.jsonl',
                  figure=plt.figure(figsize=(5, 4.2), layout='constrained'))
plt.show()

# %%
# The other field, which it has never seen, searched by it and by the bundled detector. What a score
# means was learnt from the few sources of the held-out tiles, so the detectors are compared at all
# thresholds, not at the reliability that they promise.

fig, ax = plt.subplots(figsize=(4.5, 3.6), layout='constrained')
for (name, weights), style in zip({'trained here': folder / 'run', 'bundled': 'compact'}.items(),
                                  ({'color': '#D55E00', 'ls': '--'}, {'color': '#0072B2'}),
                                  strict=True):
    sources = SourceDetector(weights, threshold=0.1).predict(other.image)
    score = score_truth(sources, other.truth, min_snr=5)
    curve = score.curve()
    ax.plot(curve['reliability'], curve['completeness'], label=name, **style)
    print(f'{name}: completeness {score.completeness_at(0.95):.2f} at 95 % reliability')
ax.set(xlabel='reliability', ylabel='completeness above S/N 5', xlim=(0.5, 1.02), ylim=(0, 1.02))
ax.legend(frameon=False)
plt.show()

# %%

sources = SourceDetector(folder / 'run', threshold=0.5).predict(other.image)
plot_overview(other.image, sources, title='Found by the detector trained here',
              figure=plt.figure(figsize=(7, 6.2), layout='constrained'))
plt.show()
