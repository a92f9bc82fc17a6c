"""
Resize by the beam
==================

Does a network that learnt sources in the pixels of one telescope know those of another? One sky
is shown to the bundled detector with 2.4 to 16 pixels across the beam, and twice each time:
resampled to the four pixels of its training, as it always does, and in the pixels as they are.
"""

import matplotlib.pyplot as plt
import numpy as np

from astrofound import SourceDetector, SurveyImage
from astrofound.datasets import RadioSky, SourceCounts, SourceMix
from astrofound.evaluation import score_truth
from astrofound.preprocess import BeamResampler

sky = RadioSky(shape=(1440, 1440), beam=(16, 16, 0), pixel_scale=6 / 16, artefacts=None,
               counts=SourceCounts(density=10), mix=SourceMix(diffuse=0))
field = sky(seed=3)
everything = tuple(slice(0, side) for side in field.image.shape)


def resize(image, beam_pix):
    """Resample an image to a beam of so many pixels."""
    resampler = BeamResampler(image.shape, image.beam.fwhm, beam_pix)
    window = tuple(slice(0, side) for side in resampler.network_shape)
    return resampler, resampler.resample(image.read_window, window)


# %%
# The brightest source of several components in three samplings, and below what the network sees
# of each. `~astrofound.preprocess.BeamResampler` brings pixels there, and positions back.

multi = field.truth[field.truth['class_name'] == 'multi']
source = multi[np.argmax(multi['snr'])]
figure, axes = plt.subplots(2, 3, figsize=(7, 5), sharex=True, sharey=True, layout='constrained')
for column, beam_pix in zip(axes.T, (2.4, 5.6, 16), strict=True):
    resampler, seen = resize(field.image, beam_pix)
    image = SurveyImage(seen, beam=f'{beam_pix}pix')
    for ax, one, pixels in zip(column, (resampler, BeamResampler(field.image.shape, 16)),
                               (seen, resize(image, 4)[1]), strict=True):
        x, y = one.to_network(source['x_centroid'], source['y_centroid'])
        scale = 6 / one.target_fwhm_pix
        edges = scale * np.array([-0.5 - x, pixels.shape[1] - 0.5 - x,
                                  -0.5 - y, pixels.shape[0] - 0.5 - y])
        ax.imshow(np.arcsinh(pixels / sky.rms / 3), origin='lower', cmap='gray_r', extent=edges,
                  vmin=-0.8, vmax=np.arcsinh(source['snr'] / 3))
        ax.set(xlim=(-30, 30), ylim=(-30, 30))
    column[0].set_title(f'{beam_pix:g} pixels a beam')
figure.supxlabel('offset (arcsec)')
axes[0, 0].set_ylabel('image')
axes[1, 0].set_ylabel('network, 4 pixels a beam')
plt.show()

# %%
# An image whose beam is said to be four pixels wide is left as it is.

beams_pix = (2.4, 4, 5.6, 8, 11, 16)
found = {'in beam units': [], 'in pixels as they are': []}
called_point = {name: [] for name in found}
detector = SourceDetector(diffuse=False)
for beam_pix in beams_pix:
    resampler, data = resize(field.image, beam_pix)
    for name, beam in zip(found, (f'{beam_pix}pix', '4pix'), strict=True):
        sources = detector.predict(SurveyImage(data, unit=field.image.unit, beam=beam))
        sources['x_centroid'], sources['y_centroid'] = resampler.to_image(
            sources['x_centroid'], sources['y_centroid'])
        score = score_truth(sources, field.truth, min_snr=5)
        rows = score.sources['primary'][(score.sources['primary'] >= 0)
                                        & (field.truth['class_name'] == 'point')]
        found[name].append(score.completeness)
        called_point[name].append(np.mean(sources['class_name'][rows] == 'point'))

figure, axes = plt.subplots(1, 2, figsize=(7, 3), sharex=True, sharey=True, layout='constrained')
for ax, (title, lines) in zip(axes, (('found of all above S/N 5', found),
                                     ('called points of all points', called_point)), strict=True):
    for (name, values), style, color in zip(lines.items(), ('o-', 's--'), ('#0072B2', '#D55E00'),
                                            strict=True):
        ax.plot(beams_pix, values, style, color=color, label=name)
    ax.axvline(4, color='0.6', lw=1, ls=':')
    ax.set(xscale='log', xlabel='beam (pixels)', title=title, ylim=(0, 1.04))
    ax.set_xticks(beams_pix, [f'{beam:g}' for beam in beams_pix])
    ax.minorticks_off()
axes[0].set_ylabel('fraction')
axes[0].legend(loc='lower left', frameon=False)
plt.show()

# %%
# At the dotted line the pixels happen to be those of the training. In beam units the same sources
# are found and called the same however the sky was sampled; a network that is shown the pixels
# loses faint ones on either side, and takes every well sampled point for an extended source.
