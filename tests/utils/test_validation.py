"""Messages of the argument checks: what was wanted, what came."""

import math

import numpy as np
import pytest

from astrofound.utils import InputError, check_choice, check_number, nearest_name


@pytest.mark.parametrize('value', [0, 1, 0.5, np.float32(0.5), np.int16(1)])
def test_number_comes_back_as_it_is(value):
    assert check_number('sigma', value, minimum=0, maximum=1) is value


@pytest.mark.parametrize('value', [
    math.nan, math.inf, '3', None, True, np.array([1.0]), 1j, -0.1, 1.1,
])
def test_number_refused(value):
    with pytest.raises(InputError, match="'sigma' must be a number of at least 0 and at most 1"):
        check_number('sigma', value, minimum=0, maximum=1)


@pytest.mark.parametrize(('limits', 'wanted'), [
    ({'above': 0}, 'a number greater than 0, got 0'),
    ({'maximum': -1}, 'a number at most -1, got 0'),
    ({'minimum': 1, 'integer': True}, 'an integer of at least 1, got 0'),
    ({'above': 0, 'maximum': 2}, 'a number greater than 0 and at most 2, got 0'),
])
def test_number_message(limits, wanted):
    with pytest.raises(InputError, match=f"^'n' must be {wanted}$"):
        check_number('n', 0, **limits)


def test_integer():
    huge = 10**400
    assert check_number('seed', huge, integer=True) == huge
    with pytest.raises(InputError, match=r"'seed' must be an integer, got 1\.0"):
        check_number('seed', 1.0, integer=True)


def test_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)


def test_choice():
    assert check_choice('stretch', 'asinh', ('linear', 'asinh')) == 'asinh'
    with pytest.raises(InputError, match=r"^unknown stretch 'Asin'; did you mean 'asinh'\? "
                                         r'Choose from: linear, asinh$'):
        check_choice('stretch', 'Asin', ('linear', 'asinh'))
    with pytest.raises(InputError, match=r"^unknown stretch 'qqq'; choose from: linear, asinh$"):
        check_choice('stretch', 'qqq', iter(('linear', 'asinh')))


@pytest.mark.parametrize('value', [None, 3, ['asinh'], np.array(['asinh', 'linear'])])
def test_choice_of_another_kind(value):
    with pytest.raises(InputError, match='unknown stretch'):
        check_choice('stretch', value, ('linear', 'asinh'))


def test_nearest_name():
    assert nearest_name('dinov2_vits', ['resnet50', 'dinov2_vits14']) == 'dinov2_vits14'
    assert nearest_name('DinoV2', ['DINOv2']) == 'DINOv2'
    assert nearest_name('xyz', ['resnet50']) is None
    assert nearest_name('xyz', []) is None
