"""The detector most users meet: the bundled network, or one of their own on any backbone."""

import shutil

import numpy as np
from astropy.table import Column
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from astrofound.catalog import Detections, associate
from astrofound.networks import is_box_run, locate_weights
from astrofound.networks.runs import BUNDLED, read_parameters
from astrofound.pipeline import active_runner
from astrofound.preprocess import open_beam_space
from astrofound.utils import (
    ReadError,
    atomic_path,
    check_choice,
    check_number,
    file_digest,
)

from .base import BaseDetector
from .diffuse import add_diffuse, blocks_at_once
from .reliability import score_cut

__all__ = ['SourceDetector']

#: What workers need and this module loads only while the noise is measured: it brings torch.
LOADED_LATER = ('astrofound.estimators.compact_search',)


class SourceDetector(BaseDetector):
    """
    Detect sources with the compact beam-space network, or with your own detector.

    Works at once with the bundled weights; no fitting is needed.

    Parameters
    ----------
    weights : str or path-like, optional
        ``'compact'`` for the bundled weights, or the file or run folder written by
        ``astrofound train detector``, of the compact network or of one on a backbone. The
        latter has classes of its own, and what is a source was decided by its labels: nothing
        diffuse is added to what it finds.
    reliability : float, optional
        Share of the catalogue that shall be real. The cut in ``score``, the calibrated
        probability that a source is real, is chosen for it in each image.
    threshold : float, optional
        Smallest ``score``, in place of ``reliability``.
    min_snr : float, optional
        Smallest peak signal-to-noise ratio, measured on the original pixels; by default no
        limit of its own.
    diffuse : bool, optional
        Whether to look for emission of several beams that the network does not see whole, in
        images whose unit is per beam (`add_diffuse`).
    tile_size : int, optional
        Side of a tile with its halo, in network pixels (4 a beam), of the compact network. The
        catalogue does not depend on it; memory does. A detector on a backbone has tiles as in
        its training.
    device : str, optional
        ``'auto'``, ``'cpu'``, ``'cuda'``, ...
    precision : {'auto', 'float32', 'bfloat16'}, optional
        Arithmetic of the network. ``'auto'`` takes bfloat16 where the device has it, which is
        twice as fast and moves scores by about a per cent.

    Attributes
    ----------
    weights_sha256_ : str
        Hash of the weights used by the last `predict`.
    score_cut_ : float
        Smallest ``score`` that the last `predict` kept of what the network saw; infinite where
        it kept nothing.

    Examples
    --------
    >>> from astrofound import SourceDetector
    >>> from astrofound.datasets import make_field
    >>> field = make_field('radio', seed=0)
    >>> catalog = SourceDetector(threshold=0.8).predict(field.image)
    >>> bool((catalog['score'] >= 0.8).all())
    True
    """

    _held_cut = None

    def __init__(self, weights='compact', *, reliability=0.95, threshold=None, min_snr=None,
                 diffuse=True, tile_size=2304, device='auto', precision='auto'):
        self.weights = weights
        self.reliability = reliability
        self.threshold = threshold
        self.min_snr = min_snr
        self.tile_size = tile_size
        self.diffuse = diffuse
        self.device = device
        self.precision = precision

    def holding_cut(self):
        """
        Give the same detector with the cut that its last `predict` chose, for other images.

        Otherwise each image gets a cut of its own: where more sources are sure, more that are
        doubtful may pass.

        Returns
        -------
        detector : SourceDetector
            A copy; `~sklearn.base.clone` forgets the cut.

        Raises
        ------
        NotFittedError
            If `predict` was not called.
        """
        if not hasattr(self, 'score_cut_'):
            raise NotFittedError('call predict() first')
        held = clone(self)
        held._held_cut = self.score_cut_
        return held

    def _check_parameters(self):
        super()._check_parameters()
        check_number('reliability', self.reliability, minimum=0, maximum=1)
        if self.threshold is not None:
            check_number('threshold', self.threshold, minimum=0, maximum=1)
        check_number('tile_size', self.tile_size, minimum=512, integer=True)
        check_choice('precision', self.precision, ('auto', 'float32', 'bfloat16'))

    def _load(self):
        if is_box_run(self.weights):
            from . import box_finder  # noqa: F401
        else:
            from .compact_search import ready_weights

            ready_weights(_sha256(self.weights), self.weights, self.device, self.precision)

    def _find(self, image, noise, *, progress):
        self.weights_sha256_ = _sha256(self.weights)
        source = (self.weights_sha256_, self.weights, self.device, self.precision)
        self._class_names = None
        if is_box_run(self.weights):
            return self._find_boxes(image, noise, source, progress)
        from . import compact_search as compact

        weights, network, _ = compact.ready_weights(*source)
        space = open_beam_space(image, noise, fwhm_pix=image.beam.fwhm,
                                target_fwhm_pix=weights.beam_pix)
        kind = 'radio' if image.is_per_beam else 'optical'
        grid = compact.part_tiles(space.shape, network, self.tile_size)
        runner = active_runner()
        looks = kind == 'radio' and self.diffuse
        runner.announce_memory(compact.memory_mb(grid, network, blocks_at_once(image) * looks))
        tiles = list(runner.map('network', compact.PartSearch(space, kind, source), grid,
                                progress=progress))
        traits = np.concatenate([found.pop('traits') for found in tiles])
        parts = Detections.concatenate([Detections(**found) for found in tiles])
        kept = self._sure(parts)
        parts, traits = parts.select(kept), traits[kept]
        first = second = np.empty(0, np.int64)
        if kind == 'radio':
            places = np.stack(space.resampler.to_network(parts.x, parts.y), axis=1)
            search = compact.PairSearch(space, places, traits, source)
            tiles = list(runner.map('pairs', search, compact.pair_tiles(space.shape),
                                    progress=progress))
            first, second, logit = (np.concatenate([found[name] for found in tiles])
                                    for name in ('first', 'second', 'logit'))
            linked = weights.pairs.compare(first, second, logit) >= weights.link
            first, second = first[linked], second[linked]
        return associate(parts, first, second, fwhm_pix=image.beam.fwhm)

    def _find_boxes(self, image, noise, source, progress):
        # loads torchvision's detectors, which the compact network does without
        from .box_finder import find_with_boxes

        found, names = find_with_boxes(image, noise, source, progress=progress)
        self._class_names = np.array(names)
        return found.select(self._sure(found))

    def _sure(self, found):
        cut = self.threshold if self._held_cut is None else self._held_cut
        if cut is None:
            cut = score_cut(found.score, self.reliability)
        self.score_cut_ = float(cut)
        return found.score >= cut

    def _cut(self, catalog, sources):
        catalog, sources = super()._cut(catalog, sources)
        if self._class_names is not None:
            about = catalog['class_name'].info
            catalog['class_name'] = Column(self._class_names[sources.label],
                                           description=about.description, meta=about.meta)
        return catalog, sources

    def _complete(self, image, noise, found, measure):
        if not (self.diffuse and image.is_per_beam) or self._class_names is not None:
            return found, noise
        threshold = self.threshold
        if threshold is None:
            # Islands are a tenth of a catalogue at most, so they may be wrong ten times as often.
            threshold = max(0.5, 1 - 10 * (1 - self.reliability))
        return add_diffuse(image, noise, found, threshold=threshold, remeasure=measure)

    def _save_weights(self, path):
        if is_box_run(self.weights):  # its run folder is its own file
            return {}, {'sha256': _sha256(self.weights)}
        from astrofound.networks import load_weights

        weights = load_weights(self.weights)
        if self.weights in BUNDLED:
            return {}, {'sha256': weights.sha256}
        with atomic_path(path) as temporary:
            shutil.copyfile(locate_weights(self.weights), temporary)
        return {'weights': path.name}, {'sha256': weights.sha256}

    def _check_loaded(self, path, learnt):
        found = _sha256(self.weights)
        if found != learnt.get('sha256'):
            saved = str(learnt.get('sha256'))
            raise ReadError(f'the weights {self.weights} here (SHA-256 {found[:16]}...) are not '
                            f'those that {path} was saved with ({saved[:16]}...); install the '
                            'version of astrofound that it names')

    def _identity(self):
        identity = {**super()._identity(), 'weights_sha256': _sha256(self.weights),
                    'held_cut': self._held_cut}
        if is_box_run(self.weights):  # scale, calibration and classes
            identity['run'] = read_parameters(self.weights)
        return identity

    def _provenance(self, image):
        return {**super()._provenance(image), 'WEIGHTS': self.weights_sha256_}


def _sha256(weights):
    """Hash of the file of weights."""
    return file_digest(locate_weights(weights))
