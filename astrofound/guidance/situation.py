"""What decides about the recommendation: the task, the labels and the measured images."""

from dataclasses import dataclass

import numpy as np

from astrofound.explore import Description
from astrofound.utils import InputError, check_choice, check_number

__all__ = ['DOMAINS', 'TASKS', 'Situation']

TASKS = ('classification', 'detection')
DOMAINS = ('radio', 'optical')
_HANDED = ('cw', 'acw', 'ccw', 'clockwise', 'anticlockwise', 'left', 'right')


@dataclass(frozen=True)
class Situation:
    """
    Everything that the rules look at.

    Parameters
    ----------
    description : `~astrofound.explore.Description`
        The measured images.
    task : {'classification', 'detection'}, optional
        What shall be learnt.
    n_labels : int, optional
        Labelled images for training.
    classes : tuple of str, optional
        Names of the classes.
    n_smallest : int, optional
        Images of the rarest class.
    n_largest : int, optional
        Images of the most frequent class.
    domain : {'radio', 'optical'} or None, optional
        Where the images come from; `None` where that is not known.
    boxes : bool, optional
        Whether there is a box around each source.
    bytes : bool, optional
        Whether the images are pictures of 8 bits.

    Raises
    ------
    InputError
        If something is not possible.
    """

    description: Description
    task: str = 'classification'
    n_labels: int = 0
    classes: tuple = ()
    n_smallest: int = 0
    n_largest: int = 0
    domain: str | None = None
    boxes: bool = False
    bytes: bool = False

    def __post_init__(self):
        if not isinstance(self.description, Description):
            raise InputError("'description' must be what explore.describe() gives, got "
                             f'{type(self.description).__name__}')
        check_choice('task', self.task, TASKS)
        check_number('n_labels', self.n_labels, minimum=0, integer=True)
        if self.domain is not None:
            check_choice('domain', self.domain, DOMAINS)

    @property
    def share(self):
        """Size of a source as a share of the side of its image; 1 where it is not known."""
        share = self.description.source_pix / self.description.image_pix
        return float(min(share, 1)) if np.isfinite(share) else 1.0

    @property
    def is_small(self):
        """Whether sources fill so little of their image that cropping helps."""
        return self.share < 0.25

    @property
    def is_unbalanced(self):
        """Whether the rarest class has less than half of the most frequent one's images."""
        return 0 < 2 * self.n_smallest < self.n_largest

    @property
    def is_handed(self):
        """Whether a mirror image would be of another class, as far as the names tell."""
        words = {word for name in self.classes
                 for word in name.lower().replace('-', '_').replace(' ', '_').split('_')}
        return bool(words & set(_HANDED))

    def n_patches(self, spec, image_size):
        """
        Say how many patches of a backbone a source spans.

        Parameters
        ----------
        spec : `~astrofound.backbones.BackboneSpec`
            The backbone.
        image_size : int
            Side in pixels that whole images are brought to.

        Returns
        -------
        n_patches : float
            Patches along a source.
        """
        return self.share * image_size / spec.patch_size
