import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from click.testing import CliRunner

from astrofound.catalog import write_table
from astrofound.cli.compare import command, parse_radius
from astrofound.utils import AstrofoundError


@pytest.fixture
def two_files(tmp_path):
    rng = np.random.default_rng(0)
    n = 100
    snr = 3 / rng.uniform(0.01, 1, n)
    table = QTable({'id': np.arange(n), 'ra': rng.uniform(10, 11, n) * u.deg,
                    'dec': rng.uniform(0, 1, n) * u.deg, 'flux': snr * u.mJy, 'snr': snr})
    paths = tmp_path / 'a.fits', tmp_path / 'b.ecsv'
    write_table(table[:80], paths[0])
    write_table(table[20:], paths[1])
    return [str(path) for path in paths]


def run(*arguments):
    return CliRunner().invoke(command, [str(part) for part in arguments], catch_exceptions=False)


def test_summary_table_and_figure(two_files, tmp_path):
    output, figure = tmp_path / 'pairs.csv', tmp_path / 'c.png'
    done = run(*two_files, '--radius', '2arcsec', '-o', output, '--plot', figure)
    assert done.exit_code == 0
    assert 'a: 80 sources, b: 80, in both: 60' in done.output
    assert 'of b in a  0.750' in done.output
    assert f'table: {output}' in done.output
    assert len(QTable.read(output)) == 100
    assert figure.stat().st_size > 10_000


def test_truth_changes_the_words(two_files):
    done = run(*two_files, '--radius', '2 arcsec', '--truth')
    assert 'completeness  0.750' in done.output
    assert 'reliability   0.750' in done.output


def test_min_snr_cuts_both(two_files):
    done = run(*two_files, '--radius', '2arcsec', '--min-snr', 5)
    lowest = [line.split()[0] for line in done.output.splitlines() if ' - ' in line]
    assert '0' not in lowest
    assert '5' in lowest


def test_output_formats(two_files, tmp_path):
    for name in ('p.fits', 'p.vot', 'p.ecsv'):
        assert run(*two_files, '--radius', '2arcsec', '-o', tmp_path / name).exit_code == 0
        assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize(('arguments', 'message'), [
    (('--radius', '3parsec'), '--radius must be an angle'),
    (('--radius', 'wide'), '--radius must be an angle'),
    (('--radius', '-1arcsec'), "'radius' must be"),
    (('--plot', 'figure.doc'), 'cannot draw into'),
    (('-o', 'table.doc'), 'unknown extension'),
    (('-o', 'pairs.reg'), 'pairs are a table'),
    ((), "pass a 'radius'"),
])
def test_errors_are_ours(two_files, arguments, message):
    with pytest.raises(AstrofoundError, match=message):
        run(*two_files, *arguments)


@pytest.mark.parametrize('option', ['-o', '--plot'])
def test_an_input_is_never_written_over(two_files, option, tmp_path):
    path = two_files[0]
    if option == '--plot':
        (tmp_path / 'a.png').write_bytes((tmp_path / 'a.fits').read_bytes())
        path = str(tmp_path / 'a.png')
    with pytest.raises(AstrofoundError, match='is an input and would be lost'):
        run(path, two_files[1], option, path)


def test_missing_file(tmp_path, two_files):
    with pytest.raises(AstrofoundError, match='no such file'):
        run(two_files[0], tmp_path / 'absent.fits')


@pytest.mark.parametrize(('text', 'radius'), [
    ('3arcsec', 3 * u.arcsec), ('0.5 arcmin', 0.5 * u.arcmin), ('2"', 2 * u.arcsec), ('4', 4.0),
    ('4pix', 4.0), (None, None),
])
def test_radius_as_typed(text, radius):
    assert parse_radius(text) == radius
