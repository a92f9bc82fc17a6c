"""Radio Galaxy Zoo as used by Lastufka et al. (2025): pictures and a COCO file."""

from .coco import read_coco

__all__ = ['RGZ_CATEGORIES', 'read_radio_galaxy_zoo']

#: Category ids of the COCO files and what they mean: components and peaks.
RGZ_CATEGORIES = {2: '1C-1P', 3: '1C-2P', 4: '1C-3P', 6: '2C-2P', 7: '2C-3P', 10: '3C-3P'}


def read_radio_galaxy_zoo(path, *, folder=None, single=True):
    """
    Read the labelled images of Radio Galaxy Zoo.

    ``read_coco(path, classes=RGZ_CATEGORIES)`` reads them for detection.

    Parameters
    ----------
    path : path-like
        The COCO file.
    folder : path-like, optional
        Where the pictures are; by default where the file is.
    single : bool, optional
        Whether images with more than one galaxy, a fourth of them, are left out as in the
        paper. If not, the class of an image is that of its largest box.

    Returns
    -------
    data : LabelledImages
        The pictures as paths, with the box of each source.

    Raises
    ------
    ReadError
        If the file is missing or no COCO file, or pictures are missing.
    """
    return read_coco(path, folder=folder, classes=RGZ_CATEGORIES).to_labelled(single=single)
