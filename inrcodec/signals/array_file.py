"""Arrays of numbers in .npy and .npz files: bounded by the header before they are read."""

import io
import math
import zipfile
from pathlib import PurePath
from typing import IO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import printable
from inrcodec.signals import npy
from inrcodec.signals.common import check_shape

# which of several arrays is the volume
_PREFERRED = ("volume", "data", "arr_0")
_ZIP_START = b"PK\3\4"
_NAME_SIZE, _NAME = 26, 30  # offsets in the header of a member
# the earliest time that a ZIP file can state
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644 << 16


def is_npz(data: bytes) -> bool:
    """Say whether `data` begins like a .npz file: a ZIP file whose first member is an array."""
    if not data.startswith(_ZIP_START):
        return False
    size = int.from_bytes(data[_NAME_SIZE : _NAME_SIZE + 2], "little")
    return data[_NAME : _NAME + size].endswith(b".npy")


def read_npy(file: IO[bytes]) -> np.ndarray:
    """Return the array of booleans, integers or floats in a .npy file, in native byte order.

    Raises InputError for other types (nothing is unpickled), too few or too many values,
    ValueError if the header is damaged.
    """
    shape, fortran, dtype = npy.read_header(file)
    if dtype.kind not in "biuf":
        raise InputError(f"array of {dtype}; expected booleans, integers or floats")
    check_shape(shape, "array")
    count = math.prod(shape)
    data = file.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise InputError("array is cut short")
    array = np.frombuffer(data, dtype, count).reshape(shape, order="F" if fortran else "C")
    return np.asarray(array, dtype.newbyteorder("="), order="C")


def read_npz(data: bytes) -> np.ndarray:
    """Return the one array of a .npz file, or the one called volume, data or arr_0.

    Raises InputError, listing the names, if none of several is called so, and as `read_npy`;
    errors of zipfile if the file is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
        with archive.open(_member(members)) as file:
            array = read_npy(file)
            file.read(1)  # the checksum is looked at where the member ends
    return array


def _member(members: list[str]) -> str:
    if len(members) == 1:
        return members[0]
    for name in _PREFERRED:
        if f"{name}.npy" in members:
            return f"{name}.npy"
    names = ", ".join(printable(PurePath(member).stem) for member in members) or "none"
    wanted = " or ".join(_PREFERRED)
    raise InputError(f"arrays in the file: {names}; expected one, or one called {wanted}")


def write_npz(array: np.ndarray) -> bytes:
    """Return a compressed .npz file with one array, "volume"; equal arrays give equal bytes."""
    file = io.BytesIO()
    member = zipfile.ZipInfo(f"{_PREFERRED[0]}.npy", _NO_TIME)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system, member.external_attr = _UNIX, _PLAIN_FILE  # on every system
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, npy.write(array))
    return file.getvalue()
