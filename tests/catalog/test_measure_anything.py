"""Whatever the image looks like, measuring gives numbers or flags and never an exception."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astrofound.catalog import (
    COLUMNS,
    FLAGS,
    Detections,
    boxes_around,
    force_photometry,
    measure_sources,
    suppress,
    write_catalog,
)
from astrofound.image import PixelBeam, SurveyImage

NAN_WHEN_UNRESOLVED = {name for name in COLUMNS if name.startswith('deconvolved')} | {
    f'{name}_err' for name in ('fwhm_major', 'fwhm_minor', 'theta')}
SKY = {'ra', 'dec', 'ra_err', 'dec_err', 'major', 'minor', 'pa_sky', 'major_err', 'minor_err',
       'pa_sky_err'}


class Noise:
    def __init__(self, shape, rms, background, blank):
        self.shape, self.rms_median = shape, 1.0
        self._rms = np.full(shape, rms, np.float32)
        self._rms[blank] = np.nan
        self._background = np.full(shape, background, np.float32)

    def read_window(self, window):
        return self._background[window], self._rms[window]


@st.composite
def scenes(draw):
    shape = draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0**draw(st.integers(-12, 12))
    data = rng.normal(size=shape) * scale
    for _ in range(draw(st.integers(0, 3))):
        j, i = np.indices(shape)
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        data += 30 * scale * np.exp(-((i - x)**2 + (j - y)**2) / rng.uniform(2, 40))
    dtype = draw(st.sampled_from(['f4', '>f8', 'f8', '>i2', 'u1', 'i4', '>f4']))
    kind = draw(st.sampled_from(['noise', 'constant', 'huge']))
    if kind == 'constant':
        data[:] = scale
    if dtype[-2] in 'iu':
        data = np.clip(data / scale * 10, 0, 120)
    data = data.astype(dtype)
    mask = rng.random(shape) < draw(st.sampled_from([0, 0, 0.1, 0.5, 0.95]))
    mask[rng.integers(shape[0]), rng.integers(shape[1])] = False
    if dtype[-2] == 'f':
        data[mask] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        if kind == 'huge':
            data[rng.random(shape) < 0.02] = 1e30 if scale < 1e10 else 1e37
    widest = max(1.0, min(shape) - 1.0)
    beam = PixelBeam(*draw(st.tuples(*[st.floats(0.6, widest)] * 2)), draw(st.floats(0, 180)))
    n = draw(st.integers(1, 8))
    spread = draw(st.sampled_from([1.0, 1.5, 1e7]))
    x, y = (rng.uniform(-0.2, 1.0, n) * side * spread for side in shape[::-1])
    x[: n // 4] = rng.choice([np.nan, np.inf, 1e300], n // 4)
    x[-1:], y[-1:] = x[:1], y[:1]  # two at the same place
    half = rng.uniform(0, 60, (2, n))
    with np.errstate(invalid='ignore'):
        boxes = boxes_around(x, y, half[0], half[1])
    found = Detections(x, y, boxes, rng.random(n), rng.integers(0, 3, n))
    unit = draw(st.sampled_from([None, u.Jy / u.beam, u.ct]))
    rms = scale if draw(st.booleans()) else 1e-6 * scale
    return data, mask, beam, found, unit, rms


def check(catalog, n):
    assert len(catalog) == n
    assert catalog.colnames == list(COLUMNS)
    lost = (catalog['flags'] & FLAGS['no_data'][0]) > 0
    for name, spec in COLUMNS.items():
        if spec.kind != 'f' or name in SKY | NAN_WHEN_UNRESOLVED | {'score'}:
            continue
        values = np.asarray(getattr(catalog[name], 'value', catalog[name]))
        if name in ('x_centroid', 'y_centroid'):
            continue
        assert np.isfinite(values[~lost]).all(), name
        if name.endswith('_err') or name.startswith(('fwhm', 'local_rms')):
            assert (values[~lost] >= 0).all(), name
    assert (np.asarray(catalog['fwhm_major'])[~lost]
            >= np.asarray(catalog['fwhm_minor'])[~lost] * 0.999).all()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenes())
def test_numbers_or_flags(scene):
    data, mask, beam, found, unit, rms = scene
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            image = SurveyImage(data, unit=unit, beam=beam, mask=mask)
    except ValueError:
        return  # an image without any pixel, or smaller than its beam, is refused at the door
    noise = Noise(image.shape, rms, 0.1 * rms, mask)
    check(measure_sources(image, noise, found), len(found))
    kept = suppress(found, fwhm_pix=beam.fwhm)
    check(measure_sources(image, noise, kept), len(kept))
    check(force_photometry(image, noise, np.stack([found.x, found.y], axis=1)), len(found))


@pytest.mark.parametrize('suffix', ['.reg', '.crtf', '.fits', '.vot', '.ecsv', '.csv'])
def test_a_catalogue_of_failures_is_written(tmp_path, make_image, suffix):
    data = np.full((20, 20), np.nan)
    data[0, 0] = 1.0
    image = make_image(data)
    noise = Noise(image.shape, 1.0, 0.0, np.zeros(image.shape, bool))
    found = Detections([10.0, np.nan], [10.0, 5.0], np.full((2, 4), 3.0))
    catalog = measure_sources(image, noise, found)
    assert ((catalog['flags'] & FLAGS['no_data'][0]) > 0).all()
    write_catalog(catalog, tmp_path / f'a{suffix}')
