"""Stand-ins for labelled data sets: simulated, with the mix and the look of the real ones."""

import numpy as np
from astropy import units as u
from scipy import ndimage

from ...image import PixelBeam, SurveyImage
from ...utils import InputError, check_choice, check_number
from ..boxed import BoxedImages
from ..labelled import LabelledImages
from ..shares import share_out
from .galaxy_cutouts import draw_galaxy
from .header import field_wcs
from .radio_cutouts import MIRABEST, RGZ, add_noise, draw_mirabest, draw_rgz, to_bytes
from .tile_fields import MGCLS_BEAM, draw_mgcls

__all__ = ['BOXED_SETS', 'LABELLED_SETS', 'make_boxed', 'make_labelled']

# Classes and their numbers: RGZ's training boxes from the loss weights of the code of Lastufka et
# al. (2025); GalaxyMNIST is balanced; MiraBest's FR I and II from Porter & Scaife (2023).
_MIXES = {
    'rgz': {'1C-1P': 2323, '1C-2P': 740, '1C-3P': 888, '2C-2P': 733, '2C-3P': 753, '3C-3P': 851},
    'galaxy_mnist': dict.fromkeys(('smooth_round', 'smooth_cigar', 'edge_on_disk',
                                   'unbarred_spiral'), 2500),
    'mirabest': {'FRI': 591, 'FRII': 631},
}
# Images with 1 to 6 objects: 20 % have two galaxies and 4 % more.
_OBJECTS = (0.76, 0.20, 0.025, 0.01, 0.003, 0.002)
_RMS = {'rgz': 1.4e-4, 'mirabest': 1.4e-4, 'mgcls': 8e-6}  # Jy / beam
_PIXELS = ('bytes', 'float')

#: Data sets that `make_labelled` and `make_boxed` stand in for.
LABELLED_SETS, BOXED_SETS = tuple(_MIXES), ('rgz', 'mgcls')


def make_labelled(name, n_images=1000, *, seed=0, pixels='bytes'):
    """
    Make a stand-in for a data set of labelled images.

    What a source shows decides its label: components and peaks are counted on the image
    without noise above four times its level, as Radio Galaxy Zoo draws contours; the class of
    Fanaroff & Riley is that of the distance between the brightest places; arms and axis ratios
    of galaxies are measured.

    Parameters
    ----------
    name : {'rgz', 'galaxy_mnist', 'mirabest'}
        ``'rgz'``: six classes in the shares of the real set, 132 pixels. ``'galaxy_mnist'``:
        four balanced classes, 64 pixels in colour. ``'mirabest'``: two classes, 150 pixels,
        clipped at three times the noise.
    n_images : int, optional
        Number of images.
    seed : int, optional
        The same seed gives the same images.
    pixels : {'bytes', 'float'}, optional
        8-bit as the real sets come, in which faint islands beside bright ones are lost, or
        32-bit in Jy / beam (radio only), in which they are not.

    Returns
    -------
    data : LabelledImages
        Arrays, with the box of each source.

    Raises
    ------
    InputError
        If there is no such set, or galaxies are asked for as numbers.

    Examples
    --------
    >>> from astrofound.datasets import make_labelled
    >>> make_labelled('rgz', 20)
    <LabelledImages of 20: 1C-1P 7, 1C-2P 2, 1C-3P 3, 2C-2P 2, 2C-3P 3, 3C-3P 3; simulated rgz>
    """
    check_choice('data set', name, LABELLED_SETS)
    check_choice('pixels', pixels, _PIXELS)
    check_number('n_images', n_images, minimum=1, integer=True)
    if name == 'galaxy_mnist' and pixels != 'bytes':
        raise InputError("'pixels' must be 'bytes' for galaxy_mnist, which is pictures")
    mix = _MIXES[name]
    labels = np.repeat(list(mix), share_out(list(mix.values()), n_images))
    labels = np.random.default_rng(seed).permutation(labels)
    images, boxes = [], []
    for number, label in enumerate(labels.tolist()):
        rng = np.random.default_rng([seed, number])
        if name == 'galaxy_mnist':
            image, box = draw_galaxy(rng, label)
        else:
            style, draw = (RGZ, draw_rgz) if name == 'rgz' else (MIRABEST, draw_mirabest)
            model, box = draw(rng, label)
            image = _finish(add_noise(rng, model, style), _RMS[name], pixels, style.clip)
        images.append(image)
        boxes.append(box[None])
    return LabelledImages(np.stack(images), labels, classes=tuple(mix), boxes=boxes,
                          source=f'simulated {name}')


def make_boxed(name, n_images=100, *, seed=0, pixels='bytes'):
    """
    Make a stand-in for a data set of images with boxes.

    Parameters
    ----------
    name : {'rgz', 'mgcls'}
        ``'rgz'``: 132 pixels with 1 to 6 radio galaxies of six classes, boxed at their lowest
        contour. ``'mgcls'``: 512 pixels with some 10 to 100 compact sources, boxed at half
        maximum and 13 to 16 pixels wide; extended and blended ones are there and boxed, to be
        ignored.
    n_images : int, optional
        Number of images.
    seed : int, optional
        The same seed gives the same images.
    pixels : {'bytes', 'float'}, optional
        8-bit pictures, for ``'mgcls'`` between the 2nd and the 98th percentile as in the paper,
        or survey images in Jy / beam with beam and WCS.

    Returns
    -------
    data : BoxedImages
        Arrays or `~astrofound.image.SurveyImage`.

    Raises
    ------
    InputError
        If there is no such set.

    Examples
    --------
    >>> from astrofound.datasets import make_boxed
    >>> make_boxed('rgz', 3).classes
    ('1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P')
    """
    check_choice('data set', name, BOXED_SETS)
    check_choice('pixels', pixels, _PIXELS)
    check_number('n_images', n_images, minimum=1, integer=True)
    classes = tuple(_MIXES['rgz']) if name == 'rgz' else ('compact',)
    images, boxes, labels, ignored = [], [], [], []
    for number in range(n_images):
        rng = np.random.default_rng([seed, number])
        if name == 'rgz':
            image, own, codes = _several_galaxies(rng, classes)
            skip = np.zeros(len(own), bool)
        else:
            image, own, skip = draw_mgcls(rng)
            codes = np.zeros(len(own), int)
        if pixels == 'float':
            images.append(_survey_image(image, name, number))
        else:
            images.append(to_bytes(image) if name == 'rgz' else _percentile_bytes(image))
        for into, value in ((boxes, own), (labels, codes), (ignored, skip)):
            into.append(value)
    return BoxedImages(images if pixels == 'float' else np.stack(images), boxes, labels, classes,
                       ignored=ignored, source=f'simulated {name}')


def _several_galaxies(rng, classes):
    """Draw 1 to 6 radio galaxies whose contours keep apart."""
    weights = np.array(list(_MIXES['rgz'].values()), float)
    n_objects = 1 + int(rng.choice(len(_OBJECTS), p=_OBJECTS))
    total, boxes, codes = np.zeros(RGZ.shape), [], []
    for _ in range(n_objects):
        code = int(rng.choice(len(classes), p=weights / weights.sum()))
        room = None
        if boxes:
            near = ndimage.binary_dilation(total > 1, iterations=round(RGZ.fwhm))
            room = ~near
        found = draw_rgz(rng, classes[code], room=room, n_tries=5000 if room is None else 100)
        if found is not None:
            total += found[0]
            boxes.append(found[1])
            codes.append(code)
    return add_noise(rng, total, RGZ), np.array(boxes), np.array(codes)


def _finish(image, rms, pixels, clip):
    return to_bytes(image, clip) if pixels == 'bytes' else image * np.float32(rms)


def _percentile_bytes(image):
    low, high = np.percentile(image, [2, 98])
    return np.round(255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)


def _survey_image(image, name, number):
    beam = (RGZ.fwhm, RGZ.fwhm, 0.0) if name == 'rgz' else MGCLS_BEAM
    scale = RGZ.pixel_scale if name == 'rgz' else 0.625
    position = (number * 0.25 % 360, -30.0 + number * 0.25 // 360)
    wcs = field_wcs(image.shape, position=position, pixel_scale=scale)
    return SurveyImage(image * np.float32(_RMS[name]), wcs=wcs, beam=PixelBeam(*beam),
                       unit=u.Jy / u.beam, name=f'simulated {name} {number}')
