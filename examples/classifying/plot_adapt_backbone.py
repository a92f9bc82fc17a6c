"""
LoRA against a frozen backbone
==============================

Is it worth adapting a backbone to a hundred images? LoRA adds low-rank matrices beside its layers:
here a few per cent of the parameters learn, and the file that is saved holds only them. A frozen
backbone with a linear head is the cheapest baseline.
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
    'LoRA': MorphologyClassifier(strategy='lora', n_epochs=15, batch_size=16, **common),
}
comparison = CompareStrategies(repeats=1)
runs = comparison.run(classifiers, train, test)
for column in ('f1', 'seconds_fit'):
    runs[column].info.format = '.2f'
runs['name', 'f1', 'n_trainable', 'seconds_fit'].pprint()

# %%
# The numbers at the right are the change against the baseline. With 150 test images one sigma is
# 0.02, and one run says nothing of the luck of the start: a difference that you build on wants
# ``repeats``. What is simulated is what the bundled encoder knows already; data unlike its training
# and more labels are where adapting pays (:doc:`/user_guide/classifying`).

plot_strategies(comparison.summarize(runs),
                figure=plt.figure(figsize=(3.5, 2.6), layout='constrained'))
plt.show()
