import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable, Table
from astropy.wcs import WCS
from matplotlib.collections import EllipseCollection, PolyCollection
from matplotlib.colors import AsinhNorm

from astrofound.explore import plot_overview
from astrofound.explore.overview import _spread_ticks
from astrofound.image import SurveyImage


def simple_wcs(shape, *, flip=False, angle=0.0, kind='TAN'):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f'RA---{kind}', f'DEC--{kind}']
    wcs.wcs.crval = [150, 30]
    wcs.wcs.crpix = [shape[1] / 2, shape[0] / 2]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[1 if flip else -1, 0], [0, 1]]) @ [[c, -s], [s, c]] * 5e-4
    return wcs


def field(shape=(80, 100), seed=0, **keywords):
    data = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    data[40, 50] = 50
    return SurveyImage(data, unit=u.Jy / u.beam, name='field', **keywords)


def sources(n=3):
    names = np.array(['point', 'extended', 'multi', 'odd'])
    x = np.linspace(10, 90, n)
    return QTable({'x_centroid': x, 'y_centroid': np.full(n, 40.0),
                   'fwhm_major': np.full(n, 5.0), 'fwhm_minor': np.full(n, 4.0),
                   'theta': np.full(n, 30.0) * u.deg, 'class_name': names[np.arange(n) % 4],
                   'bbox_xmin': x.astype(int) - 5, 'bbox_xmax': x.astype(int) + 5,
                   'bbox_ymin': np.full(n, 33), 'bbox_ymax': np.full(n, 47)})


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_sources_are_drawn_by_class(tmp_path):
    figure = plot_overview(field(), sources(9), path=tmp_path / 'a.png')
    assert legend_texts(figure) == ['point (3)', 'extended (2)', 'multi (2)', 'odd (2)']
    drawn = figure.axes[0].collections
    assert sum(len(part.get_offsets()) for part in drawn
               if isinstance(part, EllipseCollection)) == 7
    assert sum(len(part.get_paths()) for part in drawn if isinstance(part, PolyCollection)) == 2
    assert (tmp_path / 'a.png').stat().st_size > 10_000


def test_axes_without_wcs_are_pixels():
    ax = plot_overview(field(), sources()).axes[0]
    assert ax.get_xlabel() == 'x (pixels)'
    assert ax.get_xlim() == (-0.5, 99.5)
    assert ax.get_ylim() == (-0.5, 79.5)


@pytest.mark.parametrize('keywords', [{}, {'flip': True}, {'angle': 40}, {'kind': 'CAR'}])
def test_axes_with_wcs(tmp_path, keywords):
    image = field(wcs=simple_wcs((80, 100), **keywords))
    figure = plot_overview(image, sources(), path=tmp_path / 'a.png')
    assert figure.axes[0].coords[0].get_axislabel() == 'Right ascension'


def test_sky_positions_are_enough():
    image = field(wcs=simple_wcs((80, 100), angle=20))
    sky = image.wcs.pixel_to_world([20, 30], [40, 50])
    figure = plot_overview(image, Table({'ra': sky.ra.deg, 'dec': sky.dec.deg}))
    offsets = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(offsets, [[20, 40], [30, 50]], atol=1e-6)
    assert legend_texts(figure) == ['source (2)']
    with pytest.raises(ValueError, match='has no WCS to place'):
        plot_overview(field(), Table({'ra': sky.ra.deg, 'dec': sky.dec.deg}))


def test_positions_stay_when_the_image_is_reduced(tmp_path):
    figure = plot_overview(field((400, 500)), sources(), max_side=50, path=tmp_path / 'a.png')
    ax = figure.axes[0]
    assert ax.images[0].get_array().shape == (40, 50)
    assert ax.get_xlim() == (-0.5, 499.5)
    assert tuple(ax.images[0].get_extent()) == (-0.5, 499.5, -0.5, 399.5)


def test_no_sources_and_no_catalogue():
    assert legend_texts(plot_overview(field(), sources()[:0])) == ['no sources']
    assert plot_overview(field()).legends == []


@pytest.mark.parametrize('value', [np.nan, 0.0, 7.0])
def test_degenerate_images(tmp_path, value):
    data = np.full((30, 40), value, np.float32)
    data[3, 4] = 1.0
    plot_overview(SurveyImage(data), sources(2), path=tmp_path / 'a.png')


def test_sizes_may_be_missing():
    table = sources(4)
    table['fwhm_major'][:] = np.nan
    figure = plot_overview(field(), table)
    for part in figure.axes[0].collections:
        if isinstance(part, EllipseCollection):
            assert np.isfinite(part.get_widths()).all()
            assert (part.get_widths() > 0).all()


def test_unknown_extension_is_told_before_the_work(tmp_path):
    with pytest.raises(ValueError, match='the name must end in one of'):
        plot_overview(tmp_path / 'never_read.fits', path=tmp_path / 'a.xyz')


def test_ticks_stand_apart():
    norm = AsinhNorm(0.06, vmin=-0.1, vmax=9)
    ticks = _spread_ticks(norm)
    assert 0 in ticks
    assert len(ticks) > 4
    assert np.diff(norm(ticks)).min() > 0.05
