import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from astrofound.explore import save_figure
from astrofound.explore.figures import (
    add_sky_axes,
    display_unit,
    drawing,
    make_thumbnail,
    new_figure,
)
from astrofound.image import SurveyImage
from astrofound.utils import InputError, WriteError


def noise_image(shape, seed=0):
    return np.random.default_rng(seed).normal(5, 2, shape).astype(np.float32)


def test_small_image_is_not_reduced():
    data = noise_image((50, 70))
    thumbnail = make_thumbnail(SurveyImage(data))
    assert thumbnail.factor == 1
    assert_allclose(thumbnail.data, data)
    assert thumbnail.extent == (-0.5, 69.5, -0.5, 49.5)
    assert thumbnail.level == pytest.approx(5, abs=0.2)
    assert thumbnail.noise == pytest.approx(2, rel=0.1)


def test_peaks_survive_the_reduction():
    data = noise_image((1000, 700))
    data[501, 333] = 40
    thumbnail = make_thumbnail(SurveyImage(data), max_side=100)
    assert thumbnail.factor == 10
    assert thumbnail.data.shape == (100, 70)
    assert thumbnail.data[50, 33] == 40
    # the rest is averaged, not the maximum of noise
    assert np.median(thumbnail.data) == pytest.approx(5, abs=0.3)


def test_only_strips_are_read():
    class Watched(SurveyImage):
        largest = 0

        def read_window(self, window):
            Watched.largest = max(Watched.largest, window[0].stop - window[0].start)
            return super().read_window(window)

    image = Watched(np.broadcast_to(np.float32(1), (6000, 6000)))
    thumbnail = make_thumbnail(image, max_side=600)
    assert Watched.largest < 2000
    assert thumbnail.data.shape == (600, 600)


def test_blank_pixels_stay_blank():
    data = noise_image((100, 100))
    data[:50] = np.nan
    data[55, 5] = np.nan
    thumbnail = make_thumbnail(SurveyImage(data), max_side=10)
    assert np.isnan(thumbnail.data[:5]).all()
    assert np.isfinite(thumbnail.data[5:]).all()


def test_blank_border_that_is_no_whole_block():
    thumbnail = make_thumbnail(SurveyImage(noise_image((101, 97))), max_side=25)
    assert thumbnail.data.shape == (21, 20)
    assert np.isfinite(thumbnail.data).all()


@pytest.mark.parametrize('value', [np.nan, 3.0])
def test_images_without_noise(value):
    data = np.full((40, 40), value, np.float32)
    data[0, 0] = 1.0
    thumbnail = make_thumbnail(SurveyImage(data))
    assert thumbnail.noise > 0
    assert np.isfinite(thumbnail.level)


@pytest.mark.parametrize(('unit', 'scale', 'label'), [
    (u.Jy / u.beam, 2e-4, 'mJy / beam'), (u.Jy / u.beam, 2e-5, 'µJy / beam'),
    (u.Jy / u.beam, 5, 'Jy / beam'), (u.ct, 1e5, 'ct'), (None, 1, ''),
    (u.dimensionless_unscaled, 1, ''),
])
def test_unit_on_the_scale(unit, scale, label):
    factor, name = display_unit(unit, scale)
    assert name == label
    assert factor in (1, 1e3, pytest.approx(1e6))


def test_figure_is_written_by_extension(tmp_path):
    figure = new_figure((1, 1))
    for name in ('a.png', 'b.PDF', 'c.svg'):
        save_figure(figure, tmp_path / name, dpi=20)
        assert (tmp_path / name).stat().st_size > 0
    with pytest.raises(ValueError, match=r'the name must end in one of \.png'):
        save_figure(figure, tmp_path / 'a.fits')
    with pytest.raises(WriteError, match='cannot write'):
        save_figure(figure, tmp_path / 'absent' / 'a.png')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.png', 'b.PDF', 'c.svg']


def test_drawing_checks_first_and_writes_last(tmp_path):
    with pytest.raises(InputError, match='the name must end in'), drawing(
            tmp_path / 'a.fits', None, (1, 1)):
        pytest.fail('nothing may be drawn')
    with pytest.raises(ZeroDivisionError), drawing(tmp_path / 'a.png', None, (1, 1)):
        1 / 0  # noqa: B018
    assert not list(tmp_path.iterdir())
    own = new_figure((2, 1))
    with drawing(tmp_path / 'a.png', own, (1, 1)) as figure:
        assert figure is own
    assert (tmp_path / 'a.png').exists()


def test_axes_on_the_sky_are_named_after_it():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = 'GLON-CAR', 'GLAT-CAR'
    figure = new_figure((2, 1))
    ax = add_sky_axes(figure, wcs, (1, 2, 1))
    assert ax.coords[0].get_axislabel() == 'Galactic longitude'
    assert add_sky_axes(figure, None, (1, 2, 2)).get_xlabel() == 'x (pixels)'
