"""
Compare with photutils
======================

How does the compact detector compare with image segmentation, on a sky whose truth is known?
The segmentation of photutils is here behind the same contract: it gets the same image, the same
noise map and the same measurement, so that only the finding differs.
"""

import matplotlib.pyplot as plt

from astrofound import SourceDetector
from astrofound.baselines import PhotutilsSegmentation
from astrofound.datasets import make_field
from astrofound.evaluation import compare_catalogs, score_truth
from astrofound.explore import plot_comparison

field = make_field('radio', seed=0)
catalogs = {
    'compact': SourceDetector(threshold=0.02).predict(field.image),
    'segmentation': PhotutilsSegmentation().predict(field.image),
}

# %%
# Detectors are compared at the same reliability, not each at a threshold of its own. One curve
# holds all thresholds: the compact detector is cut by its score, the segmentation by the
# signal-to-noise ratio of the peak.

fig, ax = plt.subplots(figsize=(5.5, 4.5), layout='constrained')
for (name, catalog), rank, color in zip(catalogs.items(), ('score', 'snr'),
                                        ('#0072B2', '#D55E00'), strict=True):
    score = score_truth(catalog, field.truth, min_snr=5, rank_column=rank)
    curve = score.curve()
    ax.plot(curve['reliability'], curve['completeness'], color=color, label=name)
    print(f'{name}: completeness {score.completeness_at(0.95):.2f} at 95 % reliability')
ax.set(xlabel='reliability', ylabel='completeness above S/N 5', xlim=(0.5, 1.02), ylim=(0, 1.02))
ax.legend(frameon=False)
plt.show()

# %%
# One field of this size holds a few dozen sources, so the curves are coarse: average over many
# seeds before you believe a difference of a few per cent.
#
# Source by source, `~astrofound.evaluation.compare_catalogs` matches one to one. Against each
# other, the two catalogues agree in flux and position, because both are measured alike:

secure = [catalog[catalog['snr'] > 5] for catalog in catalogs.values()]
result = compare_catalogs(*secure, names=tuple(catalogs))
print(result.summary())
plot_comparison(result, figure=plt.figure(figsize=(13, 4.3), layout='constrained'))
plt.show()
