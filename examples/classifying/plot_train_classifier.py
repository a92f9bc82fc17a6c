"""
Train a classifier on 200 labels
================================

How far do two hundred labelled cutouts go? Radio galaxies of the two classes of Fanaroff & Riley,
simulated here so that nothing has to be downloaded, in cutouts of 150 pixels of which the
source fills a small part. The backbone is the encoder of the bundled detector.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound.datasets import make_labelled
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import score_classes
from astrofound.explore import plot_confusion, plot_cutouts
from astrofound.preprocess import CropToSource

train = make_labelled('mirabest', 200, seed=0)
test = make_labelled('mirabest', 200, seed=1)
print(train)

# %%
# What the network will see: the whole cutout, and the crop to the source in its middle. Of a double
# whose lobes lie far apart the crop may keep only one.

crop = CropToSource(crop='segmentation')
figure, axes = plt.subplots(2, 6, figsize=(9, 3.2), layout='constrained')
for number, (above, below) in enumerate(axes.T):
    image = np.asarray(train.images[30 * number])
    above.imshow(np.sqrt(image), origin='lower', cmap='gray')
    below.imshow(np.sqrt(crop(image[None])[0]), origin='lower', cmap='gray')
    above.set_title(train.labels[30 * number], fontsize='medium')
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel('cutout')
axes[1, 0].set_ylabel('crop')
plt.show()

# %%
# The backbone stays as it is and a linear head is fitted to its features: seconds. These simulated
# sources are told apart either way; on 1758 real cutouts of FIRST in four classes the crop brought
# the same probe from a macro F1 of 0.60 to 0.77.

reports = {}
for name, how in (('whole cutout', None), ('crop to source', 'segmentation')):
    classifier = MorphologyClassifier(crop=how, image_size=64)
    classifier.fit(train.images, train.labels)
    probability = classifier.predict_proba(test.images)
    reports[name] = score_classes(test.labels, probabilities=probability,
                                  classes=classifier.classes_)
    print(f'{name}: macro F1 {reports[name].f1:.2f}')

# %%
# Which classes are confused.

report = reports['crop to source']
plot_confusion(report, figure=plt.figure(figsize=(3.5, 3.2), layout='constrained'))
plt.show()

# %%
# What it gets wrong, with the true class, the one it says, and how sure it is of that.

said = classifier.classes_[probability.argmax(axis=1)]
wrong = np.flatnonzero(said != test.labels)[:10]
plot_cutouts([np.sqrt(test.images[row]) for row in wrong], n_columns=5, scaling='minmax',
             titles=[f'{test.labels[row]}, not {said[row]} ({probability[row].max():.2f})'
                     for row in wrong],
             figure=plt.figure(figsize=(8, 3.6), layout='constrained'))
plt.show()
