"""Reading a signal of any kind: the file's content says which."""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import BinaryIO

from inrcodec.errors import InputError, OptionError
from inrcodec.files import one_line, printable
from inrcodec.signals import npy
from inrcodec.signals.common import read_all
from inrcodec.signals.image_read import read_image
from inrcodec.signals.signal import Signal

MAGIC = b"\x89INR"
# enough of a file to tell films, sound and volumes by
_START_BYTES = 4096
_PICTURE_CHANNELS = range(1, 5)


def read_signal(
    source: Path | BinaryIO,
    name: str,
    *,
    keep_metadata: bool = True,
    resolution: int | None = None,
    among_others: bool = False,
) -> Signal:
    """Return the signal in a file, a stream or a folder of frames.

    In this order: a folder and what `is_video` knows are videos, what `is_audio` knows is audio,
    .npz and NIfTI-1 are volumes. So are .npy files, but for uint8 and uint16 of 2 axes, or of 3
    with 1 to 4 values along the last, which are pictures. Meshes become volumes of `resolution`
    voxels along the longest side; all else is read as a picture. `keep_metadata` is for pictures:
    see `read_image`. With `among_others` the resolution is for meshes that there may be among
    several sources. A film is not read whole to know it; a stream is.

    `name` is what messages call the file. Raises InputError, naming it, as the readers do, and
    OptionError for a mesh without a resolution, and for a resolution of anything else.
    """
    folder = isinstance(source, Path) and source.is_dir()
    if not isinstance(source, Path):
        source = io.BytesIO(read_all(source, printable(name)))
    whole = cache(lambda: _whole(source, name))
    kind = "video" if folder else _kind(_start(source, name), whole, name)
    if kind != "mesh" and resolution is not None and not among_others:
        raise OptionError(f"{printable(name)}: --resolution is for meshes: OBJ, PLY or STL")
    if kind in ("audio", "video"):
        return _READERS[kind](source, name)
    if kind == "mesh":
        return _read_mesh(io.BytesIO(whole()), name, resolution)
    if kind == "volume":
        return _READERS[kind](io.BytesIO(whole()), name)
    return read_image(io.BytesIO(whole()), name, keep_metadata)


def _start(source: Path | BinaryIO, name: str) -> bytes:
    """The first bytes; a stream then stands at its start again. Raises InputError."""
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                return file.read(_START_BYTES)
    except OSError as error:
        raise InputError(f"{printable(name)}: cannot be read: {one_line(error)}") from error
    start = source.read(_START_BYTES)
    source.seek(0)
    return start


def _whole(source: Path | BinaryIO, name: str) -> bytes:
    data = read_all(source, printable(name))
    if not isinstance(source, Path):
        source.seek(0)
    return data


def _kind(start: bytes, whole: Callable[[], bytes], name: str) -> str:
    """audio, video, volume, mesh or image, for a file that begins with `start`."""
    from inrcodec.signals.audio_read import is_audio
    from inrcodec.signals.mesh_read import is_mesh
    from inrcodec.signals.video_formats import animation_format, is_video
    from inrcodec.signals.volume_read import is_volume

    if start.startswith(MAGIC):
        raise InputError(f"{printable(name)}: is an .inr file already; decode it first")
    if is_audio(start):
        return "audio"
    # whether a picture is animated, only all of it can tell
    if is_video(whole() if animation_format(start) else start):
        return "video"
    if is_volume(start):
        return "volume"
    if npy.is_npy(start):
        return "image" if _is_picture(whole()) else "volume"
    return "mesh" if is_mesh(whole(), name) else "image"


def _is_picture(data: bytes) -> bool:
    """Whether a .npy file's array can be that of a picture; so, too, if its header is damaged."""
    try:
        shape, _, dtype = npy.read_header(io.BytesIO(data))
    except Exception:  # the reader of pictures says what is wrong
        return True
    if dtype.kind != "u" or dtype.itemsize > 2:
        return False
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in _PICTURE_CHANNELS)


def _read_audio(source: Path | BinaryIO, name: str) -> Signal:
    from inrcodec.signals.audio_read import read_audio

    return read_audio(source, name)


def _read_video(source: Path | BinaryIO, name: str) -> Signal:
    from inrcodec.signals.video_read import read_video

    return read_video(source, name)


def _read_volume(source: Path | BinaryIO, name: str) -> Signal:
    from inrcodec.signals.volume_read import read_volume

    return read_volume(source, name)


def _read_mesh(source: BinaryIO, name: str, resolution: int | None) -> Signal:
    from inrcodec.signals.mesh_read import read_mesh

    if resolution is None:
        raise OptionError(
            f"{printable(name)}: a mesh is no signal without a number of voxels along its longest"
            " side: --resolution of encode and compare"
        )
    return read_mesh(source, name, resolution)


_READERS: dict[str, Callable[[Path | BinaryIO, str], Signal]] = {
    "audio": _read_audio,
    "video": _read_video,
    "volume": _read_volume,
}
