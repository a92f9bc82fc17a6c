"""Fetch public data sets, and say how to come by the others."""

import gzip
import re
import shutil
import tarfile
from pathlib import Path

from ..utils import InputError, ReadError, WriteError, atomic_path, check_choice, download_file

__all__ = ['FETCHED_SETS', 'fetch_dataset']

# Addresses and hashes are those of the sets' own code, read in November 2026:
# github.com/mwalmsley/galaxy_mnist and github.com/as595/MiraBest.
_GALAXIES = 'https://dl.dropboxusercontent.com/s/'
_FILES = {
    'galaxy_mnist': {
        'train_dataset.hdf5.gz': (f'{_GALAXIES}5a14de0o7slyif9/train_dataset.hdf5.gz',
                                  'e408ae294e9b975482dc1abffeb373a6'),
        'test_dataset.hdf5.gz': (f'{_GALAXIES}5rza12nn24cwd2k/test_dataset.hdf5.gz',
                                 '7a940e4cea64a8b7cb60339098f74490')},
    'galaxy_mnist_highres': {
        'train_dataset.hdf5.gz': (f'{_GALAXIES}xenuo0ekgyi10ru/train_dataset.hdf5.gz',
                                  '3391dcddac14d5b4055db73fb600ae63'),
        'test_dataset.hdf5.gz': (f'{_GALAXIES}lczri4sb4bbcgyh/test_dataset.hdf5.gz',
                                 'fb272c4e94000b4d99a09d638977b0b9')},
    'mirabest': {
        'MiraBest_F_batches.tar.gz': (
            'http://www.jb.man.ac.uk/research/MiraBest/MiraBest_F/MiraBest_F_batches.tar.gz',
            '7d4e3a623d29db7204bce81676ee8ce2')},
}
_BY_HAND = {
    'rgz': 'the images and labels that Lastufka et al. (2025) took from Radio Galaxy Zoo are to be '
           'had from their authors on request; read_radio_galaxy_zoo() reads them, and '
           "make_labelled('rgz') and make_boxed('rgz') stand in for them",
    'mgcls': 'fetch the enhanced products and the compact source catalogue from '
             'https://doi.org/10.48479/7epd-w356, which are too many for everyone to fetch whole; '
             "read_mgcls() reads them, and make_boxed('mgcls') stands in for them",
}
_BATCH = re.compile(r'data_batch_\d+|test_batch|batches\.meta')

#: Data sets that `fetch_dataset` gets.
FETCHED_SETS = tuple(_FILES)


def fetch_dataset(name, folder, *, progress=None):
    """
    Fetch a public data set into a folder of its own, checked by hash and unpacked.

    Parameters
    ----------
    name : str
        One of `FETCHED_SETS`; for ``'rgz'`` and ``'mgcls'`` the error says how to get them.
    folder : path-like
        Where that folder goes, made where missing. What is there already is not fetched again.
    progress : bool, optional
        Whether to show progress bars on standard error; by default where it is a terminal.

    Returns
    -------
    path : `~pathlib.Path`
        The set's own folder, for ``read_galaxy_mnist`` or ``read_mirabest``.

    Raises
    ------
    InputError
        If the set is not known or not public as a file.
    ReadError
        If it cannot be fetched, or is not what it was.
    WriteError
        If it cannot be written.
    """
    check_choice('data set', name, [*FETCHED_SETS, *_BY_HAND])
    if name in _BY_HAND:
        raise InputError(f'{name} cannot be fetched: {_BY_HAND[name]}')
    target = Path(folder) / name
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f'cannot make the folder {target}: {error.strerror}') from None
    for file_name, (url, md5) in _FILES[name].items():
        packed = download_file(url, target / file_name, md5=md5, progress=progress)
        unpack_tar(packed) if file_name.endswith('.tar.gz') else unpack_gzip(packed)
    return target


def unpack_gzip(path):
    """
    Unpack a file beside itself.

    Parameters
    ----------
    path : `~pathlib.Path`
        A ``.gz`` file.

    Raises
    ------
    ReadError
        If it is damaged.
    """
    target = path.with_suffix('')
    if target.is_file():
        return
    with atomic_path(target) as temporary:
        try:
            with gzip.open(path) as source, temporary.open('wb') as out:
                shutil.copyfileobj(source, out)
        except (EOFError, gzip.BadGzipFile) as error:
            raise ReadError(f'{path} is damaged: {error}') from None


def unpack_tar(path):
    """
    Unpack the batches of an archive beside it; nothing else in it is looked at.

    Parameters
    ----------
    path : `~pathlib.Path`
        A ``.tar.gz`` file.

    Raises
    ------
    ReadError
        If it is damaged or holds no batches.
    """
    n_batches = 0
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.rpartition('/')[2]
                if not (member.isfile() and _BATCH.fullmatch(name)):
                    continue
                n_batches += 1
                with atomic_path(path.with_name(name)) as temporary, temporary.open('wb') as out:
                    shutil.copyfileobj(archive.extractfile(member), out)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise ReadError(f'{path} is damaged: {error}') from None
    if not n_batches:
        raise ReadError(f'{path} holds no batches')
