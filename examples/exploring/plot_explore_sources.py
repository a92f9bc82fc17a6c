"""
Find the unusual sources of a field
===================================

Which of a field's sources look like none of the others? A backbone turns each source into
a vector, and vectors can be mapped, compared and ranked. The backbone here is the encoder of the
bundled detector, so that nothing has to be downloaded; every other backbone is used alike.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound import SourceDetector
from astrofound.datasets import make_field
from astrofound.estimators import FeatureExtractor
from astrofound.explore import (
    FeatureIndex,
    LatentMap,
    plot_cutouts,
    plot_latent_map,
    score_anomalies,
)

field = make_field('radio', shape=(640, 640), seed=0)
sources = SourceDetector(threshold=0.8).predict(field.image)
features = FeatureExtractor('compact').transform(field.image, catalog=sources)
print(f'{len(sources)} sources, {features.shape[1]} features each')

# %%
# The first principal components of the features, coloured by what the detector calls each
# source. With umap-learn installed (``pip install "astrofound[explore]"``) the map would be a
# UMAP of ten components.

positions = LatentMap(method='pca').fit_transform(features)
labels = np.asarray(sources['class_name'])
plot_latent_map(positions, labels, figure=plt.figure(figsize=(5.6, 5), layout='constrained'))
plt.show()

# %%
# The most unusual sources, by the mean rank of an isolation forest and of the distance to the
# tenth neighbour.

scores = score_anomalies(features)
odd = np.argsort(-scores)[:12]
cutouts = [field.image.cutout((sources['x_centroid'][row], sources['y_centroid'][row]), 64)
           for row in odd]
plot_cutouts(cutouts, titles=[sources['name'][row] for row in odd], n_columns=6,
             figure=plt.figure(figsize=(9, 3.6), layout='constrained'))
plt.show()

# %%
# Query by example: what is most like the oddest source of several components?

example = next((row for row in np.argsort(-scores) if labels[row] == 'multi'), odd[0])
rows, distances = FeatureIndex(features).find(example, n=6)
cutouts = [field.image.cutout((sources['x_centroid'][row], sources['y_centroid'][row]), 64)
           for row in rows]
plot_cutouts(cutouts, titles=[f'{distance:.2f}' for distance in distances], n_columns=6,
             figure=plt.figure(figsize=(9, 1.9), layout='constrained'))
plt.show()
