"""Features kept on disk, so that nobody computes them twice."""

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import torch

from astrofound.utils import ReadError, WriteError

from .orientations import turned

__all__ = ['FeatureCache', 'cached_features', 'cached_vectors', 'pixel_key']

_TABLE = 'CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID'


def pixel_key(settings, pixels):
    """
    Hash an image together with everything that its features depend on.

    Parameters
    ----------
    settings : str
        Preprocessing, backbone, its weights and the pooling.
    pixels : `~numpy.ndarray`
        The image as it was read.

    Returns
    -------
    key : bytes
        16 bytes.
    """
    digest = hashlib.blake2b(f'{settings} {pixels.shape} {pixels.dtype}'.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels))
    return digest.digest()


class FeatureCache:
    """
    A file of feature vectors, looked up by key; several processes may share it.

    Parameters
    ----------
    folder : path-like
        Where ``features.sqlite`` is, or will be.

    Raises
    ------
    ReadError
        If the file there is not such a cache.
    WriteError
        If it cannot be made.
    """

    def __init__(self, folder):
        self.path = Path(folder) / 'features.sqlite'
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            self._database.execute(_TABLE)
        except sqlite3.DatabaseError as error:
            if not self.path.is_file():
                raise WriteError(f'cannot make the cache {self.path}: {error}') from None
            raise ReadError(f'{self.path} is not a cache of features ({error}); remove it or '
                            'choose another folder') from None
        except OSError as error:
            raise WriteError(f'cannot make the folder {folder}: {error.strerror}') from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._database.close()

    def __len__(self):
        return self._database.execute('SELECT COUNT(*) FROM features').fetchone()[0]

    def get(self, key):
        """
        Look a vector up.

        Parameters
        ----------
        key : bytes
            From `pixel_key`.

        Returns
        -------
        vector : 1D `~numpy.ndarray` of float32 or None
            `None` where it is not known.
        """
        row = self._database.execute('SELECT vector FROM features WHERE key = ?',
                                     (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], '<f4')

    def put(self, keys, vectors):
        """
        Keep vectors.

        Parameters
        ----------
        keys : sequence of bytes
            From `pixel_key`.
        vectors : 2D `~numpy.ndarray`
            One row a key.

        Raises
        ------
        WriteError
            If the disk does not take them.
        """
        rows = [(key, vector.astype('<f4').tobytes())
                for key, vector in zip(keys, vectors, strict=True)]
        try:
            with self._database:
                self._database.executemany('INSERT OR REPLACE INTO features VALUES (?, ?)', rows)
        except sqlite3.Error as error:
            raise WriteError(f'cannot write {self.path}: {error}') from None


@torch.inference_mode()
def cached_features(network, pixels, *, settings, cache=None, batch_size=64,
                    mixed_precision=False, n_orientations=1):
    """
    Compute pooled features of prepared images, except for those that the cache knows.

    Parameters
    ----------
    network : `~astrofound.training.ClassifierNetwork`
        Gives backbone and pooling.
    pixels : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``.
    settings : str
        What the features depend on besides the pixels.
    cache : path-like, optional
        Folder of the cache.
    batch_size : int, optional
        Images at once.
    mixed_precision : bool, optional
        Whether the backbone computes in bfloat16.
    n_orientations : {1, 4, 8}, optional
        Views over which features are averaged.

    Returns
    -------
    features : 2D `~numpy.ndarray` of float32
        One row an image.
    """
    if n_orientations > 1:
        settings = f'{settings} {n_orientations}'
    return cached_vectors(
        lambda some: _features(network, some, batch_size, mixed_precision, n_orientations),
        pixels, settings=settings, cache=cache)


def cached_vectors(compute, pixels, *, settings, cache=None):
    """
    Compute a vector for each image, except for those that the cache knows.

    Parameters
    ----------
    compute : callable
        From images to a 2D array, one row an image.
    pixels : `torch.Tensor`
        Shape ``(n, n_channels, ny, nx)``.
    settings : str
        What the vectors depend on besides the pixels.
    cache : path-like, optional
        Folder of the cache.

    Returns
    -------
    vectors : 2D `~numpy.ndarray` of float32
        One row an image.
    """
    if cache is None:
        return compute(pixels)
    with FeatureCache(cache) as store:
        keys = [pixel_key(settings, image.numpy()) for image in pixels]
        vectors = [store.get(key) for key in keys]
        new = [index for index, vector in enumerate(vectors) if vector is None]
        if new:
            found = compute(pixels[new])
            store.put([keys[index] for index in new], found)
            for index, vector in zip(new, found, strict=True):
                vectors[index] = vector
    return np.stack(vectors)


def _features(network, pixels, batch_size, mixed_precision, n_orientations):
    network.backbone.eval()
    device, out = network.backbone.device, []
    for part in pixels.split(batch_size):
        total = 0
        for view in turned(part.to(device, torch.float32), n_orientations):
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision):
                features = network.backbone(view)
            total = total + features.pooled(network.pooling).float()
        out.append((total / n_orientations).cpu().numpy())
    return np.concatenate(out)
