"""
Read the batches of images that some data sets come as, without running anything in them.

MiraBest and others are handed out as Python's serialised objects, a format whose files are
programs: loading one as usual may run anything. Here such a file is only read. The standard
library's disassembler splits it into instructions; those that build numbers, text, lists,
dictionaries and numpy arrays are followed by the code below, which calls nothing that a file
names. A handful of names that arrays need are recognised as words; any other name, and any
instruction that could do more, ends the reading with an error.
"""

import pickletools
import re
from pathlib import Path

import numpy as np

from ..utils import ReadError

__all__ = ['read_batch']

_ARRAY, _DTYPE, _SCALAR = 'array', 'dtype', 'scalar'
_BUFFER, _ENCODE, _BYTES = 'buffer', 'encode', 'bytes'
_NAMES = {
    'numpy.ndarray': _ARRAY, 'numpy.dtype': _DTYPE, '_codecs.encode': _ENCODE,
    'builtins.bytes': _BYTES, '__builtin__.bytes': _BYTES,
    **{f'numpy.{core}.multiarray._reconstruct': _ARRAY for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': _SCALAR for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': _BUFFER for core in ('core', '_core')},
}
_PLAIN_DTYPE = re.compile(r'[<>|=]?(b1|[iu][1248]|f[248]|[SU]\d+)')


def read_batch(path):
    """
    Read a file of serialised numbers, text, lists, dictionaries and arrays.

    Parameters
    ----------
    path : path-like
        Such a file, of any protocol of Python 2 or 3.

    Returns
    -------
    content : object
        What it holds; text keys of dictionaries are text, also where they were bytes.

    Raises
    ------
    ReadError
        If the file is missing, damaged or no such file, or holds anything else.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReadError(f'cannot read {path}: {error.strerror}') from None
    try:
        return _plain(_Reader(str(path)).run(data), {})
    except ReadError:
        raise
    except RecursionError:
        raise ReadError(f'{path} is nested too deeply') from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ReadError(f'{path} is damaged or no batch of images: {error}') from None


class _Word:
    """A name that stands in a file, known by what it means here."""

    def __init__(self, meaning):
        self.meaning = meaning


class _Pending:
    """An array or data type that later instructions fill."""

    def __init__(self, kind, value=None):
        self.kind, self.value = kind, value


_MARK = object()


class _Reader:
    """Follow the harmless instructions of a file on a stack of plain values."""

    def __init__(self, name):
        self._name = name
        self._stack, self._memo = [], {}

    def run(self, data):
        """Give the value that a file builds."""
        for code, argument, _ in pickletools.genops(data):
            if code.name == 'STOP':
                return self._stack.pop()
            if code.name in _VALUES:
                self._stack.append(argument)
            elif code.name in _CONSTANTS:
                self._stack.append(_CONSTANTS[code.name]())
            elif (act := getattr(self, f'_do_{code.name.lower()}', None)) is not None:
                act(argument)
            else:
                raise ReadError(f'{self._name} is not read: its instruction {code.name} could run '
                                'foreign code')
        raise ValueError('it has no end')

    def _to_mark(self):
        items = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _pop(self, n):
        items = self._stack[len(self._stack) - n:]
        if len(items) < n:
            raise IndexError('it takes what is not there')
        del self._stack[len(self._stack) - n:]
        return items

    # what does nothing

    def _do_proto(self, _):
        pass

    _do_frame = _do_proto

    # stack and memory

    def _do_mark(self, _):
        self._stack.append(_MARK)

    def _do_pop(self, _):
        self._stack.pop()

    def _do_pop_mark(self, _):
        self._to_mark()

    def _do_put(self, key):
        self._memo[key] = self._stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _):
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_get(self, key):
        self._stack.append(self._memo[key])

    _do_binget = _do_long_binget = _do_get

    # containers

    def _do_tuple(self, _):
        self._stack.append(tuple(self._to_mark()))

    def _do_tuple1(self, _):
        self._stack.append(tuple(self._pop(1)))

    def _do_tuple2(self, _):
        self._stack.append(tuple(self._pop(2)))

    def _do_tuple3(self, _):
        self._stack.append(tuple(self._pop(3)))

    def _do_list(self, _):
        self._stack.append(self._to_mark())

    def _do_dict(self, _):
        items = self._to_mark()
        self._stack.append({_key(key): value for key, value in zip(items[::2], items[1::2],
                                                                   strict=True)})

    def _do_append(self, _):
        value, = self._pop(1)
        self._extend([value])

    def _do_appends(self, _):
        self._extend(self._to_mark())

    def _extend(self, values):
        if not isinstance(self._stack[-1], list):
            raise TypeError('it appends to what is no list')
        self._stack[-1].extend(values)

    def _do_setitem(self, _):
        self._set(self._pop(2))

    def _do_setitems(self, _):
        self._set(self._to_mark())

    def _set(self, items):
        if not isinstance(self._stack[-1], dict):
            raise TypeError('it fills what is no dictionary')
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._stack[-1][_key(key)] = value

    # names, and what arrays do with them

    def _do_global(self, argument):
        self._stack.append(self._word(argument.replace(' ', '.')))

    def _do_stack_global(self, _):
        self._stack.append(self._word('.'.join(self._pop(2))))

    def _word(self, name):
        if name not in _NAMES:
            raise ReadError(f'{self._name} is not read: it holds {name}, which is neither number, '
                            'text nor array, and loading it could run foreign code')
        return _Word(_NAMES[name])

    def _do_reduce(self, _):
        word, arguments = self._pop(2)
        if not isinstance(word, _Word) or not isinstance(arguments, tuple):
            raise TypeError('it calls what is no name')
        self._stack.append(_BUILDERS[word.meaning](*arguments))

    def _do_build(self, _):
        state, = self._pop(1)
        pending = self._stack[-1]
        if not isinstance(pending, _Pending):
            raise TypeError('it fills what is no array')
        if pending.kind == _DTYPE:
            if state[1] in ('<', '>', '='):
                pending.value = pending.value.newbyteorder(state[1])
        else:
            _, shape, dtype, in_columns, raw = state
            pending.value = _to_array(raw, dtype, shape, 'F' if in_columns else 'C')


_VALUES = {
    'INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'FLOAT', 'BINFLOAT',
    'STRING', 'BINSTRING', 'SHORT_BINSTRING', 'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8',
    'BYTEARRAY8', 'UNICODE', 'BINUNICODE', 'SHORT_BINUNICODE', 'BINUNICODE8',
}
_CONSTANTS = {'NONE': lambda: None, 'NEWTRUE': lambda: True, 'NEWFALSE': lambda: False,
              'EMPTY_LIST': list, 'EMPTY_DICT': dict, 'EMPTY_TUPLE': tuple}


def _start_array(*_):
    return _Pending(_ARRAY)


def _start_dtype(text, *_):
    text = text.decode('ascii') if isinstance(text, bytes) else text
    if not isinstance(text, str) or not _PLAIN_DTYPE.fullmatch(text):
        raise ReadError(f'an array of {text!r} is not read: it is neither of numbers nor of text')
    return _Pending(_DTYPE, np.dtype(text))


def _make_scalar(dtype, raw):
    return _to_array(raw, dtype, (), 'C')[()].item()


def _make_buffer(raw, dtype, shape, order):
    return _to_array(raw, dtype, shape, 'F' if order == 'F' else 'C')


def _make_bytes(text='', _='latin1'):
    return text.encode('latin1') if isinstance(text, str) else bytes(text or b'')


_BUILDERS = {_ARRAY: _start_array, _DTYPE: _start_dtype, _SCALAR: _make_scalar,
             _BUFFER: _make_buffer, _ENCODE: _make_bytes, _BYTES: _make_bytes}


def _to_array(raw, dtype, shape, order):
    if not isinstance(dtype, _Pending) or dtype.kind != _DTYPE:
        raise TypeError('an array without a type')
    raw = raw.encode('latin1') if isinstance(raw, str) else bytes(raw)
    return np.frombuffer(raw, dtype.value).reshape(shape, order=order)


def _key(key):
    if isinstance(key, bytes):
        return key.decode('latin1')
    if not isinstance(key, (str, int, float)):
        raise TypeError('a key that is neither text nor number')
    return key


def _plain(value, done):
    """Put arrays in the places where they were begun."""
    if isinstance(value, _Pending):
        if value.kind != _ARRAY or value.value is None:
            raise ValueError('an array that was never filled')
        return value.value
    if isinstance(value, _Word) or value is _MARK:
        raise ValueError('a bare name')
    if not isinstance(value, (list, tuple, dict)):
        return value
    if id(value) not in done:  # what is used twice is made once
        if isinstance(value, dict):
            done[id(value)] = {key: _plain(item, done) for key, item in value.items()}
        else:
            done[id(value)] = type(value)(_plain(item, done) for item in value)
    return done[id(value)]
