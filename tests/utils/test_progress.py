"""Scripts stay silent unless they ask."""

import sys

from astrofound.utils import progress_bar


def test_silent_without_terminal(capsys):
    items = [1, 2, 3]
    assert progress_bar(items) is items
    assert capsys.readouterr() == ('', '')


def test_silent_without_standard_error(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', None)
    assert list(progress_bar(range(3))) == [0, 1, 2]


def test_shown_when_asked(capsys):
    assert list(progress_bar(iter('abc'), total=3, label='tiles', show=True)) == ['a', 'b', 'c']
    out, err = capsys.readouterr()
    assert out == ''
    assert 'tiles' in err
