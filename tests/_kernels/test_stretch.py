import numpy as np
import pytest

from astrofound._kernels.stretch import asinh_stretch, linear_stretch, nan_to_zero

VALUES = np.concatenate([
    [np.nan, 0.0, np.inf, -np.inf], np.linspace(-20, 20, 4001),
    np.logspace(-20, 15, 500), -np.logspace(-20, 15, 500),
]).astype(np.float32)


@pytest.mark.parametrize(('low', 'high'), [(-4, 8), (-np.inf, 3), (0, np.inf)])
def test_linear(low, high):
    out = np.empty_like(VALUES)
    linear_stretch(VALUES, low, high, 4.0, out)
    np.testing.assert_allclose(out, np.clip(VALUES, low, high) / 4, rtol=1e-6)


@pytest.mark.parametrize('softening', [0.01, 1, 30])
def test_asinh(softening):
    out = np.empty_like(VALUES)
    asinh_stretch(VALUES, softening, 4.0, out)
    finite = np.isfinite(VALUES)
    wanted = np.arcsinh(VALUES[finite].astype(float) / softening) / 4
    np.testing.assert_allclose(out[finite], wanted, rtol=2e-6, atol=1e-30)
    assert np.isnan(out[0])
    # brighter than any image the stretch saturates, in place of overflowing
    assert out[2] == -out[3] > out[finite].max()


def test_nan_to_zero():
    data = VALUES.copy()
    nan_to_zero(data)
    np.testing.assert_array_equal(data, np.where(np.isnan(VALUES), 0, VALUES))
