import numpy as np
import pytest
from astropy import units as u
from scipy import ndimage

from astrofound.catalog import Detections, boxes_around, measure_sources
from astrofound.estimators import DiffuseOptions, SourceDetector, add_diffuse, score_diffuse
from astrofound.estimators.diffuse_scores import diffuse_density
from astrofound.estimators.islands import Island, one_a_source
from astrofound.image import PixelBeam, SurveyImage
from astrofound.preprocess import noise_map
from astrofound.utils import InputError

FWHM = 3.0
SHAPE = (720, 780)


def gaussian(x, y, peak, width, shape=SHAPE):
    j, i = np.mgrid[:shape[0], :shape[1]]
    return peak * np.exp(-4 * np.log(2) * ((i - x)**2 + (j - y)**2) / width**2)


def radio_image(*sources, seed=0, shape=SHAPE):
    """Noise correlated by the beam with Gaussians (x, y, peak, FWHM) on it, in Jy/beam."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise = ndimage.gaussian_filter(noise, FWHM / 2.3548 / np.sqrt(2))
    data = noise / noise.std()
    for source in sources:
        data = data + gaussian(*source, shape)
    return SurveyImage(data.astype(np.float32), unit=u.Jy / u.beam, beam=PixelBeam(FWHM, FWHM))


def detections(*sources, kind=0):
    x, y, fwhm = np.array([(s[0], s[1], s[3]) for s in sources], float).reshape(-1, 3).T
    return Detections(x, y, boxes_around(x, y, fwhm), np.full(len(x), 0.9), np.full(len(x), kind))


def run(image, found=None, **options):
    noise = noise_map(image)
    found = Detections.empty() if found is None else found
    return add_diffuse(image, noise, found, remeasure=lambda reader: noise_map(
        reader, fwhm_pix=image.beam.fwhm), **options)


def test_noise_gives_nothing_that_is_certain():
    scores = np.concatenate([run(radio_image(seed=seed))[0].score for seed in range(5)])
    # 300,000 square beams of noise
    assert len(scores) <= 2
    assert (scores < 0.9).all()


@pytest.mark.parametrize('peak', [1.5, 4.0])
def test_halo_is_found_with_its_flux(peak):
    halo = (400.3, 350.8, peak, 10 * FWHM)
    image = radio_image(halo)
    found, noise = run(image)
    assert len(found) == 1
    assert found.class_code[0] == 1
    assert found.score[0] > 0.99
    assert np.hypot(found.x[0] - halo[0], found.y[0] - halo[1]) < 3 * FWHM
    assert (found.boxes[0, 2:] - found.boxes[0, :2]) / 2 == pytest.approx(10 * FWHM, rel=0.35)
    flux = measure_sources(image, noise, found)['flux'].to_value(u.Jy)[0]
    assert flux == pytest.approx(peak * 100, rel=0.2)


def test_background_is_given_back_to_a_halo():
    image = radio_image((400, 350, 2.0, 12 * FWHM), (150, 200, 2.0, 12 * FWHM))
    window = slice(335, 365), slice(385, 415)
    before = noise_map(image).read_window(window)[0].mean()
    after = run(image)[1].read_window(window)[0].mean()
    assert abs(after) < 0.06
    assert after <= before


def test_point_is_not_diffuse_whether_detected_or_not():
    points = [(200, 300, 30.0, FWHM), (500, 420, 3000.0, FWHM), (600, 100, 6.0, FWHM)]
    image = radio_image(*points)
    found, _ = run(image, detections(*points))
    assert len(found) == 3
    np.testing.assert_array_equal(found.class_code, 0)
    faint = radio_image((200, 300, 8.0, FWHM))
    assert len(run(faint)[0]) == 0


@pytest.mark.parametrize('as_one', [True, False])
def test_bright_double_is_not_diffuse(as_one):
    lobes = [(300, 350, 200.0, 4.5), (330, 362, 150.0, 4.5)]
    image = radio_image(*lobes, *[(315, 356, 4.0, 8.0)] * as_one)
    if as_one:
        known = Detections([315], [356], [[290, 340, 342, 374]], [0.9], [2])
    else:
        known = detections(*lobes)
    found, _ = run(image, known)
    np.testing.assert_array_equal(found.class_code, known.class_code)
    np.testing.assert_array_equal(found.x, known.x)


def test_resolved_source_of_the_network_stays():
    source = (300, 350, 8.0, 4 * FWHM)
    known = detections(source, kind=1)
    found, _ = run(radio_image(source), known)
    assert len(found) == 1
    assert found.score[0] == pytest.approx(0.9)


def test_fragments_go_and_foreground_stays():
    halo = (400, 350, 3.0, 12 * FWHM)
    point = (412, 356, 60.0, FWHM)
    clump = (393, 345, 0.0, 1.2 * FWHM)
    far = (100, 100, 0.0, FWHM)
    found, _ = run(radio_image(halo, point), detections(point, clump, far))
    assert len(found) == 3
    np.testing.assert_array_equal(found.x[:2], [412, 100])
    assert found.class_code[2] == 1
    assert np.hypot(found.x[2] - 400, found.y[2] - 350) < 3 * FWHM


def test_two_halos_are_two():
    found, _ = run(radio_image((300, 350, 4.0, 8 * FWHM), (360, 350, 4.0, 8 * FWHM)))
    assert len(found) == 2


def test_blank_borders_give_nothing():
    image = radio_image()
    data = np.array(image.data)
    y, x = np.mgrid[:SHAPE[0], :SHAPE[1]]
    data[np.hypot(x - 390, y - 360) > 330] = np.nan
    data[300:380, 500:520] = np.nan
    assert len(run(SurveyImage(data, unit=image.unit, beam=image.beam))[0]) == 0


def test_artefacts_of_a_bright_source_give_nothing():
    image = radio_image((390, 360, 20000.0, FWHM))
    y, x = np.mgrid[:SHAPE[0], :SHAPE[1]]
    radius, angle = np.hypot(x - 390, y - 360), np.arctan2(y - 360, x - 390)
    rings = np.cos(2 * np.pi * radius / (4 * FWHM))
    spokes = np.abs(np.cos(1.5 * (angle - 0.4)))**12
    data = np.array(image.data)
    data += (200 * np.exp(-radius / (10 * FWHM)) * (0.5 * rings + spokes * (0.2 + rings))
             ).astype(np.float32)
    image = SurveyImage(data, unit=image.unit, beam=image.beam)
    found, _ = run(image, detections((390, 360, 0, FWHM)))
    assert len(found) <= 2


def test_result_does_not_depend_on_the_tiles():
    shape = (2400, 500)
    image = radio_image((200, 300, 1.5, 30.0), (300, 1210, 1.0, 40.0), (260, 1900, 3.0, 20.0),
                        (400, 1195, 30.0, FWHM), shape=shape)
    known = detections((400, 1195, 30.0, FWHM))
    whole, _ = run(image, known, options=DiffuseOptions(scales=(3.0, 6.0), tile_size=4096))
    tiled, _ = run(image, known, options=DiffuseOptions(scales=(3.0, 6.0), tile_size=256))
    assert len(whole) == len(tiled) >= 4
    np.testing.assert_allclose(np.sort(tiled.y), np.sort(whole.y), atol=1e-3)
    np.testing.assert_allclose(np.sort(tiled.score), np.sort(whole.score), atol=1e-4)


def test_small_image_gives_nothing():
    assert len(run(radio_image(shape=(60, 80)))[0]) == 0


def test_score_is_a_probability():
    snr = np.linspace(1, 12, 50)
    score = score_diffuse(snr, 6.0, 5e-5)
    assert ((score >= 0) & (score <= 1)).all()
    assert (np.diff(score[snr > 3]) >= 0).all()
    assert score_diffuse(4.5, 12.0, 5e-5) > score_diffuse(4.5, 3.0, 5e-5)


def test_options_are_checked():
    with pytest.raises(InputError, match="'scales' must be a number of at least 2"):
        DiffuseOptions(scales=(1.0,))
    with pytest.raises(InputError, match="'density' must be a number greater than 0"):
        DiffuseOptions(density=0)


@pytest.mark.filterwarnings('ignore::astrofound.utils.NoWCSWarning')
def test_detector_finds_a_halo_and_can_leave_it():
    image = radio_image((400, 350, 1.5, 30.0), (200, 200, 30.0, FWHM))
    whole = SourceDetector().predict(image)
    halo = np.hypot(whole['x_centroid'] - 400, whole['y_centroid'] - 350) < 2 * FWHM
    assert halo.sum() == 1
    assert whole['class_name'][halo][0] == 'extended'
    assert whole['flux'][halo].to_value(u.Jy)[0] == pytest.approx(150, rel=0.2)
    bare = SourceDetector(diffuse=False).predict(image)
    near = np.hypot(bare['x_centroid'] - 400, bare['y_centroid'] - 350) < 10 * FWHM
    assert not (bare['flux'][near].to_value(u.Jy) > 100).any()


def test_what_is_beyond_doubt_makes_what_is_in_doubt_likelier():
    beyond, doubtful = np.full(40, 9.0), np.array([5.2, 5.3, 5.4])
    snr, scale = np.append(beyond, doubtful), np.full(43, 3.0)
    rich = diffuse_density(snr, scale, 2e5, 5e-5)
    assert rich == pytest.approx(42 / (2e5 + 4e4), rel=0.1)
    poor = diffuse_density(doubtful, scale[:3], 2e5, 5e-5)
    assert poor < 5e-5
    assert (score_diffuse(doubtful, 3.0, rich) > score_diffuse(doubtful, 3.0, poor)).all()


def test_density_stays_near_what_is_expected():
    assert diffuse_density(np.full(1000, 20.0), np.full(1000, 3.0), 1e4, 5e-5) == (
        pytest.approx(8 * 5e-5))
    assert diffuse_density(np.empty(0), np.empty(0), 0.0, 5e-5) == pytest.approx(5e-5)


@pytest.mark.parametrize(('snr', 'expected'), [(9.0, [9.0, 9.0]), (7.0, [11.0]), (3.5, [11.0])])
def test_wide_island_gives_way_to_its_parts(snr, expected):
    def island(snr, width, column, side):
        corner = 40 - side // 2, column - side // 2
        return Island(snr, width, 1.0, column, 40.0, np.full(2, width), (40, column), corner,
                      np.ones((side, side)))

    parts = [island(snr, 6.0, column, 11) for column in (30, 50)]
    kept = one_a_source([island(11.0, 12.0, 40, 61), *parts])
    assert [one.snr for one in kept] == expected
