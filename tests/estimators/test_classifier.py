import json
import warnings

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from astrofound.backbones import load_backbone
from astrofound.catalog import SHAPES
from astrofound.datasets import make_field, open_images, read_image_table
from astrofound.estimators import MorphologyClassifier
from astrofound.utils import InputError, ReadError, SkippedImagesWarning

FAST = {'n_epochs': 2, 'batch_size': 8, 'image_size': 32}
STRATEGIES = [
    {'backbone': 'compact'},
    {'backbone': 'toy_dinov2', 'head': 'mlp', **FAST},
    {'backbone': 'toy_siglip', 'head': 'whiten', 'solver': 'sgd', **FAST},
    {'backbone': 'toy_vit', 'head': 'attention', **FAST},
    {'backbone': 'toy_dinov2', 'strategy': 'lora', **FAST},
    {'backbone': 'toy_resnet', 'strategy': 'lora', **FAST},
    {'backbone': 'toy_vit', 'strategy': 'finetune', 'n_blocks': 1, **FAST},
    {'backbone': 'toy_resnet', 'strategy': 'scratch', **FAST},
    {'backbone': 'toy_vit', 'strategy': 'semi', **FAST},
]
NAMES = ['-'.join(str(own) for own in kind.values() if isinstance(own, str)) for kind in STRATEGIES]


@pytest.fixture(scope='module')
def data():
    """Small and large blobs."""
    y, x = np.mgrid[:32, :32] - 16.0
    sizes = np.tile([1.5, 5.0], 20)[:, None, None]
    noise = np.random.default_rng(0).normal(size=(40, 32, 32))
    images = noise + 30 * np.exp(-(x**2 + y**2) / (2 * sizes**2))
    return images.astype(np.float32), np.tile(['compact', 'extended'], 20)


@pytest.fixture(scope='module')
def fitted(data):
    return MorphologyClassifier(image_size=32).fit(*data)


@pytest.mark.parametrize('parameters', STRATEGIES, ids=NAMES)
def test_every_strategy_fits_saves_and_loads(data, tmp_path, parameters):
    images, labels = data
    model = MorphologyClassifier(**parameters)
    assert model.fit(images, labels, unlabelled=images) is model
    probability = model.predict_proba(images)
    assert probability.shape == (40, 2)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    model.save(tmp_path / 'run')
    loaded = MorphologyClassifier.load(tmp_path / 'run', device='cpu')
    np.testing.assert_allclose(loaded.predict_proba(images), probability, atol=1e-6)
    assert loaded.classes_.tolist() == ['compact', 'extended']
    assert 0 < loaded.n_trainable_ <= loaded.n_parameters_


def test_tells_sizes_apart(data, fitted):
    assert fitted.score(*data) > 0.9


def test_the_same_seed_gives_the_same_answer(data):
    images, labels = data
    parameters = STRATEGIES[6]
    first, second = (MorphologyClassifier(**parameters).fit(images, labels).predict_proba(images)
                     for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_fit_changes_neither_parameters_nor_inputs(data):
    images, labels = data
    before = images.copy()
    backbone = load_backbone('toy_vit')
    state = backbone.fingerprint()
    model = MorphologyClassifier(backbone, strategy='finetune', **FAST)
    parameters = model.get_params()
    model.fit(images, labels)
    assert model.get_params() == parameters
    assert backbone.fingerprint() == state
    np.testing.assert_array_equal(images, before)


def test_clone_and_grid_search(data):
    search = GridSearchCV(MorphologyClassifier('toy_dinov2', image_size=32),
                          {'head': ['linear', 'whiten']}, cv=2)
    search.fit(list(data[0]), data[1])
    assert search.best_params_['head'] in ('linear', 'whiten')
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_order_and_batches_do_not_matter(data, fitted):
    images = data[0]
    whole = fitted.predict_proba(images)
    parts = np.concatenate([fitted.predict_proba(images[::-1][start:start + 7])
                            for start in range(0, 40, 7)])[::-1]
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_orientation_does_not_matter_to_a_trained_network(data):
    images, labels = data
    model = MorphologyClassifier('toy_resnet', strategy='scratch', **FAST).fit(images, labels)
    turned = np.ascontiguousarray(np.rot90(images, axes=(1, 2))[:, :, ::-1])
    np.testing.assert_allclose(model.predict_proba(turned), model.predict_proba(images), atol=1e-4)


def test_features_are_kept(data, tmp_path):
    images, labels = data
    model = MorphologyClassifier('toy_dinov2', image_size=32, cache=tmp_path)
    first = model.fit(images, labels).predict_proba(images)
    again = MorphologyClassifier('toy_dinov2', image_size=32, cache=tmp_path)
    network = []
    build = again._with_head

    def spy(backbone):
        net = build(backbone)
        net.backbone.register_forward_hook(lambda *_: network.append(1))
        return net

    again._with_head = spy
    again.fit(images, labels)
    assert not network
    np.testing.assert_allclose(again.predict_proba(images), first, atol=1e-6)


def test_validation_images_of_the_users_own(data):
    images, labels = data
    model = MorphologyClassifier('toy_dinov2', image_size=32)
    model.fit(images[:30], labels[:30], validation_data=(images[30:], labels[30:]))
    assert 'validation_loss' in model.history_[0]
    with pytest.raises(InputError, match='no other image has: odd'):
        model.fit(images[:30], labels[:30], validation_data=(images[30:], ['odd'] * 10))


@pytest.mark.parametrize('strategy', ['frozen', 'finetune'])
def test_nothing_kept_apart(data, strategy):
    model = MorphologyClassifier('toy_vit', strategy=strategy, validation=0, **FAST).fit(*data)
    assert model.temperature_ == 1


def test_cache_serves_predictions_too(data, tmp_path, monkeypatch):
    images, labels = data
    plain = MorphologyClassifier('toy_dinov2', image_size=32).fit(images, labels)
    model = MorphologyClassifier('toy_dinov2', image_size=32, cache=tmp_path).fit(images, labels)
    expected = plain.predict_proba(images)
    monkeypatch.setattr(type(model.network_.backbone), 'forward', None)    # would fail if run
    np.testing.assert_allclose(model.predict_proba(images), expected, rtol=1e-4, atol=1e-6)


def test_sources_of_a_catalogue():
    field = make_field(shape=(128, 128), seed=1)
    table = field.truth[:12]
    labels = np.array(['a', 'b'] * 6)[:len(table)]
    model = MorphologyClassifier(image_size=32, validation=0)
    model.fit(field.image, labels, catalog=table)
    assert model.predict(field.image, catalog=table).shape == (len(table),)


def test_boxes_choose_the_source(data):
    images, labels = data
    wide = np.zeros((40, 64, 64), np.float32)
    wide[:, 32:, 32:] = images
    boxes = [(40, 40, 56, 56)] * 40
    model = MorphologyClassifier('toy_dinov2', crop='box', image_size=32)
    model.fit(wide, labels, boxes=boxes)
    assert model.predict(wide, boxes=boxes).shape == (40,)
    with pytest.raises(InputError, match='needs the box'):
        model.predict(wide)
    with pytest.raises(InputError, match='40 images and 3 boxes'):
        model.predict(wide, boxes=boxes[:3])


def test_images_that_cannot_be_read(data, tmp_path):
    paths = []
    for number, image in enumerate(data[0][:20]):
        paths.append(tmp_path / f'{number}.png')
        Image.fromarray(np.clip(image * 5 + 20, 0, 255).astype(np.uint8)).save(paths[-1])
    paths[3].write_text('not a picture')
    model = MorphologyClassifier('toy_dinov2', image_size=32)
    with pytest.warns(SkippedImagesWarning, match='1 of 20 images cannot be read.*row 3'):
        model.fit(paths, data[1][:20])
    assert model.skipped_['row'].tolist() == [3]
    with pytest.warns(SkippedImagesWarning):
        classes = model.predict(paths)
    assert classes[3] == ''
    assert set(classes[:3]) <= {'compact', 'extended'}
    with pytest.raises(ReadError, match=r'2 of 3 images are missing: .*a\.png, .*b\.png'):
        model.predict([paths[0], tmp_path / 'a.png', tmp_path / 'b.png'])


def test_class_that_is_lost_with_its_images(data, tmp_path):
    """Images of any size; what cannot be read is left out before classes are counted."""
    paths = []
    for number, image in enumerate(data[0][:12]):
        paths.append(tmp_path / f'{number}.png')
        Image.fromarray(np.uint8(100 + image[:32 - number, number:])).save(paths[-1])
    labels = np.repeat(['compact', 'extended'], [10, 2])
    model = MorphologyClassifier('toy_dinov2', image_size=32)
    assert set(model.fit(paths, labels).predict(paths)) <= {'compact', 'extended'}
    paths[-1].write_text('not a picture')
    with pytest.warns(SkippedImagesWarning), pytest.raises(InputError, match=r'extended \(1\)'):
        model.fit(paths, labels)


def test_blank_image_gets_some_probability(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        probability = fitted.predict_proba(np.full((1, 32, 32), np.nan))
    assert np.isfinite(probability).all()


def test_no_images(fitted):
    assert fitted.predict(np.zeros((0, 32, 32))).shape == (0,)


@pytest.mark.parametrize(('labels', 'message'), [
    (['a'] * 40, 'at least two classes, got only a'),
    (['a'] * 39 + ['b'], r'too few: b \(1\)'),
    (np.r_[np.ones(39), np.nan], 'missing for 1 of 40'),
    (['a', 'b'] * 19, '38 entries for 40 images'),
])
def test_bad_labels(data, labels, message):
    with pytest.raises(InputError, match=message):
        MorphologyClassifier(image_size=32).fit(data[0], labels)


@pytest.mark.parametrize(('parameters', 'message'), [
    ({'strategy': 'fine-tune'}, "did you mean 'finetune'"),
    ({'head': 'linera'}, "did you mean 'linear'"),
    ({'backbone': 'toy_siglip', 'pooling': 'cls'}, 'no class token'),
    ({'crop': 2}, "'crop' must be"),
    ({'scaling': 'asinh'}, 'in units of the noise'),
    ({'strategy': 'semi'}, 'learns from unlabelled images'),
    ({'validation': 2}, "'validation'"),
    ({'shapes': True, 'strategy': 'lora'}, "'shapes' stand beside .* need strategy='frozen'"),
    ({'shapes': True, 'head': 'attention'}, "another head than 'attention'"),
    ({'orientations': 2}, "'orientations' must be auto, 1, 4 .* got 2"),
    ({'mirror': [('compact', 'odd')]}, "unknown mirror 'odd'"),
    ({'mirror': ('compact', 'extended')}, 'must be pairs of classes'),
    ({'mirror': [('compact', 'extended'), ('extended', 'compact')]}, 'name each class once'),
    ({'mirror': [('compact', 'compact')]}, 'name each class once'),
    ({'backbone': 'toy_vit', 'strategy': 'finetune', 'n_blocks': 9}, 'at most 2'),
])
def test_impossible_parameters(data, parameters, message):
    with pytest.raises(InputError, match=message):
        MorphologyClassifier(**parameters).fit(*data)


def test_another_number_of_bands(data, fitted):
    model = MorphologyClassifier('toy_vit', image_size=32).fit(*data)
    with pytest.raises(InputError, match='have 3 bands, those of the fit had 1'):
        model.predict(np.repeat(data[0][:, None], 3, axis=1))
    mixed = [data[0][0], np.repeat(data[0][:1], 3, axis=0)]
    with pytest.raises(InputError, match='image 1 has 3 bands'):
        model.predict(mixed)


def test_not_fitted(data):
    with pytest.raises(NotFittedError, match='call fit'):
        MorphologyClassifier().predict(data[0])
    with pytest.raises(NotFittedError, match='call fit'):
        MorphologyClassifier().save('somewhere')


def test_what_cannot_be_loaded(tmp_path, fitted):
    with pytest.raises(ReadError, match='no saved MorphologyClassifier in'):
        MorphologyClassifier.load(tmp_path)
    fitted.save(tmp_path)
    params = tmp_path / 'params.json'
    described = json.loads(params.read_text())
    learnt = described['learnt']
    for changes, message in (({'format': 99}, 'install the version that wrote it'),
                             ({'learnt': learnt | {'fingerprint': 'x'}}, 'other weights'),
                             ({'learnt': learnt | {'classes': ['a', 'b', 'c']}}, 'do not fit')):
        params.write_text(json.dumps(described | changes))
        with pytest.raises(ReadError, match=message):
            MorphologyClassifier.load(tmp_path)
    params.write_text(json.dumps(described))
    (tmp_path / 'weights.safetensors').write_bytes(b'nonsense')
    with pytest.raises(ReadError, match='cannot read the weights'):
        MorphologyClassifier.load(tmp_path)


def test_backbone_object_cannot_be_saved(data, tmp_path):
    model = MorphologyClassifier(load_backbone('toy_vit'), image_size=32).fit(*data)
    with pytest.raises(InputError, match="'backbone' was given as an object"):
        model.save(tmp_path)


def test_table_of_probabilities(data, fitted):
    from astrofound.cli.classify import add_classes

    table = Table({'name': ['a', 'b']})
    add_classes(table, fitted.classes_, np.array([[0.2, 0.8], [np.nan, np.nan]]))
    assert table['morphology'].tolist() == ['extended', '']
    assert table['p_compact'][0] == 0.2


@pytest.fixture(scope='module')
def commas():
    """A form and its mirror image, at all angles and a little noisy."""
    rng = np.random.default_rng(0)
    comma = np.zeros((32, 32), np.float32)
    comma[14:18, 16:28] = comma[6:14, 24:28] = 1.0
    images = np.stack([np.rot90(comma if number % 2 else comma[::-1], number // 2)
                       for number in range(24)]) + rng.normal(0, 0.02, (24, 32, 32))
    return images.astype(np.float32), np.tile(['acw', 'cw'], 12)


def turn(images):
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def mirror(images):
    return np.ascontiguousarray(images[:, :, ::-1])


@pytest.mark.parametrize('augment', ['sky', 'sky-parity'])
def test_a_mirror_image_is_another_image_only_where_handedness_counts(commas, augment):
    images, labels = commas
    model = MorphologyClassifier('toy_vit', strategy='scratch', augment=augment, **FAST)
    probability = model.fit(images, labels).predict_proba(images)
    np.testing.assert_allclose(model.predict_proba(turn(images)), probability, atol=1e-5)
    same = np.allclose(model.predict_proba(mirror(images)), probability, atol=1e-5)
    assert same == (augment == 'sky')


@pytest.mark.parametrize('orientations', [1, 4, 8])
def test_features_of_a_frozen_backbone_can_be_averaged_over_orientations(commas, tmp_path,
                                                                         orientations):
    images, labels = commas
    model = MorphologyClassifier('toy_vit', image_size=32, orientations=orientations,
                                 cache=tmp_path)
    probability = model.fit(images, labels).predict_proba(images)
    for change, from_number in ((turn, 4), (mirror, 8)):
        same = np.allclose(model.predict_proba(change(images)), probability, atol=1e-4)
        assert same == (orientations >= from_number)
    other = MorphologyClassifier('toy_vit', image_size=32, cache=tmp_path).fit(images, labels)
    one = MorphologyClassifier('toy_vit', image_size=32).fit(images, labels)
    np.testing.assert_allclose(other.predict_proba(images), one.predict_proba(images), atol=1e-5)


def test_shapes_stand_beside_the_features(commas, tmp_path):
    images, labels = commas
    plain, shaped = (MorphologyClassifier(
        'toy_vit', image_size=32, shapes=shapes, mirror=[('cw', 'acw')], validation=0,
        cache=tmp_path / 'cache').fit(images, labels) for shapes in (False, True))
    assert shaped.n_trainable_ == plain.n_trainable_ + 2 * len(SHAPES)
    probability = shaped.predict_proba(images)
    np.testing.assert_allclose(shaped.predict_proba(mirror(images)), probability[:, ::-1],
                               atol=1e-5)
    shaped.save(tmp_path / 'model')
    loaded = MorphologyClassifier.load(tmp_path / 'model', device='cpu')
    np.testing.assert_allclose(loaded.predict_proba(images), probability, atol=1e-5)


def test_shapes_know_the_sense_of_winding():
    radius = np.hypot(*(np.indices((32, 32)) - 15.5))
    angle = np.arctan2(*(np.indices((32, 32)) - 15.5))
    rng = np.random.default_rng(0)
    senses = np.tile([1, -1], 15)
    images = [np.exp(-radius / 5) * (1 + np.cos(2 * angle - sense * 4 * np.log(radius + 0.5)
                                               + rng.uniform(0, 6)))
              + rng.normal(0, 0.02, (32, 32)) for sense in senses]
    labels = np.where(senses == 1, 'acw', 'cw')
    model = MorphologyClassifier('toy_vit', image_size=32, scaling='linear', shapes=True,
                                 mirror=[('cw', 'acw')], validation=0)
    assert model.fit(images[:14], labels[:14]).score(images[14:], labels[14:]) == 1


def test_only_what_is_averaged_is_looked_at_eight_times(data, monkeypatch):
    looks = []
    monkeypatch.setattr('astrofound.estimators.classifier.cached_features',
                        lambda *args, n_orientations, **options: looks.append(n_orientations)
                        or np.zeros((len(args[1]), 24), np.float32))
    for strategy in ('frozen', 'finetune'):
        MorphologyClassifier('toy_vit', strategy=strategy, orientations=8, **FAST).fit(*data)
    assert set(looks[:-1]) == {8}
    assert looks[-1] == 1


@pytest.mark.parametrize('strategy', ['frozen', 'scratch'])
def test_a_mirror_swaps_paired_classes(commas, tmp_path, strategy):
    images, labels = commas
    model = MorphologyClassifier('toy_vit', strategy=strategy, mirror=[('cw', 'acw')],
                                 orientations=4, **FAST)
    probability = model.fit(images, labels).predict_proba(images)
    np.testing.assert_allclose(model.predict_proba(mirror(images)), probability[:, ::-1],
                               atol=1e-5)
    assert probability.std() > 1e-3
    model.save(tmp_path)
    loaded = MorphologyClassifier.load(tmp_path, device='cpu')
    np.testing.assert_allclose(loaded.predict_proba(images), probability, atol=1e-5)


def test_a_mirror_swaps_the_sense_of_real_spirals(real_data):
    if not (real_data / 'galaxy_zoo_sdss').is_dir():
        pytest.skip('no galaxy_zoo_sdss')
    galaxies = read_image_table(real_data / 'galaxy_zoo_sdss' / 'labels.csv',
                                label_column='class_name')
    some = galaxies.select(np.concatenate([np.flatnonzero(galaxies.labels == name)[:8] for name in (
        'elliptical', 'spiral_cw', 'spiral_acw')]))
    model = MorphologyClassifier(image_size=48, crop=0.3, mirror=[('spiral_cw', 'spiral_acw')],
                                 orientations=4, validation=0).fit(some.images, some.labels)
    there = [np.ascontiguousarray(stamp.pixels[..., ::-1]) for stamp in open_images(some.images)]
    seen, mirrored = model.predict_proba(some.images), model.predict_proba(there)
    # The noise map of an image in a mirror is not quite the mirrored noise map.
    np.testing.assert_allclose(mirrored, seen[:, [0, 2, 1]], atol=0.05)
    assert set(model.predict(some.images)) == set(some.labels)


def test_paired_classes_are_learnt_from_either(commas):
    images, labels = commas
    seen = MorphologyClassifier('toy_vit', image_size=32, mirror=[('cw', 'acw')], validation=0)
    there = clone(seen).fit(mirror(images), np.where(labels == 'cw', 'acw', 'cw'))
    np.testing.assert_allclose(there.predict_proba(images),
                               seen.fit(images, labels).predict_proba(images), atol=1e-3)
