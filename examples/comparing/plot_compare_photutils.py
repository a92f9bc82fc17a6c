"""
Compare with photutils
======================

Where does a network find more than a threshold does, and where not? The image segmentation of
photutils is here behind the same contract as the bundled detector: it gets the same image, the
same noise map and the same measurement, so that only the finding differs.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound import SourceDetector
from astrofound.baselines import PhotutilsSegmentation
from astrofound.datasets import ArtefactOptions, RadioSky, SourceCounts, SourceMix
from astrofound.evaluation import score_truth

sky = RadioSky(shape=(900, 900), counts=SourceCounts(density=6), artefacts=ArtefactOptions(),
               mix=SourceMix(double=0.1, diffuse=0))
field = sky(seed=5)
catalogs = {
    'compact': SourceDetector(threshold=0.02).predict(field.image),
    'segmentation': PhotutilsSegmentation(peak_sigma=3, n_sigma=2.5).predict(field.image),
}

# %%
# Detectors are compared at the same reliability, not each at a threshold of its own. One curve
# holds all thresholds: the compact detector is cut by its score, the segmentation by the
# signal-to-noise ratio of the peak.

scores = {name: score_truth(catalogs[name], field.truth, min_snr=3, rank_column=rank)
          for name, rank in (('compact', 'score'), ('segmentation', 'snr'))}
colors = {'compact': '#0072B2', 'segmentation': '#D55E00'}
styles = {'compact': 'o-', 'segmentation': 's--'}
figure, ax = plt.subplots(figsize=(4.5, 3.6), layout='constrained')
for name, score in scores.items():
    curve = score.curve()
    ax.plot(curve['reliability'], curve['completeness'], styles[name][1:], color=colors[name],
            label=name)
    print(f'{name}: completeness {score.completeness_at(0.95):.2f} at 95 % reliability')
ax.set(xlabel='reliability', ylabel='completeness above S/N 3', xlim=(0.5, 1.02), ylim=(0, 1.02))
ax.legend(frameon=False)
plt.show()

# %%
# Both cut at a reliability of 95 %: which of the true sources are in the catalogue, by their S/N?

edges = np.array([3, 4, 5, 6, 8, 12, 30])
snr = np.asarray(field.truth['snr'])
figure, ax = plt.subplots(figsize=(4.5, 3.4), layout='constrained')
for name, rank in (('compact', 'score'), ('segmentation', 'snr')):
    curve = scores[name].curve()
    cut = curve['cut'][curve['reliability'] >= 0.95].min()
    kept = score_truth(catalogs[name][catalogs[name][rank] >= cut], field.truth, min_snr=3,
                       rank_column=rank)
    found = kept.sources['primary'] >= 0
    n_all, n_found = (np.histogram(snr[rows], edges)[0] for rows in (snr > 0, found))
    share = n_found / n_all
    ax.errorbar(np.sqrt(edges[1:] * edges[:-1]), share, yerr=np.sqrt(share * (1 - share) / n_all),
                fmt=styles[name], color=colors[name], capsize=2, label=name)
    print(f'{name}: cut at {rank} {cut:.2f}, completeness {kept.completeness:.2f}, '
          f'reliability {kept.reliability:.2f}')
ax.set(xscale='log', xlabel='S/N of the true source', ylabel='fraction found', ylim=(0, 1.04))
ax.set_xticks(edges, edges)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()

# %%
# On a sky of mostly points a threshold does as well, once it is known where to set it: here the
# truth chose both cuts. What the network adds is a score that says how far to trust a source before
# there is a truth, and sources of several components as one entry. One field holds some hundred
# sources: average over many before you believe a difference of a few per cent, as
# :doc:`/development/benchmarks` does on skies that another simulator makes.
