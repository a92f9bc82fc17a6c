"""
Draw a map of what a network sees
=================================

Does a network that was never told about classes keep them apart? Its features have hundreds of
dimensions; UMAP draws them on a plane, where alike images lie side by side. Here are the four
kinds of galaxy of GalaxyMNIST, simulated, seen by the encoder of the bundled detector.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neighbors import NearestNeighbors

from astrofound.datasets import make_labelled
from astrofound.estimators import FeatureExtractor
from astrofound.explore import FeatureIndex, LatentMap, plot_cutouts, plot_latent_grid

galaxies = make_labelled('galaxy_mnist', 240, seed=0)
features = FeatureExtractor('compact').transform(galaxies.images)
print(galaxies, f'{features.shape[1]} features each', sep='\n')

# %%
# The first two principal components, and UMAP of the first ten.

maps = {method: LatentMap(method=method).fit_transform(features) for method in ('pca', 'umap')}
labels = np.array([name.replace('_', ' ') for name in galaxies.labels])
plot_latent_grid({('GalaxyMNIST', method.upper()): (positions, labels)
                  for method, positions in maps.items()},
                 figure=plt.figure(figsize=(7.4, 3), layout='constrained'))
plt.show()

# %%
# Islands of UMAP tempt the eye: the distance between them means little. What counts is whether the
# neighbours of an image are of its class, in all dimensions and in the plane.

spaces = {'all features': features, 'PCA': maps['pca'], 'UMAP': maps['umap']}
for name, space in spaces.items():
    near = NearestNeighbors(n_neighbors=11).fit(space).kneighbors(return_distance=False)
    print(f'{name:13} {np.mean(labels[near[:, :10]] == labels[:, None]):.0%} of ten neighbours '
          'are of the same class')

# %%
# A row for one galaxy of each class, at the left, and its nearest neighbours in all features.

index = FeatureIndex(features)
rows = np.concatenate([index.find(int(np.flatnonzero(labels == name)[0]), n=6)[0]
                       for name in np.unique(labels)])
plot_cutouts([galaxies.images[row] for row in rows], titles=labels[rows].tolist(), n_columns=6,
             scaling='minmax', figure=plt.figure(figsize=(8, 6), layout='constrained'))
plt.show()
