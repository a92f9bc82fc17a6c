import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from astrofound.image import PixelBeam, SurveyImage
from astrofound.preprocess import (
    BlankedReader,
    BlockMap,
    FixedNoise,
    MeshBackground,
    SmoothedMap,
    artefact_level,
    peak_density,
    smoothed_noise,
)

FWHM = 3.0
NO_HOLES = np.empty((0, 4))


def sky(seed, shape=(900, 900)):
    """Noise whose autocorrelation is the beam."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise = ndimage.gaussian_filter(noise, FWHM / 2.3548 / np.sqrt(2))
    return (noise / noise.std()).astype(np.float32)


def block_map(data, holes=NO_HOLES):
    image = SurveyImage(data, beam=PixelBeam(FWHM, FWHM, 0.0))
    return BlockMap(image, FixedNoise(0.0, rms=1.0, shape=data.shape), 3, 20.0, holes)


def whole(shape):
    return tuple(slice(0, size) for size in shape)


def smooth(blocks, width, noise):
    mean, share, _ = blocks.read_window(whole(blocks.shape))
    nothing = np.zeros(mean.shape, np.float32)
    return SmoothedMap.smooth(mean, share, width, noise=noise, doubt=nothing,
                              covered=np.zeros(mean.shape, bool))


def test_windows_agree_with_the_whole():
    data = sky(0, (200, 311))
    data[50:90, 20:60] = np.nan
    holes = np.array([[31.0, 97.0, 3.0, 4.0], [150.2, 101.4, 6.0, 3.0], [309.0, 199.0, 3.0, 3.0]])
    data[101, 150] = 500
    blocks = block_map(data, holes)
    whole_map = blocks.read_window(whole(blocks.shape))
    part = slice(29, 47), slice(40, 104)
    for one, other in zip(blocks.read_window(part), whole_map, strict=True):
        assert_array_equal(one, other[part])


def test_hole_takes_a_bright_source_out():
    data = sky(1, (300, 300))
    y, x = np.mgrid[:300, :300]
    data += 1e4 * np.exp(-4 * np.log(2) * ((x - 149.5)**2 + (y - 151)**2) / FWHM**2)
    mean, _, top = block_map(data, np.array([[149.5, 151.0, FWHM, FWHM]])).read_window(
        whole((100, 100)))
    assert np.abs(mean).max() < 4
    assert top.max() > 9000


@pytest.mark.parametrize('width', [3.0, 6.0])
def test_noise_of_noise(width):
    blocks = block_map(sky(2))
    noise = smoothed_noise(blocks, [width])[0]
    level = smooth(blocks, width, noise).level
    assert noise == pytest.approx(np.nanstd(level), rel=0.07)


def test_peaks_of_noise_are_no_more_than_expected():
    found = 0
    for seed in range(4):
        blocks = block_map(sky(10 + seed))
        smoothed = smooth(blocks, 3.0, smoothed_noise(blocks, [3.0])[0])
        for sign in (1, -1):
            found += ndimage.label(sign * smoothed.ratio > 3.0, np.ones((3, 3)))[1]
    # the noise was smooth before: 3 beams and 0.7 beams in quadrature
    expected = 8 * peak_density(3.0) * 300**2 / (3.0**2 + 0.7**2)
    # blocks of a beam miss some, and the noise is taken a little too high
    assert 0.5 * expected < found < 1.05 * expected


def test_snr_falls_among_artefacts():
    data = sky(3)
    noise = smoothed_noise(block_map(data), [3.0])[0]
    rng = np.random.default_rng(0)
    patch = ndimage.gaussian_filter(rng.standard_normal((400, 400)), 6)
    data[:400, :400] += 3 * patch / patch.std()
    smoothed = smooth(block_map(data), 3.0, noise)
    inside, outside = smoothed.snr[20:110, 20:110], smoothed.snr[160:280, 160:280]
    assert inside.std() < 1.6 * outside.std()
    assert smoothed.ratio[20:110, 20:110].std() > 3 * outside.std()


def test_own_island_is_no_noise():
    data = sky(4)
    y, x = np.mgrid[:900, :900]
    data += np.exp(-4 * np.log(2) * ((x - 450)**2 + (y - 450)**2) / 40**2)
    blocks = block_map(data)
    smoothed = smooth(blocks, 6.0, smoothed_noise(blocks, [6.0])[0])
    at = np.unravel_index(np.argmax(smoothed.snr), smoothed.snr.shape)
    rows, columns = np.nonzero(ndimage.label(smoothed.snr > 3)[0] == ndimage.label(
        smoothed.snr > 3)[0][at])
    assert smoothed.snr[at] < smoothed.own_snr(rows, columns, at) <= smoothed.ratio[at]


def test_artefacts_are_expected_round_a_bright_source():
    top = np.ones((200, 200), np.float32)
    nothing = np.zeros_like(top)
    assert not artefact_level(top, nothing, 1.0).any()
    top[100, 90] = 5000
    level = artefact_level(top, nothing, 1.0)
    assert level[100, 90] == level.max() == pytest.approx(5, rel=1e-3)
    assert level[100, 115] == pytest.approx(5 / np.e, rel=1e-3)
    assert level[100, 195] == 0


def test_artefact_share_of_a_refined_mesh():
    data = sky(5, (600, 600))
    assert not MeshBackground()(data, fwhm_pix=FWHM).read_artefacts(whole((200, 200)), 3).any()
    y, x = np.mgrid[:600, :600]
    radius = np.hypot(x - 300, y - 300)
    data += 20 * np.cos(radius) * np.exp(-radius / 20)
    data[299:302, 299:302] += 2000
    share = MeshBackground()(data, fwhm_pix=FWHM).read_artefacts(whole((200, 200)), 3)
    assert 0.5 < share[100, 100] < 1
    assert share[5, 5] == 0


def test_blanked_reader():
    data = np.ones((40, 50))
    reader = BlankedReader(data, [10.0], [12.0], [3.0], [5.0])
    blank = np.isnan(reader.read_window(whole(data.shape)))
    y, x = np.mgrid[:40, :50]
    assert_array_equal(blank, ((x - 10) / 3)**2 + ((y - 12) / 5)**2 <= 1)
    window = slice(9, 20), slice(11, 30)
    assert_array_equal(np.isnan(reader.read_window(window)), blank[window])
    assert np.isfinite(data).all()
