"""Writing the surface of an occupancy volume as a mesh."""

from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np

from inrcodec.errors import InputError, OptionError
from inrcodec.files import printable
from inrcodec.signals.common import FileFormat, by_name, chosen_format, write_all, writing
from inrcodec.signals.mesh_read import MISSING
from inrcodec.signals.signal import Signal

MESH_FORMATS = by_name(
    FileFormat("ply", (".ply",)),
    FileFormat("obj", (".obj",)),
    FileFormat("stl", (".stl",)),
)


def mesh_format_for(name: str | PurePath, format: str | None = None) -> FileFormat:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix, in any case. OptionError if neither is known.
    """
    return chosen_format(MESH_FORMATS, "a mesh", name, format)


def mesh_of(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices, float32 (V, 3) in voxels, and faces, int32 (F, 3), of an occupancy volume.

    The surface lies where the samples pass 0.5 (marching cubes), whole numbers being the centres
    of voxels. What is beyond the volume counts as empty, so that the surface is closed. Seen from
    outside, the corners of a face run anticlockwise.

    Raises InputError if the signal is not a volume of 3 axes and one channel, or if no sample is
    above 0.5; OptionError if scikit-image is not installed.
    """
    if signal.kind != "volume" or len(signal.shape) != 3 or signal.channels != 1:
        raise InputError("a mesh can be made of a volume of 3 axes and one channel only")
    samples = signal.samples[..., 0]
    if not (samples > 0.5).any():
        raise InputError("volume has no sample above 0.5, so no surface")
    try:
        from skimage.measure import marching_cubes
    except ImportError as error:
        raise OptionError(MISSING) from error
    vertices, faces, _, _ = marching_cubes(np.pad(samples, 1).astype(np.float32), 0.5)
    return vertices - np.float32(1), faces[:, ::-1]  # clockwise as they come


def write_mesh(signal: Signal, target: BinaryIO, name: str, format: str | None = None) -> None:
    """Write the surface of an occupancy volume to an open binary stream.

    `format` is a name or suffix from MESH_FORMATS; None takes the suffix of `name`, which is what
    messages call the target. PLY and STL are binary. Coordinates are in voxels.

    Raises OptionError if the format is unknown or a library is not installed, InputError as
    `mesh_of`, OutputError if the stream cannot be written.
    """
    name = printable(name)
    format_name = mesh_format_for(name, format).name
    vertices, faces = mesh_of(signal)
    try:
        import trimesh
    except ImportError as error:
        raise OptionError(MISSING) from error
    with writing(name, format_name):
        mesh = trimesh.Trimesh(vertices, faces, process=False)
        data: Any = mesh.export(file_type=format_name)
    write_all(target, data.encode() if isinstance(data, str) else data, name)
