"""COCO files: one turn of the rows, and every fault of a file said."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from pycocotools.coco import COCO

from astrofound.datasets import BoxedImages, open_images, read_coco, write_coco
from astrofound.image import SurveyImage
from astrofound.utils import DatasetWarning, InputError, ReadError

# a bright rectangle of a picture: columns 3 to 7, rows 2 to 3 from the top of 20
RECTANGLE = [3, 2, 5, 2]


@pytest.fixture
def folder(tmp_path):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[2:4, 3:8] = 255
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / 'empty.png')
    SurveyImage(pixels.astype(float)).to_hdu().writeto(tmp_path / 'a.fits')
    return tmp_path


def content(boxes=((1, RECTANGLE),), *, first=1, **more):
    """A file of two pictures and a FITS image; boxes are ``(image_id, bbox)`` or annotations."""
    annotations = [box if isinstance(box, dict) else
                   {'id': k, 'image_id': box[0], 'category_id': first, 'bbox': box[1]}
                   for k, box in enumerate(boxes)]
    return {'images': [{'id': 1, 'file_name': 'a.png', 'width': 30, 'height': 20},
                       {'id': 2, 'file_name': 'empty.png', 'width': 30, 'height': 20},
                       {'id': 7, 'file_name': 'a.fits', 'width': 30, 'height': 20}],
            'annotations': annotations,
            'categories': [{'id': first, 'name': 'compact'}, {'id': first + 3, 'name': 'wide'}],
            **more}


def read(folder, data, **options):
    (folder / 'set.json').write_text(json.dumps(data))
    return read_coco(folder / 'set.json', **options)


def test_boxes_enclose_their_pixels(folder):
    data = read(folder, content([(1, RECTANGLE), (7, RECTANGLE)]))
    stamps = open_images(data.images)
    for number in (0, 2):
        x1, y1, x2, y2 = data.boxes[number][0].astype(int)
        pixels = stamps[number].pixels[0]
        assert (pixels[y1:y2, x1:x2] == 255).all()
        assert pixels.sum() == 255 * (y2 - y1) * (x2 - x1)
    assert data.boxes[1].shape == (0, 4)
    assert repr(data) == '<BoxedImages of 3 with 2 boxes: compact 2, wide 0; set.json>'


@pytest.mark.parametrize('first', [0, 1, 5])
def test_categories_count_from_any_number(folder, first):
    data = read(folder, content([{'image_id': 1, 'category_id': first + 3, 'bbox': RECTANGLE}],
                                first=first))
    assert data.classes == ('compact', 'wide')
    assert data.labels[0].tolist() == [1]


def test_chosen_categories(folder):
    boxes = [{'image_id': 1, 'category_id': k, 'bbox': RECTANGLE} for k in (1, 4)]
    with pytest.warns(DatasetWarning, match='1 boxes of other categories left out'):
        data = read(folder, content(boxes), classes={4: 'extended'})
    assert data.counts() == {'extended': 1}


def test_crowds_are_ignored(folder):
    boxes = [{'image_id': 1, 'category_id': 1, 'bbox': RECTANGLE, 'iscrowd': k} for k in (0, 1)]
    data = read(folder, content(boxes))
    assert data.ignored[0].tolist() == [False, True]
    assert (data.n_boxes, data.counts()['compact']) == (1, 1)
    assert 'and 1 to ignore' in repr(data)
    assert read(folder, content(boxes), keep_crowds=True).n_boxes == 2


def test_faulty_boxes_are_repaired_and_counted(folder):
    boxes = [(1, [-2, -3, 10, 10]), (1, [50, 2, 5, 5]), (1, [3, 3, 0, 4]), (1, [3, 3, 4, -1]),
             {'image_id': 1, 'category_id': 1}, (2, [3, 2, 2, float('nan')]), (1, RECTANGLE)]
    with pytest.warns(DatasetWarning, match=r'set\.json: 1 boxes clipped to their image; '
                      '2 boxes without an area left out; 2 boxes without numbers left out; '
                      '1 boxes outside their image left out'):
        data = read(folder, content(boxes))
    assert_array_equal(data.boxes[0], [[0, 13, 8, 20], [3, 16, 8, 18]])
    assert len(data.notes) == 4


def test_a_file_without_a_box(folder):
    data = read(folder, content(()))
    assert len(data) == 3
    assert data.n_boxes == 0
    assert data.classes == ('compact', 'wide')


def test_rounded_edges_are_no_fault(folder):
    data = read(folder, content([(1, [0, 0, 30.009, 20.0])]))
    assert data.notes == ()
    assert_array_equal(data.boxes[0], [[0, 0, 30, 20]])


def test_sizes_that_the_file_lacks(folder):
    bare = content([(1, RECTANGLE), (7, RECTANGLE)])
    for image in bare['images']:
        del image['width'], image['height']
    data = read(folder, bare)
    assert_array_equal(data.boxes[0], [[3, 16, 8, 18]])
    assert_array_equal(data.boxes[2], [[3, 2, 8, 4]])


def test_images_elsewhere(folder):
    moved = content()
    moved['images'][0]['file_name'] = '/another/machine/a.png'
    (folder / 'tables').mkdir()
    (folder / 'tables' / 'set.json').write_text(json.dumps(moved))
    data = read_coco(folder / 'tables' / 'set.json', folder=folder)
    assert data.images[0] == folder / 'a.png'


def test_missing_images_are_listed(folder):
    lost = content()
    lost['images'] += [{'id': 10 + k, 'file_name': f'lost/{k}.png'} for k in range(12)]
    with pytest.raises(ReadError, match=r'12 of 15 images are missing: .*lost/9\.png, \.\.\.'):
        read(folder, lost)


@pytest.mark.parametrize(('data', 'message'), [
    ([], 'no list images and no list annotations'),
    ({'images': []}, 'no list annotations'),
    ({'images': [{'id': 1}], 'annotations': []}, "an entry of 'images' lacks id or file_name"),
    (content([{'image_id': 1}]), "an entry of 'annotations' lacks image_id or category_id"),
    (content([(99, RECTANGLE)]), '1 boxes are of images that are not listed, such as 99'),
    (content([{'image_id': 1, 'category_id': 9, 'bbox': RECTANGLE}]), 'not listed: 9'),
    (content([(1, [1, 2, 3])]), 'is not four numbers'),
    (content(images=[{'id': 1, 'file_name': 'a.png'}] * 2), '1 image ids stand twice'),
    (content(categories=[{'id': k, 'name': 'x'} for k in (1, 4)]), 'two categories have one name'),
])
def test_no_coco_file(folder, data, message):
    with pytest.raises((ReadError, InputError), match=message):
        read(folder, data)


def test_no_json(tmp_path):
    (tmp_path / 'x.json').write_text('{')
    with pytest.raises(ReadError, match='is no JSON file'):
        read_coco(tmp_path / 'x.json')
    with pytest.raises(ReadError, match='cannot read'):
        read_coco(tmp_path / 'lost.json')


def made():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (24, 32), np.uint8), rng.integers(0, 255, (24, 32, 3), np.uint8),
              rng.normal(size=(24, 32)).astype(np.float32), SurveyImage(rng.normal(size=(20, 40)))]
    boxes = [[[1.25, 2, 3, 4.5]], [], [[0, 0, 32, 24], [5, 6, 7.5, 9]], [[1, 2, 3, 4]]]
    return BoxedImages(images, boxes, [[1], [], [0, 1], [0]], ['a', 'b'],
                       ignored=[[False], [], [True, False], [False]], source='made')


def test_round_trip(tmp_path):
    data = made()
    write_coco(data, tmp_path / 'set.json')
    again = read_coco(tmp_path / 'set.json')
    assert [path.name for path in again.images] == ['000000.png', '000001.png', '000002.fits',
                                                    '000003.fits']
    for number in range(4):
        assert_allclose(again.boxes[number], data.boxes[number])
        assert_array_equal(again.labels[number], data.labels[number])
        assert_array_equal(again.ignored[number], data.ignored[number])
        assert_array_equal(open_images(again.images)[number].pixels,
                           open_images(data.images)[number].pixels)
    assert again.classes == data.classes
    # of files nothing is copied
    write_coco(again.select([2, 0]), tmp_path / 'part.json')
    assert read_coco(tmp_path / 'part.json').images == [again.images[2], again.images[0]]
    assert not (tmp_path / 'part').exists()


def test_another_program_reads_it(tmp_path, capsys):
    write_coco(made(), tmp_path / 'set.json')
    coco = COCO(tmp_path / 'set.json')
    assert len(coco.getImgIds()) == 4
    assert [item['iscrowd'] for item in coco.loadAnns(coco.getAnnIds(imgIds=3))] == [1, 0]
    assert coco.loadAnns([1])[0]['bbox'] == [1.25, 19.5, 1.75, 2.5]  # from the top of 24 rows
    assert [item['name'] for item in coco.loadCats(coco.getCatIds())] == ['a', 'b']


class TestBoxedImages:
    def test_select(self):
        part = made().select([2, 1])
        assert len(part) == 2
        assert part.boxes[0].shape == (2, 4)
        assert part.names.tolist() == ['2', '1']
        with pytest.raises(InputError, match='must pick several'):
            part.select(0)

    def test_to_labelled_takes_the_largest_box(self):
        boxes = [[[0, 0, 2, 2], [0, 0, 9, 9]], [], [[0, 0, 1, 1]], [[0, 0, 9, 9], [0, 0, 1, 1]]]
        data = BoxedImages(np.zeros((4, 9, 9)), boxes, [[0, 1], [], [0], [1, 0]], ['a', 'b'],
                           ignored=[[False] * 2, [], [False], [True, False]])
        assert data.to_labelled(single=False).labels.tolist() == ['b', 'a', 'a']
        single = data.to_labelled()
        assert single.names.tolist() == ['2', '3']
        assert single.images.shape == (2, 9, 9)
        assert_array_equal(single.boxes[1], [[0, 0, 1, 1]])

    @pytest.mark.parametrize(('change', 'message'), [
        ({'boxes': [[[0, 0, 1, 1]]]}, "'boxes' must have one entry an image: got 1 for 2"),
        ({'labels': [[0, 0], []]}, "'labels' must have one value a box: got 2 for 1"),
        ({'labels': [[1], []]}, r'image 0 has a label outside 0 to 0, the numbers of a'),
        ({'boxes': [[[0, 0, 0, 1]], []]}, 'image 0 has a box without an area'),
        ({'boxes': [[[0, 0, np.nan, 1]], []]}, 'image 0 has a box without an area'),
        ({'ignored': [[], []]}, "'ignored' must have one value a box"),
    ])
    def test_what_does_not_fit_is_refused(self, change, message):
        arguments = {'boxes': [[[0, 0, 1, 1]], []], 'labels': [[0], []], 'classes': ['a']}
        with pytest.raises(InputError, match=message):
            BoxedImages(np.zeros((2, 4, 4)), **(arguments | change))
