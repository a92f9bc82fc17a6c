"""The feature extractor: one row an image, whatever an image is."""

import inspect

import astropy.units as u
import numpy as np
import pytest
import torch
from astropy.io import fits
from numpy.testing import assert_allclose
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from astrofound import SourceDetector
from astrofound.backbones import load_backbone
from astrofound.datasets import make_field, open_images
from astrofound.estimators import FeatureExtractor, read_features, write_features
from astrofound.estimators.feature_cache import FeatureCache
from astrofound.image import SurveyImage
from astrofound.utils import InputError, ReadError, WriteError


def noise(n=5, shape=(40, 40), seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def toy(**options):
    return FeatureExtractor('toy_dinov2', **options)


@pytest.fixture(scope='module')
def field():
    return make_field('radio', shape=(256, 256), seed=3)


@pytest.fixture(scope='module')
def catalog(field):
    return SourceDetector(threshold=0.8).predict(field.image)


class TestContract:
    def test_constructor_stores_its_arguments_verbatim(self):
        for name, parameter in inspect.signature(FeatureExtractor).parameters.items():
            assert getattr(FeatureExtractor(), name) is parameter.default

    def test_clone_and_repr(self):
        extractor = toy(image_size=64)
        assert clone(extractor).get_params() == extractor.get_params()
        assert repr(extractor) == "FeatureExtractor(backbone='toy_dinov2', image_size=64)"

    def test_same_twice_and_after_a_clone(self):
        extractor = toy()
        first = extractor.transform(noise())
        assert (extractor.transform(noise()) == first).all()
        assert (clone(extractor).fit_transform(noise()) == first).all()

    def test_inputs_stay_as_they_are(self):
        images = noise()
        before = images.copy()
        toy().transform(images)
        assert (images == before).all()

    def test_changed_parameters_count(self):
        extractor = toy()
        assert extractor.transform(noise()).shape == (5, 24)
        assert extractor.set_params(pooling='cls+mean').transform(noise()).shape == (5, 48)
        assert len(extractor.get_feature_names_out()) == 48

    def test_in_a_pipeline(self):
        images = noise(20)
        images[::2, 15:25, 15:25] += 20
        y = np.arange(20) % 2
        model = make_pipeline(FeatureExtractor(), StandardScaler(), LogisticRegression())
        assert model.fit(images, y).score(images, y) == 1


def test_rows_are_in_order_whatever_the_batch():
    images = noise(7)
    whole = toy(batch_size=16).transform(images)
    assert_allclose(toy(batch_size=2).transform(images), whole, atol=2e-5)
    assert_allclose(toy().transform(images[::-1]), whole[::-1], atol=2e-5)


def test_images_of_different_shapes():
    images = [noise(1, (40, 40))[0], noise(1, (20, 60))[0], noise(1, (40, 40), seed=5)[0]]
    together = toy().transform(images)
    alone = np.concatenate([toy().transform([image]) for image in images])
    assert_allclose(together, alone, atol=2e-5)


def test_every_form_of_an_image(tmp_path):
    data = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(data[::-1]).save(tmp_path / 'colour.png')
    grey = noise(1)[0]
    fits.writeto(tmp_path / 'grey.fits', grey)
    images = [data, np.moveaxis(data, 2, 0), tmp_path / 'colour.png', grey, grey[None],
              tmp_path / 'grey.fits', SurveyImage(grey), grey.astype('>f4')]
    rows = toy().transform(images)
    for row in rows[1:3]:
        assert_allclose(row, rows[0], atol=2e-5)
    for row in rows[4:]:
        assert_allclose(row, rows[3], atol=2e-5)
    assert_allclose(toy().transform(data[None]), rows[:1], atol=2e-5)
    assert toy().transform(tmp_path / 'grey.fits').shape == (1, 24)


@pytest.mark.parametrize('backbone', ['compact', 'toy_mae', 'toy_siglip', 'toy_resnet'])
def test_cutouts_of_a_catalogue(field, catalog, backbone):
    extractor = FeatureExtractor(backbone)
    features = extractor.transform(field.image, catalog=catalog)
    assert features.shape == (len(catalog), extractor.n_features_)
    assert np.isfinite(features).all()
    some = extractor.transform(field.image, catalog=catalog[[5, 2]])
    assert_allclose(some, features[[5, 2]], atol=2e-5)


def test_cutouts_are_centred_and_blank_outside(field, catalog):
    stamps = open_images(field.image, catalog=catalog, size=21)
    brightest = stamps[0].pixels[0]
    assert brightest.shape == (21, 21)
    assert max(abs(np.array(np.unravel_index(np.nanargmax(brightest), (21, 21))) - 10)) <= 1
    assert stamps[0].is_significance
    corner = catalog[:1].copy()
    corner.remove_columns(['ra', 'dec'])
    corner['x_centroid'], corner['y_centroid'] = 0.0, 0.0
    edge = open_images(field.image, catalog=corner, size=20)[0].pixels[0]
    assert np.isnan(edge[:10]).any()
    assert np.isfinite(edge[12:, 12:]).all()
    corner['x_centroid'] = 1e6
    assert np.isnan(open_images(field.image, catalog=corner, size=20)[0].pixels).all()
    assert np.isfinite(toy(cutout_size=20).transform(field.image, catalog=corner)).all()


def test_size_of_a_cutout(field, catalog):
    scale = field.image.pixel_scale.value
    angle = open_images(field.image, catalog=catalog, size=30 * scale * u.arcsec)
    assert angle[0].pixels.shape == (1, 30, 30)
    beams = open_images(field.image, catalog=catalog, n_beams=14)
    assert beams[0].pixels.shape[1] == round(14 * field.image.beam.fwhm)
    # the compact network always gets 4 pixels a beam
    assert open_images(field.image, catalog=catalog, n_beams=16, beam_pix=4.0)[
        0].pixels.shape == (1, 64, 64)
    bare = field.image.replace()
    bare.wcs = None
    with pytest.raises(InputError, match='is an angle'):
        open_images(bare, catalog=catalog, size=3 * u.arcsec)
    with pytest.raises(InputError, match="'cutout_size' must be a number greater than 0"):
        open_images(field.image, catalog=catalog, size=0)


def test_survey_images_reach_the_compact_network_in_beam_units(field):
    stamp = open_images([field.image], beam_pix=4.0)[0]
    assert stamp.is_significance
    assert stamp.pixels.shape[1] == pytest.approx(256 * 4 / field.image.beam.fwhm, abs=1)


def test_blank_pixels_do_not_spread():
    images = noise(2, (64, 64))
    images[1] = images[0]
    images[1, :16] = np.nan
    rows = toy(image_size=32, pooling='mean').transform(images)
    assert np.isfinite(rows).all()
    assert not (rows[0] == rows[1]).all()


def test_cache_is_keyed_by_everything(tmp_path):
    images = noise()
    first = toy(cache=tmp_path).fit()
    rows = first.transform(images)
    assert first.n_cached_ == 0
    again = toy(cache=tmp_path)
    assert (again.transform(images[::-1]) == rows[::-1]).all()
    assert again.n_cached_ == 5
    for other in (toy(cache=tmp_path, pooling='mean'), toy(cache=tmp_path, image_size=64),
                  toy(cache=tmp_path, scaling='linear'),
                  FeatureExtractor('toy_dino', cache=tmp_path)):
        other.transform(images)
        assert other.n_cached_ == 0
    changed = load_backbone('toy_dinov2')
    with torch.no_grad():
        next(changed.parameters()).add_(0.01)
    other = FeatureExtractor(changed, cache=tmp_path)
    other.transform(images)
    assert other.n_cached_ == 0
    images[2, 0, 0] += 1
    again.transform(images)
    assert again.n_cached_ == 4


def test_damaged_cache(tmp_path):
    (tmp_path / 'features.sqlite').write_bytes(b'not a database' * 100)
    with pytest.raises(ReadError, match='is not a cache of features'):
        toy(cache=tmp_path).transform(noise(1))
    (tmp_path / 'file').touch()
    with pytest.raises(WriteError, match='cannot make'):
        FeatureCache(tmp_path / 'file' / 'below')


def test_retreats_when_memory_runs_out(monkeypatch):
    images = noise(10)
    expected = toy().transform(images)
    extractor = toy().fit()
    sizes = []
    forward = type(extractor.backbone_).forward

    def hungry(self, batch, **keywords):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError('CUDA out of memory')
        return forward(self, batch, **keywords)

    monkeypatch.setattr(type(extractor.backbone_), 'forward', hungry)
    assert_allclose(extractor.transform(images), expected, atol=2e-5)
    assert extractor.batch_size_ == 2
    assert sizes[:3] == [10, 5, 2]


def test_one_image_too_many(monkeypatch):
    extractor = toy().fit()

    def hungry(self, batch, **keywords):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    monkeypatch.setattr(type(extractor.backbone_), 'forward', hungry)
    with pytest.raises(InputError, match='not enough memory on cpu for one image'):
        extractor.transform(noise(2))


def test_other_errors_pass(monkeypatch):
    extractor = toy().fit()

    def broken(self, batch, **keywords):
        raise RuntimeError('shapes do not fit')

    monkeypatch.setattr(type(extractor.backbone_), 'forward', broken)
    with pytest.raises(RuntimeError, match='shapes do not fit'):
        extractor.transform(noise(2))


@pytest.mark.parametrize(('orientations', 'mirrored'), [(1, False), (4, False), (8, True)])
def test_vectors_averaged_over_orientations(orientations, mirrored):
    images = noise(3, shape=(24, 40))
    images[0, :6] = np.nan
    extractor = toy(orientations=orientations)
    vectors = extractor.transform(images)
    turned = extractor.transform(np.rot90(images, axes=(1, 2)).copy())
    assert np.allclose(turned, vectors, atol=1e-4) == (orientations > 1)
    flipped = extractor.transform(images[:, :, ::-1].copy())
    assert np.allclose(flipped, vectors, atol=1e-4) == mirrored


def test_mixed_precision_is_close():
    images = noise()
    exact, rough = toy().transform(images), toy(precision='bfloat16').transform(images)
    assert exact.dtype == rough.dtype == np.float32
    assert_allclose(rough, exact, atol=0.1)


@pytest.mark.parametrize(('options', 'message'), [
    ({'backbone': 'dinov2_vitb'}, "did you mean 'dinov2_vitb14'"),
    ({'pooling': 'average'}, 'unknown pooling'),
    ({'backbone': 'toy_siglip', 'pooling': 'cls'}, 'no class token'),
    ({'scaling': 'sinh'}, "did you mean 'asinh'"),
    ({'scaling': 'significance'}, r"takes images scaled to 0\.\.1"),
    ({'backbone': 'compact', 'scaling': 'asinh'}, 'takes images in units of the noise'),
    ({'image_size': 0}, "'image_size' must be"),
    ({'orientations': 'auto'}, "'orientations' must be 1, 4"),
    ({'batch_size': 0}, "'batch_size' must be"),
    ({'precision': 'half'}, 'unknown precision'),
    ({'device': 'cuda:99'}, "device 'cuda:99' cannot be used here"),
])
def test_wrong_parameters(options, message):
    with pytest.raises(InputError, match=message):
        FeatureExtractor(**{'backbone': 'toy_dino', **options}).transform(noise(1))


@pytest.mark.parametrize('images', [np.zeros((3, 3)), np.zeros((2, 5, 7, 9, 3)),
                                    np.array([['a']]), [np.zeros((5, 6, 7))]])
def test_wrong_images(images):
    with pytest.raises(InputError, match='image'):
        toy().transform(images)


def test_no_images():
    assert toy().transform([]).shape == (0, 24)


def test_features_in_files(tmp_path, catalog):
    features = noise(len(catalog), (3,)).reshape(len(catalog), -1)
    write_features(tmp_path / 'a.fits', features, table=catalog, meta={'BACKBONE': 'toy'})
    back = read_features(tmp_path / 'a.fits')
    assert (back['features'] == features).all()
    assert back.meta['BACKBONE'] == 'toy'
    assert_allclose(back['ra'].to('deg').value, catalog['ra'].to_value('deg'))
    write_features(tmp_path / 'a.npy', features)
    assert (read_features(tmp_path / 'a.npy')['features'] == features).all()
    with pytest.raises(InputError, match=r'must end in \.fits or \.npy'):
        write_features(tmp_path / 'a.csv', features)
    with pytest.raises(InputError, match='vectors for 3 rows'):
        write_features(tmp_path / 'b.fits', features, table=catalog[:3])
    with pytest.raises(ReadError, match='cannot read features'):
        read_features(tmp_path / 'absent.fits')
    catalog['x_centroid', 'y_centroid'].write(tmp_path / 'c.fits')
    with pytest.raises(ReadError, match="no vector column 'features'"):
        read_features(tmp_path / 'c.fits')
