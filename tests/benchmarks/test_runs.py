import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable
from independent_sky import make_radio
from methods import METHODS, make_detector
from peers import AegeanDetector, PyBDSFDetector, sky_table
from real_fields import owners
from runs import Runner, cost_file, keep_columns, setting_name


@pytest.fixture
def sky(tmp_path):
    return make_radio((300, 300), seed=1).write(tmp_path / 'sky.fits')


def test_earlier_runs_are_not_repeated(tmp_path, sky):
    runner = Runner(tmp_path)       # no python that could run the peer
    output = runner.outputs('aegean', 4.5, [sky])[0]
    assert output.name == 'aegean_4.5_sky.ecsv'
    QTable({'x_centroid': [3.0]}).write(output, format='ascii.ecsv')
    cost_file(output).write_text(json.dumps({'seconds': 2.0}))
    (catalog, cost), = runner.run('aegean', 4.5, [sky])
    assert len(catalog) == 1
    assert cost == {'seconds': 2.0}


def test_a_run_in_a_child_process(tmp_path, sky):
    pytest.importorskip('sep')
    (catalog, cost), = Runner(tmp_path).run('sep', 5.0, [sky])
    assert len(catalog)
    assert {'x_centroid', 'flux', 'snr'} <= set(catalog.colnames)
    assert cost['seconds'] > 0
    assert cost['memory_mb'] > 10


def test_a_failing_run_says_why(tmp_path):
    with pytest.raises(SystemExit, match=r'sep at default failed:[\s\S]*missing\.fits'):
        Runner(tmp_path).run('sep', None, [tmp_path / 'missing.fits'])


def test_peers_need_their_python(tmp_path):
    assert not Runner(tmp_path).available('pybdsf')
    assert Runner(tmp_path, 'peers/bin/python').available('pybdsf')
    assert Runner(tmp_path).available('compact')


def test_settings_in_file_names():
    assert setting_name(None) == 'default'
    assert setting_name(4.0) == '4'


def test_what_figures_do_not_need_is_left_out():
    table = QTable({'x_centroid': [1.0, 2.0], 'id': [1, 2], 'parent_id': [0, 1], 'ra': [5.0, 6.0]})
    table.meta['note'] = 'long'
    kept = keep_columns(table)
    assert kept.colnames == ['id', 'parent_id', 'x_centroid']
    assert not kept.meta



def test_every_method_builds():
    for name, method in METHODS.items():
        for threshold in (None, *method.grid[:1]):
            assert hasattr(make_detector(name, threshold), 'predict')
    with pytest.raises(SystemExit, match='unknown method'):
        make_detector('eye')


def test_boxes_follow_the_beam():
    header = fits.Header({'BMAJ': 8 / 3600, 'BMIN': 8 / 3600, 'CDELT2': 2 / 3600})
    options = PyBDSFDetector(tuned=True, threshold=2.0).options(header)
    assert options['rms_box'] == (60, 20)
    assert options['rms_box_bright'] == (30, 10)
    assert options['thresh_pix'] == options['thresh_isl'] == 2
    assert options['frequency'] == 1.4e9
    header['CTYPE3'] = 'FREQ'
    assert set(PyBDSFDetector().options(header)) == {'quiet', 'atrous_do'}
    assert AegeanDetector(threshold=4.5).threshold == 4.5


def test_positions_and_noise_of_peers(sky):
    header, truth = fits.getheader(sky), QTable.read(
        sky.with_name('sky_truth.fits'), hdu='TRUTH')
    ra, dec = truth['ra'].value, truth['dec'].value
    n = len(truth)
    error = np.full(n, 1.5 / 3600)
    error[0] = -1       # what Aegean writes where the fit failed
    noise = np.arange(300)[:, None] + np.zeros(300) + 1.0     # rising along x, as PyBDSF holds it
    table = sky_table(header, ra, dec, error, error, np.ones(n), np.ones(n),
                      np.full(n, 10.0), rms=noise)
    np.testing.assert_allclose(table['x_centroid'], truth['x_centroid'], atol=1e-6)
    np.testing.assert_allclose(table['x_err'][1:], 1)
    assert np.isnan(table['x_err'][0])
    np.testing.assert_allclose(table['snr'], 10 / (np.rint(truth['x_centroid']) + 1))
    assert len(sky_table(header, *[[]] * 7, rms=noise)) == 0


def test_components_belong_to_their_source():
    table = QTable({'id': [1, 2, 3, 4], 'parent_id': [0, 0, 2, 2]})
    assert owners(table).tolist() == [0, 1, 1, 1]
    assert owners(QTable({'x': [1.0, 2.0]})).tolist() == [0, 1]
