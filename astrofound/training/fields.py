"""Simulated fields in the network's own frame, made ahead in other processes."""

from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from astrofound.catalog import CLASS_NAMES
from astrofound.datasets import SourceMix, random_sky
from astrofound.preprocess import noise_map, open_beam_space

from .targets import SNR_DEMAND, SourceLabels

__all__ = ['FieldStream', 'TrainingField', 'make_pair_field', 'make_training_field']

_VALIDATION_OFFSET = 2**31  # seeds of validation fields start here, out of training's reach
_PAIR_SEEDS = (10_010_000, 30_000_000)  # first seeds of fields rich in pairs, and of crowded ones
_RICH = SourceMix(gaussian=0.15, double=0.2, bent=0.1, diffuse=0.04, bright=2.0, companions=0.12)
_CROWDED = SourceMix(gaussian=0.2, double=0.12, bent=0.05, diffuse=0.03, bright=1.5,
                     companions=0.15)


@dataclass(frozen=True)
class TrainingField:
    """
    One simulated field as the network sees it.

    Attributes
    ----------
    significance : 2D `~numpy.ndarray` of float32
        In the network frame; NaN where blank.
    labels : SourceLabels
        The truth in the same frame.
    kind : str
        ``'radio'`` or ``'optical'``.
    """

    significance: np.ndarray
    labels: SourceLabels
    kind: str


def make_training_field(seed, *, shape=(512, 512), beam_pix=4.0, radio_fraction=0.75,
                        validation=False):
    """
    Simulate a field with random properties and bring it to beam units.

    The way from pixels to significance is that of detection, with its imperfect background;
    the beam is known to 4 % only, as if it had been measured.

    Parameters
    ----------
    seed : int
        Seed; the same number gives the same field on every machine.
    shape : tuple of int, optional
        ``(ny, nx)`` of the simulated image.
    beam_pix : float, optional
        FWHM of the beam in network pixels.
    radio_fraction : float, optional
        Share of radio fields; the others are optical.
    validation : bool, optional
        Whether to draw from seeds that training never uses.

    Returns
    -------
    field : TrainingField
        Significance and truth.
    """
    seed = int(seed) + (_VALIDATION_OFFSET if validation else 0)
    rng = np.random.default_rng(seed)
    kind = 'radio' if rng.random() < radio_fraction else 'optical'
    return _observe(random_sky(kind, shape, rng), seed, rng, kind, beam_pix)


def make_pair_field(number, *, shape=(512, 512), beam_pix=4.0):
    """
    Simulate a radio field from which to learn what belongs together.

    Even numbers are rich in sources of several parts, odd ones crowded with sources that are
    nobody's part: where both are many, only what is seen between two parts can tell.

    Parameters
    ----------
    number : int
        The same number gives the same field on every machine.
    shape : tuple of int, optional
        ``(ny, nx)`` of the simulated image.
    beam_pix : float, optional
        FWHM of the beam in network pixels.

    Returns
    -------
    field : TrainingField
        Significance and truth.
    """
    crowded = bool(number % 2)
    seed = _PAIR_SEEDS[crowded] + number // 2
    rng = np.random.default_rng(seed)
    sky = random_sky('radio', shape, rng)
    sky = replace(sky, mix=_CROWDED if crowded else _RICH)
    if crowded:
        density = min(9.0, 2.5 * sky.counts.density)
        sky = replace(sky, counts=replace(sky.counts, density=density))
    return _observe(sky, seed, rng, 'radio', beam_pix)


def _observe(sky, seed, rng, kind, beam_pix):
    """Make a sky and bring it to beam units, its beam known to 4 % only."""
    simulated = sky(seed)
    image = simulated.image
    true_fwhm_pix = sky.fwhm_pix if image.beam is None else image.beam.fwhm
    fwhm_pix = true_fwhm_pix * np.exp(0.04 * rng.standard_normal())
    space = open_beam_space(image, noise_map(image, fwhm_pix=fwhm_pix), fwhm_pix=fwhm_pix,
                            target_fwhm_pix=beam_pix)
    significance = space.read_window((slice(0, space.shape[0]), slice(0, space.shape[1])))
    return TrainingField(significance, _labels(simulated, space.resampler, true_fwhm_pix), kind)


def _labels(simulated, resampler, fwhm_pix):
    truth, peaks = simulated.truth, simulated.peaks
    width = np.asarray(truth['bbox_xmax'] - truth['bbox_xmin'], float) * resampler.zoom
    height = np.asarray(truth['bbox_ymax'] - truth['bbox_ymin'], float) * resampler.zoom
    beam_pix = fwhm_pix * resampler.zoom
    share = np.asarray(truth['light_share'], float)
    code = np.array([CLASS_NAMES.index(name) for name in truth['class_name']], int)
    snr = _limited(_detectability(truth, code, width * height / (2 * beam_pix) ** 2), share)
    source = np.asarray(peaks['parent_id'], int) - 1  # the truth is numbered from 1
    peak_snr = _limited(np.asarray(peaks['contrast'], float),
                        np.asarray(peaks['light_share'], float))
    # A source has several parts where several of its peaks show; one, at its centre, otherwise.
    n_showing = np.bincount(source, peak_snr >= SNR_DEMAND, len(truth))
    several = n_showing[source] > 1
    multi = CLASS_NAMES.index('multi')
    code = np.where(n_showing > 1, multi, np.where(code == multi, code - 1, code))
    first = np.append(True, np.diff(source) > 0)[:len(source)]
    part = several | first
    source, several = source[part], several[part]
    x = np.where(several, peaks['x_peak'][part], truth['x_centroid'][source])
    y = np.where(several, peaks['y_peak'][part], truth['y_centroid'][source])
    middle = [0.5 * np.asarray(truth[f'bbox_{axis}min'] + truth[f'bbox_{axis}max'], float)[source]
              for axis in 'xy']
    x, y = resampler.to_network(x, y)
    size = np.maximum(np.stack([width, height], axis=1), beam_pix)
    return SourceLabels(
        x=np.asarray(x), y=np.asarray(y), middle=np.stack(resampler.to_network(*middle), axis=1),
        size=size.reshape(-1, 2)[source], class_code=code[source],
        snr=np.where(several, peak_snr[part], snr[source]), source=source)


def _detectability(truth, class_code, n_beams):
    """S/N of a matched filter, which white noise and smooth sources leave above the peak's."""
    if 'snr_matched' in truth.colnames:
        return np.asarray(truth['snr_matched'], float)
    # A matched filter gains the root of half the number of beams; the background mesh and its
    # neighbours take some of it.
    gain = np.where(class_code == CLASS_NAMES.index('extended'),
                    np.sqrt(np.maximum(1, n_beams / 4)), 1.0)
    return np.asarray(truth['contrast'], float) * gain


def _limited(snr, share):
    """
    Lower the S/N of what shines in another source's light.

    Nobody can be asked for a source that gives less than a third of the light at its place,
    nor blamed for seeing it; one that gives a tenth is not to be seen at all.
    """
    snr = np.where(share < 1 / 3, np.minimum(snr, 2.0), snr)
    return np.where(share < 0.1, 0.0, snr)


class FieldStream:
    """
    Rounds of training fields, simulated ahead of their use.

    Round ``k`` offers the fields of rounds ``k - reuse + 1 ... k``, so that each field is
    seen in several orientations; which fields these are depends on the seed alone.

    Parameters
    ----------
    seed : int
        First seed; a round takes the next ``n_fields``.
    n_fields : int
        New fields a round.
    reuse : int
        Rounds a field stays in use.
    start : int, optional
        Round to begin with, when a training resumes.
    n_workers : int, optional
        Processes that simulate; 0 does it in this one.
    options : dict, optional
        Keywords of `make_training_field`.
    """

    def __init__(self, seed, *, n_fields, reuse, start=0, n_workers=1, options=None):
        self.n_fields, self.reuse, self.start = n_fields, reuse, start
        self.options = options or {}
        self._first = seed * 2**20  # far more fields than any training takes
        # A fork of a process that runs torch's threads can deadlock.
        self._pool = (ProcessPoolExecutor(n_workers, mp_context=get_context('spawn'))
                      if n_workers else None)

    def __iter__(self):
        rounds = deque(maxlen=self.reuse)
        for index in range(max(0, self.start - self.reuse + 1), self.start):
            rounds.append(self._submit(index))
        index, ahead = self.start, self._submit(self.start)
        while True:
            rounds.append(ahead)
            ahead = self._submit(index + 1)
            fields = []
            for k, batch in enumerate(rounds):
                rounds[k] = [f.result() if hasattr(f, 'result') else f for f in batch]
                fields.extend(rounds[k])
            yield fields
            index += 1

    def _submit(self, index):
        first = self._first + index * self.n_fields
        seeds = range(first, first + self.n_fields)
        if self._pool is None:
            return [make_training_field(seed, **self.options) for seed in seeds]
        return [self._pool.submit(make_training_field, seed, **self.options) for seed in seeds]

    def close(self):
        """Stop the processes without waiting for fields nobody will use."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
