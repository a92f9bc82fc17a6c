import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrofound.preprocess import (
    STRETCHES,
    Asinh,
    Linear,
    Log,
    Percentile,
    Power,
    Sqrt,
    ZScale,
    make_stretch,
)
from astrofound.utils import InputError

INVERTIBLE = [Linear(scale=3.0), Asinh(2.0, 0.5), Log(0.1, 5.0), Sqrt(7.0), Power(2.0, 3.0)]
images = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
                    elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan))


@pytest.mark.parametrize('stretch', INVERTIBLE, ids=repr)
def test_inverse(stretch):
    data = np.concatenate([-np.logspace(-3, 5, 30), [0], np.logspace(-3, 5, 30)])
    np.testing.assert_allclose(stretch.inverse(stretch(data)), data, rtol=2e-5)


@pytest.mark.parametrize('stretch', INVERTIBLE, ids=repr)
def test_odd_and_rising(stretch):
    data = np.linspace(0.01, 50, 500)
    np.testing.assert_allclose(stretch(-data), -stretch(data), rtol=1e-6)
    assert (np.diff(stretch(data)) > 0).all()


@pytest.mark.parametrize('name', STRETCHES)
@given(data=images)
def test_nan_stays_and_moves_nothing(name, data):
    stretch = make_stretch(name)
    out = stretch(data)
    assert out.dtype == np.float32
    assert out.shape == data.shape
    np.testing.assert_array_equal(np.isnan(out), np.isnan(data))
    finite = data[np.isfinite(data)]
    np.testing.assert_array_equal(out[np.isfinite(data)], stretch(finite))


@pytest.mark.parametrize('name', STRETCHES)
@pytest.mark.parametrize('dtype', ['>f4', '>f8', 'i2', 'u1', '?', 'f2'])
def test_types_and_strides(name, dtype):
    data = np.arange(60).reshape(6, 10).astype(dtype)
    stretch = make_stretch(name)
    wanted = stretch(np.ascontiguousarray(data[::2, ::-1].astype(float)))
    np.testing.assert_allclose(stretch(data[::2, ::-1]), wanted, rtol=1e-6)


def test_formulas():
    data = np.array([-3.0, 0.0, 4.0, 100.0])
    np.testing.assert_allclose(Linear(-1, 5, 2)(data), [-0.5, 0, 2, 2.5])
    np.testing.assert_allclose(Asinh(2, 3)(data), np.arcsinh(data / 2) / 3, rtol=1e-6)
    np.testing.assert_allclose(Log(1, 2)(data[1:]), np.log10(1 + data[1:]) / 2, rtol=1e-6)
    np.testing.assert_allclose(Sqrt(4)(data[1:]), [0, 1, 5], rtol=1e-6)
    np.testing.assert_allclose(Power(2, 2)(data), [-2.25, 0, 4, 2500], rtol=1e-6)


def test_percentile_limits():
    data = np.r_[np.arange(101.0), np.nan].reshape(2, -1)
    assert Percentile(10, 90).limits(data) == (10, 90)
    assert np.nanmin(Percentile(10, 90)(data)) == 0
    assert np.nanmax(Percentile(10, 90)(data)) == 1


def test_zscale_is_astropys():
    from astropy.visualization import ZScaleInterval

    data = np.random.default_rng(0).normal(100, 5, (80, 80))
    data[10:12, 10:12] = 1e5
    assert ZScale().limits(data) == tuple(ZScaleInterval(n_samples=1000).get_limits(data))


@pytest.mark.parametrize('stretch', [Percentile(), ZScale()], ids=repr)
@pytest.mark.parametrize('value', [np.nan, 5.0])
def test_image_without_a_range(stretch, value):
    out = stretch(np.full((20, 20), value))
    np.testing.assert_array_equal(out, np.full((20, 20), value * 0))
    with pytest.raises(InputError, match='has no inverse'):
        stretch.inverse(out)


def test_names():
    assert make_stretch('power', exponent=0.3) == Power(0.3)
    assert make_stretch(Log(3.0)) == Log(3.0)
    with pytest.raises(InputError, match="unknown stretch 'asin'; did you mean 'asinh'"):
        make_stretch('asin')
    with pytest.raises(InputError, match="unknown option of stretch 'asinh' 'soft'; did you mean"):
        make_stretch('asinh', soft=3)


@pytest.mark.parametrize(('kind', 'option', 'value'), [
    (Linear, 'scale', 0), (Linear, 'low', np.nan), (Asinh, 'softening', 0), (Log, 'scale', -1),
    (Power, 'exponent', 0), (Sqrt, 'scale', 'a'), (Percentile, 'upper', 101),
    (ZScale, 'contrast', 0), (ZScale, 'n_samples', 1.5),
])
def test_bad_options(kind, option, value):
    with pytest.raises(InputError, match=f"'{option}' must be"):
        dataclasses.replace(kind(), **{option: value})


def test_limits_in_order():
    with pytest.raises(InputError, match="'low' must be smaller than 'high'"):
        Linear(3, 3)
    with pytest.raises(InputError, match="'lower' must be smaller than 'upper'"):
        Percentile(60, 50)
