"""Labelled images: what they refuse, and that nothing is read before its time."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

from astrofound.datasets import (
    LabelledImages,
    LazyImages,
    check_images,
    join_labelled,
    map_labels,
    open_images,
)
from astrofound.utils import InputError


def numbered(n=6):
    """Images that say their number, and fail when read before `LazyImages` is asked."""
    return LazyImages(lambda number: np.full((4, 4), number, np.float32), n)


def make(labels='aabbcc', **more):
    return LabelledImages(numbered(len(labels)), list(labels), **more)


def test_repr_is_one_line():
    assert repr(make(source='S')) == '<LabelledImages of 6: a 2, b 2, c 2; S>'
    many = make([f'class {k}' for k in range(40)])
    assert repr(many).endswith('and 28 more classes>')


def test_select_keeps_rows_together():
    sky = SkyCoord(np.arange(6), np.arange(6), unit='deg')
    boxes = [[[0, 0, k, k]] for k in range(6)]
    data = make(positions=sky, boxes=boxes, names=list('uvwxyz'))
    for index in ([4, 1], np.arange(6) == 3, slice(None, None, 2)):
        part = data.select(index)
        rows = np.arange(6)[index]
        assert_array_equal([image.max() for image in part.images], rows)
        assert_array_equal(part.positions.ra.deg, rows)
        assert_array_equal([own[0, 3] for own in part.boxes], rows)
        assert part.names.tolist() == [list('uvwxyz')[row] for row in rows]
        assert part.classes == data.classes
    with pytest.raises(InputError, match="'index' must pick several"):
        data.select(2)


@pytest.mark.parametrize('images', [
    np.zeros((3, 4, 4)), [np.zeros((4, 4))] * 3, ('a.png', 'b.png', 'c.fits'), numbered(3)])
def test_select_of_any_sequence(images):
    part = LabelledImages(images, ['a', 'b', 'a']).select([2, 0])
    assert len(part.images) == 2
    assert isinstance(part.images, (np.ndarray, list, LazyImages))


def test_lists_are_named_by_their_files():
    data = LabelledImages(['x/one.png', np.zeros((2, 2))], ['a', 'b'])
    assert data.names.tolist() == ['one.png', '1']


@pytest.mark.parametrize(('labels', 'wanted'), [
    ([1, 0, 1], ['1', '0', '1']),
    (np.array([1.0, 0.0, 1.0]), ['1', '0', '1']),
    (Column(['x', 'y', 'x']), ['x', 'y', 'x']),
    (np.array(['x', 'y', 'x'], object), ['x', 'y', 'x']),
])
def test_labels_become_text(labels, wanted):
    assert LabelledImages(numbered(3), labels).labels.tolist() == wanted


@pytest.mark.parametrize('labels', [
    [1.0, np.nan, 2.0], ['a', '', 'b'], np.array(['a', None, 'b'], object),
    MaskedColumn(['a', 'x', 'b'], mask=[False, True, False]), ['a', '  ', 'b'],
])
def test_blank_labels_are_refused(labels):
    with pytest.raises(InputError, match=r'1 of 3 labels are blank \(rows 1\)'):
        LabelledImages(numbered(3), labels)


@pytest.mark.parametrize(('more', 'message'), [
    ({'classes': ['a', 'b']}, "labels that are not among 'classes': c"),
    ({'classes': ['a', 'b', 'c', 'a']}, "'classes' has a name twice"),
    ({'names': ['x']}, "'names' must have one entry an image: got 1 for 6"),
    ({'positions': SkyCoord(0, 0, unit='deg')}, "'positions' must have one entry an image: got a"),
    ({'boxes': [[]] * 5}, "'boxes' must have one entry an image: got 5 for 6"),
    ({'boxes': [[[1, 2, 3]]] * 6}, r"'boxes' must have the shape \(n, 4\) for each image"),
])
def test_what_does_not_fit_is_refused(more, message):
    with pytest.raises(InputError, match=message):
        make(**more)


def test_two_dimensional_labels():
    with pytest.raises(InputError, match='one label an image'):
        LabelledImages(numbered(2), [[1, 2], [3, 4]])


def test_relabel():
    data = make('abcabc').relabel({'a': 'x', 'b': None, 'c': 'x'})
    assert repr(data) == '<LabelledImages of 4: x 4>'
    assert_array_equal([image.max() for image in data.images], [0, 2, 3, 5])
    ordered = make('abcabc', classes=['c', 'b', 'a']).relabel({'a': '1', 'b': '0', 'c': '2'})
    assert ordered.classes == ('2', '0', '1')
    assert make().relabel('original').classes == ('a', 'b', 'c')


RGZ = ['1C-1P', '1C-2P', '1C-3P', '2C-2P', '2C-3P', '3C-3P']


@pytest.mark.parametrize('form', [lambda c, p: f'{c}C-{p}P', lambda c, p: f'{c}-{p}',
                                  lambda c, p: f'{c}C{p}P', lambda c, p: f'{c}C_{p}P'])
def test_schemes_of_radio_galaxy_zoo(form):
    labels = [form(int(name[0]), int(name[3])) for name in RGZ]
    assert map_labels(labels, 'peaks').tolist() == ['1P', '2P', '3P', '2P', '3P', '3P']
    assert map_labels(labels, 'components').tolist() == ['1C', '1C', '1C', '2C', '2C', '3C']


def test_schemes_of_mirabest():
    codes = ['100', '102', '104', '110', '112', '200', '201', '210', '300', '310']
    assert map_labels(codes, 'fr').tolist() == ['FRI'] * 5 + ['FRII'] * 3 + ['', '']
    assert map_labels(codes, 'fr_confident').tolist() == (
        ['FRI'] * 3 + ['', ''] + ['FRII'] * 2 + ['', '', ''])


def test_unknown_labels_are_listed_at_once():
    with pytest.raises(InputError, match=r'2 of the 3 labels are not in the mapping.*: b, c'):
        map_labels(['a', 'b', 'c', 'b'], {'a': 'x'})
    with pytest.raises(InputError, match='1 of the 2 labels are not of the form 1C-2P: FRI'):
        map_labels(['1C-1P', 'FRI'], 'peaks')
    with pytest.raises(InputError, match="did you mean 'peaks'"):
        map_labels(['1-1'], 'peak')


def test_join():
    first = LabelledImages(np.zeros((2, 4, 4)), ['b', 'b'], classes=['b'], source='one')
    second = LabelledImages(np.ones((2, 4, 4)), ['a', 'b'], source='two')
    both = join_labelled([first, second])
    assert repr(both) == '<LabelledImages of 4: b 3, a 1; one + two>'
    assert both.images.shape == (4, 4, 4)
    mixed = join_labelled([first, make('a'), LabelledImages([np.ones((5, 5))], ['a'])])
    assert [image.shape for image in mixed.images] == [(4, 4)] * 3 + [(5, 5)]
    with pytest.raises(InputError, match='is empty'):
        join_labelled([])


def test_lazy_images_split_without_being_read():
    read = []
    images = LazyImages(lambda number: read.append(number) or np.zeros((2, 2)), 100)
    part = images[np.arange(0, 100, 2)][10:20][[True] + [False] * 9]
    assert read == []
    assert part[0].shape == (2, 2)
    assert read == [20]
    assert repr(part) == '<LazyImages 1 images>'
    with pytest.raises(IndexError):
        part[1]


def test_scikit_learn_searches_over_lazy_images():
    class Brightness(ClassifierMixin, BaseEstimator):
        def __init__(self, cut=0):
            self.cut = cut

        def fit(self, images, y):
            assert isinstance(images, LazyImages)
            self.classes_ = np.unique(y)
            return self

        def predict(self, images):
            stamps = open_images(images)
            means = np.array([stamps[k].pixels.mean() for k in range(len(stamps))])
            return self.classes_[(means > self.cut).astype(int)]

    data = LabelledImages(numbered(20), ['low'] * 10 + ['up'] * 10)
    search = GridSearchCV(Brightness(), {'cut': [2, 9.5, 15]}, cv=2)
    search.fit(data.images, data.labels)
    assert search.best_params_ == {'cut': 9.5}
    assert search.best_score_ == 1


def test_check_images(tmp_path):
    (tmp_path / 'text.png').write_text('no picture')
    images = [np.eye(4), np.full((4, 4), np.nan), str(tmp_path / 'text.png'), 'lost.fits',
              np.zeros((4, 4, 3), np.uint8), np.eye(4)]
    data = LabelledImages(images, list('aabbcc'))
    good, bad = check_images(data)
    assert repr(good) == '<LabelledImages of 2: a 1, b 0, c 1>'
    assert bad['number'].tolist() == [1, 2, 3, 4]
    assert bad['reason'][0] == 'all pixels are blank'
    assert 'cannot read' in bad['reason'][1]
    assert 'does not exist' in bad['reason'][2]
    assert bad['name'][1] == 'text.png'
    clean, none = check_images(good)
    assert len(clean) == 2
    assert none.colnames == bad.colnames
    assert len(none) == 0
