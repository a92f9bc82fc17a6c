"""Local background and noise of an image, measured on a mesh or given by the caller."""

from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .._kernels.mesh import lower_rms, mesh_cells, mesh_map, mesh_significance
from ..utils import check_number, usable_cores
from .cells import bright_surroundings, clean_cells, pad_mesh, raised_cells
from .reading import open_reader

__all__ = ['MeshBackground', 'MeshNoiseMap', 'NoiseMap']

_STRIP_PIXELS = 2_000_000  # 8 MB a strip keeps memory flat and both cores busy
_UPPER_CLIP = 1.0          # bright limit of the one-sided clip, in rms


class NoiseMap(ABC):
    """
    Background and rms of an image, read window by window.

    Attributes
    ----------
    shape : tuple of int
        ``(ny, nx)``.
    rms_median : float
        Median rms of the image, in its unit.
    """

    shape = None
    rms_median = None

    @abstractmethod
    def read_window(self, window):
        """
        Give background and rms of one window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.

        Returns
        -------
        background, rms : 2D `~numpy.ndarray` of float32
            In the image's unit. ``rms`` is positive; where the caller's own map has no
            positive finite value it is NaN, and the pixel counts as blank.
        """

    def read_artefacts(self, window, side=1):
        """
        Give the share of the variance that artefacts of bright sources make up.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)``, in blocks of ``side`` pixels.
        side : int, optional
            Side of a block in pixels.

        Returns
        -------
        share : 2D `~numpy.ndarray` of float32
            At the centres of the blocks, from 0 to less than 1; 0 where nothing is known.
        """
        return np.zeros([part.stop - part.start for part in window], np.float32)

    def significance(self, data, window):
        """
        Turn pixels into significance, ``(data - background) / rms``.

        Parameters
        ----------
        data : 2D `~numpy.ndarray`
            Pixels of the window.
        window : tuple of slice
            Where they lie in the image.

        Returns
        -------
        significance : 2D `~numpy.ndarray` of float32
            NaN where the pixel or its noise is blank.
        """
        background, rms = self.read_window(window)
        out = np.empty(rms.shape, np.float32)
        mesh_significance(np.ascontiguousarray(data, np.float32), background, rms, out)
        return out


class MeshNoiseMap(NoiseMap):
    """
    Noise map that keeps only its mesh and interpolates the windows asked for.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the image.
    background, rms : 2D `~numpy.ndarray`
        Cell values; the cells divide the image evenly.
    refined : 2D `~numpy.ndarray`, optional
        Finer rms mesh; the larger value counts.
    filled : 2D `~numpy.ndarray` of bool, optional
        Cells that took their value from their neighbours.
    """

    def __init__(self, shape, background, rms, *, refined=None, filled=None):
        self.shape = tuple(int(n) for n in shape)
        self.background_mesh = np.ascontiguousarray(background, np.float32)
        self.rms_mesh = np.ascontiguousarray(rms, np.float32)
        self.refined_mesh = None if refined is None else np.ascontiguousarray(refined, np.float32)
        self.filled = np.zeros(self.rms_mesh.shape, bool) if filled is None else filled
        kept = self.rms_mesh[~self.filled] if not self.filled.all() else self.rms_mesh
        self.rms_median = float(np.median(kept))
        self._background = pad_mesh(self.background_mesh, falling=True)
        self._rms = pad_mesh(self.rms_mesh)
        self._refined = None if refined is None else pad_mesh(self.refined_mesh)

    def __repr__(self):
        cells = 'x'.join(str(n) for n in self.rms_mesh.shape)
        refined = ', refined' if self.refined_mesh is not None else ''
        return (f'MeshNoiseMap(shape={self.shape}, cells={cells}, rms={self.rms_median:.4g}'
                f'{refined})')

    def read_window(self, window):
        """
        Give background and rms of one window.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)`` inside the image.

        Returns
        -------
        background, rms : 2D `~numpy.ndarray` of float32
            In the image's unit; the same values however the image is cut into windows.
        """
        y0, x0 = window[0].start, window[1].start
        size = (window[0].stop - y0, window[1].stop - x0)
        background, rms = np.empty(size, np.float32), np.empty(size, np.float32)
        mesh_map(self._background, self.shape, y0, x0, background, False)
        mesh_map(self._rms, self.shape, y0, x0, rms, False)
        if self._refined is not None:
            mesh_map(self._refined, self.shape, y0, x0, rms, True)
        return background, rms

    def read_artefacts(self, window, side=1):
        """
        Give the share of the variance that artefacts of bright sources make up.

        Parameters
        ----------
        window : tuple of slice
            ``(slice_y, slice_x)``, in blocks of ``side`` pixels.
        side : int, optional
            Side of a block in pixels.

        Returns
        -------
        share : 2D `~numpy.ndarray` of float32
            By how much the finer mesh exceeds the coarse one at the centres of the blocks.
        """
        share = super().read_artefacts(window)
        if self._refined is None:
            return share
        shape = tuple(size / side for size in self.shape)
        y0, x0 = window[0].start, window[1].start
        coarse = np.empty_like(share)
        mesh_map(self._rms, shape, y0, x0, coarse, False)
        share[:] = coarse
        mesh_map(self._refined, shape, y0, x0, share, True)
        return 1 - (coarse / share)**2


@dataclass(frozen=True, kw_only=True)
class MeshBackground:
    """
    Measure background and rms in the cells of a mesh.

    Each cell is clipped around its median, evenly and once more hard on the bright side; where
    the two disagree, sources reach into the cell and the second counts, whose Gaussian rests on
    the side they do not reach. The standard deviation of the clipped pixels is divided by that
    of a unit Gaussian cut at the same limits (0.9866 at 3 sigma), so pure noise keeps its rms.
    Cells that stand above their neighbourhood are filled by a source and take their
    neighbours' values. A 3x3 median smooths the mesh, and bilinear interpolation, which cannot
    overshoot below zero, gives the maps.

    Near bright sources a finer mesh measures the scatter below the background only: artefacts
    swing both ways and count, sources are positive and do not. The larger rms wins there.

    Parameters
    ----------
    box_beams : float, optional
        Cell side in beams (FWHM).
    box_pix : int, optional
        Cell side in pixels, in place of ``box_beams``.
    sigma : float, optional
        Clipping limit in robust standard deviations.
    n_iter_max : int, optional
        Largest number of clipping passes.
    min_valid : float, optional
        Smallest share of finite pixels a cell needs to be measured.
    refine_snr : float or None, optional
        S/N of a pixel from which on its surroundings are measured finely; `None` never.
    refine_beams : float, optional
        Cell side of the finer mesh in beams.
    n_threads : int, optional
        Threads to use; by default one a usable core. The result does not depend on it.
    """

    box_beams: float = 16.0
    box_pix: int | None = None
    sigma: float = 3.0
    n_iter_max: int = 10
    min_valid: float = 0.25
    refine_snr: float | None = 75.0
    refine_beams: float = 5.5
    n_threads: int | None = None

    def __post_init__(self):
        check_number('box_beams', self.box_beams, minimum=4)
        if self.box_pix is not None:
            check_number('box_pix', self.box_pix, minimum=8, integer=True)
        check_number('sigma', self.sigma, minimum=1.5, maximum=10)
        check_number('n_iter_max', self.n_iter_max, minimum=1, integer=True)
        check_number('min_valid', self.min_valid, above=0, maximum=1)
        if self.refine_snr is not None:
            check_number('refine_snr', self.refine_snr, minimum=10)
        check_number('refine_beams', self.refine_beams, minimum=2)
        if self.n_threads is not None:
            check_number('n_threads', self.n_threads, minimum=1, integer=True)

    def __call__(self, image, *, fwhm_pix=4.0):
        """
        Measure the image.

        Parameters
        ----------
        image : `~astrofound.image.SurveyImage` or 2D array-like
            Read once in strips, and near bright sources once more. NaN is left out.
        fwhm_pix : float, optional
            FWHM of the beam or PSF in pixels.

        Returns
        -------
        noise : `MeshNoiseMap`
            Background and rms for any window.

        Raises
        ------
        InputError
            If every pixel is blank or the image is constant.
        """
        check_number('fwhm_pix', fwhm_pix, above=0)
        reader = open_reader(image)
        layout = _Layout.choose(reader.shape, self, fwhm_pix)
        stats, peaks = self._measure_cells(reader, layout)
        background, rms, filled = clean_cells(stats, layout.cell_pixels, self.min_valid)
        refined = None
        if self.refine_snr is not None and layout.n_sub > 1:
            refined = self._refine(reader, layout, background, rms, peaks, fwhm_pix)
        return MeshNoiseMap(reader.shape, background, rms, refined=refined, filled=filled)

    def _measure_cells(self, reader, layout):
        n_y, n_x = layout.n_cells
        stats = np.empty((n_y, n_x, 5))
        peaks = np.empty((n_y * layout.n_sub, n_x * layout.n_sub), np.float32)

        def measure(data, rows):
            fine = slice(rows.start * layout.n_sub, rows.stop * layout.n_sub)
            edges = layout.y_edges[fine.start:fine.stop + 1]
            mesh_cells(data, edges - edges[0], layout.x_edges, layout.n_sub, self.sigma,
                       self.n_iter_max, _UPPER_CLIP, stats[rows], peaks[fine])

        _over_strips(reader, layout, measure, range(n_y), self.n_threads)
        return stats, peaks

    def _refine(self, reader, layout, background, rms, peaks, fwhm_pix):
        """Mesh of the fine cells near bright sources, or None where none is raised."""
        level, coarse = layout.at_fine_cells(background, falling=True), layout.at_fine_cells(rms)
        snr = (peaks - level) / coarse
        if not (snr > self.refine_snr).any():
            return None
        wanted = bright_surroundings(snr, self.refine_snr)
        fine = np.full(peaks.shape, np.nan, np.float32)
        n_pix = layout.fine_pixels

        def measure(data, rows):
            part = slice(rows.start * layout.n_sub, rows.stop * layout.n_sub)
            edges = layout.y_edges[part.start:part.stop + 1]
            # an eighth of the cell below the level is too few for a scatter
            lower_rms(data, edges - edges[0], layout.x_edges, level[part], wanted[part],
                      max(4.0, n_pix / 8), fine[part])

        rows = [j for j in range(layout.n_cells[0])
                if wanted[j * layout.n_sub:(j + 1) * layout.n_sub].any()]
        _over_strips(reader, layout, measure, rows, self.n_threads)
        return raised_cells(fine, coarse, n_pix, fwhm_pix)


@dataclass(frozen=True)
class _Layout:
    """How an image is divided: cells, and ``n_sub`` x ``n_sub`` fine cells in each."""

    shape: tuple
    n_cells: tuple
    n_sub: int
    y_edges: np.ndarray
    x_edges: np.ndarray

    @classmethod
    def choose(cls, shape, options, fwhm_pix):
        box = options.box_pix
        if box is None:
            # four cells across a small image, where that leaves 8 beams and 32 pixels a cell
            box = max(32.0, 8 * fwhm_pix, min(options.box_beams * fwhm_pix, min(shape) / 4))
        n_cells = tuple(max(1, round(size / box)) for size in shape)
        cell = min(size / n for size, n in zip(shape, n_cells, strict=True))
        n_sub = round(cell / max(8.0, options.refine_beams * fwhm_pix))
        n_sub = max(1, min(n_sub, int(cell)))
        edges = [np.rint(np.arange(n * n_sub + 1) * (size / (n * n_sub))).astype(np.int64)
                 for size, n in zip(shape, n_cells, strict=True)]
        return cls(tuple(shape), n_cells, n_sub, *edges)

    @property
    def cell_pixels(self):
        return np.outer(np.diff(self.y_edges[::self.n_sub]), np.diff(self.x_edges[::self.n_sub]))

    @property
    def fine_pixels(self):
        return self.cell_pixels.mean() / self.n_sub**2

    def at_fine_cells(self, mesh, *, falling=False):
        """Coarse mesh interpolated at the centres of the fine cells."""
        out = np.empty([n * self.n_sub for n in self.n_cells], np.float32)
        mesh_map(pad_mesh(mesh.astype(np.float32), falling=falling), out.shape, 0, 0, out, False)
        return out


def _over_strips(reader, layout, work, rows, n_threads):
    """Read strips of cell rows on threads, and hand them to ``work`` there."""
    n_threads = n_threads or usable_cores()
    coarse = layout.y_edges[::layout.n_sub]
    height = max(1, int(_STRIP_PIXELS / (layout.shape[1] * np.diff(coarse).max())))
    rows = sorted(rows)
    waiting = deque()

    def read_and_work(window, strip):
        work(reader.read_window(window), strip)

    with ThreadPoolExecutor(n_threads) as pool:
        k = 0
        while k < len(rows):
            stop = k + 1
            while stop < len(rows) and stop - k < height and rows[stop] == rows[stop - 1] + 1:
                stop += 1
            strip = slice(rows[k], rows[stop - 1] + 1)
            window = slice(coarse[strip.start], coarse[strip.stop]), slice(0, layout.shape[1])
            window = slice(int(window[0].start), int(window[0].stop)), window[1]
            waiting.append(pool.submit(read_and_work, window, strip))
            if len(waiting) > n_threads:  # no more strips in memory than threads at work
                waiting.popleft().result()
            k = stop
        for future in waiting:
            future.result()
