"""
Show several stretches at once
==============================

A radio image spans a factor of ten thousand from its noise to its brightest core, a network's
input about a hundred levels that it tells apart. Which stretch keeps what, and why does
astrofound give its networks more than one as channels?
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound.datasets import RadioSky, SourceCounts, SourceMix
from astrofound.preprocess import Asinh, ComposeChannels, Linear, Log, noise_map

sky = RadioSky(shape=(300, 300), artefacts=None, counts=SourceCounts(density=8, bright_slope=1.5),
               mix=SourceMix(diffuse=0.15))
image = sky(seed=1).image
everything = tuple(slice(0, side) for side in image.shape)
significance = noise_map(image).significance(image.read_window(everything), everything)
print(f'S/N of the brightest pixel: {significance.max():.0f}')

# %%
# Pixels in units of the local noise, as a picture from the lowest to the highest value and in
# three channels.

stretches = {'linear': Linear(-4, 8, 4), 'asinh': Asinh(1, 4), 'log': Log(1)}
channels = dict(zip(stretches, ComposeChannels(tuple(stretches.values()))(significance),
                    strict=True))
figure = plt.figure(figsize=(7, 6.4), layout='constrained')
for number, (name, pixels) in enumerate({'lowest to highest': significance, **channels}.items()):
    ax = figure.add_subplot(2, 2, number + 1, projection=image.wcs)
    ax.imshow(pixels, origin='lower', cmap='gray_r')
    ax.set_title(name)
    for coordinate, axis, shown in zip(ax.coords, ('Right ascension', 'Declination'),
                                       (number > 1, number % 2 == 0), strict=True):
        coordinate.set_axislabel(axis if shown else '')
        coordinate.set_ticklabel_visible(shown)
        coordinate.set_ticks(number=4)
plt.show()

# %%
# What is the smallest change in brightness that moves a pixel by one of 256 levels? The noise
# itself hides changes below the grey line, so nothing is lost along it.

snr = np.geomspace(1, significance.max(), 400)
low, high = float(np.nanmin(significance)), float(np.nanmax(significance))
curves = {'lowest to highest': (Linear(low, None, 1), high - low)}
for name, stretch in stretches.items():
    curves[name] = (stretch, float(channels[name].max() - channels[name].min()))

figure, ax = plt.subplots(figsize=(4.5, 3.6), layout='constrained')
styles = zip(('#000000', '#0072B2', '#D55E00', '#009E73'), (':', '-', '-', '-'), strict=True)
smallest = {}
for (name, (stretch, span)), (color, line) in zip(curves.items(), styles, strict=True):
    change = stretch(1.01 * snr) - stretch(snr)
    smallest[name] = span / 255 / np.where(change > 1e-4, change, np.nan)  # NaN: none is seen
    ax.plot(snr, smallest[name], color=color, ls=line, label=name)
ax.plot(snr, 100 / snr, color='0.6', lw=5, alpha=0.5, zorder=0, label='noise')
ax.set(xscale='log', yscale='log', xlim=(1, snr[-1]), ylim=(0.02, 1e4), xlabel='S/N of a pixel',
       ylabel='smallest change seen (%)')
ax.legend(frameon=False, fontsize='small', ncols=2)
plt.show()

# %%
# Linear keeps the islands at the noise, and nothing above S/N 8; the picture from the lowest to
# the highest value sees no change of a factor of two in anything faint. Arcsinh and logarithm see
# 5 per cent from the noise to the brightest pixel. The bundled detector has the first two as
# channels, and a `~astrofound.estimators.FeatureExtractor` with ``scaling='channels'`` all three.

for name, percent in smallest.items():
    print(f'{name:18} {np.interp(5, snr, percent):6.1f} % at S/N 5, '
          f'{np.interp(500, snr, percent):5.1f} % at S/N 500')
