"""Arrays in .npy files as pictures."""

import io
from typing import IO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.sizes import check_size


def is_npy(data: bytes) -> bool:
    """Say whether `data` begins like a .npy file."""
    return data.startswith(b"\x93NUMPY")


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether the first axis is the fastest, and type; ValueError if damaged."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0}
    return readers.get(version, np.lib.format.read_array_header_2_0)(file)


def read(data: bytes) -> np.ndarray:
    """Return the array, uint8 or uint16, shape (H, W, 1 to 4); (H, W) is read as grey.

    Raises InputError for another shape or type (nothing is unpickled), ValueError if damaged.
    """
    file = io.BytesIO(data)
    shape, fortran, dtype = read_header(file)
    if dtype.kind != "u" or dtype.itemsize > 2 or len(shape) not in (2, 3):
        raise InputError(f"array of {dtype}, shape {shape}; expected uint8 or uint16, (H, W, C)")
    height, width, channels = (*shape, 1)[:3]
    if not 1 <= channels <= 4:
        raise InputError(f"array of shape {shape} has {channels} channels; expected 1 to 4")
    check_size(width, height, channels)
    samples = np.frombuffer(data, dtype, height * width * channels, file.tell())
    samples = samples.reshape((height, width, channels), order="F" if fortran else "C")
    return np.ascontiguousarray(samples, dtype.newbyteorder("="))


def write(samples: np.ndarray) -> bytes:
    """Return the .npy file of an array."""
    file = io.BytesIO()
    np.save(file, samples, allow_pickle=False)
    return file.getvalue()
