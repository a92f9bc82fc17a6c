"""Images in, morphological classes out, with any backbone and strategy."""

import copy
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from astrofound.backbones import Backbone, load_backbone
from astrofound.catalog import SHAPES, measure_shapes
from astrofound.datasets import ImageSet, open_images
from astrofound.datasets.checks import check_files
from astrofound.datasets.lazy import join_images
from astrofound.networks import HEADS
from astrofound.training import (
    AUGMENTATIONS,
    SOLVERS,
    STRATEGIES,
    Ranks,
    StrategyOptions,
    build_classifier,
    fit_classifier,
    fit_temperature,
    predict_logits,
)
from astrofound.utils import (
    InputError,
    ReadError,
    SkippedImagesWarning,
    atomic_path,
    check_choice,
    check_number,
    has_fast_bfloat16,
    resolve_device,
)

from .feature_cache import cached_features, cached_vectors
from .image_tensors import prepare_images
from .labelling import class_weights, encode_labels, split_rows
from .orientations import check_orientations, mirrored_codes, turned
from .preparing import Preparation, check_preparation
from .saving import WEIGHTS, SavingMixin

__all__ = ['MorphologyClassifier']

_SIZE_OF_ANY = 128  # for a backbone that takes any size
_N_BEAMS = 32.0  # side of a cutout: most radio galaxies are shorter
_OPTIONS = ('strategy', 'head', 'solver', 'lora_rank', 'n_epochs', 'learning_rate', 'batch_size',
            'unfreeze_after', 'n_blocks', 'layer_decay', 'patience')
_LEARNT = ('temperature', 'n_channels', 'image_size', 'fingerprint', 'n_trainable', 'n_parameters',
           'history')
_SHAPES_VERSION = 'shapes 1'  # another number forgets what caches hold
_N_VIEWS = {'none': 1, 'photometric': 1, 'sky-parity': 4, 'sky': 8}


class MorphologyClassifier(SavingMixin, ClassifierMixin, BaseEstimator):
    """
    Classify images by a backbone and a head that are fitted to labelled ones.

    Parameters
    ----------
    backbone : str, path-like or `~astrofound.backbones.Backbone`, optional
        As for `~astrofound.backbones.load_backbone`; ``'compact'`` is bundled.
    strategy : str, optional
        What learns: a key of `~astrofound.training.STRATEGIES`.
    head : str, optional
        A key of `~astrofound.networks.HEADS`.
    solver : str, optional
        How the head of a frozen backbone is fitted: a key of `~astrofound.training.SOLVERS`.
    pooling : str, optional
        ``'auto'`` or a key of `~astrofound.backbones.POOLINGS`.
    image_size : int or 'auto', optional
        Side in pixels that images are brought to, bilinearly. ``'auto'`` takes the backbone's,
        and 128 for one that takes any.
    scaling : str, optional
        A key of `~astrofound.preprocess.SCALINGS`, or ``'auto'``.
    crop : float, {'segmentation', 'box'} or None, optional
        As for `~astrofound.preprocess.CropToSource`.
    clip : float, optional
        Pixels that do not rise so many sigma above the sky become 0.
    augment : str, optional
        A key of `~astrofound.training.AUGMENTATIONS`; ``'sky-parity'`` where a mirror image is
        of another class.
    orientations : {'auto', 1, 4, 8}, optional
        Over how many views of an image its features are averaged, where the backbone is
        frozen, or its logits: 4 are turned by right angles, 8 also mirrored. ``'auto'`` takes
        1 for features, which cost so many times as much, and for logits those that ``augment``
        holds for equal.
    shapes : bool, optional
        Whether what `~astrofound.catalog.measure_shapes` measures in the prepared images stands
        beside the features of a frozen backbone.
    mirror : sequence of (str, str), optional
        Classes that are each other's mirror image. Images are then mirrored together with
        their labels, in the fit and in predictions, and in no other way.
    class_weight : {'balanced'} or None, optional
        ``'balanced'`` weighs each class by one over its number.
    n_epochs : int or 'auto', optional
        Passes over the training images.
    learning_rate : float or 'auto', optional
        Of the head.
    batch_size : int, optional
        Images a step.
    unfreeze_after : int or 'auto', optional
        Epochs in which the head learns alone, for ``'finetune'`` and ``'semi'``.
    n_blocks : int or 'all', optional
        Upper blocks of the backbone that learn then.
    layer_decay : float or 'auto', optional
        Factor of the learning rate from each block to the one below it.
    lora_rank : int, optional
        Rank of the matrices of ``'lora'``.
    validation : float, optional
        Share of the images kept apart for early stopping and calibration, where `fit` is given
        none; 0 keeps none.
    patience : int or 'auto', optional
        Epochs without a lower validation loss after which training stops; 0 never stops early.
    weights : path-like, optional
        Folder or ``.safetensors`` file of a named backbone.
    cutout_size : number, `~astropy.units.Quantity` or 'auto', optional
        Side of a cutout around a source of a catalogue.
    random_state : int, optional
        Decides what is random.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...
    precision : {'auto', 'float32', 'bfloat16'}, optional
        Arithmetic of the network. ``'auto'`` takes bfloat16 on a GPU that has it.
    cache : path-like, optional
        Folder in which features of a frozen backbone are kept.
    run : path-like, optional
        Folder for checkpoints of a training of the network; one that was stopped goes on.

    Attributes
    ----------
    classes_ : 1D `~numpy.ndarray` of str
        The classes, sorted.
    network_ : `~astrofound.training.ClassifierNetwork`
        Backbone and head.
    temperature_ : float
        What logits are divided by, so that probabilities are as sure as they are right.
    history_ : list of dict
        Losses during the fit.
    n_trainable_, n_parameters_ : int
        Parameters that were fitted, and all.
    skipped_ : `~astropy.table.Table`
        Rows of the images that could not be read, with the reason.

    Examples
    --------
    >>> import numpy as np
    >>> from astrofound.estimators import MorphologyClassifier
    >>> x, y = np.meshgrid(np.arange(32.0) - 16, np.arange(32.0) - 16)
    >>> noise = np.random.default_rng(0).normal(size=(20, 32, 32))
    >>> sizes = np.repeat([1.5, 5.0], 10)[:, None, None]
    >>> images = noise + 30 * np.exp(-(x**2 + y**2) / (2 * sizes**2))
    >>> classifier = MorphologyClassifier(validation=0)
    >>> classifier.fit(images, np.repeat(['compact', 'extended'], 10)).score(
    ...     images, np.repeat(['compact', 'extended'], 10))
    1.0
    """

    def __init__(self, backbone='compact', *, strategy='frozen', head='linear', solver='lbfgs',
                 pooling='auto', image_size='auto', scaling='auto', crop=None, clip=None,
                 augment='sky', orientations='auto', shapes=False, mirror=None,
                 class_weight='balanced', n_epochs='auto', learning_rate='auto', batch_size=64,
                 unfreeze_after='auto', n_blocks='all', layer_decay='auto', lora_rank=8,
                 validation=0.15, patience='auto', weights=None, cutout_size='auto', random_state=0,
                 device='auto', precision='auto', cache=None, run=None):
        self.backbone = backbone
        self.strategy = strategy
        self.head = head
        self.solver = solver
        self.pooling = pooling
        self.image_size = image_size
        self.scaling = scaling
        self.crop = crop
        self.clip = clip
        self.augment = augment
        self.orientations = orientations
        self.shapes = shapes
        self.mirror = mirror
        self.class_weight = class_weight
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.unfreeze_after = unfreeze_after
        self.n_blocks = n_blocks
        self.layer_decay = layer_decay
        self.lora_rank = lora_rank
        self.validation = validation
        self.patience = patience
        self.weights = weights
        self.cutout_size = cutout_size
        self.random_state = random_state
        self.device = device
        self.precision = precision
        self.cache = cache
        self.run = run

    def fit(self, images, y, *, boxes=None, catalog=None, validation_data=None, unlabelled=None,
            progress=False):
        """
        Fit to labelled images.

        Parameters
        ----------
        images : array, sequence or one image
            As for `FeatureExtractor.transform`.
        y : 1D array of str
            Class of each image or row of the catalogue.
        boxes : sequence, optional
            Edges ``(x1, y1, x2, y2)`` of the source in each image, for ``crop='box'``.
        catalog : `~astropy.table.Table` or path-like, optional
            Sources to cut out of the one image.
        validation_data : (images, labels) or (images, labels, boxes), optional
            Images to stop early by and to calibrate with; by default a share of the others.
        unlabelled : array or sequence, optional
            Images without labels, for ``strategy='semi'``.
        progress : bool, optional
            Whether to show progress bars on standard error.

        Returns
        -------
        self : MorphologyClassifier
            This object.

        Raises
        ------
        InputError
            If a parameter is not possible or images and labels do not fit together.
        ReadError
            If the weights of the backbone cannot be read.
        """
        self._check_parameters()
        stamps = self._open(images, catalog)
        keeps_some = bool(self.validation) and validation_data is None
        self.classes_, codes = encode_labels(y, len(stamps), n_min=2 if keeps_some else 1)
        n_own = len(stamps)
        if validation_data is not None:
            stamps, codes, boxes = self._append(stamps, codes, boxes, *validation_data)
        network = self._build(Ranks().device(resolve_device(self.device)))
        prepared = self._prepare(stamps, boxes, progress)
        self.n_channels_ = prepared.pixels.shape[1]
        codes, is_own = codes[prepared.rows], prepared.rows < n_own
        share = 0 if validation_data is not None else self.validation
        train, validation = split_rows(codes[is_own], self.classes_, share, self.random_state)
        if validation_data is not None:
            validation = np.flatnonzero(~is_own)
        fitted = fit_classifier(
            network, prepared.pixels, codes, train=train, validation=validation,
            options=self._options, features_of=self._features, run=self.run, progress=progress,
            mirror=self._mirror,
            class_weights=(class_weights(codes[train], len(self.classes_))
                           if self.class_weight else None),
            unlabelled=self._open_unlabelled(unlabelled, progress))
        self._state, self.history_ = fitted.state, fitted.history
        self.n_trainable_, self.n_parameters_ = fitted.n_trainable, fitted.n_total
        logits = self._logits(prepared.pixels[torch.from_numpy(validation)])
        self.temperature_ = fit_temperature(logits, codes[validation])
        return self

    def predict(self, images, *, boxes=None, catalog=None, progress=False):
        """
        Give the likeliest class of each image.

        Parameters
        ----------
        images, boxes, catalog, progress : optional
            As for `fit`.

        Returns
        -------
        classes : 1D `~numpy.ndarray` of str
            One an image; empty text where an image could not be read.
        """
        probability = self.predict_proba(images, boxes=boxes, catalog=catalog, progress=progress)
        unread = np.isnan(probability[:, 0]) if len(probability) else np.zeros(0, bool)
        classes = self.classes_[np.argmax(np.nan_to_num(probability), axis=1)]
        return np.where(unread, '', classes)

    def predict_proba(self, images, *, boxes=None, catalog=None, progress=False):
        """
        Give the probability of every class, calibrated on the validation images.

        Parameters
        ----------
        images, boxes, catalog, progress : optional
            As for `fit`.

        Returns
        -------
        probability : 2D `~numpy.ndarray` of float32
            Shape ``(n_images, n_classes)``, columns as in ``classes_``; NaN where an image
            could not be read, which is also warned of.

        Raises
        ------
        InputError
            If the images have another number of bands than those of the fit.
        """
        self._check_fitted()
        stamps = self._open(images, catalog)
        out = np.full((len(stamps), len(self.classes_)), np.nan, np.float32)
        if not len(stamps):
            return out
        prepared = self._prepare(stamps, boxes, progress)
        if prepared.pixels.shape[1] != self.n_channels_:
            raise InputError(f'the images have {prepared.pixels.shape[1]} bands, those of the fit '
                             f'had {self.n_channels_}')
        logits = self._logits(prepared.pixels)
        out[prepared.rows] = softmax(logits / self.temperature_, axis=1)
        return out

    def score(self, images, y, *, boxes=None, catalog=None):
        """
        Give the accuracy of the predicted classes.

        Parameters
        ----------
        images, y, boxes, catalog : optional
            As for `fit`.

        Returns
        -------
        accuracy : float
            Share of the images whose class is right; `~astrofound.evaluation.score_classes`
            tells more.
        """
        return float(np.mean(self.predict(images, boxes=boxes, catalog=catalog) == np.asarray(y)))

    def _save_weights(self, path):
        """Only what the fit changed: the backbone is known by its name."""
        self._check_fitted()
        if isinstance(self.backbone, Backbone):
            raise InputError("the parameter 'backbone' was given as an object, which cannot be "
                             'saved; give it as a name or a path')
        with atomic_path(path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in self._state.items()},
                      temporary)
        learnt = {name: getattr(self, f'{name}_') for name in _LEARNT}
        # folders of this machine
        return {'run': None, 'cache': None}, {**learnt, 'classes': self.classes_.tolist()}

    def _check_loaded(self, path, learnt):
        self.classes_ = np.array(learnt['classes'])
        network = self._build(resolve_device(self.device))
        if self.fingerprint_ != learnt['fingerprint']:
            raise ReadError(f'{path} was fitted with other weights of {self.backbone} than those '
                            'found now; point weights or ASTROFOUND_MODELS to the same ones')
        try:
            self._state = load_file(path.parent / WEIGHTS)
            unknown = network.load_state_dict(self._state, strict=False).unexpected_keys
        except (OSError, SafetensorError) as error:
            raise ReadError(f'cannot read the weights beside {path}: {error}') from None
        except RuntimeError as error:
            raise ReadError(f'the weights beside {path} do not fit it: {error}') from None
        if unknown or not any(name.startswith('head.') for name in self._state):
            raise ReadError(f'the weights beside {path} do not belong to it')
        network.eval().requires_grad_(False)
        for name in _LEARNT:
            setattr(self, f'{name}_', learnt[name])

    def _check_parameters(self):
        check_choice('strategy', self.strategy, STRATEGIES)
        check_choice('head', self.head, HEADS)
        check_choice('solver', self.solver, SOLVERS)
        check_choice('augment', self.augment, AUGMENTATIONS)
        check_orientations(self.orientations)
        check_choice('precision', self.precision, ('auto', 'float32', 'bfloat16'))
        check_number('validation', self.validation, minimum=0, maximum=0.9)
        if self.class_weight is not None:
            check_choice('class_weight', self.class_weight, ('balanced',))
        if self.shapes and (self.strategy != 'frozen' or self.head == 'attention'):
            raise InputError("'shapes' stand beside the pooled features of a frozen backbone; "
                             "they need strategy='frozen' and another head than 'attention'")
        if self.image_size != 'auto':
            check_number('image_size', self.image_size, minimum=1, integer=True)

    def _check_fitted(self):
        if not hasattr(self, 'temperature_'):
            raise NotFittedError('call fit() or load() first')

    def _append(self, stamps, codes, boxes, images, y, more_boxes=None):
        """Put the validation images behind the others."""
        more = self._open(images, None)
        known, extra = encode_labels(y, len(more))
        if unknown := sorted(set(known.tolist()) - set(self.classes_.tolist())):
            raise InputError('validation images of classes that no other image has: '
                             + ', '.join(map(str, unknown)))
        codes = np.append(codes, np.searchsorted(self.classes_, known)[extra])
        if boxes is not None:
            boxes = [*boxes, *([None] * len(more) if more_boxes is None else more_boxes)]
        return ImageSet(join_images([stamps, more])), codes, boxes

    def _build(self, device):
        """Load the backbone, check what is asked of it and put a head on it."""
        if isinstance(self.backbone, Backbone):
            backbone = copy.deepcopy(self.backbone)
        else:
            backbone = load_backbone(self.backbone, weights=self.weights,
                                     pretrained=self.strategy != 'scratch')
        spec = backbone.spec
        check_preparation(spec, self.scaling, self.crop, self.clip)
        self._preparation = Preparation(spec, self.scaling, self.crop, self.clip)
        self.image_size_ = int((spec.image_size or _SIZE_OF_ANY) if self.image_size == 'auto'
                               else self.image_size)
        spec.grid_shape((self.image_size_, self.image_size_))
        fast = device.type == 'cuda' and has_fast_bfloat16(device)
        self._mirror = mirrored_codes(self.mirror, self.classes_)
        # Mirrored with their labels, images must not be mirrored without.
        is_paired = self._mirror is not None and self.augment == 'sky'
        self._options = StrategyOptions(
            augment='sky-parity' if is_paired else self.augment,
            pooling=spec.check_pooling(self.pooling), seed=self.random_state,
            mixed_precision=self.precision == 'bfloat16' or (self.precision == 'auto' and fast),
            n_measured=len(SHAPES) if self.shapes else 0,
            **{name: getattr(self, name) for name in _OPTIONS})
        self.fingerprint_ = backbone.fingerprint()
        return self._with_head(backbone.to(device))

    def _with_head(self, backbone):
        self.network_ = build_classifier(backbone, len(self.classes_), self._options)
        return self.network_

    def _open(self, images, catalog):
        if isinstance(images, (list, tuple)):
            check_files([image for image in images if isinstance(image, (str, Path))])
        return open_images(images, catalog=catalog, size=self.cutout_size, n_beams=_N_BEAMS)

    def _open_unlabelled(self, images, progress):
        if self.strategy != 'semi':
            return None
        if images is None:
            raise InputError("strategy 'semi' learns from unlabelled images too; pass them to "
                             "fit(unlabelled=...), or choose 'finetune'")
        return self._prepare(self._open(images, None), None, progress).pixels

    def _prepare(self, stamps, boxes, progress):
        if boxes is not None and len(boxes) != len(stamps):
            raise InputError(f'there are {len(stamps)} images and {len(boxes)} boxes')
        prepared = prepare_images(stamps, self._preparation, self.image_size_, boxes=boxes,
                                  progress=progress)
        self.skipped_ = prepared.failed
        if len(prepared.failed):
            first = prepared.failed[0]
            warnings.warn(SkippedImagesWarning(
                f'{len(prepared.failed)} of {len(stamps)} images cannot be read and are left '
                f"out, the first is row {first['row']}: {first['reason']}"), stacklevel=3)
        return prepared

    @property
    def _n_orientations(self):
        """Views that are held for equal; those of paired classes are only turned."""
        n_asked = self.orientations
        if n_asked == 'auto':
            n_asked = 1 if self._options.is_probe else _N_VIEWS[self._options.augment]
        return n_asked if self._mirror is None else min(n_asked, 4)

    def _features(self, pixels):
        """Pooled features of the backbone as it was loaded, and shapes; cached ones are read."""
        settings = f'{self.fingerprint_} {self._options.pooling} {self._options.mixed_precision}'
        # A network that learns takes from them only how widely they spread: one view tells.
        n_orientations = self._n_orientations if self._options.is_probe else 1
        features = cached_features(self.network_, pixels, settings=settings, cache=self.cache,
                                   batch_size=self.batch_size,
                                   mixed_precision=self._options.mixed_precision,
                                   n_orientations=n_orientations)
        if not self.shapes:
            return features
        shapes = cached_vectors(_measured, pixels, settings=_SHAPES_VERSION, cache=self.cache)
        return np.concatenate([features, shapes], axis=1)

    def _logits(self, pixels):
        """Logits, averaged over what the image may look like as well."""
        logits = self._logits_of(pixels)
        if self._mirror is None or not len(pixels):
            return logits
        return 0.5 * (logits + self._logits_of(pixels.flip(3))[:, self._mirror])

    def _logits_of(self, pixels):
        if not len(pixels):
            return np.zeros((0, len(self.classes_)), np.float32)
        if self._options.is_probe:    # so that images seen before cost nothing with a cache
            features = torch.from_numpy(self._features(pixels))
            with torch.inference_mode():
                head = self.network_.head.eval()
                return head(features.to(self.network_.backbone.device)).cpu().numpy()
        total = sum(predict_logits(self.network_, view, batch_size=self.batch_size,
                                   mixed_precision=self._options.mixed_precision)
                    for view in turned(pixels, self._n_orientations))
        return total.numpy() / self._n_orientations


def _measured(pixels):
    table = measure_shapes(pixels.numpy())
    return np.stack([table[name] for name in SHAPES], axis=1).astype(np.float32)
