"""
Read and write COCO files: images with boxes in one JSON.

COCO counts boxes ``[x, y, width, height]`` from the upper left corner of a picture. In this
package the first row is at the bottom, as in FITS, so that boxes of pictures are turned over
here, once; boxes of FITS images stay, since nothing turns their rows.
"""

import json
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from astropy.io import fits

from ..image import SurveyImage
from ..utils import DatasetWarning, InputError, ReadError, WriteError, atomic_path
from .boxed import BoxedImages, clean_boxes
from .checks import check_files
from .image_input import PICTURES, open_images
from .image_names import find_file, index_files

__all__ = ['read_coco', 'write_coco']


def read_coco(path, *, folder=None, classes=None, keep_crowds=False):
    """
    Read images with boxes from a COCO file.

    Parameters
    ----------
    path : path-like
        The JSON file.
    folder : path-like, optional
        Where the images are, by the paths or the names that the file gives; by default where
        the file is.
    classes : mapping, optional
        Category id to class name, in the order of the classes; boxes of other categories are
        left out. By default all categories in the order of their ids, from whatever number
        they are counted.
    keep_crowds : bool, optional
        Whether boxes marked ``iscrowd`` are objects like others; by default they are regions
        to be ignored, as COCO means it.

    Returns
    -------
    data : BoxedImages
        The images as paths, none of them opened; also those without any box. Boxes are
        clipped to their image; those outside, without an area or without numbers are left
        out. ``notes`` and a `~astrofound.utils.DatasetWarning` say how many.

    Raises
    ------
    ReadError
        If the file is missing or no COCO file, or images are missing; these are listed.
    InputError
        If boxes are of an image or a category that the file does not list.
    """
    path = Path(path)
    content = _load(path)
    folder = Path(folder or path.parent)
    images = content['images']
    index = index_files(folder)
    paths = [find_file(str(image['file_name']), folder, index) for image in images]
    check_files(paths)
    names, codes = _categories(content, classes, path)
    rows = {image['id']: number for number, image in enumerate(images)}
    if len(rows) < len(images):
        raise InputError(f'{path.name}: {len(images) - len(rows)} image ids stand twice')
    found, left_out = _sort_annotations(content['annotations'], rows, codes, path)
    boxes, labels, ignored, faults = [], [], [], Counter(left_out)
    for number, (image, file) in enumerate(zip(images, paths, strict=True)):
        own = found.get(number, [])
        shape = _shape(image, file)
        edges = _from_coco([item.get('bbox', [np.nan] * 4) for item in own], shape, file)
        edges, fault = clean_boxes(edges, shape)
        usable = (fault == '') | (fault == 'clipped')
        faults.update(fault[fault != ''].tolist())
        boxes.append(edges[usable])
        labels.append(np.array([codes[item['category_id']] for item in own], int)[usable])
        ignored.append(np.array([not keep_crowds and bool(item.get('iscrowd') or item.get(
            'ignore')) for item in own], bool)[usable])
    notes = [f'{n} {_MEANINGS[fault]}' for fault, n in sorted(faults.items())]
    if notes:
        warnings.warn(DatasetWarning(f"{path.name}: {'; '.join(notes)}"), stacklevel=2)
    return BoxedImages(paths, boxes, labels, names, ignored=ignored, source=path.name,
                       names=[str(image['file_name']) for image in images], notes=notes)


_MEANINGS = {
    'clipped': 'boxes clipped to their image', 'outside': 'boxes outside their image left out',
    'no area': 'boxes without an area left out', 'no number': 'boxes without numbers left out',
    'category': 'boxes of other categories left out',
}


def write_coco(data, path, *, folder=None):
    """
    Write images with boxes as a COCO file.

    Parameters
    ----------
    data : BoxedImages
        Images that are files stay where they are and are named from ``path`` on where they
        are below its folder. Others are written into ``folder``: bytes as PNG, numbers and
        survey images as FITS with all that is known of them.
    path : path-like
        The JSON file.
    folder : path-like, optional
        Where to write images; by default a folder beside the file with its name.

    Raises
    ------
    WriteError
        If a file cannot be written.
    """
    path = Path(path)
    folder = Path(folder or path.with_suffix(''))
    images, annotations = [], []
    for number in range(len(data)):
        image = data.images[number]
        if not isinstance(image, (str, Path)):
            image = _write_image(image, folder, f'{number:06d}')
        file = Path(image)
        shape = _shape({}, file)
        images.append({'id': number + 1, 'file_name': _relative(file, path.parent),
                       'width': shape[1], 'height': shape[0]})
        annotations += _annotations(data, number, shape, file, first=len(annotations) + 1)
    content = {'info': {'description': data.source or 'astrofound'}, 'images': images,
               'annotations': annotations,
               'categories': [{'id': code + 1, 'name': name}
                              for code, name in enumerate(data.classes)]}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content) + '\n', encoding='utf-8')


def _load(path):
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from None
    except ValueError as error:
        raise ReadError(f'{path} is no JSON file: {error}') from None
    missing = [name for name in ('images', 'annotations')
               if not isinstance(content, dict) or not isinstance(content.get(name), list)]
    if missing:
        raise ReadError(f"{path} is no COCO file: it has no list {' and no list '.join(missing)}")
    for name, keys in (('images', ('id', 'file_name')), ('annotations', ('image_id',
                                                                        'category_id'))):
        for item in content[name]:
            if not isinstance(item, dict) or not set(keys) <= set(item):
                raise ReadError(f"{path}: an entry of {name!r} lacks {' or '.join(keys)}: "
                                f'{str(item)[:80]}')
    return content


def _categories(content, classes, path):
    """Give class names in order, and the number of each category id."""
    listed = {item['id']: str(item.get('name', item['id']))
              for item in content.get('categories') or []}
    if classes is not None:
        names = list(dict.fromkeys(str(name) for name in classes.values()))
        return names, {key: names.index(str(name)) for key, name in classes.items()}
    used = {item['category_id'] for item in content['annotations']}
    if unknown := sorted(used - set(listed)) if listed else []:
        raise InputError(f"{path.name}: annotations are of categories that are not listed: "
                         f"{', '.join(map(str, unknown[:10]))}")
    listed = listed or {key: str(key) for key in used}
    order = sorted(listed)
    if len(set(listed.values())) < len(listed):
        raise InputError(f"{path.name}: two categories have one name: "
                         f"{', '.join(listed[key] for key in order)}")
    return [listed[key] for key in order], {key: code for code, key in enumerate(order)}


def _sort_annotations(annotations, rows, codes, path):
    """Give the annotations of each image, and count those of unwanted categories."""
    found, left_out, orphans = {}, Counter(), []
    for item in annotations:
        if item['image_id'] not in rows:
            orphans.append(item['image_id'])
        elif item['category_id'] not in codes:
            left_out['category'] += 1
        else:
            found.setdefault(rows[item['image_id']], []).append(item)
    if orphans:
        raise InputError(f'{path.name}: {len(orphans)} boxes are of images that are not listed, '
                         f"such as {', '.join(map(str, orphans[:10]))}")
    return found, left_out


def _shape(image, file):
    """Shape of an image from the file that lists it, else from its own header."""
    if image.get('height') and image.get('width'):
        return int(image['height']), int(image['width'])
    if file.suffix.lower() not in PICTURES:
        return SurveyImage.read(file).shape
    from PIL import Image

    try:
        with Image.open(file) as picture:
            return picture.size[::-1]
    except OSError as error:
        raise ReadError(f'cannot read {file}: {error}') from None


def _from_coco(boxes, shape, file):
    """Turn ``x, y, width, height`` into edges with the first row at the bottom."""
    try:
        x, y, width, height = np.asarray(boxes, float).reshape(-1, 4).T
    except (TypeError, ValueError):
        raise ReadError(f'a box of {file.name} is not four numbers') from None
    if file.suffix.lower() in PICTURES:
        y = shape[0] - y - height
    return np.stack([x, y, x + width, y + height], axis=1)


def _annotations(data, number, shape, file, first):
    out = []
    rows = zip(data.boxes[number].tolist(), data.labels[number].tolist(),
               data.ignored[number].tolist(), strict=True)
    for k, ((x1, y1, x2, y2), code, ignored) in enumerate(rows):
        width, height = x2 - x1, y2 - y1
        top = shape[0] - y2 if file.suffix.lower() in PICTURES else y1
        out.append({'id': first + k, 'image_id': number + 1, 'category_id': code + 1,
                    'bbox': [round(value, 4) for value in (x1, top, width, height)],
                    'area': round(width * height, 4), 'iscrowd': int(ignored),
                    'segmentation': []})
    return out


def _write_image(image, folder, stem):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f'cannot make the folder {folder}: {error.strerror}') from None
    if isinstance(image, SurveyImage):
        hdu = image.to_hdu()
    else:
        pixels = open_images([image])[0].pixels
        if pixels.dtype == np.uint8:
            from PIL import Image

            path = folder / f'{stem}.png'
            with atomic_path(path) as temporary:
                Image.fromarray(np.moveaxis(pixels, 0, 2).squeeze()[::-1]).save(temporary)
            return path
        hdu = fits.PrimaryHDU(pixels[0] if len(pixels) == 1 else pixels)
    path = folder / f'{stem}.fits'
    with atomic_path(path) as temporary:
        hdu.writeto(temporary)
    return path


def _relative(file, folder):
    file, folder = file.resolve(), folder.resolve()
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)
