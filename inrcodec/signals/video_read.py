"""Reading videos: the file's content, not its suffix, says what it is."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from inrcodec.errors import InputError
from inrcodec.files import one_line, printable
from inrcodec.signals import animation, ffmpeg, y4m
from inrcodec.signals.frame_folder import read_frames
from inrcodec.signals.signal import Signal
from inrcodec.signals.video_formats import animation_format

_SIGNATURE_BYTES = 16


def read_video(source: Path | BinaryIO, name: str, rate: Fraction | None = None) -> Signal:
    """Return the video in a file, a stream or a folder of pictures.

    `name` is what messages call the file. `rate`, frames per second, replaces what the file says.
    Read are y4m, animated GIF, PNG and WebP, and by ffmpeg MP4, MOV, Matroska, WebM, AVI, MPEG, FLV
    and Ogg. Samples are uint8: luma with chroma planes for 4:2:0, else grey or RGB; see the readers
    in `y4m`, `animation`, `frame_folder` and `ffmpeg`. Sound is left out, and metadata too.

    A stream is copied to a temporary file first. Raises InputError, naming the file, if it is
    unreadable, damaged, no video, has no frames, or more than 2^28 samples.
    """
    name = printable(name)
    try:
        with _as_path(source) as path:
            signal = _read(path)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except (OSError, MemoryError) as error:
        raise InputError(f"{name}: cannot be read: {one_line(error)}") from error
    return signal if rate is None else replace(signal, rate=rate)


def has_sound(source: Path) -> bool:
    """Say whether a video file has a sound track, which `read_video` leaves out.

    False for folders, and for files that cannot be read.
    """
    try:
        start = _start(source)
    except OSError:
        return False
    if start.startswith(y4m.SIGNATURE) or animation_format(start):
        return False
    return ffmpeg.has_sound(source)


@contextmanager
def _as_path(source: Path | BinaryIO) -> Iterator[Path]:
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with path.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        yield path


def _read(path: Path) -> Signal:
    if path.is_dir():
        return read_frames(path)
    start = _start(path)
    if not start:
        raise InputError("file is empty")
    animated = animation_format(start)
    if animated is None and not start.startswith(y4m.SIGNATURE):
        return ffmpeg.read(path)
    with path.open("rb") as file:
        return animation.read(file, animated) if animated else y4m.read(file)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SIGNATURE_BYTES)
