"""How large and in which channels a detector on a backbone shall see its images."""

from dataclasses import replace

import numpy as np

from astrofound.image import as_survey_image
from astrofound.networks.pyramid import FeaturePyramid
from astrofound.preprocess import NetworkInput
from astrofound.utils import InputError

from .box_tiles import prepare_tile

__all__ = ['choose_input', 'describe_domain', 'match_classes', 'open_tiles']

_CELLS = 4       # of the finest map that the typical source spans: one patch of a transformer
_N_LOOKED_AT = 16  # images whose beams are looked at
_BEAM_LIMITS = (2.0, 32.0)  # network pixels; fewer lose the beam's shape, more only cost


def choose_input(data, backbone, *, scaling=None, beam_pix=None, zoom=None):
    """
    Choose the scale of the input by beam, source sizes and the patch of a backbone.

    The typical source shall span four cells of the finest map, which for a transformer is one
    patch (the paper's Section 4 gains more than 10 % by it). Where images have a beam, the
    scale is set in pixels a beam, and so carries over to images of another resolution.

    Parameters
    ----------
    data : `~astrofound.datasets.BoxedImages`
        Images with boxes.
    backbone : `~astrofound.backbones.Backbone`
        What will see them.
    scaling : str, optional
        One of ``NETWORK_SCALINGS``; by default what the backbone takes.
    beam_pix, zoom : float, optional
        Your own scale, as in `~astrofound.preprocess.NetworkInput`.

    Returns
    -------
    network_input : `~astrofound.preprocess.NetworkInput`
        The choice.

    Raises
    ------
    InputError
        If there are no boxes.
    """
    if scaling is None:
        scaling = 'significance' if backbone.spec.scale == 'significance' else 'channels'
    if beam_pix is not None:
        return NetworkInput(scaling=scaling, beam_pix=beam_pix)
    if zoom is not None:
        return NetworkInput(scaling=scaling, zoom=zoom)
    sides = np.concatenate([np.sqrt((boxes[~ignored, 2:] - boxes[~ignored, :2]).prod(axis=1))
                            for boxes, ignored in zip(data.boxes, data.ignored, strict=True)])
    if not sides.size:
        raise InputError('there is not one box to learn from')
    zoom = _CELLS * FeaturePyramid(backbone, 1).strides[0] / np.median(sides)
    fwhm_pix = describe_domain(data)['fwhm_pix']
    if fwhm_pix is None:
        return NetworkInput(scaling=scaling, zoom=round(float(zoom), 3))
    beam_pix = np.clip(fwhm_pix * zoom, *_BEAM_LIMITS)
    return NetworkInput(scaling=scaling, beam_pix=round(float(beam_pix), 2))


def match_classes(data, classes):
    """
    Number the classes of images as a detector numbers its own.

    Parameters
    ----------
    data : `~astrofound.datasets.BoxedImages`
        Images with boxes.
    classes : sequence of str
        The detector's.

    Returns
    -------
    data : `~astrofound.datasets.BoxedImages`
        The same boxes.

    Raises
    ------
    InputError
        If a class is unknown to the detector. Where both have one only, it is the same
        whatever its name.
    """
    classes = tuple(classes)
    if len(classes) == len(data.classes) == 1:
        return replace(data, classes=classes)
    unknown = [name for name in data.classes if name not in classes]
    if unknown:
        raise InputError(f"the detector does not know the classes {', '.join(unknown)}; it has "
                         f"{', '.join(classes)}")
    place = np.array([classes.index(name) for name in data.classes], int)
    return replace(data, classes=classes, labels=[place[own] for own in data.labels])


def describe_domain(data):
    """
    Say what kind of images these are, so that a detector can tell when it meets others.

    Parameters
    ----------
    data : `~astrofound.datasets.BoxedImages`
        Images with boxes, of which some are looked at.

    Returns
    -------
    domain : dict
        Medians of ``fwhm_pix``, ``beam_arcsec`` and ``frequency_hz``, `None` unless all say it,
        and ``per_beam``, whether most have brightness per beam.
    """
    rows = np.linspace(0, len(data) - 1, min(len(data), _N_LOOKED_AT)).astype(int)
    images = [as_survey_image(data.images[row]) for row in rows]
    fwhm = [np.nan if image.beam is None else image.beam.fwhm for image in images]
    arcsec = [np.nan if image.sky_beam is None else np.sqrt(
        image.sky_beam.major * image.sky_beam.minor).to_value('arcsec') for image in images]
    hertz = [np.nan if image.frequency is None else image.frequency.to_value('Hz')
             for image in images]
    per_beam = np.mean([image.is_per_beam for image in images]) > 0.5 if images else False
    return {'fwhm_pix': _median(fwhm), 'beam_arcsec': _median(arcsec),
            'frequency_hz': _median(hertz), 'per_beam': bool(per_beam)}


def _median(values):
    return round(float(np.median(values)), 4) if np.isfinite(values).all() and values else None


def open_tiles(data, network_input, *, min_visible=0.7, ignore_unlabelled=False):
    """
    Bring images with boxes into the frame of a network.

    Parameters
    ----------
    data : `~astrofound.datasets.BoxedImages`
        Images with boxes.
    network_input : `~astrofound.preprocess.NetworkInput`
        Scale and channels.
    min_visible : float, optional
        As for `prepare_tile`.
    ignore_unlabelled : bool, optional
        As for `prepare_tile`.

    Returns
    -------
    tiles : list of BoxTile
        One for each image, in their order.
    """
    return [prepare_tile(data.images[row], data.boxes[row], data.labels[row],
                         ignored=data.ignored[row], network_input=network_input,
                         min_visible=min_visible, ignore_unlabelled=ignore_unlabelled,
                         name=str(data.names[row]))
            for row in range(len(data))]
