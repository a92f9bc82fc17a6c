import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image

from astrofound.catalog import build_catalog, empty_catalog
from astrofound.explore import check_report_path, plot_diagnostics, write_report
from astrofound.image import SurveyImage
from astrofound.preprocess import noise_map

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
VOID = {'meta', 'img', 'input', 'br', 'hr'}


class Page(HTMLParser):
    """The elements of a page: what they hold and load; complains where they do not nest."""

    def __init__(self, path):
        super().__init__()
        self.open, self.images, self.links, self.texts, self.seen = [], [], [], {}, []
        self.size = path.stat().st_size
        self.source = path.read_text(encoding='utf-8')
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        assert not any(name.startswith('on') for name in attributes)
        self.seen.append(tag)
        if tag == 'img':
            self.images.append(attributes['src'])
        self.links += [attributes[name] for name in ('href', 'src') if name in attributes]
        if tag == 'meta' and attributes.get('http-equiv') == 'Content-Security-Policy':
            self.policy = attributes['content']
        if tag not in VOID:
            self.open.append((tag, attributes.get('id')))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], '') + text

    @property
    def data(self):
        return json.loads(self.texts['script', 'data'])

    def column(self, name):
        return next(one for one in self.data['columns'] if one['name'] == name)['values']

    def cells(self):
        return re.findall(r'<th scope="row"[^>]*>(.*?)</th><td>(.*?)</td>', self.source)


def wcs_of(shape, angle=0.0, flip=False):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ['RA---SIN', 'DEC--SIN']
    wcs.wcs.crval, wcs.wcs.crpix = [150, 30], [shape[1] / 2, shape[0] / 2]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[1 if flip else -1, 0], [0, 1]]) @ [[c, -s], [s, c]] * 5e-4
    return wcs


PLACES = np.array([[50.0, 40.0], [3.0, 76.0], [90.0, 10.0]])


def field(shape=(80, 100), **keywords):
    data = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    for x, y in PLACES.astype(int):
        data[y, x] = 60
    data[20:40, 60:80] = np.nan
    keywords = {'unit': u.Jy / u.beam, 'beam': '4pix', 'name': 'field.fits'} | keywords
    return SurveyImage(data, **keywords)


def sources(image, n=3, **values):
    x, y = PLACES[:n].T
    known = {'id': np.arange(1, n + 1), 'name': [f'J{i}' for i in range(n)], 'x_centroid': x,
             'y_centroid': y, 'flux': np.full(n, 2e-3), 'peak_flux': np.full(n, 2e-3),
             'snr': [60.0, 50.0, np.nan][:n], 'score': np.full(n, 0.9),
             'fwhm_major': np.full(n, 5.0), 'fwhm_minor': np.full(n, 4.0),
             'theta': np.full(n, 30.0), 'class_name': ['point', 'multi', 'extended'][:n],
             'bbox_xmin': x.astype(int) - 6, 'bbox_xmax': x.astype(int) + 6,
             'bbox_ymin': y.astype(int) - 3, 'bbox_ymax': y.astype(int) + 3,
             'flags': [36, 1, 0][:n]}
    if image.wcs is not None:
        sky = image.wcs.pixel_to_world(x, y)
        known |= {'ra': sky.ra.deg, 'dec': sky.dec.deg}
    return build_catalog(image, known | values, n)


def report(tmp_path, catalog, image, **keywords):
    noise = noise_map(image, background=0.0, rms=1.0)
    write_report(catalog, image, tmp_path / 'r.html', noise=noise, **keywords)
    return Page(tmp_path / 'r.html')


def pixels(text):
    picture = Image.open(io.BytesIO(base64.b64decode(text)))
    return np.asarray(picture.convert('RGB'))[::-1].astype(int)


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    image = field(wcs=wcs_of((80, 100)))
    return report(tmp_path_factory.mktemp('report'), sources(image), image)


def test_page_needs_nothing_else(page):
    assert {'canvas', 'table', 'script', 'style'} <= set(page.seen)
    assert all(link.startswith(('data:image/png;base64,', '#')) for link in page.links)
    assert 'url(' not in page.source
    # only the drawing name space of SVG, which is no address to load from
    assert set(re.findall(r'https?://[^\s\'"]+', page.source)) == {'http://www.w3.org/2000/svg'}


def test_policy_lets_this_script_run_and_no_other(page):
    for tag in ('script', 'style'):
        digest = hashlib.sha256(page.texts[tag, None].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in page.policy
    assert page.policy.startswith("default-src 'none'; img-src data:;")


def test_rows_of_the_table(page):
    assert page.column('name') == ['J0', 'J1', 'J2']
    assert page.column('snr') == [60, 50, None]
    assert page.column('flags') == ['blended, point', 'edge', '']
    assert page.column('flux') == [2.0, 2.0, 2.0]  # of mJy, the unit that reads best
    names = [one['name'] for one in page.data['columns']]
    assert 'x_centroid' not in names  # the sky says it
    assert 'parent_id' not in names   # no components


def test_outlines_are_ellipses_and_boxes(page):
    outlines = page.data['outlines']
    assert outlines['theta'] == [30, None, 30]
    assert (outlines['x'][0], outlines['y'][0]) == (50, 40)
    assert (outlines['a'][1], outlines['b'][1]) == (6.5, 3.5)
    assert outlines['a'][0] > outlines['b'][0] > 2


def test_cutouts_are_upright_and_centred(page):
    left, right, bottom, _, text = page.data['cutouts'][0]
    shown = pixels(text)
    y, x = np.unravel_index(shown.sum(axis=2).argmin(), shown.shape[:2])
    scale = (right - left) / shown.shape[1]
    assert (left + (x + 0.5) * scale, bottom + (y + 0.5) * scale) == (50, 40)
    # the blank part of the image is to the lower right of this source, and has a colour
    grey = np.ptp(shown, axis=2) == 0
    assert not grey[:3, -3:].any()
    assert grey[-3:].all()


def test_cutout_at_the_border_is_filled_up(page):
    left, _, _, top, text = page.data['cutouts'][1]
    assert left < -0.5
    assert top > 79.5
    blank = np.ptp(pixels(text), axis=2) > 0
    assert blank[:, 0].all()
    assert blank[-1].all()
    assert not blank.all()


def test_overview_shows_the_image(page):
    shown = pixels(page.images[0].partition('base64,')[2])
    assert shown.shape == (80, 100, 3)
    assert shown[40, 50].max() < 60
    assert (np.ptp(shown[20:40, 60:80], axis=2) > 0).all()
    assert page.data['extent'] == [-0.5, 99.5, -0.5, 79.5]


@pytest.mark.parametrize(('angle', 'flip'), [(0, False), (0, True), (40, False)])
def test_north_and_east(tmp_path, angle, flip):
    image = field(wcs=wcs_of((80, 100), angle, flip))
    sky = report(tmp_path, sources(image), image).data['sky']
    x, y = 49.5, 39.5
    here = image.wcs.pixel_to_world(x, y)
    for name, turn in (('north', 0), ('east', 90)):
        there = image.wcs.pixel_to_world(x + sky[name][0], y + sky[name][1])
        assert abs((here.position_angle(there).deg - turn + 180) % 360 - 180) < 0.1
    np.testing.assert_allclose(sky['arcsec'], 1.8, rtol=1e-3)


def test_text_of_headers_stays_text(tmp_path):
    image = field(name=EVIL)
    catalog = sources(image)
    catalog['name'][0] = EVIL[:24]
    catalog['note'] = [EVIL] * 3
    catalog['class_name'] = [EVIL, 'point', 'point']
    catalog.meta = {'OBJECT': EVIL, EVIL: 'x', 'REPAIRS': EVIL}
    found = report(tmp_path, catalog, image)
    assert found.seen.count('script') == 2
    assert len(found.images) == 2
    assert found.column('note')[0] == EVIL
    assert found.data['class'][0] == EVIL
    assert found.texts['h1', None].strip() == EVIL
    assert '<script>alert' not in found.source
    assert sum('&lt;script&gt;alert' in ''.join(cell) for cell in found.cells()) == 3


def test_provenance(tmp_path):
    image = field()
    image.notes = ('zeros are taken as blank', 'the beam is <old>')
    catalog = sources(image)
    catalog.meta = {'WEIGHTS': 'abc', 'INPUT': 'a.fits', 'comments': ['no'], 'X': object()}
    cells = dict(report(tmp_path, catalog, image).cells())
    assert list(cells)[:2] == ['SHA-256 of the weights', 'image']
    assert cells['repairs to the header'] == 'zeros are taken as blank; the beam is &lt;old&gt;'
    assert 'comments' not in cells
    assert 'X' not in cells


def test_empty_catalogue_without_wcs(tmp_path):
    image = field()
    found = report(tmp_path, empty_catalog(image), image)
    assert found.data['outlines']['x'] == []
    assert found.data['sky'] is None
    assert 'id' in [one['name'] for one in found.data['columns']]
    assert '0 sources' in found.source
    assert 'no celestial WCS' in found.source


def test_catalogue_of_another_program(tmp_path):
    image = field(wcs=wcs_of((80, 100)), unit=u.ct)
    sky = image.wcs.pixel_to_world(*PLACES.T)
    table = Table({'ra': sky.ra.deg, 'dec': sky.dec.deg, 'mag': [20.1, 21.234567, np.nan]})
    found = report(tmp_path, table, image)
    np.testing.assert_allclose(found.data['outlines']['x'], PLACES[:, 0], atol=0.01)
    assert found.column('mag') == [20.1, 21.23, None]
    assert found.data['classes'][0][0] == 'source'


def test_positions_off_the_image_and_unknown(tmp_path):
    image = field()
    catalog = sources(image, x_centroid=[50, 500, np.nan])
    found = report(tmp_path, catalog, image)
    assert [cutout is None for cutout in found.data['cutouts']] == [False, True, True]
    assert found.data['outlines']['x'][2] is None


def test_limits_are_said(tmp_path):
    image = field()
    found = report(tmp_path, sources(image, snr=[5, 50, 20]), image, max_rows=2, max_cutouts=1)
    assert found.column('name') == ['J1', 'J2']
    assert [cutout is None for cutout in found.data['cutouts']] == [False, True]
    assert '1 of 3 sources are left out of the page' in found.source
    assert '1 of the sources have no cutout' in found.source


def test_size_is_bounded(tmp_path):
    data = np.random.default_rng(1).normal(size=(600, 700)).astype(np.float32)
    image = SurveyImage(data, beam='4pix')
    n = 200
    x, y = np.random.default_rng(2).uniform(0, 600, (2, n))
    catalog = build_catalog(image, {'x_centroid': x, 'y_centroid': y, 'fwhm_major': np.geomspace(
        4, 400, n), 'snr': np.ones(n)}, n)
    found = report(tmp_path, catalog, image, max_side=256)
    assert found.size < 1.5e6
    overview = Image.open(io.BytesIO(base64.b64decode(found.images[0].partition(',')[2])))
    assert max(overview.size) <= 256
    sides = [max(pixels(cutout[4]).shape) for cutout in found.data['cutouts']]
    assert max(sides) <= 57


def test_bad_places_are_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.html'):
        check_report_path(tmp_path / 'r.pdf')
    with pytest.raises(OSError, match='cannot write'):
        check_report_path(tmp_path / 'none' / 'r.html')
    with pytest.raises(ValueError, match="'max_rows' must be"):
        write_report(Table(), field(), tmp_path / 'r.html', max_rows=0)


def test_diagnostics_say_what_is_missing(tmp_path):
    image = field(wcs=wcs_of((80, 100)))
    noise = noise_map(image, background=0.0, rms=1.0)
    figure = plot_diagnostics(sources(image), image, noise=noise, path=tmp_path / 'd.png')
    histogram, scores, sizes, rms, _ = figure.axes
    assert sum(patch.get_height() for patch in histogram.patches) == 2  # one has no S/N
    assert sum(len(part.get_offsets()) for part in scores.collections) == 2
    assert sizes.get_xlabel() == 'flux (mJy)'
    assert np.isnan(rms.images[0].get_array().filled(np.nan)[20:40, 60:80]).all()
    empty = plot_diagnostics(Table({'x_centroid': [], 'y_centroid': []}), image, noise=noise)
    assert [ax.texts[0].get_text() for ax in empty.axes[:3]] == [
        'no sources with an S/N', 'no sources with both', 'no sources with both']

def in_browser(path, folder):
    """Elements of a page after a real browser has run it, without a network."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f'none of {", ".join(BROWSERS)} is installed')
    run = subprocess.run(
        [program, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={folder}',
         '--host-resolver-rules=MAP * ~NOTFOUND', '--virtual-time-budget=5000', '--dump-dom',
         path.as_uri()], capture_output=True, text=True, check=False, timeout=300)
    if run.returncode or '</html>' not in run.stdout:
        pytest.skip(f'{program} does not run here: {run.stderr[-200:]}')
    shown = folder / 'shown.html'
    shown.write_text(run.stdout, encoding='utf-8')
    return Page(shown)


def test_page_runs_in_a_browser(tmp_path):
    # the file holds no rows, the browser's page does: the policy lets the script run
    image = field(wcs=wcs_of((80, 100)))
    before = report(tmp_path, sources(image), image, title=EVIL)
    after = in_browser(tmp_path / 'r.html', tmp_path)
    assert after.texts['span', 'count'] == '3 sources'
    assert after.seen.count('tr') - before.seen.count('tr') == 4  # with the line of the names
    assert EVIL in after.texts['h1', None]
    assert after.seen.count('script') == before.seen.count('script')
