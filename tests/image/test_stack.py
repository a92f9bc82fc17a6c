import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.image import SurveyImage, stack_bands
from astrofound.utils import InputError


def sky(wcs, shape, *, fwhm=12.0, offset=(6.0, -4.0)):
    """Brightness of one round source, fixed on the sky, on the pixels of ``wcs``."""
    y, x = np.indices(shape)
    here = wcs.pixel_to_world(x, y)
    from astropy.coordinates import SkyCoord

    source = SkyCoord(150 * u.deg, 2 * u.deg).spherical_offsets_by(*(offset * u.arcsec))
    return np.exp(-4 * np.log(2) * (here.separation(source).arcsec / fwhm)**2)


def centroid(data):
    data = np.nan_to_num(data)
    y, x = np.indices(data.shape)
    return (x * data).sum() / data.sum(), (y * data).sum() / data.sum()


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('angle', [0, 30])
@pytest.mark.parametrize('scale', [0.5, 2.0])
@pytest.mark.parametrize('unit', ['Jy/beam', 'ct', 'MJy/sr'])
def test_sources_fall_together_with_their_flux(make_wcs, angle, flip, scale, unit):
    reference = make_wcs((60, 60), scale=1.5)
    n = round(90 / scale)
    wcs = make_wcs((n, n), scale=scale, angle=angle, flip=flip)
    factor = scale**2 if unit == 'ct' else 1
    a = SurveyImage(sky(reference, (60, 60)), wcs=reference, unit='Jy/beam', beam='6arcsec',
                    name='g')
    b = SurveyImage(sky(wcs, (n, n)) * factor, wcs=wcs, unit=unit, beam='8"x6"@20', name='r')
    stack = stack_bands([a, b])
    assert stack.shape == (2, 60, 60)
    assert stack.names == ('g', 'r')
    assert stack['g'] is a
    assert_allclose(centroid(stack['r'].data), centroid(a.data), atol=0.02)
    flux = np.nansum(stack['r'].data) * stack['r'].flux_per_sum
    assert flux == pytest.approx(b.data.sum() * b.flux_per_sum, rel=0.02)
    assert stack['r'].unit == b.unit
    assert stack['r'].beam_origin == 'caller'
    assert_allclose(stack['r'].sky_beam.major.to_value(u.arcsec), 8, rtol=1e-4)
    assert_allclose(stack['r'].sky_beam.pa.to_value(u.deg), 20, atol=0.05)


def test_the_same_grid_is_left_alone(noise, make_wcs):
    a, b = (SurveyImage(noise * k, wcs=make_wcs(), name=str(k)) for k in (1, 2))
    stack = stack_bands([a, b], reference='2')
    assert stack[0] is a
    assert stack[1] is b
    assert_array_equal(stack.data, np.stack([noise, 2 * noise]))
    assert_array_equal(stack.read_window((slice(1, 4), slice(2, 9))), stack.data[:, 1:4, 2:9])
    assert len(list(stack)) == len(stack) == 2
    assert stack.wcs is a.wcs


def test_bands_without_wcs_of_one_shape(noise):
    assert stack_bands([noise, 2 * noise, 3 * noise]).shape == (3, 40, 60)


def test_blank_pixels_stay_blank(make_wcs):
    data = np.ones((40, 60))
    data[10:20, 10:20] = np.nan
    wcs = make_wcs()
    shifted = make_wcs(center=(150 + 10 / 3600, 2.0))
    aligned = stack_bands([(np.ones((40, 60)), wcs), (data, shifted)])[1].data
    assert np.isnan(aligned[12:18, 8:12]).all()
    assert np.isnan(aligned[:, -4:]).all()
    assert_allclose(aligned[np.isfinite(aligned)], 1, rtol=1e-5)


def test_bands_that_cannot_be_stacked(noise, make_wcs):
    with pytest.raises(InputError, match='has no celestial WCS'):
        stack_bands([(noise, make_wcs()), noise[:20]])
    with pytest.raises(InputError, match='do not overlap on the sky'):
        stack_bands([(noise, make_wcs()), (noise, make_wcs(center=(10, -60)))])
    with pytest.raises(InputError, match='at least one band'):
        stack_bands([])
    with pytest.raises(InputError, match="'reference' must be"):
        stack_bands([noise], reference=1)
    with pytest.raises(InputError, match="'reference' must be"):
        stack_bands([noise], reference='g')
    with pytest.raises(InputError, match="no band 'g' in the stack; it has image"):
        stack_bands([noise])['g']
