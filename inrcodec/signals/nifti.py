"""NIfTI-1 files of one part (.nii, .nii.gz): a fixed header of 348 bytes, then the values.

The format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

import gzip
import io
import math
import struct
import zlib
from typing import BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.common import check_shape

HEADER_SIZE = 348
MAX_SIDE = 2**15 - 1
_MAGIC = b"n+1\0"
_GZIP = b"\x1f\x8b\x08"
_DATA_OFFSET = 352  # the header and four zeros: no extension follows

_DIM, _DATATYPE, _BITPIX, _PIXDIM, _VOX_OFFSET, _SCL_SLOPE = 40, 70, 72, 76, 108, 112
_REGULAR, _MAGIC_AT = 38, 344

_DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 128: "u1", 256: "i1", 512: "u2"}
_DTYPES |= {768: "u4", 1024: "i8", 1280: "u8", 2304: "u1"}
_COLOURS = {128: 3, 2304: 4}  # RGB and RGBA: values that lie beside each other in each voxel
_CODES = {"u1": 2, "i1": 256, "u2": 512, "i2": 4, "f4": 16}


def is_nifti(data: bytes) -> bool:
    """Say whether `data` begins like a NIfTI-1 file of one part, compressed or not."""
    try:
        with _opened(data) as file:
            header = file.read(HEADER_SIZE)
    except (OSError, EOFError, zlib.error):  # what is compressed is damaged
        return False
    return _byte_order(header) is not None


def _opened(data: bytes) -> BinaryIO:
    file = io.BytesIO(data)
    if not data.startswith(_GZIP):
        return file
    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


def _byte_order(header: bytes) -> str | None:
    """Return "<" or ">", None if this is no such header."""
    if header[_MAGIC_AT:] != _MAGIC:
        return None
    orders = {struct.pack(f"{order}i", HEADER_SIZE): order for order in "<>"}
    return orders.get(header[:4])


def read(data: bytes) -> np.ndarray:
    """Return the values, shape (X, Y, Z, C) or fewer axes, scaled where the header says so.

    Scaled values are float32; others keep their type. Axes of length 1 from the fourth on are left
    out; colours become the last axis. Raises InputError if the header does not fit, there are too
    few or too many values, or values of another type (bits, complex numbers, 128 bits).
    """
    with _opened(data) as file:
        header = file.read(HEADER_SIZE)
        order = _byte_order(header)
        if order is None:
            raise InputError("not a NIfTI-1 file of one part")
        shape, dtype = _shape(header, order), _dtype(header, order)
        check_shape(shape, "volume")
        (offset,) = struct.unpack_from(f"{order}f", header, _VOX_OFFSET)
        if not 0 <= offset < 2**31:
            raise InputError(f"values at byte {offset:g}")
        file.seek(max(int(offset), _DATA_OFFSET))
        size = math.prod(shape) * dtype.itemsize
        values = file.read(size)
        if len(values) < size:
            raise InputError("volume is cut short")
        file.read(1)  # a compressed file's checksum is looked at where it ends
    array = np.frombuffer(values, dtype).reshape(shape, order="F")
    return _scaled(_colours_last(array, header, order), header, order)


def _shape(header: bytes, order: str) -> tuple[int, ...]:
    """Return the shape as stored, the colours of a voxel (if it has any) first."""
    axes, *dims = struct.unpack_from(f"{order}8h", header, _DIM)
    if not 1 <= axes <= 7:
        raise InputError(f"volume of {axes} axes")
    space, other = dims[: min(axes, 3)], [size for size in dims[3:axes] if size != 1]
    return (*_colours(header, order), *space, *other)


def _colours(header: bytes, order: str) -> tuple[int, ...]:
    (code,) = struct.unpack_from(f"{order}h", header, _DATATYPE)
    return (_COLOURS[code],) if code in _COLOURS else ()


def _dtype(header: bytes, order: str) -> np.dtype:
    (code,) = struct.unpack_from(f"{order}h", header, _DATATYPE)
    if code not in _DTYPES:
        raise InputError(f"values of NIfTI type {code}; expected integers, floats or colours")
    return np.dtype(order + _DTYPES[code])


def _colours_last(array: np.ndarray, header: bytes, order: str) -> np.ndarray:
    if _colours(header, order):
        array = np.moveaxis(array, 0, -1)
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")


def _scaled(array: np.ndarray, header: bytes, order: str) -> np.ndarray:
    """Return slope * array + inter in float32; as it is where the header states no scale."""
    slope, inter = struct.unpack_from(f"{order}2f", header, _SCL_SLOPE)
    stated = math.isfinite(slope) and math.isfinite(inter) and slope != 0
    if not stated or (slope, inter) == (1, 0):
        return array
    with np.errstate(over="ignore"):  # what becomes infinite is refused with what was so before
        return np.asarray(array * np.float64(slope) + inter).astype(np.float32)


def write(array: np.ndarray) -> bytes:
    """Return a little-endian NIfTI-1 file of uint8, int8, uint16, int16 or float32, 1 to 4 axes.

    The voxels measure 1 and have no place in space. A boolean array is written as 0 and 1.
    """
    values = array.astype(array.dtype.newbyteorder("<") if array.dtype.kind != "b" else np.uint8)
    dims = (array.ndim, *array.shape, *(1,) * (7 - array.ndim))
    header = bytearray(_DATA_OFFSET)
    struct.pack_into("<i", header, 0, HEADER_SIZE)
    header[_REGULAR] = ord("r")
    struct.pack_into("<8h", header, _DIM, *dims)
    struct.pack_into("<h", header, _DATATYPE, _CODES[values.dtype.str[1:]])
    struct.pack_into("<h", header, _BITPIX, 8 * values.dtype.itemsize)
    struct.pack_into("<8f", header, _PIXDIM, *(1.0,) * 8)
    struct.pack_into("<f", header, _VOX_OFFSET, _DATA_OFFSET)
    struct.pack_into("<f", header, _SCL_SLOPE, 1.0)
    header[_MAGIC_AT:HEADER_SIZE] = _MAGIC
    return bytes(header) + values.tobytes(order="F")


def write_compressed(array: np.ndarray) -> bytes:
    """Return the same in gzip, without a name and a time in it."""
    return gzip.compress(write(array), mtime=0)
