"""
Where does a transformer look?
==============================

A vision transformer is told only whether a cutout holds a source, never where. Does its attention
find the place? A small one with two blocks is trained here in seconds, so that nothing has to be
downloaded; the maps of DINOv2 or MAE are drawn in the same way.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound.datasets import RadioSky, SourceCounts, SourceMix
from astrofound.estimators import FeatureExtractor, MorphologyClassifier
from astrofound.explore import plot_attention_contours

side = 48
sky = RadioSky(shape=(640, 640), artefacts=None, counts=SourceCounts(density=4),
               mix=SourceMix(diffuse=0, companions=0))


def cut_fields(seeds):
    """Cut fields into squares: with one source above S/N 12, or with none above S/N 3."""
    images, labels, places = [], [], []
    for field in map(sky, seeds):
        x, y, snr = (np.asarray(field.truth[name], float)
                     for name in ('x_centroid', 'y_centroid', 'snr'))
        for top, left in np.ndindex(640 // side, 640 // side):
            place = np.stack([x - left * side, y - top * side], axis=1)
            inside = ((place > 4) & (place < side - 5)).all(axis=1) & (snr > 12)
            near = ((place > -4) & (place < side + 3)).all(axis=1) & (snr > 3)
            if near.sum() == 0 or (inside.sum() == 1 and near.sum() == 1):
                images.append(field.image.cutout(
                    (left * side + (side - 1) / 2, top * side + (side - 1) / 2), side))
                labels.append('source' if inside.any() else 'empty')
                places.append(place[inside][0] if inside.any() else (np.nan, np.nan))
    return images, np.array(labels), np.array(places)


images, labels, _ = cut_fields(range(4))
tests, truth, places = cut_fields([9, 10])
for name in ('empty', 'source'):
    print(f'{name}: {np.sum(labels == name)} to learn from, {np.sum(truth == name)} to test')

# %%
# The backbone starts from random weights and learns with its head.

classifier = MorphologyClassifier('toy_dinov2', strategy='scratch', image_size=side, n_epochs=20,
                                  batch_size=16, learning_rate=0.01, patience=0)
classifier.fit(images, labels)
print(f'right about {classifier.score(tests, truth):.0%} of the test cutouts')

# %%
# What two heads of the first block look at, before and after: a twentieth of the patches lies
# inside a contour at the 95th percentile.

rows = np.flatnonzero(truth == 'source')
sources = [tests[row] for row in rows]
off_centre = np.abs(places[rows] - (side - 1) / 2).max(axis=1)
shown = np.flatnonzero((off_centre > 6) & (off_centre < 15))[:3]
maps = {}
for name, backbone in (('random', 'toy_dinov2'), ('trained', classifier.network_.backbone)):
    maps[name] = FeatureExtractor(backbone, image_size=side).attention(sources)
for name, some in maps.items():
    plot_attention_contours([some[number] for number in shown], block=0, heads=(1, 2),
                            percentile=95, image=[sources[number] for number in shown],
                            titles=[name] * 3,
                            figure=plt.figure(figsize=(8, 3.1), layout='constrained'))
plt.show()

# %%
# How much of each head's attention falls within one patch of the source? Spread evenly it would be
# the dotted line.

patch = maps['random'][0].patch_size
middle = (np.arange(side // patch) + 0.5) * patch - 0.5
shares = {}
for name, some in maps.items():
    near = [np.hypot(middle - x, middle[:, None] - y) < patch for x, y in places[rows]]
    shares[name] = np.array([one.maps[:, :, mask].sum(axis=2).ravel() / one.maps.sum(
        axis=(2, 3)).ravel() for one, mask in zip(some, near, strict=True)])

figure, ax = plt.subplots(figsize=(4.5, 3.2), layout='constrained')
heads = np.arange(shares['random'].shape[1])
for (name, share), shift, color in zip(shares.items(), (-0.2, 0.2), ('#999999', '#0072B2'),
                                       strict=True):
    ax.bar(heads + shift, np.median(share, axis=0), 0.38, color=color, label=name)
ax.axhline(np.mean(near), color='black', lw=1, ls=':')
ax.set_xticks(heads, [f'block {head // 3 + 1}\nhead {head % 3 + 1}' for head in heads],
              fontsize='small')
ax.set(ylabel='attention on the source (median)', ylim=(0, 1.05))
ax.legend(frameon=False)
plt.show()
