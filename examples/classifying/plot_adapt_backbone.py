"""
LoRA against a frozen backbone
==============================

A frozen backbone is the cheapest baseline; adapting it brings more where the data are unlike those
it was trained on. LoRA adds low-rank matrices beside its layers: here a few per cent of the
parameters learn, and the file that is saved holds only them.
"""

import matplotlib.pyplot as plt

from astrofound.datasets import make_labelled
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import CompareStrategies
from astrofound.explore import plot_strategies

train = make_labelled('mirabest', 100, seed=0)
test = make_labelled('mirabest', 150, seed=1)

# %%
# The same crop and size for all, and the same test images.

common = {'crop': 'segmentation', 'image_size': 48}
classifiers = {
    'frozen, linear': MorphologyClassifier(**common),
    'frozen, whitened': MorphologyClassifier(head='whiten', **common),
    'LoRA': MorphologyClassifier(strategy='lora', n_epochs=20, batch_size=16, **common),
}
comparison = CompareStrategies(repeats=1)
runs = comparison.run(classifiers, train, test)
runs['name', 'f1', 'n_trainable', 'seconds_fit'].pprint()

# %%

plot_strategies(comparison.summarize(runs),
                figure=plt.figure(figsize=(3.5, 2.6), layout='constrained'))
plt.show()
