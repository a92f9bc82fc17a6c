"""
Compare scores with how often they are right: on independent skies and on inverted real images.

    python benchmarks/score_calibration.py --work /tmp/sky --real DATA \
        -o benchmarks/results/detectors_scores.ecsv

On a simulated sky the truth says what is real. On a real image nobody knows, but nothing real
is negative: what is found in the inverted image is as false as what noise and sidelobes give in
the image itself, so ``1 - n_inverted / n`` of its entries are real. Sidelobes and missing
spacings are not symmetric, and the sky round sources is not empty: take it as a bound, not as
the truth.
"""

import argparse
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.table import QTable, Table
from detectors import Sky
from real_fields import KNOWN_BEAMS, single_fields

from astrofound import SourceDetector
from astrofound.estimators.injecting import with_pixels
from astrofound.evaluation import score_truth
from astrofound.evaluation.statistics import fraction
from astrofound.image import as_survey_image, parse_beam
from astrofound.preprocess import noise_map
from astrofound.utils import AstrofoundWarning

EDGES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0)


def simulated(kind, seeds, size, work):
    """Scores of all entries of the skies of a kind, and whether each is real."""
    scores, real = [], []
    for seed in seeds:
        sky = Sky.make(kind, seed, size, work)
        catalog = SourceDetector(threshold=EDGES[0]).predict(sky.path)
        truth = QTable.read(sky.path.with_name(f'{sky.path.stem}_truth.fits'), hdu='TRUTH')
        # A faint source is real too, whatever the figures of completeness ask for.
        judged = score_truth(catalog, truth, min_snr=0)
        scores.append(np.asarray(catalog['score']))
        real.append(np.asarray(judged.entries['source']) >= 0)
    return np.concatenate(scores), np.concatenate(real)


def real_images(data):
    """Yield the name of a set and an image of it with its beam."""
    for path in sorted((data / 'first_rgz' / 'fits').glob('*.fits*')):
        yield 'FIRST, 47 fields', as_survey_image(path).with_beam()
    for name, path, _ in single_fields(data):
        if name != 'ntt':
            known = KNOWN_BEAMS.get(path.parent.parent.name)
            beam = parse_beam(known) if known else None
            yield 'Parkes and 54 arcsec fields', as_survey_image(path, beam=beam).with_beam()


def inverted(image):
    """Turn an image upside down about its background."""
    window = tuple(slice(0, side) for side in image.shape)
    background, _ = noise_map(image).read_window(window)
    return with_pixels(image, 2 * background - image.data)


def bins_of(field, scores, real=None, n_inverted=None):
    """Rows of the table: entries, their mean score and the part of them that is real."""
    for low, high in pairwise(EDGES):
        inside = (scores >= low) & (scores < high if high < 1 else scores <= 1)
        n = int(inside.sum())
        if not n:
            continue
        if real is not None:
            value, lower, upper = fraction(int(real[inside].sum()), n)
        else:
            false = int(((n_inverted >= low) & (
                n_inverted < high if high < 1 else n_inverted <= 1)).sum())
            value = 1 - false / n
            lower = value - np.sqrt(false + 1) / n
            upper = min(1.0, value + np.sqrt(false + 1) / n)
        yield {'field': field, 'low': low, 'high': high, 'n': n,
               'score': float(scores[inside].mean()), 'real': value, 'real_low': lower,
               'real_high': upper}


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--work', type=Path, required=True)
    parser.add_argument('--real', type=Path)
    parser.add_argument('-o', '--output', type=Path, required=True)
    arguments = parser.parse_args()
    warnings.simplefilter('ignore', AstrofoundWarning)
    rows = []
    for kind, size in (('radio', 4096), ('optical', 2048)):
        rows += bins_of(f'independent {kind} skies', *simulated(kind, (0, 1), size, arguments.work))
    if arguments.real is not None:
        detector, found = SourceDetector(threshold=EDGES[0]), {}
        for name, image in real_images(arguments.real):
            for place, one in enumerate((image, inverted(image))):
                found.setdefault(name, ([], []))[place].extend(detector.predict(one)['score'])
        for name, (scores, below) in found.items():
            rows += bins_of(f'{name}, inverted', np.array(scores), n_inverted=np.array(below))
    Table(rows).write(arguments.output, format='ascii.ecsv', overwrite=True)


if __name__ == '__main__':
    main()
