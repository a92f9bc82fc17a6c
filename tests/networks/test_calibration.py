import numpy as np
import pytest

from astrofound.networks import Candidates, peak_snr


def candidates(*places):
    x, y = np.array(places, float).reshape(-1, 2).T
    n = len(x)
    return Candidates(x=x, y=y, boxes=np.zeros((n, 4)), logit=np.zeros(n),
                      class_logits=np.zeros((n, 3)), way=np.zeros((n, 2)),
                      ln_size=np.zeros((n, 2)))


@pytest.fixture
def significance():
    pixels = np.zeros((100, 120), np.float32)
    pixels[49, 91], pixels[0, 0] = 7, np.nan
    return pixels


@pytest.mark.parametrize('first', [(0, 0), (20, 10)])
def test_the_peak_is_that_of_the_pixels_around(significance, first):
    window = significance[first[0]:, first[1]:]
    found = candidates((90, 50), (60, 50), (95, 50))
    np.testing.assert_array_equal(peak_snr(window, found, origin=first), [7, 0, 0])
