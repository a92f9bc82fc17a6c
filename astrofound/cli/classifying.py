"""Options that training and using a classifier share."""

import click

__all__ = ['open_labelled']


def open_labelled(data, *, mosaic=None, labels=None, cutout='auto'):
    """
    Open labelled images: a folder of class folders, a table of files, or a catalogue.

    Parameters
    ----------
    data : str
        Folder or table; with ``mosaic`` a catalogue of sources on it.
    mosaic : str, optional
        Image to cut the sources out of.
    labels : str, optional
        Column of the labels.
    cutout : str, optional
        Side of the cutouts, as `parse_side` reads it.

    Returns
    -------
    data : `~astrofound.datasets.LabelledImages`
        The images.
    """
    from pathlib import Path

    from astrofound.datasets import label_cutouts, read_image_folders, read_image_table

    from .embed import parse_side

    if mosaic is not None:
        opened = label_cutouts(mosaic, data, label_column=labels, size=parse_side(cutout),
                               n_beams=32.0)
    elif Path(data).is_dir():
        opened = read_image_folders(data)
    else:
        opened = read_image_table(data, label_column=labels)
    click.echo(f'{opened!r}')
    return opened
