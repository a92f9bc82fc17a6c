from importlib import import_module

import click
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


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_completion(shell, capsys):
    assert main(['completion', shell]) == 0
    said = capsys.readouterr().out
    assert '_ASTROFOUND_COMPLETE' in said
    assert 'astrofound' in said


def test_completion_knows_commands_and_options(monkeypatch, capsys):
    monkeypatch.setenv('_ASTROFOUND_COMPLETE', 'bash_complete')
    for words, place, wanted in (('astrofound det', '1', 'detect'),
                                 ('astrofound detect --rel', '2', '--reliability')):
        monkeypatch.setenv('COMP_WORDS', words)
        monkeypatch.setenv('COMP_CWORD', place)
        with pytest.raises(SystemExit):
            main([])
        assert wanted in capsys.readouterr().out


def test_what_it_runs_on(capsys, monkeypatch):
    monkeypatch.setenv('HF_HUB_OFFLINE', '1')
    assert main(['info', '--system']) == 0
    said = capsys.readouterr().out
    for word in ('python', 'cores', 'scikit-learn', 'HF_HUB_OFFLINE'):
        assert word in said
    assert 'pytest' not in said
    names = [line.split()[0] for line in said.splitlines()]
    assert len(names) == len(set(names))


def test_old_click_hides_what_stopped_a_command(monkeypatch, capsys):
    def stop(*given, **keywords):  # as click 8.1.0 does
        try:
            raise KeyboardInterrupt('the rest is kept')
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None

    monkeypatch.setattr(import_module('astrofound.cli.main')._group, 'main', stop)
    assert main(['info']) == 130
    assert 'stopped; the rest is kept' in capsys.readouterr().err
