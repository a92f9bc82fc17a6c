"""The family of errors, and how each can also be caught."""

import inspect

import pytest

from astrofound.utils import errors


def test_every_class_is_public():
    classes = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    assert classes == set(errors.__all__)


@pytest.mark.parametrize('name', errors.__all__)
def test_one_root_each(name):
    kind = getattr(errors, name)
    assert issubclass(kind, errors.AstrofoundError) != issubclass(kind, errors.AstrofoundWarning)
    assert str(kind('one line')) == 'one line'
    assert inspect.getdoc(kind)
