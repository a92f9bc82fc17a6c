"""Options that training and using a classifier share."""

import click

__all__ = ['open_labelled']


def open_labelled(data, *, mosaic=None, labels=None, cutout='auto'):
    """
    Open labelled images: a folder of class folders, a table or COCO file, or a catalogue.

    Parameters
    ----------
    data : str
        Folder, table or COCO file; ``galaxy_mnist:``, ``rgz:`` or ``mirabest:`` before the path
        of one of these sets; ``simulated:NAME`` or ``simulated:NAME:N`` for a stand-in of N
        images; with ``mosaic`` a catalogue of sources on it.
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

    from astrofound.datasets import (
        label_cutouts,
        read_coco,
        read_image_folders,
        read_image_table,
    )

    from .embed import parse_side

    if mosaic is not None:
        opened = label_cutouts(mosaic, data, label_column=labels, size=parse_side(cutout),
                               n_beams=32.0)
    elif data.partition(':')[0] in _READERS:
        name, _, rest = data.partition(':')
        opened = _READERS[name](rest)
    elif Path(data).suffix == '.json':
        opened = read_coco(data).to_labelled()
    elif Path(data).is_dir():
        opened = read_image_folders(data)
    else:
        opened = read_image_table(data, label_column=labels)
    click.echo(f'{opened!r}')
    return opened


def _simulated(text):
    from astrofound.datasets import make_labelled
    from astrofound.utils import InputError

    name, _, number = text.partition(':')
    if number and not number.isdigit():
        raise InputError("simulated data must be as 'simulated:rgz' or 'simulated:rgz:500', got "
                         f"'simulated:{text}'")
    return make_labelled(name, int(number) if number else 1000)


def _reader(name):
    def read(path):
        from astrofound import datasets

        return getattr(datasets, name)(path)
    return read


_READERS = {'simulated': _simulated, 'galaxy_mnist': _reader('read_galaxy_mnist'),
            'rgz': _reader('read_radio_galaxy_zoo'), 'mirabest': _reader('read_mirabest')}
