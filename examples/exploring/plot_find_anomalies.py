"""
Find the odd ones out
=====================

Odd radio circles were found by eye among millions of sources. Would they stand out to a network
that has never seen one? Six rings are hidden among 294 simulated radio galaxies, and all are
ranked by how unusual their features are.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound.datasets import make_labelled
from astrofound.estimators import FeatureExtractor
from astrofound.explore import plot_cutouts, score_anomalies

galaxies = make_labelled('rgz', 300, seed=0, pixels='float')
images = np.array(galaxies.images)
rng = np.random.default_rng(0)
rings = np.sort(rng.choice(len(images), 6, replace=False))
noise = np.median(np.abs(images)) / 0.6745

# %%
# A ring of 3 to 6 times the noise is added round what was there, as if that were the host.

ny, nx = images.shape[1:]
y, x = np.mgrid[:ny, :nx] - np.array([ny - 1, nx - 1])[:, None, None] / 2
for row in rings:
    radius, height = rng.uniform(18, 30), rng.uniform(3, 6) * noise
    images[row] += height * np.exp(-0.5 * ((np.hypot(x, y) - radius) / 3)**2)

# %%
# The score of an image is the mean of two ranks: how early an isolation forest cuts it off, and
# how far its tenth neighbour is. The twelve most unusual images; rings are named.

scores = score_anomalies(FeatureExtractor('compact').transform(images))
order = np.argsort(-scores)
plot_cutouts([images[row] for row in order[:12]], n_columns=6,
             titles=['ring' if row in rings else galaxies.labels[row] for row in order[:12]],
             figure=plt.figure(figsize=(8, 3.2), layout='constrained'))
plt.show()

# %%
# How many images must be looked at to find the rings, in this order and by chance?

looked = np.arange(1, len(images) + 1)
found = np.isin(order, rings).cumsum()
figure, ax = plt.subplots(figsize=(4.5, 3.4), layout='constrained')
ax.step(looked, found, where='post', color='#0072B2', label='most unusual first')
ax.plot(looked, len(rings) * looked / len(images), '--', color='0.5', label='by chance')
ax.set(xscale='log', xlim=(1, len(images)), ylim=(0, len(rings) + 0.3), xlabel='images looked at',
       ylabel='rings found')
ax.legend(frameon=False)
plt.show()
print(f'all {len(rings)} rings are among the first {np.argmax(found == len(rings)) + 1} of '
      f'{len(images)} images')
