"""How many sources of which brightness a field holds."""

from dataclasses import dataclass

import numpy as np

from ...utils import InputError, check_number

__all__ = ['SourceCounts']


@dataclass(frozen=True, kw_only=True)
class SourceCounts:
    """
    A broken power law in signal-to-noise, the shape of published source counts.

    Parameters
    ----------
    density : float, optional
        Sources above 5 sigma in 1000 beams.
    faint_slope, bright_slope : float, optional
        Exponents of the differential counts ``dN/dS ~ S**-slope`` below and above the
        break. Euclidean counts have 2.5; radio counts flatten to about 1.6 to 2 below.
    break_snr, min_snr, max_snr : float, optional
        Break and limits, as signal-to-noise of an unresolved source.
    """

    density: float = 1.5
    faint_slope: float = 1.7
    bright_slope: float = 2.1
    break_snr: float = 50.0
    min_snr: float = 0.5
    max_snr: float = 5000.0

    def __post_init__(self):
        check_number('density', self.density, minimum=0)
        for name in ('faint_slope', 'bright_slope'):
            check_number(name, getattr(self, name), above=0)
        for name in ('break_snr', 'min_snr', 'max_snr'):
            check_number(name, getattr(self, name), above=0)
        if self.min_snr >= self.max_snr:
            msg = (f"'min_snr' must be smaller than 'max_snr', got {self.min_snr} and "
                   f'{self.max_snr}')
            raise InputError(msg)

    def draw(self, rng, n_beams):
        """
        Draw the signal-to-noise of every source of a field.

        Parameters
        ----------
        rng : `numpy.random.Generator`
            Source of randomness.
        n_beams : float
            Area of the field in beams.

        Returns
        -------
        snr : 1D `~numpy.ndarray`
            One value a source, in no order.
        """
        snr, cumulative = self._integral_counts()
        above_five = np.interp(np.log(5.0), np.log(snr), cumulative)
        if above_five <= 0:
            return np.empty(0)
        expected = self.density * n_beams / 1000 * cumulative[0] / above_five
        uniform = rng.random(rng.poisson(expected)) * cumulative[0]
        return np.exp(np.interp(uniform, cumulative[::-1], np.log(snr)[::-1]))

    def _integral_counts(self):
        """Return a grid of signal-to-noise and the counts above each value."""
        low = min(self.min_snr, 5.0)
        snr = np.geomspace(low, max(self.max_snr, 5.01), 600)
        slope = np.where(snr < self.break_snr, self.faint_slope, self.bright_slope)
        per_log = np.where((snr >= self.min_snr) & (snr <= self.max_snr),
                           (snr / self.break_snr) ** (1 - slope), 0.0)
        steps = 0.5 * (per_log[1:] + per_log[:-1])
        cumulative = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])
        return snr, cumulative
