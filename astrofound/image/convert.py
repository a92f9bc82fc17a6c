"""The one parser of everything that can be an image."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.wcs.wcsapi import BaseHighLevelWCS, BaseLowLevelWCS

from astrofound.utils import InputError

from .survey_image import SurveyImage

__all__ = ['as_survey_image']

_CHOICES = ('a path, SurveyImage, CCDData or NDData, HDU, HDUList, array, or (array, wcs)')


def as_survey_image(obj, *, hdu=None, plane=None, beam=None, mask=None, unit=None, wcs='header',
                    name=None):
    """
    Make a `SurveyImage` of anything that is an image.

    Parameters
    ----------
    obj : path-like, SurveyImage, `~astropy.nddata.NDData`, HDU, HDUList, array or (array, wcs)
        The image. Arrays are ``[y, x]``.
    hdu, plane : optional
        Which image of a file or HDUList, as in `SurveyImage.read`.
    beam, mask, unit : optional
        As in `SurveyImage`; they win over what ``obj`` says. A mask adds to that of ``obj``.
    wcs : `~astropy.wcs.WCS`, 'header' or None, optional
        `None` ignores the WCS of ``obj``.
    name : str, optional
        For messages and the catalogue; by default the file's name.

    Returns
    -------
    image : SurveyImage
        ``obj`` itself where it is one and nothing is changed.

    Raises
    ------
    InputError
        If ``obj`` is no image.
    ReadError
        If it is a file that cannot be read.
    """
    from_header = isinstance(wcs, str) and wcs == 'header'
    changes = {'beam': beam, 'mask': mask, 'unit': unit}
    if isinstance(obj, SurveyImage):
        return _change(obj, hdu, plane, changes, wcs, from_header, name)
    if isinstance(obj, (str, Path)):
        image = SurveyImage.read(obj, hdu=hdu, plane=plane, wcs=wcs, **changes)
        return image if name is None else image.replace(name=name)
    if isinstance(obj, (fits.HDUList, fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)):
        hdus = obj if isinstance(obj, fits.HDUList) else [obj]
        return SurveyImage._from_hdus(hdus, hdu=hdu, plane=plane, wcs=wcs, name=name or 'image',
                                      **changes)
    if hdu is not None:
        raise InputError("'hdu' goes with a file or an HDUList, not with "
                         f'{type(obj).__name__}')
    keywords = {'name': name or 'image', 'plane': plane, **changes}
    if not from_header:
        keywords['wcs'] = wcs
    if isinstance(obj, NDData):
        return _from_nddata(obj, keywords)
    if isinstance(obj, tuple) and len(obj) == 2 and _is_wcs(obj[1]):
        return SurveyImage(obj[0], **{'wcs': obj[1], **keywords})
    if isinstance(obj, (list, tuple)) or (hasattr(obj, 'shape') and hasattr(obj, 'dtype')):
        return SurveyImage(obj, **keywords)
    raise InputError(f'an image must be {_CHOICES}; got {type(obj).__name__}')


def _change(image, hdu, plane, changes, wcs, from_header, name):
    if hdu is not None or plane is not None:
        raise InputError("'hdu' and 'plane' go with a file or an HDUList, not with a SurveyImage")
    if from_header and name is None and all(value is None for value in changes.values()):
        return image
    image = image.replace(**changes, name=name, wcs=None if from_header else wcs)
    if wcs is None:
        image.wcs = None
    return image


def _is_wcs(obj):
    return obj is None or isinstance(obj, (fits.Header, BaseHighLevelWCS, BaseLowLevelWCS))


def _from_nddata(ndd, keywords):
    """Take data, mask, unit and WCS; what the caller says wins, masks add up."""
    extra, keywords = keywords['mask'], dict(keywords)
    keywords['mask'] = ndd.mask
    if keywords['unit'] is None:
        keywords['unit'] = ndd.unit
    header = fits.Header()
    for key, value in dict(ndd.meta).items() if not isinstance(ndd.meta, fits.Header) else ():
        _add_card(header, key, value)
    header = ndd.meta if isinstance(ndd.meta, fits.Header) else header
    keywords.setdefault('wcs', ndd.wcs)
    if np.ndim(keywords['mask']) == 0:  # one value for the whole image, or none
        keywords['mask'] = np.full(np.shape(ndd.data), True) if keywords['mask'] else None
    image = SurveyImage(ndd.data, header=header, **keywords)
    return image if extra is None else image.replace(mask=extra)


def _add_card(header, key, value):
    if isinstance(value, (str, int, float, bool)) and len(str(key)) <= 8:
        try:
            header[str(key)] = value
        except ValueError:  # a meta entry that FITS cannot hold says nothing about the image
            return
