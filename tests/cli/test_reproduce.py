import pytest

from astrofound.cli import main

WORDS = ['reproduce', 'lastufka2025', '--data', 'simulated:rgz:40', '--backbones', 'toy-vit',
         '--recipe', 'converged', '--repeats', '1']


def test_figure_is_drawn_and_compared(tmp_path, capsys):
    folder = tmp_path / 'out'
    assert main([*WORDS, '--figure', '5', '--fractions', '1', '-o', str(folder)]) == 0
    said = capsys.readouterr().out
    assert 'best (paper: MSN)' in said
    assert '0.630' in said
    assert 'compare directions' in said
    assert {path.name for path in folder.iterdir()} == {
        'figure_5.png', 'figure_5.ecsv', 'figure_5_peaks.ecsv', 'figure_5_components.ecsv',
        'features'}


@pytest.mark.parametrize(('words', 'message'), [
    ([], 'say which one: --figure'),
    (['--figure', '3', '--table', '4'], 'say which one'),
    (['--figure', '2'], "unknown experiment 'figure 2'"),
    (['--figure', '3', '--fractions', 'all'], '--fractions must be numbers'),
    (['--figure', '3', '--backbones', 'toy_vot'], "did you mean 'toy_vit'"),
])
def test_errors_are_one_line(tmp_path, capsys, words, message):
    assert main([*WORDS, *words, '-o', str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1


def test_other_papers(capsys, tmp_path):
    assert main(['reproduce', 'lastufka2024', '--data', 'simulated:rgz:40', '--figure', '3', '-o',
                 str(tmp_path)]) == 2
    assert "did you mean 'lastufka2025'" in capsys.readouterr().err
