"""What is known of a backbone before a single weight is read."""

import re
from dataclasses import asdict, dataclass, replace

from ..utils import InputError, check_choice, check_number

__all__ = ['FAMILIES', 'LIBRARIES', 'POOLINGS', 'BackboneSpec']

FAMILIES = ('self-supervised', 'weakly supervised', 'distilled', 'supervised')
LIBRARIES = ('timm', 'transformers', 'torchvision', 'astrofound')

#: How tokens become one vector an image.
POOLINGS = {
    'cls': 'the class token',
    'mean': 'mean of the patch tokens, each weighing by the image it holds',
    'cls+mean': 'the class token and the mean, one after the other',
    'max': 'largest value of each feature over the patches',
    'center': 'mean of the patch tokens, weighing most at the centre of the image',
    'own': "what the model's authors pool with",
}

_COMMIT = re.compile('[0-9a-f]{40}')

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """
    One pretrained encoder: where it comes from, what it takes and what it gives.

    Parameters
    ----------
    name : str
        Name in the registry.
    family : str
        ``'self-supervised'``, ``'weakly supervised'``, ``'distilled'`` or ``'supervised'``.
    library : str
        What builds it: ``'timm'``, ``'transformers'``, ``'torchvision'`` or ``'astrofound'``.
    model : str
        Name of the architecture there; for transformers the ``model_type``.
    options : tuple of (str, object), optional
        What the architecture is built with where it differs from the library's default.
    repo : str, optional
        Hub repository of the weights; empty where there is none.
    revision : str, optional
        Branch, tag or commit of that repository, or the name of torchvision's weights.
    sha256 : str, optional
        Hash of the weight file, or its beginning; empty where it is not known.
    architecture : str
        As papers write it, ``'ViT-B/16'``.
    n_parameters : int
        Number of parameters of the encoder alone.
    patch_size : int
        Pixels along the side of a patch; for a convolutional network the stride of its last
        map.
    n_features : int
        Width of a patch token.
    n_prefix : int, optional
        Class and register tokens before the patches.
    n_channels : int, optional
        Channels of an image as the network takes it.
    mean, std : tuple of float, optional
        Of each channel, subtracted and divided by; the empty tuple leaves images as they are.
    scale : {'unit', 'significance'}, optional
        Whether images come scaled to 0..1, or in units of their noise.
    native_size : int or None, optional
        Side in pixels of the images it was trained on; `None` where any size is native.
    image_size : int or None, optional
        Side in pixels that images are brought to unless asked otherwise; `None` leaves them.
    max_size : int or None, optional
        Largest side in pixels.
    fixed_size : bool, optional
        Whether it takes its native size only.
    pooling : str, optional
        Pooling unless asked otherwise, a key of ``POOLINGS``.
    pretraining : str
        Data it was trained on.
    license : str
        Licence of the weights.
    restricted : bool, optional
        Whether that licence forbids some uses, such as commercial ones.
    gated : bool, optional
        Whether the hub asks for an account and a consent.
    reference : str
        Paper.
    note : str, optional
        What a user must know.
    obstacle : str, optional
        Why it cannot be loaded, where that is so.

    Raises
    ------
    InputError
        If a field is not possible.
    """

    name: str
    family: str
    library: str
    model: str
    options: tuple = ()
    repo: str = ''
    revision: str = 'main'
    sha256: str = ''
    architecture: str
    n_parameters: int
    patch_size: int
    n_features: int
    n_prefix: int = 0
    n_channels: int = 3
    mean: tuple = IMAGENET_MEAN
    std: tuple = IMAGENET_STD
    scale: str = 'unit'
    native_size: int | None = 224
    image_size: int | None = 224
    max_size: int | None = None
    fixed_size: bool = False
    pooling: str = 'cls'
    pretraining: str
    license: str
    restricted: bool = False
    gated: bool = False
    reference: str
    note: str = ''
    obstacle: str = ''

    def __post_init__(self):
        check_choice('family', self.family, FAMILIES)
        check_choice('library', self.library, LIBRARIES)
        check_choice('scale', self.scale, ('unit', 'significance'))
        check_choice('pooling', self.pooling, POOLINGS)
        for name in ('n_parameters', 'patch_size', 'n_features', 'n_channels'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        check_number('n_prefix', self.n_prefix, minimum=0, integer=True)
        for name in ('mean', 'std', 'options'):  # of files, as lists
            object.__setattr__(self, name, _as_tuples(getattr(self, name)))
        if len(self.mean) != len(self.std) or len(self.mean) not in (0, self.n_channels):
            raise InputError(f"'mean' and 'std' of {self.name} must hold one value for each of "
                             f'{self.n_channels} channels, got {self.mean} and {self.std}')

    @property
    def is_toy(self):
        """Whether it is a small random network for tests."""
        return self.name.startswith('toy_')

    @property
    def is_pinned(self):
        """Whether the weights can never become others: a commit, or a hash that is checked."""
        return bool(self.sha256 or self.library == 'astrofound' or self.is_toy
                    or _COMMIT.fullmatch(self.revision))

    def to_dict(self):
        """
        Give the record as plain values, for a file.

        Returns
        -------
        fields : dict
            ``BackboneSpec(**fields)`` is the same record.
        """
        return asdict(self)

    def check_pooling(self, pooling):
        """
        Resolve a pooling and make sure that this backbone can do it.

        Parameters
        ----------
        pooling : str
            ``'auto'`` or a key of ``POOLINGS``.

        Returns
        -------
        pooling : str
            A key of ``POOLINGS``.

        Raises
        ------
        InputError
            If the name is unknown or the backbone has no class token to pool with.
        """
        if pooling == 'auto':
            return self.pooling
        check_choice('pooling', pooling, ('auto', *POOLINGS))
        if 'cls' in pooling and not self.n_prefix:
            raise InputError(f'{self.name} has no class token, so pooling {pooling!r} is not '
                             "possible; use 'mean' or 'own'")
        return pooling

    def grid_shape(self, shape):
        """
        Give the number of patches that cover an image.

        Parameters
        ----------
        shape : tuple of int
            Image ``(ny, nx)`` in pixels.

        Returns
        -------
        grid : tuple of int
            Patches ``(ny, nx)``; the last ones may reach beyond the image.

        Raises
        ------
        InputError
            If the backbone does not take images of this size.
        """
        if min(shape) < 1:
            raise InputError(f'an image of {shape[1]} x {shape[0]} pixels has none')
        if self.fixed_size and tuple(shape) != (self.native_size, self.native_size):
            raise InputError(f'{self.name} takes images of {self.native_size} x '
                             f'{self.native_size} pixels only, got {shape[1]} x {shape[0]}')
        if self.max_size is not None and max(shape) > self.max_size:
            raise InputError(f'{self.name} takes images of at most {self.max_size} pixels, got '
                             f'{shape[1]} x {shape[0]}')
        return tuple(-(-side // self.patch_size) for side in shape)

    def replace(self, **changes):
        """
        Copy the record with some fields changed.

        Parameters
        ----------
        **changes
            Fields and their new values.

        Returns
        -------
        spec : BackboneSpec
            The new record.
        """
        return replace(self, **changes)


def _as_tuples(value):
    if isinstance(value, list | tuple):
        return tuple(map(_as_tuples, value))
    return value
