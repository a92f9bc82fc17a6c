"""What every detector on a backbone is, whatever finds the boxes in its maps."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList

from astrofound.utils import InputError, check_number

from .anchors import AnchorPlan
from .pyramid import SimplePyramid

__all__ = ['BoxNetwork', 'BoxOptions', 'PadImages']


@dataclass(frozen=True, kw_only=True)
class BoxOptions:
    """
    Shape of a detector, as far as all kinds have it.

    Attributes
    ----------
    anchors : AnchorPlan or None
        What boxes start from; needed to build a network.
    width : int
        Channels of the pyramid.
    head_width : int
        Width of the layers that judge a box.
    n_detections : int
        Most detections of a tile.
    score_min : float
        Detections with a lower raw score are dropped.
    extra_level : bool
        Whether the pyramid gets a level coarser than the backbone's.
    last_only : bool
        Whether there is no pyramid and only the backbone's last map is used.
    normalized : bool
        Whether images reach the backbone with its mean subtracted and divided by its standard
        deviation, which the paper's code leaves out.
    window : int
        Tokens along the side of a window within which most blocks of a transformer attend, 14
        in the paper's code; 0 attends globally, as pretraining did.
    """

    head: ClassVar[str]  # a key of BOX_HEADS

    anchors: AnchorPlan | None = None
    width: int = 256
    head_width: int = 1024
    n_detections: int = 100
    score_min: float = 0.05
    extra_level: bool = False
    last_only: bool = False
    normalized: bool = True
    window: int = 0

    def __post_init__(self):
        for name in ('width', 'head_width', 'n_detections'):
            check_number(name, getattr(self, name), minimum=1, integer=True)
        check_number('window', self.window, minimum=0, integer=True)
        check_number('score_min', self.score_min, minimum=0, maximum=1)

    def check_anchors(self, n_levels):
        """
        Make sure that there are anchors, and for levels that the pyramid has.

        Parameters
        ----------
        n_levels : int
            Levels of the pyramid.

        Returns
        -------
        plan : AnchorPlan
            The anchors.

        Raises
        ------
        InputError
            If there are none, or for other levels.
        """
        if self.anchors is None or max(self.anchors.levels) >= n_levels:
            raise InputError(f"'anchors' must be a plan for the {n_levels} levels of the pyramid")
        return self.anchors


class BoxNetwork(nn.Module):
    """
    Detector on a backbone: what trains, judges and runs it needs to know no more.

    Training, it takes a list of images ``(n_channels, ny, nx)`` and a list of targets
    (``boxes``, ``labels`` from 1 on, ``ignore``) and gives losses; otherwise it takes images
    and gives a list of ``boxes``, ``labels`` and ``scores``. It has a ``backbone``, which is a
    `FeaturePyramid`, a ``transform`` that makes a batch of images, its ``options`` and
    ``n_classes``.

    Parameters
    ----------
    *args, **kwargs
        Those of the class of torch or torchvision that it is built on.
    """

    @property
    @abstractmethod
    def head_modules(self):
        """What is not the backbone, pyramid included, as a list of modules."""

    @abstractmethod
    def allow(self, factor):
        """
        Let a tile have more sources than one of the training.

        Parameters
        ----------
        factor : float
            Its area in units of theirs.
        """

    @property
    @abstractmethod
    def n_allowed(self):
        """Most detections of a tile."""

    @property
    def is_local(self):
        """Whether a detection depends on its surroundings only, not on all of the tile."""
        return not isinstance(self.backbone.neck, SimplePyramid)

    @property
    def reach(self):
        """Largest side of a box that it starts from, in network pixels."""
        return max(max(shape) for level in self.options.anchors.shapes for shape in level)

    @property
    def align(self):
        """Pixels of which tiles should be a multiple."""
        return self.transform.multiple

    def set_frozen(self, frozen):
        """
        Freeze the backbone or let it learn.

        Parameters
        ----------
        frozen : bool
            Whether no parameter of it may move, and no statistic.
        """
        self.backbone.body.requires_grad_(not frozen)
        self.train(self.training)


class PadImages(nn.Module):
    """
    Images of several shapes as one batch; what is added is blank sky.

    Parameters
    ----------
    stride : float
        Pixels of which the sides of a batch are a multiple.
    """

    def __init__(self, stride):
        super().__init__()
        self.multiple = math.ceil(stride)

    def forward(self, images, targets=None):
        """
        Make the batch.

        Parameters
        ----------
        images : list of `torch.Tensor`
            ``(n_channels, ny, nx)``.
        targets : list of dict, optional
            Handed through.

        Returns
        -------
        batch : `torchvision.models.detection.image_list.ImageList`
            All images.
        targets : list of dict or None
            The same.
        """
        shapes = [tuple(image.shape[-2:]) for image in images]
        ny, nx = (-(-max(sides) // self.multiple) * self.multiple
                  for sides in zip(*shapes, strict=True))
        batch = images[0].new_full((len(images), images[0].shape[0], ny, nx), torch.nan)
        for place, image, shape in zip(batch, images, shapes, strict=True):
            place[:, :shape[0], :shape[1]] = image
        return ImageList(batch, shapes), targets

    def postprocess(self, result, image_shapes, original_image_sizes):
        """
        Leave the boxes in the pixels of the images, which were not scaled.

        Parameters
        ----------
        result : list of dict
            What was found.
        image_shapes, original_image_sizes : list of tuple
            Not looked at.

        Returns
        -------
        result : list of dict
            The same.
        """
        return result
