"""Writing videos to streams, frame by frame where the format allows it."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from inrcodec.errors import OptionError, OutputError
from inrcodec.files import one_line, printable
from inrcodec.signals import animation, ffmpeg, y4m, yuv
from inrcodec.signals.signal import Signal
from inrcodec.signals.video_formats import VIDEO_FORMATS, video_format_for


def write_video(signal: Signal, target: BinaryIO, name: str, format: str | None = None) -> None:
    """Write a video to an open binary stream; the same video always gives the same bytes.

    `format` is a name or suffix from `video_formats`; None takes the suffix of `name`, which is
    what messages call the target.

    - y4m: 4:2:0 and grey exactly, RGB as 4:4:4 (near-lossless).
    - mp4: H.264, near-lossless, 4:2:0, or 4:4:4 for odd sizes; grey becomes colour.
    - gif: grey exactly, else 256 colours per frame; durations in hundredths of a second.
    - npy: an array (T, H, W, 3) of RGB, or (T, H, W, 1) of grey, uint8; the rate is not in it.

    Raises OptionError if the format is unknown or a folder (which `write_frames` writes),
    OutputError if the stream or the video cannot be written.
    """
    name = printable(name)
    video_format = video_format_for(name, format)
    if video_format.folder:
        streams = ", ".join(key for key, other in VIDEO_FORMATS.items() if not other.folder)
        raise OptionError(
            f"{video_format.name} is a folder of frames, not one file; formats: {streams}"
        )
    try:
        _WRITERS[video_format.name](signal, target)
        target.flush()
    except (OSError, ffmpeg.FfmpegError) as error:
        raise OutputError(f"{name}: cannot be written: {one_line(error)}") from error


def _write_mp4(signal: Signal, target: BinaryIO) -> None:
    # an index is written back into the file when its frames are known, which streams cannot do
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        ffmpeg.write(signal, path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, target)


def _write_gif(signal: Signal, target: BinaryIO) -> None:
    target.write(animation.gif_of(signal))


def _write_npy(signal: Signal, target: BinaryIO) -> None:
    frames = signal.samples if signal.channels == 1 else yuv.rgb_frames(signal)
    shape = (*signal.shape, 1 if signal.channels == 1 else 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(target, header)
    for frame in frames:
        target.write(np.ascontiguousarray(frame).data)


_WRITERS: dict[str, Callable[[Signal, BinaryIO], None]] = {
    "y4m": y4m.write,
    "mp4": _write_mp4,
    "gif": _write_gif,
    "npy": _write_npy,
}
