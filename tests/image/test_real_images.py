"""Every real image opens, and says what its header and its survey say."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from astrofound.image import SurveyImage, as_survey_image, stack_bands
from astrofound.utils import BeamWarning, HeaderWarning, InputError, NoBeamError


def read(path, **keywords):
    """Open with every repair allowed and no warning of another library."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        warnings.simplefilter('ignore', HeaderWarning)
        return SurveyImage.read(path, **keywords)


def test_every_fits_image_opens_with_one_warning_at_most(real_data):
    paths = [path for path in sorted(real_data.rglob('*'))
             if path.name.lower().endswith(('.fits', '.fits.gz'))]
    first = [path for path in paths if path.parent.name == 'fits']
    paths = first[::8] + [path for path in paths if path not in first]
    n_images = 0
    for path in paths:
        plane = 0 if 'Cut_HSC' in path.name else None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            try:
                image = SurveyImage.read(path, plane=plane)
            except InputError as error:
                assert 'holds no image' in str(error)  # noqa: PT017 - tables lie among them
                continue
            image.data  # noqa: B018 - the whole image is read
            back = as_survey_image(image.to_ccddata())
        assert len(caught) <= 2
        assert {warning.category for warning in caught} <= {HeaderWarning}
        assert_array_equal(back.data, image.data)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            raw = fits.getdata(path, image.hdu_index).squeeze()
        raw = raw[plane] if raw.ndim == 3 else raw
        assert_allclose(image.data, raw, rtol=2e-7)  # astropy scales in float32, we in float64
        n_images += 1
    assert n_images >= 20


def test_first_cutouts(real_data):
    """The beam of 5.4 arcsec stands only in free text, and is found in the pixels."""
    widths = []
    for path in sorted((real_data / 'first_rgz' / 'fits').iterdir())[::2]:
        with pytest.warns(HeaderWarning, match='5 cards with characters') as caught:
            image = SurveyImage.read(path)
        assert len(caught) == 1
        assert image.beam is None
        assert image.unit == u.Jy / u.beam
        assert image.pixel_scale.value == pytest.approx(1.8, rel=1e-4)
        with pytest.warns(BeamWarning):
            widths.append(image.with_beam().beam.fwhm * 1.8)
    widths = np.array(widths)
    assert np.median(widths) == pytest.approx(5.4, rel=0.05)
    assert (np.abs(widths / 5.4 - 1) < 0.25).mean() > 0.95


def test_first_components_lie_on_peaks(real_data):
    """Positions of the Radio Galaxy Zoo agree with the pixels they were drawn on."""
    components = Table.read(real_data / 'first_rgz' / 'components.csv')
    names = sorted(set(components['file']))[:8]
    for name in names:
        image = read(real_data / 'first_rgz' / 'fits' / name)
        rows = components[components['file'] == name]
        x, y = image.wcs.world_to_pixel(SkyCoord(rows['cpnt_ra'], rows['cpnt_dec'], unit='deg'))
        assert_allclose(np.c_[x, y], np.c_[rows['x'], rows['y']], atol=0.02)


def test_parkes_at_the_pole(real_data):
    """Aegean's positions fall on peaks through our WCS, with the beam of the header."""
    folder = real_data / 'parkes_1904-66'
    image = read(folder / '1904-66_SIN.fits')
    assert np.isnan(image.data).mean() == pytest.approx(0.4, abs=0.02)
    assert image.beam_origin == 'header'
    assert image.sky_beam.major.to_value(u.arcmin) == pytest.approx(14.4, rel=1e-5)
    assert image.flux_unit == u.Jy
    table = Table.read(folder / '1904_comp.fits')
    data = image.data
    x, y = image.wcs.world_to_pixel(SkyCoord(table['ra'], table['dec'], unit='deg'))
    found = [np.nanmax(data[j - 1:j + 2, i - 1:i + 2])
             for i, j in zip(np.round(x).astype(int), np.round(y).astype(int), strict=True)]
    # the rest lies on the flank of a brighter neighbour
    assert (np.abs(found / table['peak_flux'] - 1) < 0.35).mean() > 0.9
    measured = image.replace()
    measured.beam = None
    with pytest.warns(BeamWarning):
        assert measured.with_beam().beam.fwhm == pytest.approx(image.beam.fwhm, rel=0.1)


def test_four_axes_without_unit(real_data):
    path = real_data / 'pybdsf_reference' / 'tbdsf_process_image.in_fits.pybdsf.ch0_I.fits'
    with pytest.warns(HeaderWarning, match='BUNIT is missing; Jy/beam assumed'):
        image = SurveyImage.read(path)
    assert image.shape == (129, 129)
    assert image.is_per_beam
    assert image.sky_beam.major.to_value(u.arcsec) == pytest.approx(54, rel=1e-5)
    assert image.beam.fwhm == pytest.approx(54 / 21.094, rel=1e-3)


def test_beam_in_the_history(real_data):
    image = read(real_data / 'header_oddities' / 'missing_metadata.fits')
    assert image.beam_origin == 'history'
    assert_allclose(image.sky_beam.major.to_value(u.arcsec), 80, rtol=1e-4)
    with pytest.raises(InputError, match='larger than the image of 3 x 2 pixels'):
        image.with_beam()


def test_optical_frame_without_wcs(real_data):
    image = read(real_data / 'ntt_r_band' / 'image.fits')
    assert image.wcs is None
    assert image.unit is None
    with pytest.warns(BeamWarning, match='measured from the image itself'):
        psf = image.with_beam().beam
    assert 1.9 < psf.fwhm < 2.6
    assert psf.ellipticity < 0.2


def test_cube_of_bands_and_hubble_become_one_stack(real_data):
    folder = real_data / 'hsc_blends'
    with pytest.raises(InputError, match='planes 0 to 4; choose one with plane='):
        read(folder / 'Cut_HSC.fits')
    bands = [read(folder / 'Cut_HSC.fits', plane=plane) for plane in range(5)]
    hubble = read(folder / 'Cut_HST.fits')
    stack = stack_bands([*bands, hubble])
    assert stack.shape == (6, 50, 50)
    i_band, both = stack.data[2], np.isfinite(stack.data[5])
    assert both.mean() > 0.7
    # the same galaxies, seen by two telescopes
    correlation = np.corrcoef(i_band[both], stack.data[5][both])[0, 1]
    assert correlation > 0.6


def test_pictures(real_data):
    for path in [*sorted((real_data / 'galaxy_zoo_sdss' / 'images').iterdir())[:5],
                 *sorted((real_data / 'first_morphology' / 'valid').rglob('*.png'))[:5]]:
        image = read(path)
        assert image.shape in ((423, 423), (300, 300))
        assert np.isfinite(image.data).all()
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', BeamWarning)
            try:
                image.with_beam()
            except NoBeamError as error:
                assert '--beam' in str(error)  # noqa: PT017 - either answer is right
