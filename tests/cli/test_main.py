import pytest

from astrofound.cli import main
from astrofound.cli.main import _COMMANDS


def test_help_names_every_command(capsys):
    assert main(['--help']) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in _COMMANDS)


@pytest.mark.parametrize('name', _COMMANDS)
def test_every_command_has_help(name, capsys):
    assert main([name, '--help']) == 0
    assert 'Usage: astrofound ' + name in capsys.readouterr().out


def test_misspelt_command_gets_a_suggestion(capsys):
    assert main(['detcet']) == 2
    assert "did you mean 'detect'?" in capsys.readouterr().err


def test_unknown_option_is_one_line(capsys):
    assert main(['detect', 'a.fits', '--treshold', '0.5']) == 2
    said = capsys.readouterr().err
    assert said.startswith('astrofound: error: ')
    assert len(said.splitlines()) == 1


def test_version(capsys):
    assert main(['--version']) == 0
    assert 'astrofound' in capsys.readouterr().out
