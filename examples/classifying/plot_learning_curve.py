"""
How many labels are enough?
===========================

Labels cost more than computing. A learning curve trains on growing parts of them, always tests
on the same images, and shows whether more would help, or an easier question.
"""

import matplotlib.pyplot as plt

from astrofound.datasets import make_labelled
from astrofound.estimators import MorphologyClassifier
from astrofound.evaluation import LearningCurve
from astrofound.explore import plot_learning_curves

train = make_labelled('rgz', 120, seed=0)
test = make_labelled('rgz', 90, seed=1)

# %%
# Six classes of Radio Galaxy Zoo, by components and peaks: the same images can be labelled by the
# number of peaks alone, which is an easier question.

panels = {}
for title, scheme in (('components and peaks', 'original'), ('peaks', 'peaks')):
    curve = LearningCurve(fractions=(0.1, 0.3, 1.0), repeats=2)
    classifier = MorphologyClassifier(crop='segmentation', image_size=48)
    runs = curve.run({'linear probe': classifier}, train.relabel(scheme), test.relabel(scheme))
    panels[title] = curve.summarize(runs)

plot_learning_curves(panels, figure=plt.figure(figsize=(7.1, 3.2), layout='constrained'))
plt.show()

# %%
# Bars run from the worst to the best of the repeats, as in Lastufka et al. 2025.

panels['peaks']['name', 'fraction', 'n_train', 'f1', 'f1_low', 'f1_high'].pprint()
