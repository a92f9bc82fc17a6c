"""Stand-ins: labels follow from the pixels, the mix and the sizes are those of the real sets."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.stats import mad_std
from astropy.table import Table
from numpy.testing import assert_array_equal
from scipy import ndimage

from astrofound.datasets import make_boxed, make_labelled
from astrofound.datasets.simulate.galaxy_cutouts import measured_axis_ratio
from astrofound.datasets.simulate.radio_cutouts import MIRABEST, RGZ, draw_mirabest, draw_rgz
from astrofound.datasets.simulate.structure import count_structure, fr_ratio, island_box
from astrofound.utils import InputError


def blobs(*places, shape=(80, 80)):
    """Sum of round Gaussians ``(x, y, peak, sigma)``."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    return sum(peak * np.exp(-((x - x0)**2 + (y - y0)**2) / (2 * sigma**2))
               for x0, y0, peak, sigma in places)


class TestStructure:
    @pytest.mark.parametrize(('places', 'counts'), [
        ([(40, 40, 50, 3)], (1, 1)),
        ([(20, 40, 50, 3), (60, 40, 30, 3)], (2, 2)),
        ([(33, 40, 50, 3), (45, 40, 50, 3)], (1, 2)),          # apart, on one plateau
        ([(38, 40, 50, 3), (42, 40, 50, 3)], (1, 1)),          # blended
        ([(20, 40, 50, 3), (60, 40, 3, 3)], (1, 1)),           # the second below the contour
        ([(15, 40, 50, 3), (52, 40, 50, 3), (64, 40, 50, 3)], (2, 3)),
        ([(15, 40, 90, 3), (40, 40, 9, 3), (65, 40, 40, 3)], (3, 3)),
        ([(40, 40, 2, 3)], (0, 0)),
    ])
    def test_counts(self, places, counts):
        model = blobs(*places)
        for turned in (model, model.T, model[::-1], np.rot90(model)):
            assert count_structure(turned, 4.0) == counts

    def test_components_are_islands_of_any_model(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            model = blobs(*np.stack([*rng.uniform(10, 70, (2, 6)), rng.uniform(2, 60, 6),
                                     rng.uniform(1.5, 4, 6)], axis=1))
            islands = ndimage.label(model > 4, np.ones((3, 3)))[1]
            n_components, n_peaks = count_structure(model, 4.0)
            assert n_components == islands <= n_peaks
            # no more peaks than places higher than all neighbours
            tops = (model == ndimage.maximum_filter(model, 3)) & (model > 4)
            assert n_peaks <= tops.sum()

    def test_box_holds_all_that_is_bright(self):
        model = blobs((20, 30, 50, 3), (60, 41, 30, 2))
        x1, y1, x2, y2 = island_box(model, 4.0).astype(int)
        inside = model[y1:y2, x1:x2]
        assert (inside > 4).sum() == (model > 4).sum()
        assert (inside[[0, -1]] > 4).any(axis=1).all()
        assert (inside[:, [0, -1]] > 4).any(axis=0).all()
        assert island_box(model, 1e3) is None

    def test_ratio_of_fanaroff_and_riley(self):
        edge_bright = blobs((15, 40, 50, 2), (65, 40, 40, 2), (40, 40, 200, 1.5))
        edge_dark = blobs((34, 40, 50, 2), (46, 40, 50, 2),
                          *[(40 + k, 40, 8, 3) for k in (-25, -18, -12, 12, 18, 25)])
        for turn in (lambda image: image, np.transpose):
            assert fr_ratio(turn(edge_bright), 4, (40, 40), 4) == pytest.approx(0.82, abs=0.05)
            assert fr_ratio(turn(edge_dark), 4, (40, 40), 4) < 0.3
        assert np.isnan(fr_ratio(blobs((60, 40, 50, 2), (40, 40, 5, 1)), 4, (40, 40), 4))
        assert np.isnan(fr_ratio(edge_dark * 0, 4, (40, 40), 4))

    @pytest.mark.parametrize('wanted', ['1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P'])
    def test_drawn_sources_show_their_class(self, wanted):
        for seed in range(3):
            model, box = draw_rgz(np.random.default_rng(seed), wanted)
            assert count_structure(model, 4.0) == (int(wanted[0]), int(wanted[3]))
            assert_array_equal(box, island_box(model, 4.0))
            middle = [(side - 1) / 2 for side in RGZ.shape]
            assert (box[:2] < middle).all()
            assert (box[2:] > middle).all()

    @pytest.mark.parametrize(('wanted', 'low', 'high'), [('FRI', 0, 0.45), ('FRII', 0.55, 1.01)])
    def test_drawn_galaxies_are_of_their_fr_class(self, wanted, low, high):
        for seed in range(3):
            model, _ = draw_mirabest(np.random.default_rng(seed), wanted)
            host = [(side - 1) / 2 for side in MIRABEST.shape]
            assert low < fr_ratio(model, 4.0, host, MIRABEST.fwhm) < high

    def test_no_room(self):
        nowhere = np.zeros(RGZ.shape, bool)
        assert draw_rgz(np.random.default_rng(0), '1C-1P', room=nowhere, n_tries=5) is None


class TestLabelled:
    @pytest.mark.parametrize(('name', 'shape'), [
        ('rgz', (132, 132)), ('galaxy_mnist', (64, 64, 3)), ('mirabest', (150, 150))])
    def test_bytes_that_a_seed_gives(self, name, shape):
        data = make_labelled(name, 8, seed=3)
        assert data.images.shape == (8, *shape)
        assert data.images.dtype == np.uint8
        assert data.images.max(axis=tuple(range(1, data.images.ndim))).min() > 100
        again = make_labelled(name, 8, seed=3)
        assert_array_equal(again.images, data.images)
        assert_array_equal(again.labels, data.labels)
        assert (make_labelled(name, 8, seed=4).images != data.images).any()

    def test_mix_is_that_of_the_paper(self):
        data = make_labelled('rgz', 62)
        assert list(data.counts().values()) == [23, 7, 9, 7, 8, 8]  # of 6288: 2323, 740, ...
        assert data.classes[0] == '1C-1P'
        assert set(data.relabel('peaks').classes) == {'1P', '2P', '3P'}

    def test_boxes_hold_the_source(self):
        data = make_labelled('rgz', 12, pixels='float')
        for image, (box,) in zip(data.images, data.boxes, strict=True):
            x1, y1, x2, y2 = box.astype(int)
            outside = image.copy()
            outside[y1:y2, x1:x2] = 0
            assert outside.max() < 6.5 * 1.4e-4
            assert image[y1:y2, x1:x2].max() > 6.5 * 1.4e-4

    def test_noise_of_floats(self):
        images = make_labelled('rgz', 10, pixels='float').images
        assert images.dtype == np.float32
        low = images[images < 0]
        assert 1.4826 * np.median(-low) / 1.4e-4 == pytest.approx(1, abs=0.1)

    def test_galaxies_differ_as_their_names_say(self):
        data = make_labelled('galaxy_mnist', 24, seed=1)
        ratio = np.array([measured_axis_ratio(image.mean(axis=2), 40) for image in data.images])
        median = {name: np.median(ratio[data.labels == name]) for name in data.classes}
        assert median['edge_on_disk'] < median['smooth_cigar'] < median['smooth_round']

    def test_bad_wishes(self):
        with pytest.raises(InputError, match="did you mean 'galaxy_mnist'"):
            make_labelled('galaxymnist')
        with pytest.raises(InputError, match="'pixels' must be 'bytes' for galaxy_mnist"):
            make_labelled('galaxy_mnist', pixels='float')
        with pytest.raises(InputError, match="'n_images' must be an integer of at least 1"):
            make_labelled('rgz', 0)


class TestBoxed:
    def test_compact_sources_of_mgcls(self):
        data = make_boxed('mgcls', 6, seed=1)
        assert data.images.shape == (6, 512, 512)
        boxes = [own[~skip] for own, skip in zip(data.boxes, data.ignored, strict=True)]
        assert all(6 <= len(own) <= 130 for own in boxes)
        sides = np.concatenate([own[:, 2:] - own[:, :2] for own in boxes])
        assert np.mean(sides) == pytest.approx(16, abs=1.5)
        assert np.percentile(sides, 25) == pytest.approx(14, abs=1)
        assert sum(skip.sum() for skip in data.ignored) > 0
        again = make_boxed('mgcls', 2, seed=1)
        assert_array_equal(again.images, data.images[:2])

    def test_compact_boxes_have_a_source_in_their_middle(self):
        data = make_boxed('mgcls', 2, seed=2, pixels='float')
        for image, own, skip in zip(data.images, data.boxes, data.ignored, strict=True):
            assert image.beam.major == pytest.approx(14.2)
            pixels = image.data
            x, y = ((own[:, k] + own[:, k + 2]) / 2 - 0.5 for k in (0, 1))
            whole = (own[:, :2] > 0).all(axis=1) & (own[:, 2:] < 512).all(axis=1) & ~skip
            centre = pixels[np.rint(y[whole]).astype(int), np.rint(x[whole]).astype(int)]
            assert (centre > 2 * 8e-6).all()
            assert np.median(centre) > 5 * 8e-6

    def test_galaxies_of_rgz(self):
        data = make_boxed('rgz', 40, seed=5)
        counts = np.array([len(own) for own in data.boxes])
        assert counts.min() == 1
        assert 0.5 < (counts == 1).mean() < 0.95
        labelled = data.to_labelled()
        assert len(labelled) == (counts == 1).sum()
        several = np.flatnonzero(counts > 1)
        for number in several:  # contours keep apart
            assert len(np.unique(data.boxes[number], axis=0)) == counts[number]

    def test_survey_images_carry_beam_and_wcs(self):
        data = make_boxed('rgz', 2, pixels='float')
        image = data.images[1]
        assert image.unit == 'Jy / beam'
        assert image.wcs is not None
        assert image.beam.fwhm == pytest.approx(RGZ.fwhm)


def test_counting_agrees_with_the_volunteers(real_data):
    folder = real_data / 'first_rgz'
    if not folder.is_dir():
        pytest.skip('no first_rgz')
    table = Table.read(folder / 'components.csv')
    agree = []
    for group in table.group_by(['file', 'rgz_catalog_id']).groups:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # TABs in the comments of these headers
            data = fits.getdata(folder / 'fits' / group['file'][0]).squeeze().astype(float)
        sigma = mad_std(data)
        islands = ndimage.label(data > 4 * sigma, np.ones((3, 3)))[0]
        own = set()
        for x, y in zip(np.rint(group['x']).astype(int), np.rint(group['y']).astype(int),
                        strict=True):
            own |= set(islands[y - 3:y + 4, x - 3:x + 4].ravel().tolist())
        source = np.where(np.isin(islands, list(own - {0})), data, 0)
        counts = count_structure(source, 4 * sigma)
        agree.append((counts[0] == group['num_cpnts'][0], counts[1] == group['num_peaks'][0]))
    components, peaks = np.mean(agree, axis=0)
    assert len(agree) > 60
    assert components > 0.85
    assert peaks > 0.5  # noise makes peaks of its own
