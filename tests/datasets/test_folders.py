"""Labelled images from folders, tables and catalogues."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from numpy.testing import assert_allclose
from PIL import Image

from astrofound.datasets import (
    label_cutouts,
    make_field,
    name_positions,
    open_images,
    read_image_folders,
    read_image_table,
)
from astrofound.utils import InputError, ReadError


def write_picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((6, 4), np.uint8)
    pixels[0, 0] = 100 + value  # the corner at the top left
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    for label, names in {'FRI': ['10.5_-3.25_x.png', '11.5_2.0_x.png'], 'Bent': ['0.5_0.25_x.jpg'],
                         '.hidden': ['1.0_1.0_x.png'], 'notes': []}.items():
        (tmp_path / label).mkdir()
        for name in names:
            write_picture(tmp_path / label / name)
    (tmp_path / 'FRI' / 'Thumbs.db').write_text('')
    return tmp_path


class TestFolders:
    def test_class_is_the_folder(self, folder):
        data = read_image_folders(folder)
        assert data.counts() == {'Bent': 1, 'FRI': 2}
        assert data.names.tolist() == ['Bent/0.5_0.25_x.jpg', 'FRI/10.5_-3.25_x.png',
                                       'FRI/11.5_2.0_x.png']
        assert data.positions is None
        pixels = open_images(data.images)[1].pixels
        assert pixels[0, -1, 0] == 100  # rows run from the bottom

    def test_chosen_classes_and_positions(self, folder):
        data = read_image_folders(folder, classes=['FRI', 'Bent'], positions=True)
        assert data.classes == ('FRI', 'Bent')
        assert_allclose(data.positions.ra.deg, [10.5, 11.5, 0.5])
        assert_allclose(data.positions.dec.deg, [-3.25, 2, 0.25])

    def test_bad_folders(self, folder, tmp_path):
        with pytest.raises(ReadError, match='has no folder FRII; it has Bent, FRI'):
            read_image_folders(folder, classes=['FRI', 'FRII'])
        with pytest.raises(ReadError, match='is not a folder'):
            read_image_folders(folder / 'lost')
        with pytest.raises(InputError, match=r'hold no images$'):
            read_image_folders(folder / 'notes')
        (tmp_path / 'outer').mkdir()
        write_picture(tmp_path / 'outer' / 'train' / 'FRI' / 'a.png')
        with pytest.raises(InputError, match='outer/train look like classes, pass that one'):
            read_image_folders(tmp_path / 'outer')
        write_picture(folder / 'FRI' / 'nameless.png')
        with pytest.raises(InputError, match='1 of 4 names hold no position: FRI/nameless'):
            read_image_folders(folder, positions=True)


@pytest.mark.parametrize(('name', 'ra', 'dec'), [
    ('108.602_40.266_3_Proctor.png', 108.602, 40.266),
    ('0.878_-0.466.png', 0.878, -0.466),
    ('a/b/100_172.963+011.262_0.1685_0033.97.fits.gz', 172.963, 11.262),
    ('200_172.963-011.262_0.1685_0033.97.png', 172.963, -11.262),
    ('FIRSTJ113151.4+111527', 172.9641667, 11.2575),
    ('J000000.0-000530.5.fits', 0, -0.0918056),
])
def test_positions_in_names(name, ra, dec):
    position = name_positions([name])[0]
    assert_allclose([position.ra.deg, position.dec.deg], [ra, dec], atol=1e-6)


@pytest.mark.parametrize('name', ['image.png', '3_4.png', '400.5_10.0_x.png', '10.5_95.0_x.png'])
def test_names_without_a_position(name):
    with pytest.raises(InputError, match='hold no position'):
        name_positions([name])


class TestTable:
    def test_files_by_number(self, tmp_path):
        for k in range(3):
            write_picture(tmp_path / 'images' / f'58772555227083592{k}.png', k)
        path = tmp_path / 'labels.csv'
        path.write_text('dr7,class_id,class_name,ra,dec\n587725552270835922,0,spiral,10,20\n'
                        '587725552270835920,1,edge_on,11,21\n')
        data = read_image_table(path)
        assert data.labels.tolist() == ['spiral', 'edge_on']
        assert data.images[0].name == '587725552270835922.png'
        assert data.source == 'labels.csv (images dr7, labels class_name)'
        assert_allclose(data.positions.ra.deg, [10, 11])
        assert data.names.tolist() == ['587725552270835922', '587725552270835920']

    def test_paths_from_the_table_on_and_absolute(self, tmp_path):
        first = write_picture(tmp_path / 'a' / 'one.png')
        other = write_picture(tmp_path / 'elsewhere' / 'two.png')
        (tmp_path / 'tables').mkdir()
        path = tmp_path / 'tables' / 'list.ecsv'
        Table({'kind': [1, 2], 'what': ['../a/one.png', str(other)]}).write(path)
        data = read_image_table(path, label_column='kind')
        assert [image.resolve() for image in data.images] == [first, other]
        assert data.classes == ('1', '2')

    def test_a_table_in_memory(self, tmp_path):
        write_picture(tmp_path / 'one.png')
        table = Table({'image': ['one', 'one.png'], 'label': ['a', 'b']})
        data = read_image_table(table, folder=tmp_path, classes=['b', 'a'])
        assert data.counts() == {'b': 1, 'a': 1}

    def test_missing_images_are_listed_at_once(self, tmp_path):
        write_picture(tmp_path / '0.png')
        table = Table({'file': [f'{k}.png' for k in range(15)], 'label': ['a'] * 15})
        with pytest.raises(ReadError, match=r'14 of 15 images are missing: .*10\.png, \.\.\.$'):
            read_image_table(table, folder=tmp_path)

    def test_columns_that_cannot_be_guessed(self, tmp_path):
        write_picture(tmp_path / '0.png')
        table = Table({'file': ['0.png'], 'mood': ['a'], 'picture': ['x.png']})
        with pytest.raises(InputError, match='no column looks like labels'):
            read_image_table(table, folder=tmp_path)
        with pytest.raises(InputError, match="did you mean 'mood'"):
            read_image_table(table, folder=tmp_path, label_column='moods')
        with pytest.raises(InputError, match='no column leads to files'):
            read_image_table(table[['mood', 'picture']], folder=tmp_path, label_column='mood')

    def test_blank_labels(self, tmp_path):
        write_picture(tmp_path / '0.png')
        table = Table({'file': ['0.png'] * 2,
                       'label': MaskedColumn(['a', 'b'], mask=[False, True])})
        with pytest.raises(InputError, match='1 of 2 labels are blank'):
            read_image_table(table, folder=tmp_path)


@pytest.fixture(scope='module')
def field():
    return make_field('radio', shape=(128, 128), seed=2)


class TestCutouts:
    def test_of_a_catalogue(self, field):
        table = field.truth[np.argsort(-field.truth['snr'])][:6]['ra', 'dec', 'id']
        table['label'] = ['a', 'b', '', 'a', 'b', 'a']
        data = label_cutouts(field.image, table, size=20)
        assert data.counts() == {'a': 3, 'b': 2}
        assert len(data.positions) == 5
        assert data.names.tolist() == [str(number) for number in table['id'][[0, 1, 3, 4, 5]]]
        stamps = open_images(data.images)
        assert stamps is data.images
        part = open_images(data.select([3, 0]).images)
        assert part[1].is_significance
        assert_allclose(part[1].pixels, stamps[0].pixels)
        assert part[0].pixels.shape == (1, 20, 20)

    def test_in_beam_units(self, field):
        table = Table({'x_centroid': [60.0], 'y_centroid': [50.0], 'class': ['a']})
        data = label_cutouts(field.image, table, beam_pix=4.0)
        assert data.images[0].pixels.shape == (1, 64, 64)
        assert data.positions is None

    def test_without_labels_or_positions(self, field):
        with pytest.raises(InputError, match='no column looks like labels'):
            label_cutouts(field.image, field.truth['ra', 'dec'])
        with pytest.raises(InputError, match='has no label in it'):
            label_cutouts(field.image, Table({'ra': [1.0], 'dec': [2.0], 'label': ['']}))
        lost = Table({'ra': [180.0, np.nan] * u.deg, 'dec': [30.0, 1] * u.deg,
                      'label': ['a', 'b']})
        with pytest.raises(InputError, match='1 of 2 sources have no position'):
            label_cutouts(field.image, lost, size=10)


def test_first_morphology(real_data):
    folder = real_data / 'first_morphology' / 'valid'
    if not folder.is_dir():
        pytest.skip('no first_morphology')
    data = read_image_folders(folder, positions=True)
    assert data.counts() == {'Bent': 50, 'Compact': 50, 'FRI': 50, 'FRII': 50}
    assert open_images(data.images)[0].pixels.shape[1:] == (300, 300)


def test_galaxy_zoo(real_data):
    path = real_data / 'galaxy_zoo_sdss' / 'labels.csv'
    if not path.is_file():
        pytest.skip('no galaxy_zoo_sdss')
    data = read_image_table(path)
    assert data.counts()['spiral_cw'] == data.counts()['spiral_acw'] == 100
    assert open_images(data.images)[0].pixels.shape == (3, 423, 423)
