"""Reading meshes (OBJ, PLY, STL) as volumes that say which voxels are inside."""

import io
import math
import re
import struct
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np

from inrcodec.errors import InputError, OptionError
from inrcodec.files import printable
from inrcodec.signals import sizes
from inrcodec.signals.common import read_all, reading
from inrcodec.signals.occupancy import occupancy
from inrcodec.signals.signal import Signal

READABLE = ("obj", "ply", "stl")
MISSING = "meshes need two more libraries: pip install 'inrcodec[mesh]'"
MIN_RESOLUTION, MAX_RESOLUTION = 4, 1024
# empty voxels on each side, so that the surface is closed inside the volume
MARGIN = 1

_STL_HEADER, _STL_TRIANGLE = 84, 50  # bytes
# a line of three coordinates, near the start; OBJ has no signature
_OBJ_VERTEX = re.compile(rb"^v(?:[ \t]+[-+]?\.?\d[-+.\deE]*){3}", re.MULTILINE)
_OBJ_START = 4096


def is_mesh(data: bytes, name: str) -> bool:
    """Say whether `data` is an OBJ, PLY or STL file, by content or else by the suffix of `name`."""
    return _mesh_format(data, name) is not None


def _mesh_format(data: bytes, name: str) -> str | None:
    start = data[:_OBJ_START]
    if start.startswith((b"ply\n", b"ply\r")):
        return "ply"
    if _is_binary_stl(data) or (start.lstrip().startswith(b"solid") and b"facet" in start):
        return "stl"
    if b"\0" not in start and _OBJ_VERTEX.search(start):
        return "obj"
    suffix = PurePath(name).suffix.lower().lstrip(".")
    return suffix if suffix in READABLE else None


def _is_binary_stl(data: bytes) -> bool:
    if len(data) < _STL_HEADER:
        return False
    (triangles,) = struct.unpack_from("<I", data, _STL_HEADER - 4)
    return bool(triangles) and len(data) == _STL_HEADER + triangles * _STL_TRIANGLE


def read_mesh(source: Path | BinaryIO, name: str, resolution: int) -> Signal:
    """Return a mask that is 1 where a voxel's centre is inside the mesh: uint8, (X, Y, Z, 1).

    `name` is what messages call the file. The longest side of the mesh's bounding box spans
    `resolution` voxels (4 to 1024), one empty voxel at either end included; the other sides are in
    proportion, rounded up. The box lies in the middle. Holes in the surface are bridged as
    `occupancy` says. Colours, textures and the mesh's own size and place are left out.

    Raises InputError, naming the file, if it is unreadable, damaged, of another kind, or encloses
    no voxel, or if trimesh is not installed; OptionError for a resolution that is too low or too
    high.
    """
    name = printable(name)
    if not MIN_RESOLUTION <= resolution <= MAX_RESOLUTION:
        allowed = f"{MIN_RESOLUTION} to {MAX_RESOLUTION}"
        raise OptionError(f"resolution of a mesh is {allowed} voxels, not {resolution}")
    data = read_all(source, name)
    with reading(name, "mesh"):
        return _voxels(_triangles(data, name), resolution)


def _triangles(data: bytes, name: str) -> np.ndarray:
    """Return the corners of all triangles, float64 of shape (F, 3, 3)."""
    if not data:
        raise InputError("file is empty")
    mesh_format = _mesh_format(data, name)
    if mesh_format is None:
        known = ", ".join(READABLE)
        raise InputError(f"not a mesh, or damaged at its start (known: {known})")
    try:
        import trimesh
    except ImportError as error:
        raise InputError(MISSING) from error
    if mesh_format == "obj":  # names of materials may be in any encoding, and do not matter
        data = data.decode("latin-1").encode()
    mesh: Any = trimesh.load(io.BytesIO(data), mesh_format, force="mesh", process=False)
    faces = getattr(mesh, "faces", None)  # a cloud of points has none
    if faces is None or len(faces) == 0:
        raise InputError("mesh has no faces")
    triangles = np.asarray(mesh.vertices, np.float64)[np.asarray(faces)]
    if not np.isfinite(triangles).all():
        raise InputError("mesh has coordinates that are NaN or infinite")
    return triangles


def _voxels(triangles: np.ndarray, resolution: int) -> Signal:
    corners = triangles.reshape(-1, 3)
    low, extent = corners.min(axis=0), np.ptp(corners, axis=0)
    if not extent.max() > 0:
        raise InputError("mesh has no extent")
    voxel = extent.max() / (resolution - 2 * MARGIN)
    inner = np.ceil(extent / voxel - 1e-3).clip(1)  # less what rounding to float32 may add
    shape = tuple(int(size) + 2 * MARGIN for size in inner)
    if math.prod(shape) > sizes.MAX_SAMPLES:
        raise OptionError(
            f"resolution {resolution} makes {math.prod(shape)} voxels of this mesh, "
            f"above the limit of {sizes.MAX_SAMPLES}"
        )
    # from the mesh's own coordinates to those where whole numbers are centres of voxels
    origin = (np.array(shape) - 1 - extent / voxel) / 2
    inside = occupancy((triangles - low) / voxel + origin, shape)
    if not inside.any():
        raise InputError(f"mesh encloses no voxel at a resolution of {resolution}")
    return Signal("volume", inside.astype(np.uint8)[..., np.newaxis], bits=1)
