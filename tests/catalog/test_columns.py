import re
from pathlib import Path
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pytest
from astropy.io.votable.ucd import check_ucd
from astropy.table import vstack

from astrofound.catalog import COLUMNS, FLAGS, decode_flags, empty_catalog
from astrofound.catalog.columns import column_unit, ucd_of

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'user_guide' / 'catalog_columns.rst'


@pytest.mark.parametrize(('peak', 'flux', 'word'), [
    ('Jy / beam', 'Jy', 'phot.flux.density'), ('ct', 'ct', 'phot.count'),
    ('MJy / sr', 'Jy', 'phot.flux.density'), ('K', 'K', 'phot.flux'), ('', '', 'phot.flux')])
def test_every_ucd_is_valid(peak, flux, word):
    image = SimpleNamespace(peak_unit=u.Unit(peak), flux_unit=u.Unit(flux))
    for spec in COLUMNS.values():
        ucd = ucd_of(spec, column_unit(spec, image))
        assert check_ucd(ucd, check_controlled_vocabulary=True), spec.name
    assert ucd_of(COLUMNS['flux'], column_unit(COLUMNS['flux'], image)) == word


def test_empty_catalog_has_all_columns(make_image):
    empty = empty_catalog(make_image(np.ones((5, 5))))
    assert empty.colnames == list(COLUMNS)
    assert empty['flux'].unit == u.Jy
    assert empty['ra'].unit == u.deg
    assert empty['x_centroid'].unit is None
    for name, spec in COLUMNS.items():
        assert empty[name].info.description == spec.description


def test_catalogs_stack(make_catalog, make_image):
    catalog = make_catalog()
    both = vstack([empty_catalog(make_image(np.ones((5, 5)))), catalog, make_catalog(wcs=False)],
                  metadata_conflicts='silent')
    assert len(both) == 2 * len(catalog)


def test_flags_are_different_bits():
    bits = [bit for bit, _ in FLAGS.values()]
    assert bits == [1 << k for k in range(len(bits))]
    assert decode_flags(FLAGS['edge'][0] | FLAGS['island'][0]) == ['edge', 'island']


def test_names_agree_with_photutils():
    from photutils.segmentation.catalog import DEFAULT_COLUMNS

    shared = {'x_centroid', 'y_centroid', 'bbox_xmin', 'bbox_xmax', 'bbox_ymin', 'bbox_ymax'}
    assert shared <= set(DEFAULT_COLUMNS) & set(COLUMNS)


def test_docs_describe_every_column():
    """The page and the schema say the same, word for word and in the same order."""
    text = PAGE.read_text(encoding='utf-8')
    rows = re.findall(r'^   \* - ``(\w+)``\n     - (.*)\n     - (.*)\n((?:     - .*\n'
                      r'(?:       .*\n)*))', text, flags=re.MULTILINE)
    documented = {name: (unit.strip(), ucd.strip(), ' '.join(text.split()).removeprefix('- '))
                  for name, unit, ucd, text in rows}
    columns = {name: entry for name, entry in documented.items() if name in COLUMNS}
    assert list(columns) == list(COLUMNS)
    units = {'': 'none', 'pix': 'pixel', 'peak': 'of a pixel', 'flux': 'of a flux'}
    for name, spec in COLUMNS.items():
        unit, ucd, description = columns[name]
        assert unit == units.get(spec.unit, spec.unit), name
        assert ucd == f'``{spec.ucd}``', name
        assert description.startswith(spec.description), name


def test_docs_describe_every_flag():
    text = PAGE.read_text(encoding='utf-8')
    rows = re.findall(r'^   \* - ``(\w+)``\n     - (\d+)\n((?:     - .*\n(?:       .*\n)*))', text,
                      flags=re.MULTILINE)
    documented = {name: (int(bit), ' '.join(words.split()).removeprefix('- ').lower())
                  for name, bit, words in rows}
    assert documented == {name: (bit, words.lower()) for name, (bit, words) in FLAGS.items()}
