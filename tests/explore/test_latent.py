import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from astrofound.explore import (
    FeatureIndex,
    LatentMap,
    balanced_sample,
    plot_cutouts,
    plot_latent_grid,
    plot_latent_map,
    score_anomalies,
)
from astrofound.image import SurveyImage
from astrofound.utils import MissingDependencyError


def clusters(n=30, n_features=40, seed=0):
    """Three groups, and which group each row is of."""
    random = np.random.default_rng(seed)
    labels = np.repeat(['a', 'b', 'c'], n)
    middles = {name: random.normal(0, 8, n_features) for name in 'abc'}
    return np.stack([middles[name] + random.normal(size=n_features) for name in labels]), labels


def spread(positions, labels):
    """Distance between groups over their width."""
    middles = [positions[labels == name].mean(axis=0) for name in np.unique(labels)]
    width = max(positions[labels == name].std(axis=0).max() for name in np.unique(labels))
    return min(np.linalg.norm(one - other) for one in middles for other in middles
               if one is not other) / width


def test_components_keep_groups_apart():
    features, labels = clusters()
    latent = LatentMap(method='pca')
    positions = latent.fit_transform(features)
    assert positions.shape == (90, 2)
    assert positions.dtype == np.float32
    assert spread(positions, labels) > 3
    assert latent.method_ == 'pca'
    assert len(latent.explained_) == 10
    assert_allclose(latent.transform(features), positions, atol=1e-3)
    assert (clone(latent).fit_transform(features) == positions).all()


@pytest.mark.slow  # compiles for half a minute
@pytest.mark.filterwarnings('ignore')  # umap warns about its own seed and numba's threads
def test_umap_keeps_groups_apart():
    pytest.importorskip('umap')
    features, labels = clusters()
    latent = LatentMap(method='umap')
    positions = latent.fit_transform(features)
    assert spread(positions, labels) > 3
    assert (clone(latent).fit_transform(features) == positions).all()
    assert latent.transform(features[:4]).shape == (4, 2)


def test_without_umap(monkeypatch):
    monkeypatch.setitem(sys.modules, 'umap', None)
    features, _ = clusters()
    latent = LatentMap().fit(features)
    assert latent.method_ == 'pca'
    with pytest.raises(MissingDependencyError, match=r'pip install "astrofound\[explore\]"'):
        LatentMap(method='umap').fit(features)


def test_blocks_change_nothing(monkeypatch):
    features, _ = clusters()
    whole = FeatureIndex(features).find(7)
    monkeypatch.setattr('astrofound.explore.standardizing._BLOCK', 13)
    rows, distances = FeatureIndex(features).find(7)
    assert (rows == whole[0]).all()
    assert_allclose(distances, whole[1], atol=1e-6)
    features[50, 3] = np.inf
    with pytest.raises(ValueError, match='must be finite'):
        FeatureIndex(features)


def test_features_stay_as_they_are():
    features = clusters()[0].astype(np.float32)
    before = features.copy()
    LatentMap(method='pca').fit(features)
    score_anomalies(features)
    FeatureIndex(features)
    assert (features == before).all()


@pytest.mark.parametrize('features', [np.zeros((4, 1)), np.eye(3), np.zeros((5, 7))])
def test_few_or_equal_vectors(features):
    assert np.isfinite(LatentMap(method='pca').fit_transform(features)).all()


@pytest.mark.parametrize(('features', 'message'), [
    (np.zeros((2, 5)), 'at least 3 vectors'), (np.zeros(5), 'the shape'),
    (np.full((5, 5), np.nan), 'must be finite'),
])
def test_impossible_features(features, message):
    with pytest.raises(ValueError, match=message):
        LatentMap(method='pca').fit(features)
    with pytest.raises(ValueError, match=message):
        score_anomalies(features)


def test_wrong_options():
    with pytest.raises(ValueError, match="did you mean 'umap'"):
        LatentMap(method='umpa').fit(np.eye(4))
    with pytest.raises(ValueError, match="'n_pca' must be"):
        LatentMap(1).fit(np.eye(4))
    with pytest.raises(NotFittedError, match=r'call fit\(\) first'):
        LatentMap().transform(np.eye(4))


def test_balanced_sample():
    labels = np.array(['x'] * 50 + ['y'] * 9 + ['z'] * 20)
    chosen = balanced_sample(labels)
    assert [(labels[chosen] == name).sum() for name in 'xyz'] == [9, 9, 9]
    assert (np.diff(chosen) > 0).all()
    assert (balanced_sample(labels, seed=0) == chosen).all()
    assert len(balanced_sample(labels, n_per_class=15)) == 15 + 9 + 15
    with pytest.raises(ValueError, match='one a row'):
        balanced_sample([])


@pytest.mark.parametrize('metric', ['cosine', 'euclidean'])
def test_neighbors_are_those_of_brute_force(metric):
    features, labels = clusters()
    index = FeatureIndex(features, metric=metric, scale=False)
    rows, distances = index.find(7, n=12)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = 1 - unit @ unit[7] if metric == 'cosine' else (
        np.linalg.norm(features - features[7], axis=1))
    assert_allclose(distances, np.sort(expected)[:12], atol=1e-3)
    assert rows[0] == 7
    assert (labels[rows] == labels[7]).all()
    again, _ = index.find(features[7], n=12)
    assert (again == rows).all()
    assert len(index.find(0, n=1000)[0]) == 90


def test_neighbors_of_what_is_not_there():
    index = FeatureIndex(np.eye(5))
    with pytest.raises(ValueError, match="'example' must be an integer"):
        index.find(5)
    with pytest.raises(ValueError, match='a row number or 5 finite numbers'):
        index.find(np.zeros(4))
    with pytest.raises(ValueError, match='unknown metric'):
        FeatureIndex(np.eye(5), metric='manhattan')


@pytest.mark.parametrize('method', ['both', 'isolation', 'neighbors'])
def test_the_odd_one_comes_first(method):
    features, _ = clusters(60)
    features[17] += np.random.default_rng(1).normal(0, 20, 40)
    scores = score_anomalies(features, method=method)
    assert scores.argmax() == 17
    assert (scores.min(), scores.max()) == (0, 1)
    assert (scores == score_anomalies(features, method=method)).all()


def test_map_figures(tmp_path):
    features, labels = clusters()
    positions = LatentMap(method='pca').fit_transform(features)
    figure = plot_latent_map(positions, labels, marked=[3], title='x', path=tmp_path / 'map.png')
    assert len(figure.axes[0].get_legend().get_texts()) == 3
    plot_latent_map(positions)
    assert len(plot_latent_map(positions, score_anomalies(features)).axes) == 2
    grid = plot_latent_grid({('optical', 'one'): (positions, labels),
                             ('radio', 'two'): (positions, None)}, path=tmp_path / 'grid.png')
    assert len(grid.axes) == 4
    with pytest.raises(ValueError, match='3 labels for 90 positions'):
        plot_latent_map(positions, labels[:3])
    with pytest.raises(ValueError, match=r'shape \(n, 2\)'):
        plot_latent_map(features)
    with pytest.raises(ValueError, match='at least one map'):
        plot_latent_grid({})


def test_page_of_cutouts(tmp_path):
    from astrofound.datasets import make_field

    image = make_field('radio', shape=(128, 128), seed=0).image
    images = [image[:40, :40], SurveyImage(np.eye(20)), np.zeros((3, 9, 9)),
              np.full((5, 5), np.nan)]
    figure = plot_cutouts(images, titles=list('abcd'), n_columns=3, path=tmp_path / 'page.png')
    assert len(figure.axes) == 4
    assert figure.axes[0].lines  # where north is
    assert not figure.axes[1].lines
    assert figure.axes[0].wcs is images[0].wcs
    assert re.fullmatch(r'[125]0*"', figure.axes[0].texts[0].get_text())
    assert figure.axes[2].images[0].get_array().shape == (9, 9, 3)
    colours_last = plot_cutouts([np.zeros((9, 8, 3))])
    assert colours_last.axes[0].images[0].get_array().shape == (9, 8, 3)
    with pytest.raises(ValueError, match='2 titles for 4 images'):
        plot_cutouts(images, titles=['a', 'b'])
    with pytest.raises(ValueError, match='no images to draw'):
        plot_cutouts([])
