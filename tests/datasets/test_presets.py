import numpy as np
import pytest

from astrofound.datasets import OpticalSky, RadioSky, make_field, random_sky

CLASSES = {'point', 'extended', 'multi'}
KINDS = {'point', 'gaussian', 'double', 'bent', 'diffuse', 'star', 'galaxy'}
COLUMNS = ['id', 'ra', 'dec', 'x_centroid', 'y_centroid', 'flux', 'peak_flux', 'snr', 'major',
           'minor', 'pa_sky', 'class_name', 'kind', 'n_components', 'bbox_xmin', 'bbox_xmax',
           'bbox_ymin', 'bbox_ymax', 'contrast', 'light_share']


@pytest.mark.parametrize('kind', ['radio', 'optical'])
@pytest.mark.parametrize('seed', range(20))
def test_random_skies_are_sound(kind, seed):
    field = random_sky(kind, (96, 128), np.random.default_rng(seed))(seed)
    data, truth = field.image.data, field.truth
    assert data.shape == field.rms.shape == field.clean.shape == (96, 128)
    assert np.isfinite(data).any()
    assert not np.isinf(data).any()
    np.testing.assert_array_equal(np.isnan(data), np.isnan(field.rms))
    assert set(COLUMNS) <= set(truth.colnames)
    for name in truth.colnames:
        if truth[name].dtype.kind == 'f':
            assert np.isfinite(np.asarray(truth[name])).all(), name
    assert set(truth['class_name']) <= CLASSES
    assert set(truth['kind']) <= KINDS
    assert set(field.components['parent_id']) <= set(truth['id'])
    assert np.all(truth['bbox_xmin'] <= truth['bbox_xmax'])
    assert np.all((truth['bbox_ymin'] >= 0) & (truth['bbox_ymax'] < 96))


def test_random_skies_differ_and_repeat():
    first, again, other = (random_sky('radio', (64, 64), np.random.default_rng(seed))
                           for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert isinstance(first, RadioSky)
    assert isinstance(random_sky('optical', (64, 64), np.random.default_rng(0)), OpticalSky)


@pytest.mark.parametrize('kind', ['radio', 'optical'])
def test_make_field_is_pleasant(kind):
    field = make_field(kind, shape=(256, 256), seed=0)
    assert field.kind == kind
    assert 5 < (field.truth['snr'] > 5).sum() < 100
    assert repr(field).startswith(f'<SimulatedField {kind} 256 x 256 pixels')


@pytest.mark.parametrize('function', [
    lambda: make_field('radoi'), lambda: random_sky('radoi', (64, 64), np.random.default_rng(0))])
def test_unknown_kind(function):
    with pytest.raises(ValueError, match="unknown kind 'radoi'; did you mean 'radio'"):
        function()
