"""
Measure completeness by injection
=================================

Which sources of *this* image would be found, and how many of those found are noise? Sources of
known flux are put onto the image and looked for; and what is found in the inverted image, where
nothing is real, tells how much of the catalogue is not. The command
``astrofound assess mosaic.fits --plot assessed.png`` does the same.
"""

import matplotlib.pyplot as plt

from astrofound import SourceDetector
from astrofound.datasets import make_field
from astrofound.estimators import InjectionOptions, assess_detector
from astrofound.explore import plot_assessment

image = make_field('radio', shape=(512, 512), seed=0).image
assessment = assess_detector(image, SourceDetector(), options=InjectionOptions(n_rounds=4))

# %%
# Completeness with binomial errors, in bins of peak S/N.

bins = assessment.bins()
for column in ('completeness', 'completeness_low', 'completeness_high'):
    bins[column].info.format = '.2f'
print(bins['low', 'high', 'n_injected', 'n_found', 'completeness', 'completeness_low',
           'completeness_high'])

# %%
# The same as a figure, with flux and place as well.

plot_assessment(assessment, n_cells=3,
                figure=plt.figure(figsize=(10, 3.3), layout='constrained'))
plt.show()

# %%
# Which reliability to ask the detector for, so that 95 % of this catalogue are real as far as
# the inverted image can tell; and to be sure of it at one sigma. NaN means that no value is
# enough: the stricter the cut, the fewer sources there are in so small a field to judge by.

print(assessment.reliability_needed(0.95), assessment.reliability_needed(0.95, sure=True))
