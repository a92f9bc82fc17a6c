"""Pixels as small pictures for a page: stretched, of few grey levels, packed as PNG."""

import base64
import io

import numpy as np

from .figures import BLANK_COLOR, BOTTOM, SOFTENING, display_top, reduce_blocks

__all__ = ['encode_figure', 'encode_overview', 'read_cutouts']

# Grey levels of a picture: the noise is what takes space, and 48 levels show it well enough.
_LEVELS = 48
# A cutout is this many times the FWHM wide, of the source or of the beam, and no wider than...
_SOURCE_WIDTHS, _BEAM_WIDTHS = 5.0, 9.0
_SMALLEST, _LARGEST = 16, 2048
# ... and is reduced to at most this many pixels a side.
_CUTOUT_SIDE = 56


def encode_overview(thumbnail):
    """
    Turn a thumbnail into a picture.

    Parameters
    ----------
    thumbnail : `~astrofound.explore.figures.Thumbnail`
        The image.

    Returns
    -------
    text : str
        A PNG in base64, first row at the top.
    """
    return _encode_png((thumbnail.data - thumbnail.level) / thumbnail.noise,
                       display_top(thumbnail) / thumbnail.noise)


def read_cutouts(image, positions, sizes, levels, noises):
    """
    Read the surroundings of sources as pictures, each on its own scale.

    Parameters
    ----------
    image : `~astrofound.image.SurveyImage`
        The image; one window is read at a time.
    positions : 2D array-like
        ``(x, y)`` of each source in pixels.
    sizes : array-like
        FWHM of each source in pixels.
    levels, noises : array-like
        Background and noise there, in the unit of the image.

    Yields
    ------
    cutout : list or None
        Left, right, bottom and top edge in pixels and a PNG in base64; `None` where the place is
        not on the image.
    """
    beam = image.beam.major if image.beam is not None else 4.0
    for (x, y), size, level, noise in zip(positions, sizes, levels, noises, strict=True):
        if not np.isfinite([x, y]).all():
            yield None
            continue
        side = max(_SOURCE_WIDTHS * np.nan_to_num(size), _BEAM_WIDTHS * beam, _SMALLEST)
        half = int(np.ceil(min(side, _LARGEST) / 2))
        yield _read_cutout(image, round(x), round(y), half, level, noise)


def _read_cutout(image, x, y, half, level, noise):
    ny, nx = image.shape
    factor = -(-(2 * half + 1) // _CUTOUT_SIDE)
    side = -(-(2 * half + 1) // factor) * factor
    left, bottom = x - side // 2, y - side // 2
    inside = (slice(max(bottom, 0), min(bottom + side, ny)),
              slice(max(left, 0), min(left + side, nx)))
    if any(part.stop <= part.start for part in inside):
        return None
    data = np.full((side, side), np.nan, np.float32)
    data[inside[0].start - bottom:inside[0].stop - bottom,
         inside[1].start - left:inside[1].stop - left] = image.read_window(inside)
    significance = (reduce_blocks(data, factor)[0] - level) / noise
    top = max(np.nanmax(significance, initial=0.0), -5 * BOTTOM)
    return [left - 0.5, left + side - 0.5, bottom - 0.5, bottom + side - 0.5,
            _encode_png(significance, top)]


def _encode_png(significance, top):
    """Pack significance on an asinh scale, dark for bright, as the drawn figures have it."""
    from PIL import Image

    low, high = np.arcsinh(BOTTOM / SOFTENING), np.arcsinh(top / SOFTENING)
    shown = (np.arcsinh(significance / SOFTENING) - low) / (high - low) * (_LEVELS - 1)
    blank = ~np.isfinite(shown)
    codes = np.clip(np.where(blank, 0, shown), 0, _LEVELS - 1).round().astype(np.uint8)
    codes[blank] = _LEVELS
    picture = Image.fromarray(codes[::-1])  # rows of a picture run from the top
    picture.putpalette(_palette())
    stream = io.BytesIO()
    picture.save(stream, 'PNG', compress_level=6)
    return _base64(stream)


def _palette():
    greys = np.repeat(np.linspace(255, 0, _LEVELS).round().astype(np.uint8), 3)
    return greys.tobytes() + bytes.fromhex(BLANK_COLOR.lstrip('#'))


def encode_figure(figure, *, dpi=110):
    """
    Turn a figure into a picture.

    Parameters
    ----------
    figure : `~matplotlib.figure.Figure`
        The drawing.
    dpi : float, optional
        Pixels an inch.

    Returns
    -------
    text : str
        A PNG in base64.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format='png', dpi=dpi, pil_kwargs={'compress_level': 9})
    return _base64(stream)


def _base64(stream):
    return base64.b64encode(stream.getvalue()).decode('ascii')
