import numpy as np
import pytest

from astrofound.image import SurveyImage
from astrofound.utils import HeaderWarning


def bordered(width=20):
    data = np.random.default_rng(0).standard_normal((120, 150)).astype(np.float32)
    data[:width] = 0
    data[:, -width:] = 0
    return data


def test_zeros_of_a_border_are_blank_and_it_is_said():
    with pytest.warns(HeaderWarning, match='zeros are taken as blank'):
        image = SurveyImage(bordered())
    assert np.isnan(image.data[:20]).all()
    assert np.isfinite(image.data[20:, :130]).all()
    assert np.isnan(image.read_window((slice(18, 22), slice(0, 4)))).sum() == 8


def test_counts_with_zeros_inside_keep_them():
    counts = np.random.default_rng(0).poisson(0.3, (120, 150)).astype(np.float32)
    counts[:20] = 0
    assert np.isfinite(SurveyImage(counts).data).all()


def test_an_image_without_border_is_untouched():
    data = bordered(width=4)
    assert np.isfinite(SurveyImage(data).data).all()


def test_small_images_are_untouched():
    assert np.isfinite(SurveyImage(np.eye(20, dtype=np.float32)).data).all()
