"""Reading volumes: the file's content, not its suffix, says what it is."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import printable
from inrcodec.signals import array_file, nifti, npy
from inrcodec.signals.common import check_finite, check_shape, read_all, reading
from inrcodec.signals.signal import Signal

READABLE = (".npy", ".npz", "NIfTI-1")
# kept as they are; all else that is a number becomes float32
DTYPES = (np.uint8, np.int8, np.uint16, np.int16, np.float32)
MAX_CHANNELS = 4


def is_volume(data: bytes) -> bool:
    """Say whether `data` begins like a .npz or a NIfTI-1 file; .npy files may be of any kind."""
    return array_file.is_npz(data) or nifti.is_nifti(data)


def read_volume(source: Path | BinaryIO, name: str) -> Signal:
    """Return the volume in a file: samples of shape (\\*shape, C), 1 to 3 axes, C from 1 to 4.

    `name` is what messages call the file. An array of up to 3 axes has one channel; of 4, the last
    are the channels. Booleans become a mask: uint8 of 0 and 1, `bits` 1. uint8, int8, uint16,
    int16 and float32 stay; longer integers and other floats become the nearest float32. Of a .npz
    file with several arrays the one called volume, data or arr_0 is taken. Values of NIfTI-1 are
    scaled by the slope and intercept of the file, if it states them, to float32; where the volume
    lies in space is left out.

    Raises InputError, naming the file, if it is unreadable, damaged or of another kind, has no
    samples, more than 2^28 of them, other axes, or values that are NaN or infinite (in float32).
    """
    name = printable(name)
    data = read_all(source, name)
    with reading(name, "volume"):
        return _signal(_array(data))


def _array(data: bytes) -> np.ndarray:
    if not data:
        raise InputError("file is empty")
    if npy.is_npy(data):
        return array_file.read_npy(io.BytesIO(data))
    if array_file.is_npz(data):
        return array_file.read_npz(data)
    if nifti.is_nifti(data):
        return nifti.read(data)
    known = ", ".join(READABLE)
    raise InputError(f"not a volume, or damaged at its start (known: {known})")


def _signal(array: np.ndarray) -> Signal:
    if array.ndim in (1, 2, 3):
        array = array[..., np.newaxis]
    elif array.ndim != 4 or array.shape[3] > MAX_CHANNELS:
        shape = " x ".join(str(size) for size in array.shape)
        raise InputError(f"array of {shape or 'no axes'}; expected 1 to 3 axes, then 1 to 4 values")
    check_shape(array.shape, "volume")
    if array.dtype == np.bool_:
        # a damaged file may hold other bytes than 0 and 1
        return Signal("volume", (array.view(np.uint8) != 0).astype(np.uint8), bits=1)
    if array.dtype in DTYPES:
        check_finite(array, "volume")
        return Signal("volume", array)
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.isfinite(single).all() and np.isfinite(array).all():
        raise InputError(f"volume has samples above {np.finfo(np.float32).max:.1e}, float32's most")
    check_finite(single, "volume")
    return Signal("volume", single)
