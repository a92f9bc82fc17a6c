"""Images in, feature vectors out, with any backbone."""

import logging

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from astrofound import __version__
from astrofound.backbones import (
    Backbone,
    attention_maps,
    list_backbones,
    load_backbone,
    save_backbone,
)
from astrofound.datasets import open_images
from astrofound.pipeline import run_tiles
from astrofound.utils import (
    InputError,
    ReadError,
    check_choice,
    check_number,
    has_fast_bfloat16,
    is_out_of_memory,
    progress_bar,
    resolve_device,
)

from .feature_cache import FeatureCache, pixel_key
from .image_tensors import resize_images
from .orientations import check_orientations, turned
from .preparing import Preparation, check_preparation
from .saving import SavingMixin

__all__ = ['FeatureExtractor']

logger = logging.getLogger(__name__)

_BATCH = {'cpu': 16, 'cuda': 256}  # where 'auto' starts; halved when memory runs out


class FeatureExtractor(SavingMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin,
                       BaseEstimator):
    """
    Turn images, or the sources of a catalogue, into feature vectors.

    It needs no fitting and stands in any pipeline of scikit-learn.

    Parameters
    ----------
    backbone : str, path-like or `~astrofound.backbones.Backbone`, optional
        As for `~astrofound.backbones.load_backbone`; ``'compact'`` is bundled.
    pooling : str, optional
        How tokens become one vector: ``'auto'`` or a key of
        `~astrofound.backbones.POOLINGS`.
    image_size : int, 'auto' or None, optional
        Side in pixels that the longer side of an image is brought to, bilinearly. ``'auto'``
        takes the backbone's, `None` leaves images as they are.
    scaling : str, optional
        How pixels come to 0..1: a key of `~astrofound.preprocess.SCALINGS`. ``'auto'`` takes
        ``'none'`` for bytes, else ``'asinh'``, and for ``compact`` ``'significance'``.
    crop : float, 'segmentation' or None, optional
        What is kept of each image, as for `~astrofound.preprocess.CropToSource`.
    clip : float, optional
        Pixels that do not rise so many sigma above the sky become 0.
    orientations : {1, 4, 8}, optional
        Over how many views of an image its vector is averaged, each of which costs as much as
        the first: 4 are turned by right angles, 8 also mirrored.
    cutout_size : number, `~astropy.units.Quantity` or 'auto', optional
        Side of a cutout around a source of a catalogue, in pixels or as an angle. ``'auto'``
        makes the beam fill one patch.
    weights : path-like, optional
        Folder or ``.safetensors`` file of a named backbone.
    batch_size : int or 'auto', optional
        Images at once; halved as often as memory runs out.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...
    precision : {'auto', 'float32', 'bfloat16'}, optional
        Arithmetic of the network. ``'auto'`` takes bfloat16 on a GPU that has it.
    cache : path-like, optional
        Folder in which features are kept, by pixels, preprocessing, backbone and weights.

    Attributes
    ----------
    backbone_ : `~astrofound.backbones.Backbone`
        The network.
    n_features_ : int
        Length of a vector.
    batch_size_ : int
        Images at once, after what memory allowed.
    n_cached_ : int
        Images of the last `transform` whose features came from the cache.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.estimators import FeatureExtractor
    >>> noise = np.random.default_rng(0).normal(size=(5, 64, 64))
    >>> FeatureExtractor().transform(noise).shape
    (5, 656)
    """

    def __init__(self, backbone='compact', *, pooling='auto', image_size='auto', scaling='auto',
                 crop=None, clip=None, orientations=1, cutout_size='auto', weights=None,
                 batch_size='auto', device='auto', precision='auto', cache=None):
        self.backbone = backbone
        self.pooling = pooling
        self.image_size = image_size
        self.scaling = scaling
        self.crop = crop
        self.clip = clip
        self.orientations = orientations
        self.cutout_size = cutout_size
        self.weights = weights
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.cache = cache

    def fit(self, images=None, y=None):
        """
        Check the parameters and load the backbone; images are not looked at.

        Parameters
        ----------
        images : object, optional
            Ignored.
        y : object, optional
            Ignored.

        Returns
        -------
        self : FeatureExtractor
            This object.

        Raises
        ------
        InputError
            If a parameter is not possible for this backbone.
        ReadError
            If its weights cannot be found or read.
        """
        self._check_parameters()
        self._device = resolve_device(self.device)
        if isinstance(self.backbone, Backbone):
            self.backbone_ = self.backbone.to(self._device).eval()
        else:
            self.backbone_ = load_backbone(self.backbone, weights=self.weights,
                                           device=self._device)
        spec = self.backbone_.spec
        self._pooling = spec.check_pooling(self.pooling)
        self._size = spec.image_size if self.image_size == 'auto' else self.image_size
        if self._size is not None:
            spec.grid_shape((self._size, self._size))
        check_preparation(spec, self.scaling, self.crop, self.clip)
        self._preparation = Preparation(spec, self.scaling, self.crop, self.clip)
        self.n_features_ = self._n_features_out = self.backbone_.n_pooled(self._pooling)
        self.batch_size_ = _BATCH.get(self._device.type, 16) if self.batch_size == 'auto' else (
            self.batch_size)
        self._settings = repr((spec.name, self.backbone_.fingerprint(), self._pooling, self._size,
                               self.scaling, self.crop, self.clip, self.orientations,
                               str(self._dtype()), __version__))
        self._fitted_with = self.get_params()
        return self

    def transform(self, images, *, catalog=None, progress=False):
        """
        Compute the features of images.

        Parameters
        ----------
        images : array, sequence or one image
            An array ``(n, ny, nx)``, ``(n, 3, ny, nx)`` or ``(n, ny, nx, 3)``; a list of
            arrays, paths or `~astrofound.image.SurveyImage`; with ``catalog``, one image in any
            form that a detector takes.
        catalog : `~astropy.table.Table` or path-like, optional
            Sources to cut out of the image, as a detector or
            `~astrofound.catalog.read_catalog` gives them.
        progress : bool, optional
            Whether to show a progress bar on standard error.

        Returns
        -------
        features : 2D `~numpy.ndarray` of float32
            Shape ``(n_images, n_features)``, in the order of the images or of the rows.

        Raises
        ------
        InputError
            If an image or parameter cannot be used.
        ReadError
            If a file cannot be read.
        """
        stamps = self._open(images, catalog)
        features = np.empty((len(stamps), self.n_features_), np.float32)
        self.n_cached_ = 0
        if self.cache is None:
            self._fill(features, stamps, None, progress)
        else:
            with FeatureCache(self.cache) as cache:
                self._fill(features, stamps, cache, progress)
        return features

    def attention(self, images, *, catalog=None, query='auto'):
        """
        Compute where the backbone looks in each image, with the preprocessing of `transform`.

        Parameters
        ----------
        images, catalog : optional
            As for `transform`.
        query : {'auto', 'cls', 'mean'}, optional
            As for `~astrofound.backbones.attention_maps`.

        Returns
        -------
        maps : list of `~astrofound.backbones.AttentionMaps`
            One an image: every block and head.

        Raises
        ------
        InputError
            If the backbone has no attention, or an image or parameter cannot be used.
        """
        stamps = self._open(images, catalog)
        maps = []
        for index in range(len(stamps)):
            image = torch.from_numpy(self._preparation(stamps[index])[None]).to(self._device)
            maps += attention_maps(self.backbone_, resize_images(image, self._size)[0], query=query)
        return maps

    def _save_weights(self, path):
        """Weights of one's own are copied; those of a published backbone are known by its name."""
        self._fit_if_changed()
        changed = {'cache': None}  # a folder of this machine
        name = self.backbone
        public = isinstance(name, str) and (name.startswith('timm:')
                                            or name in list_backbones(toys=True))
        if self.weights is not None or not public:
            save_backbone(path, self.backbone_)
            changed |= {'backbone': path.name, 'weights': None}
        return changed, {'fingerprint': self.backbone_.fingerprint(),
                         'revision': self.backbone_.spec.revision}

    def _check_loaded(self, path, learnt):
        self.fit()
        found = self.backbone_.fingerprint()
        if found != learnt.get('fingerprint'):
            raise ReadError(
                f'the weights of {self.backbone_.spec.name} here (revision '
                f'{self.backbone_.spec.revision}) are not those that {path} was saved with '
                f"(revision {learnt.get('revision')}), so features would not compare; get these")

    def _fit_if_changed(self):
        if getattr(self, '_fitted_with', None) != self.get_params():
            self.fit()

    def _open(self, images, catalog):
        self._fit_if_changed()
        return open_images(images, catalog=catalog, size=self.cutout_size,
                           n_beams=self._n_beams(),
                           beam_pix=getattr(self.backbone_, 'beam_pix', None))

    def _fill(self, features, stamps, cache, progress):
        """Read and prepare a batch in another thread while the network works on the last."""
        step = min(self.batch_size_, 256)
        parts = [range(start, min(start + step, len(stamps)))
                 for start in range(0, len(stamps), step)]
        prepared = run_tiles(parts, lambda part: self._prepare(part, stamps, cache),
                             lambda one: one)
        for numbers, known, keys, shapes in progress_bar(
                prepared, total=len(parts), label='embedding', show=progress):
            for index, vector in known.items():
                features[index] = vector
            self.n_cached_ += len(known)
            for group in shapes.values():
                places = [index for index, _ in group]
                features[places] = self._embed(np.stack([one for _, one in group]))
            new = [index for index in numbers if index not in known]
            if cache is not None and new:
                cache.put([keys[index] for index in new], features[new])

    def _prepare(self, numbers, stamps, cache):
        """Read and scale images; those of one shape are put together."""
        known, keys, shapes = {}, {}, {}
        for index in numbers:
            stamp = stamps[index]
            if cache is not None:
                keys[index] = pixel_key(f'{self._settings} {stamp.is_significance}', stamp.pixels)
                vector = cache.get(keys[index])
                if vector is not None and len(vector) == self.n_features_:
                    known[index] = vector
                    continue
            scaled = self._preparation(stamp)
            shapes.setdefault(scaled.shape, []).append((index, scaled))
        return numbers, known, keys, shapes

    def _embed(self, images):
        """Features of images of one shape, in as large parts as memory holds."""
        out = []
        start = 0
        while start < len(images):
            part = images[start:start + self.batch_size_]
            try:
                out.append(self._run(part))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._retreat(len(part), part.shape)
                continue
            start += len(part)
        return np.concatenate(out)

    def _retreat(self, n_images, shape):
        if n_images == 1:
            raise InputError(f'not enough memory on {self._device} for one image of '
                             f'{self._size or max(shape[-2:])} pixels; lower image_size or use '
                             "device='cpu'") from None
        self.batch_size_ = n_images // 2
        logger.info('out of memory; going on with %d images at once', self.batch_size_)
        if self._device.type == 'cuda':
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _run(self, images):
        batch = torch.from_numpy(images).to(self._device)
        batch, blank = resize_images(batch, self._size)
        blanks = [None] * self.orientations if blank is None else [
            view[:, 0] for view in turned(blank[:, None], self.orientations)]
        total = 0
        for view, hidden in zip(turned(batch, self.orientations), blanks, strict=True):
            with torch.autocast(self._device.type, dtype=torch.bfloat16,
                                enabled=self._dtype() == torch.bfloat16):
                features = self.backbone_(view, blank=hidden)
            # outside, where the sums of pooling keep float32
            total = total + features.pooled(self._pooling).float()
        return (total / self.orientations).cpu().numpy()

    def _dtype(self):
        if self.precision == 'auto':
            fast = self._device.type == 'cuda' and has_fast_bfloat16(self._device)
            return torch.bfloat16 if fast else torch.float32
        return getattr(torch, self.precision)

    def _n_beams(self):
        """Side of a cutout in beams such that each beam fills a patch."""
        if hasattr(self.backbone_, 'beam_pix'):
            return 16.0  # 64 pixels: about what a cell of the compact network sees
        return (self._size or 224) / self.backbone_.spec.patch_size

    def _check_parameters(self):
        check_choice('precision', self.precision, ('auto', 'float32', 'bfloat16'))
        check_orientations(self.orientations, auto=False)
        if self.batch_size != 'auto':
            check_number('batch_size', self.batch_size, minimum=1, integer=True)
        if self.image_size not in ('auto', None):
            check_number('image_size', self.image_size, minimum=1, integer=True)

    def __sklearn_is_fitted__(self):
        return True  # nothing is learnt from images

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
