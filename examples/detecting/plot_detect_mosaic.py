"""
Detect the sources of a radio image
===================================

Which sources are in this image, and what are their fluxes? The image is a simulated radio
field with noise that is correlated over the beam, point sources, double sources and diffuse
emission, so that the answer can be checked at the end.
"""

import matplotlib.pyplot as plt

from astrofound import SourceDetector
from astrofound.datasets import make_field
from astrofound.evaluation import score_truth
from astrofound.explore import plot_overview

field = make_field('radio', seed=0)
print(field.image)

# %%
# The detector comes with its weights; nothing has to be trained or downloaded. It gives a
# table with units, brightest source first.

sources = SourceDetector(threshold=0.8).predict(field.image)
sources['name', 'flux', 'flux_err', 'snr', 'major', 'class_name', 'score'][:8].pprint()

# %%
# The overview shows each source in the colour of its class.

plot_overview(field.image, sources, figure=plt.figure(figsize=(7, 6.2), layout='constrained'),
              title='What the compact detector found')
plt.show()

# %%
# A table is filtered as astropy tables are. How do measured fluxes compare with the true
# ones? `~astrofound.evaluation.score_truth` assigns each detection to the true source on
# which it lies.

score = score_truth(sources, field.truth, min_snr=5)
print(score.summary())

# %%
# The measured flux of each source against the true one, with its standard error. A point far
# below the line is a source of several components of which only one was found.

found = score.sources['primary'] >= 0
true = field.truth['flux'][found].to('mJy')
rows = sources[score.sources['primary'][found]]

fig, ax = plt.subplots(figsize=(4.5, 4), layout='constrained')
ax.errorbar(true.value, rows['flux'].to_value('mJy'), yerr=rows['flux_err'].to_value('mJy'),
            fmt='o', ms=4, lw=1, color='#0072B2')
limits = [0.7 * true.value.min(), 1.4 * true.value.max()]
ax.plot(limits, limits, color='0.4', lw=1)
ax.set(xscale='log', yscale='log', xlim=limits, ylim=limits,
       xlabel='true flux (mJy)', ylabel='measured flux (mJy)')
plt.show()
