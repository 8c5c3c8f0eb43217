"""A folder of pictures, one per frame, as a video."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from inrcodec.errors import InputError, OutputError
from inrcodec.files import one_line, printable
from inrcodec.signals import yuv
from inrcodec.signals.depth import with_depth
from inrcodec.signals.frame_rate import DEFAULT_RATE
from inrcodec.signals.frames import Frames, grey_if_all_is, over_black
from inrcodec.signals.image_formats import READABLE_SUFFIXES
from inrcodec.signals.image_read import read_image
from inrcodec.signals.image_write import write_image
from inrcodec.signals.signal import Signal

_DIGITS = 6
_WRITTEN = re.compile(rf"\d{{{_DIGITS},}}\.png")


def read_frames(folder: Path) -> Signal:
    """Return the pictures in a folder as a video of 25 frames per second.

    They are taken in the order of their names, numbers in them counting as numbers; files of other
    suffixes than those of pictures, hidden files and folders are passed over. Frames are RGB of 8
    bits, or grey if all are, turned upright; what is transparent shows black.

    Raises InputError, naming the file, if a picture cannot be read or is not as large as the first,
    if there is none, or above the limit of samples.
    """
    paths = _picture_paths(folder)
    height, width = _picture(paths[0]).shape
    frames = Frames(height, width, 3)
    for path in paths:
        picture = over_black(_picture(path).samples)
        try:
            frames.add(picture)
        except InputError as error:
            raise InputError(f"{printable(path.name)}: {error}") from error
    signal = frames.signal(DEFAULT_RATE)
    return replace(signal, samples=grey_if_all_is(signal.samples))


def _picture(path: Path) -> Signal:
    return with_depth(read_image(path, path.name, keep_metadata=False), 8)


def _picture_paths(folder: Path) -> list[Path]:
    paths = [path for path in folder.iterdir() if _is_picture(path)]
    if not paths:
        raise InputError("no pictures in this folder")
    return sorted(paths, key=_natural)


def _is_picture(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.suffix.lower() in READABLE_SUFFIXES and not hidden and path.is_file()


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Return a key by which frame9 comes before frame10."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    # text and numbers alternate, so that like is compared with like
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name


def write_frames(signal: Signal, folder: Path, force: bool = False) -> None:
    """Write a video as a folder of PNG files 000001.png and so on, grey or RGB of 8 bits.

    With `force` the folder may have files in it: frames that an earlier call wrote are removed,
    other files stay. The frames appear in the folder when all of them are written.

    Raises OutputError if the folder has files in it and `force` is not set, or if it cannot be
    written.
    """
    is_new = not folder.exists()
    try:
        _make_folder(folder, force)
        with TemporaryDirectory(prefix=".inrcodec-", suffix=".part", dir=folder) as staging:
            _write_pictures(signal, Path(staging))
            _replace_frames(folder, Path(staging))
    except OSError as error:
        raise OutputError(f"{printable(folder)}: cannot be written: {one_line(error)}") from error
    finally:
        if is_new:
            with suppress(OSError):  # it has frames in it, unless something failed
                folder.rmdir()


def _make_folder(folder: Path, force: bool) -> None:
    folder.mkdir(exist_ok=True)
    if not force and any(folder.iterdir()):
        raise OutputError(f"{printable(folder)}: has files in it already")


def _write_pictures(signal: Signal, folder: Path) -> None:
    frames = signal.samples if signal.channels == 1 else yuv.rgb_frames(signal)
    for number, frame in enumerate(frames, 1):
        path = folder / f"{number:0{_DIGITS}}.png"
        # to an open file: syncing each to disk would take longer than writing it
        with path.open("wb") as file:
            write_image(Signal("image", frame), file, str(path))


def _replace_frames(folder: Path, staging: Path) -> None:
    for path in folder.iterdir():
        if _WRITTEN.fullmatch(path.name):
            path.unlink()
    for path in staging.iterdir():
        path.replace(folder / path.name)
