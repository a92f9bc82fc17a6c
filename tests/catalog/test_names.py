import pytest

from astrofound.catalog import iau_names


@pytest.mark.parametrize(('ra', 'dec', 'name'), [
    (0.0, 0.0, 'J000000.0+000000'),
    (187.5, -30.25, 'J123000.0-301500'),
    (83.6332083, 22.0144722, 'J053431.9+220052'),      # 05:34:31.97 +22:00:52.1
    (359.99999, -0.00001, 'J235959.9-000000'),          # truncated, never J240000.0
    (15.0 / 3600 * 59.99, 89.99999, 'J000059.9+895959'),
    (-10.0, -89.5, 'J232000.0-893000'),
])
def test_names_are_truncated(ra, dec, name):
    assert iau_names([ra], [dec])[0] == name


def test_no_position_no_name():
    assert iau_names([float('nan'), 1.0], [0.0, float('nan')]).tolist() == ['', '']
    assert len(iau_names([], [])) == 0
