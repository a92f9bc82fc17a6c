"""Batches are read as data: whatever would run is refused, whatever is data comes back."""

import collections
import datetime
import os
import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from astrofound.datasets import open_images, read_mirabest
from astrofound.datasets.batch_files import read_batch
from astrofound.utils import InputError, ReadError

NAMES = ['100_172.963+011.262_0.1685_0033.97.png', '210_010.500-020.250_0.2000_0050.00.png',
         '112_000.125+000.500_0.0500_0010.00.png']


def write(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def batch(n=3, seed=0):
    rng = np.random.default_rng(seed)
    return {'data': rng.integers(0, 255, (n, 64), np.uint8), 'labels': [0, 7, 4][:n],
            'filenames': NAMES[:n], 'batch_label': 'one of two'}


@pytest.mark.parametrize('protocol', range(6))
def test_data_come_back(tmp_path, protocol):
    content = {'data': np.arange(12, dtype='>i2').reshape(3, 4),
               'columns': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
               'text': np.array(['ab', 'c']), 'flag': np.array([True, False]),
               'scalar': np.float32(1.5), 'list': [1, -2, 2**40, 3.5, True, None, 'é', b'\xff'],
               'nested': {'a': (1, (2, [3])), 5: []}, 'empty': np.empty((0, 3))}
    read = read_batch(write(tmp_path / 'x', content, protocol))
    for name in ('data', 'columns', 'text', 'flag', 'empty'):
        assert_array_equal(read[name], content[name])
        assert read[name].shape == content[name].shape
    assert read['scalar'] == 1.5
    assert read['list'] == content['list']
    assert read['nested'] == content['nested']


def test_what_is_used_twice_stays_one(tmp_path):
    shared = [np.arange(3)]
    read = read_batch(write(tmp_path / 'x', {'a': shared, 'b': shared}))
    assert read['a'] is read['b']


def test_a_file_of_python_2(tmp_path):
    # {'labels': [3], 'data': array([[7, 8]], uint8)} as Python 2 wrote it
    (tmp_path / 'x').write_bytes(
        b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03K\x03aU\x04dataq\x04cnumpy.core.multiarray\n"
        b"_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85q\x07U\x01bq\x08\x87q\x09Rq\x0a(K\x01"
        b"K\x01K\x02\x86q\x0bcnumpy\ndtype\nq\x0cU\x02u1q\x0dK\x00K\x01\x87q\x0eRq\x0f(K\x03U\x01|"
        b"q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x11b\x89U\x02\x07\x08q\x12tq\x13bu.")
    read = read_batch(tmp_path / 'x')
    assert read['labels'] == [3]
    assert_array_equal(read['data'], [[7, 8]])
    assert read['data'].dtype == np.uint8


class Runs:
    """Runs a program when it is loaded as usual."""

    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize('protocol', [0, 2, 4])
@pytest.mark.parametrize('bad', [
    Runs(os.system, 'touch ran'), Runs(eval, '1'), Runs(getattr, os, 'system'),
    Runs(sys.exit), Runs(np.load, 'x'), collections.OrderedDict(a=1), datetime.date(2020, 1, 1),
    os.system, np.array([{}], object), {1, 2},
], ids=repr)
def test_whatever_could_run_is_refused(tmp_path, monkeypatch, bad, protocol):
    monkeypatch.chdir(tmp_path)
    try:
        path = write(tmp_path / 'x', {'data': [bad]}, protocol)
    except TypeError:  # a module cannot be written
        return
    with pytest.raises(ReadError, match='is not read'):
        read_batch(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('raw', [
    b'', b'text', b'\x80\x02', b'\x80\x02.', b'\x80\x02]q\x01h\x01a.', b'\x80\x02K\x01R.',
    b'\x80\x02K\x01K\x02a.', b'\x80\x02}K\x01a.', b'\x80\x02(K\x01u.', b'\x80\x02h\x05.',
    b'\x80\x02cnumpy\nndarray\n.', b'\x80\x02cnumpy\ndtype\nU\x02u1\x85R.', b'\x80\x02(.',
    b'\x80\x02]K\x01b.', b'\x80\x02}]K\x01s.', b'\x80\x02cnumpy\ndtype\n)R.',
    b'\x80\x02t.', b'\x80\x02\x86.',
    b'\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.',
], ids=range(19))
def test_damaged_files(tmp_path, raw):
    (tmp_path / 'x').write_bytes(raw)
    with pytest.raises(ReadError):
        read_batch(tmp_path / 'x')


def test_any_cut_of_a_file_is_an_error(tmp_path):
    whole = pickle.dumps(batch(), protocol=2)
    for length in range(0, len(whole) - 1, 7):
        (tmp_path / 'x').write_bytes(whole[:length])
        with pytest.raises(ReadError):
            read_batch(tmp_path / 'x')


def test_no_such_file(tmp_path):
    with pytest.raises(ReadError, match='cannot read'):
        read_batch(tmp_path / 'x')


class TestMiraBest:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / 'F_batches').mkdir()
        write(tmp_path / 'F_batches' / 'data_batch_1', batch())
        write(tmp_path / 'F_batches' / 'data_batch_2', batch(2, seed=1))
        write(tmp_path / 'F_batches' / 'test_batch', batch(1, seed=2))
        write(tmp_path / 'F_batches' / 'batches.meta', {'label_names': list('abcdefghij')})
        return tmp_path

    def test_codes_and_positions(self, folder):
        data = read_mirabest(folder)
        assert data.labels.tolist() == ['100', '210', '112', '100', '210', '100']
        assert data.relabel('fr').counts() == {'FRI': 4, 'FRII': 2}
        assert data.positions.ra.deg[1] == pytest.approx(10.5)
        assert data.positions.dec.deg[1] == pytest.approx(-20.25)
        assert len(read_mirabest(folder, part='train')) == 5
        assert len(read_mirabest(folder / 'F_batches', part='test')) == 1

    def test_rows_run_from_the_bottom(self, folder):
        first = open_images(read_mirabest(folder).images)[0].pixels[0]
        assert_array_equal(first, batch()['data'][0].reshape(8, 8)[::-1])

    def test_names_of_classes(self, folder):
        for name in ('data_batch_1', 'data_batch_2', 'test_batch'):
            plain = batch()
            del plain['filenames']
            write(folder / 'F_batches' / name, plain)
        data = read_mirabest(folder)
        assert data.labels.tolist()[:3] == ['a', 'h', 'e']
        assert data.positions is None
        (folder / 'F_batches' / 'batches.meta').unlink()
        assert read_mirabest(folder).labels.tolist()[:3] == ['0', '7', '4']

    def test_colours(self, tmp_path):
        rows = np.arange(2 * 48, dtype=np.uint8).reshape(2, 48)
        write(tmp_path / 'test_batch', {'data': rows, 'fine_labels': [0, 1]})
        data = read_mirabest(tmp_path, part='test')
        assert_array_equal(data.images[0][-1, 0], [0, 16, 32])

    @pytest.mark.parametrize(('content', 'message'), [
        ([1], "is no batch: it has no 'data'"),
        ({'data': np.zeros((2, 4), np.uint8)}, "has no 'labels' for its images"),
        ({'data': np.zeros((2, 4), np.uint8), 'labels': [1]}, "has no 'labels' for its images"),
        ({'data': np.zeros((1, 5), np.uint8), 'labels': [1]}, 'are no square images'),
        ({'data': np.zeros(4, np.uint8), 'labels': [1] * 4}, 'must be rows of numbers'),
    ])
    def test_no_batch(self, tmp_path, content, message):
        write(tmp_path / 'test_batch', content)
        with pytest.raises((ReadError, InputError), match=message):
            read_mirabest(tmp_path)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(ReadError, match='holds no batches'):
            read_mirabest(tmp_path)
