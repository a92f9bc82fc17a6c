import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrofound.baselines import PhotutilsSegmentation
from astrofound.estimators import SourceDetector
from astrofound.image import PixelBeam, SurveyImage
from astrofound.utils import AstrofoundWarning, InputError

DTYPES = ('>f4', '<f8', '>i2', 'u1', 'i4', 'f2')


@st.composite
def images(draw):
    """Noise with a few sources, of any shape and type, with holes of any pattern."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    data = 20 * rng.standard_normal(shape) + 100
    for _ in range(draw(st.integers(0, 4))):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        data[max(0, y - 2):y + 3, max(0, x - 2):x + 3] += 10.0 ** rng.uniform(2, 6)
    data = np.clip(data, 0, 250 if draw(st.booleans()) else 6e4)
    data = data.astype(draw(st.sampled_from(DTYPES)))
    pattern = draw(st.sampled_from(('none', 'some', 'most', 'rows', 'corner', 'infinite')))
    if data.dtype.kind == 'f' and pattern != 'none':
        hole = {'some': rng.random(shape) < 0.05, 'most': rng.random(shape) < 0.9,
                'rows': np.arange(shape[0])[:, None] % 7 + np.zeros(shape) == 0,
                'corner': np.add.outer(np.arange(shape[0]), np.arange(shape[1])) < 60,
                'infinite': rng.random(shape) < 0.02}[pattern]
        data[hole] = np.inf if pattern == 'infinite' else np.nan
    return data


@pytest.mark.parametrize('detector', [SourceDetector(threshold=0.2), PhotutilsSegmentation()],
                         ids=['compact', 'photutils'])
@settings(max_examples=25)
@given(data=images())
def test_any_image_gives_numbers_or_flags(detector, data):
    beam = PixelBeam(3.0, 2.5, 20.0)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', AstrofoundWarning)
        try:
            catalog = detector.predict(SurveyImage(data, beam=beam))
        except InputError:
            return  # one clear line: too small for its beam, blank or constant
    for name in ('x_centroid', 'y_centroid', 'snr', 'score'):
        assert np.isfinite(catalog[name]).all(), name
    unmeasured = ~np.isfinite(catalog['flux'])
    assert (catalog['flags'][unmeasured] != 0).all()
    assert ((catalog['x_centroid'] > -1) & (catalog['x_centroid'] < data.shape[1])).all()
    assert ((catalog['y_centroid'] > -1) & (catalog['y_centroid'] < data.shape[0])).all()
