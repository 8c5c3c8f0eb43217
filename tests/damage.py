"""Damaged files for the tests of readers: refusals, changed bytes, a stream that fails."""

import io

import numpy as np
import pytest

from inrcodec.errors import InputError


class BrokenStream(io.RawIOBase):
    def read(self, size=-1):
        raise OSError(5, "Input/output error")


def refused(read, data, reason):
    """The message, one line that names the file "it" and gives the reason."""
    with pytest.raises(InputError, match=reason) as caught:
        read(data)
    message = str(caught.value)
    assert message.startswith("it: ")
    assert "\n" not in message and "BytesIO" not in message
    return message


def changed(data, count, seed=0, first=0, last=None):
    """Copies with one byte changed each, between `first` and `last`."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        copy = bytearray(data)
        place = rng.integers(first, min(last or len(data), len(data)))
        copy[place] ^= int(rng.integers(1, 256))
        yield bytes(copy)


def read_or_refused(read, data):
    """The signal, or None for an InputError of one line."""
    try:
        return read(data)
    except InputError as error:
        assert "\n" not in str(error) and "BytesIO" not in str(error)
        return None
