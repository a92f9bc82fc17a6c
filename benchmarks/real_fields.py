"""
Judge finders on real observations against their reference catalogues.

    python benchmarks/real_fields.py --data DIR --methods compact sep --plots FOLDER

``DIR`` holds the folders first_rgz, parkes_1904-66, pybdsf_reference and ntt_r_band. A
reference catalogue is another finder's output, not the truth: what is reported is how much of
it is recovered, and what was found besides.
"""

import argparse
import csv
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table
from methods import METHODS, make_detector
from runs import component_keywords
from scipy import ndimage
from scipy.spatial import cKDTree

FIRST_RADIUS = 8.0      # pixels
CENTRE = slice(100, 200)
# What an expert tells a finder that cannot find out.
KNOWN_BEAMS = {'first_rgz': '5.4arcsec'}


def positions(catalog):
    """Positions of a catalogue as an (n, 2) array."""
    return np.column_stack([np.asarray(catalog[name], dtype=float)
                            for name in ('x_centroid', 'y_centroid')]).reshape(-1, 2)


def owners(catalog):
    """Row of the source that each row is or, being a component, belongs to."""
    own = np.arange(len(catalog))
    if 'parent_id' not in catalog.colnames:
        return own
    row = dict(zip(np.asarray(catalog['id']).tolist(), own.tolist(), strict=True))
    return np.array([row.get(parent, i) for i, parent in
                     enumerate(np.asarray(catalog['parent_id']).tolist())], int)


def detect(detector, image):
    """Run a finder without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return detector.predict(image, **component_keywords(detector))


def detect_all(detector, images):
    """Run a finder on many images, in one process where it starts one."""
    if hasattr(detector, 'predict_all'):
        return detector.predict_all(images)
    return [detect(detector, image) for image in images]


@dataclass(frozen=True)
class RunDetector:
    """
    A finder in a child process, behind ``predict``.

    Parameters
    ----------
    runner : `runs.Runner`
        Runs it and keeps the catalogues, in its folder's subfolder ``real``.
    method : str
        A key of `methods.METHODS`.
    threshold : float or None
        Its setting.
    cut : float, optional
        Smallest S/N of the rows that are kept.
    """

    runner: object
    method: str
    threshold: float | None
    cut: float = 0.0

    def predict(self, image):
        """Detect in one image."""
        return self.predict_all([image])[0]

    def predict_all(self, images):
        """Detect in many images."""
        work = self.runner.work / 'real'
        work.mkdir(parents=True, exist_ok=True)
        images = [Path(image) for image in images]
        if METHODS[self.method].peer:
            images = [plain_image(image, work / 'images') for image in images]
        runner = replace(self.runner, work=work, components=True)
        catalogs = [catalog for catalog, _ in runner.run(self.method, self.threshold, images)]
        return [catalog[catalog['snr'] >= self.cut] if self.cut else catalog
                for catalog in catalogs]


def plain_image(path, folder):
    """
    Write a plane with a header that every finder reads, and return where it is.

    FIRST cutouts tell their beam in comments only, and others have four axes or a frequency
    that is none; astrofound reads them as they are.
    """
    from astrofound.image import as_survey_image, parse_beam

    output = folder / f'{path.name.partition(".fits")[0]}.fits'
    if output.exists():
        return output
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        image = as_survey_image(path).with_beam()
        header = image.wcs.celestial.to_header()
        known = KNOWN_BEAMS.get(path.parent.parent.name)
        beam = parse_beam(known) if known else image.beam.to_sky(image.wcs)
    for name, value in (('BMAJ', beam.major), ('BMIN', beam.minor), ('BPA', beam.pa)):
        header[name] = value.to_value(u.deg)
    header['BUNIT'] = 'Jy/beam'
    header['RESTFRQ'] = 1.4e9
    fits.PrimaryHDU(np.asarray(image.data, np.float32), header).writeto(output)
    return output


def score_first(detector, data, pictures=None):
    """
    Recall on all components, precision in the central 100 x 100 pixels of 47 cutouts.

    The reference lists components. A source that comes with components of its own is true
    where one of its rows lies on one.
    """
    folder = data / 'first_rgz'
    with open(folder / 'components.csv', newline='') as stream:
        rows = list(csv.DictReader(stream))
    with open(folder / 'images.csv', newline='') as stream:
        files = [row['file'] for row in csv.DictReader(stream)]
    n_found = n_true = n_central = n_all = 0
    shown = []
    catalogs = detect_all(detector, [folder / 'fits' / name for name in files])
    for name, catalog in zip(files, catalogs, strict=True):
        known = np.array([(float(row['x']), float(row['y'])) for row in rows
                          if row['file'] == name]).reshape(-1, 2)
        found, owner = positions(catalog), owners(catalog)
        is_source = owner == np.arange(len(owner))
        n_all += is_source.sum()
        if len(found) and len(known):
            n_found += (cKDTree(found).query(known)[0] <= FIRST_RADIUS).sum()
        central = is_source & ((found >= CENTRE.start - 0.5)
                               & (found < CENTRE.stop - 0.5)).all(axis=1)
        n_central += central.sum()
        if central.any() and len(known):
            near = cKDTree(known).query(found)[0] <= FIRST_RADIUS
            n_true += np.isin(np.flatnonzero(central), owner[near]).sum()
        shown.append((name, known, found))
    if pictures is not None:
        plot_cutouts(folder, shown, pictures)
    return {'first_recall': n_found / len(rows), 'first_precision': n_true / max(n_central, 1),
            'first_n': n_all, 'first_central': n_central}


def plot_cutouts(folder, shown, stem):
    """Sheets of 24 cutouts: reference as green squares, detections as orange circles."""
    from matplotlib.figure import Figure

    for sheet, start in enumerate(range(0, len(shown), 24)):
        figure = Figure(figsize=(24, 16), layout='constrained')
        axes = figure.subplots(4, 6).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, (name, known, found) in zip(axes, shown[start:start + 24], strict=False):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                data = fits.getdata(folder / 'fits' / name)
            noise = 1.4826 * np.median(np.abs(data - np.median(data)))
            ax.imshow(np.arcsinh(data / (2 * noise)), origin='lower', cmap='gray_r', vmin=-1.2,
                      vmax=4)
            ax.plot(*known.T, 's', mfc='none', mec='#009E73', ms=12, mew=1.5)
            ax.plot(*found.T, 'o', mfc='none', mec='#D55E00', ms=8, mew=1.5)
            ax.plot([99.5, 199.5, 199.5, 99.5, 99.5], [99.5, 99.5, 199.5, 199.5, 99.5],
                    color='#0072B2', lw=0.5)
            ax.set_title(name[:22], fontsize=8)
        figure.savefig(f'{stem}_{sheet}.png', dpi=75)


def recovered(found, known, radius):
    """Number of reference sources with an entry of their own, and entries beside them."""
    from astrofound.catalog import cross_match

    if not len(found) or not len(known):
        return 0, len(found)
    pairs = cross_match(found, known, radius=radius)[0]
    lonely = cKDTree(known).query(found)[0] > radius
    return len(pairs), int(lonely.sum())


def near_blank(image, found, reach):
    """Entries on a blank pixel, and within a beam of one."""
    blank = ~np.isfinite(image.data)
    if not blank.any() or not len(found):
        return 0, 0
    distance = ndimage.distance_transform_edt(~blank)
    ny, nx = image.shape
    column = np.clip(np.rint(found[:, 0]).astype(int), 0, nx - 1)
    row = np.clip(np.rint(found[:, 1]).astype(int), 0, ny - 1)
    return int(blank[row, column].sum()), int((distance[row, column] <= reach).sum())


def single_fields(data):
    """Name, image path, reference positions (sky or pixels) and radius in beams."""
    parkes, pybdsf, ntt = (data / name for name in
                           ('parkes_1904-66', 'pybdsf_reference', 'ntt_r_band'))
    aegean = Table.read(parkes / '1904_comp.fits')
    yield 'parkes', parkes / '1904-66_SIN.fits', SkyCoord(aegean['ra'], aegean['dec'], unit='deg')
    gaussians = Table.read(next(pybdsf.glob('*gaul*')), hdu=1)
    gaussians = gaussians[gaussians['Wave_id'] == 0]
    yield 'pybdsf', next(pybdsf.glob('*ch0_I.fits')), SkyCoord(
        u.Quantity(gaussians['RA'], 'deg'), u.Quantity(gaussians['DEC'], 'deg'))
    sextractor = Table.read(ntt / 'image.cat', format='ascii.sextractor')
    yield 'ntt', ntt / 'image.fits', np.column_stack([
        np.asarray(sextractor[name], dtype=float) - 1 for name in ('X_IMAGE', 'Y_IMAGE')])


def score_single(detector, data, pictures=None):
    """Recovered reference sources of the three single fields, and entries by blank pixels."""
    from astrofound.image import as_survey_image

    figures = {}
    radio_only = isinstance(detector, RunDetector) and (
        'optical' not in METHODS[detector.method].kinds)
    for name, path, known in single_fields(data):
        if name == 'ntt' and radio_only:
            figures |= {f'ntt_{figure}': -1 for figure in ('recovered', 'of', 'beside')}
            continue
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            image = as_survey_image(path).with_beam()
            if isinstance(known, SkyCoord):
                known = np.column_stack(image.wcs.world_to_pixel(known))
        catalog = detect(detector, path)
        # the references list components: those of a source stand for it
        is_parent = np.bincount(owners(catalog), minlength=len(catalog)) > 1
        found = positions(catalog)[~is_parent]
        n, beside = recovered(found, known, max(image.beam.fwhm, 2.5))
        figures |= {f'{name}_recovered': n, f'{name}_of': len(known), f'{name}_beside': beside}
        if name == 'parkes':
            on, near = near_blank(image, found, image.beam.fwhm)
            figures |= {'parkes_on_blank': on, 'parkes_near_blank': near}
        if pictures is not None:
            plot_field(image, catalog, f'{pictures}_{name}.png')
    return figures


def plot_field(image, catalog, path):
    """The overview that the command line draws."""
    from astrofound.explore import plot_overview

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        plot_overview(image, catalog, path=path)


def score_detector(detector, data, pictures=None):
    """
    Judge one finder on every real field.

    Parameters
    ----------
    detector : object
        Something with ``predict(image) -> QTable``.
    data : path-like
        Folder of the real observations.
    pictures : path-like, optional
        Beginning of the names of the pictures; by default none are drawn.

    Returns
    -------
    figures : dict
        Name to number.
    """
    data = Path(data)
    first = score_first(detector, data, None if pictures is None else f'{pictures}_first')
    return first | score_single(detector, data, pictures)


def score_all(data, methods, plots=None):
    """One row a finder and threshold."""
    rows = []
    for name, threshold in methods:
        setting = 'default' if threshold is None else f'{threshold:g}'
        pictures = None if plots is None else Path(plots) / f'{name}_{setting}'
        figures = score_detector(make_detector(name, threshold), data, pictures)
        rows.append({'method': name, 'threshold': setting, **figures})
    return QTable(rows=rows)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--methods', nargs='+', default=['compact'],
                        help='names of methods.METHODS, each with :threshold if wanted')
    parser.add_argument('--plots', type=Path, help='folder for pictures')
    parser.add_argument('-o', '--output', type=Path, help='write the table (ECSV)')
    arguments = parser.parse_args()
    if arguments.plots:
        arguments.plots.mkdir(parents=True, exist_ok=True)
    methods = []
    for text in arguments.methods:
        name, _, threshold = text.partition(':')
        if name in METHODS and METHODS[name].available():
            methods.append((name, float(threshold) if threshold else None))
    table = score_all(arguments.data, methods, arguments.plots)
    for row in table:
        print(f'{row["method"]} ({row["threshold"]})')
        print(f'  FIRST   recall {row["first_recall"]:.3f}, central precision '
              f'{row["first_precision"]:.3f} ({row["first_n"]} entries in 47 fields, '
              f'{row["first_central"]} central)')
        for name in ('parkes', 'pybdsf', 'ntt'):
            print(f'  {name:<7} {row[f"{name}_recovered"]}/{row[f"{name}_of"]} recovered, '
                  f'{row[f"{name}_beside"]} besides')
        print(f'  parkes  {row["parkes_on_blank"]} on blank pixels, {row["parkes_near_blank"]} '
              'within a beam of one')
    if arguments.output:
        table.write(arguments.output, overwrite=True, format='ascii.ecsv')


if __name__ == '__main__':
    main()
