"""Films in containers, by the ffmpeg program that imageio-ffmpeg brings along.

It is run directly: the generators of imageio-ffmpeg give neither exact frame rates nor what ffmpeg
says of damaged files.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import one_line
from inrcodec.signals import sizes, y4m, yuv
from inrcodec.signals.frame_rate import DEFAULT_RATE, snapped
from inrcodec.signals.frames import Frames
from inrcodec.signals.signal import Signal

# containers alone: playlists and scripts could name other files or addresses
_CONTAINERS = ("mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "ogg", "asf")

_PLANES = re.compile(r"yuv[ja]?420p|nv12|nv21|p01\d")
_GREY = re.compile(r"gray|ya\d|mono")

# rounding instead of patterns where bits are dropped, and the same values on every machine
_EXACT = ("-sws_flags", "bicubic+accurate_rnd+full_chroma_int+bitexact", "-sws_dither", "none")

# H.264 so near to lossless that the codec's own loss is what one sees. The number of threads
# changes the bytes, so it is fixed; "bitexact" leaves out the version of the program.
_H264 = ("-c:v", "libx264", "-preset", "medium", "-crf", "8", "-threads", "4")
_MP4 = ("-map_metadata", "-1", "-flags:v", "+bitexact", "-fflags", "+bitexact", "-f", "mp4")

_ERROR = re.compile(r"\[(?:error|fatal|panic)\] (.*)")


class FfmpegError(Exception):
    """What ffmpeg says is wrong, in one line."""


@dataclass(frozen=True)
class _Film:
    """The video in a file as it is shown: size, how its pixels are kept, frames per second."""

    width: int
    height: int
    pixel_format: str
    rate: Fraction


def read(path: Path) -> Signal:
    """Return the first video in a file: every frame that the file holds, once.

    4:2:0 comes as planes without conversion (but more than 8 bits are rounded to 8, and the full
    range is brought to the limited one), grey as grey, all else as RGB without opacity. The frames
    are turned as the file says. Where the rate varies it is the mean one.

    Raises InputError if there is no video, or an interlaced one, or one above the limit of samples,
    or if ffmpeg finds any error in the file.
    """
    try:
        film = _film(path)
        if _PLANES.match(film.pixel_format):
            return _planes(path, film, "yuv420p")
        if _GREY.match(film.pixel_format):
            return _planes(path, film, "gray")
        return _rgb(path, film)
    except FfmpegError as error:
        raise InputError(f"damaged, or not a video: {error}") from error


def has_sound(path: Path) -> bool:
    """Say whether a film has a sound track; False if it cannot be read."""
    try:
        # without an output ffmpeg lists what is in the file, and then complains
        _, _, messages = _run(["-loglevel", "level+info", *_input(path)])
    except FfmpegError:
        return False
    return re.search(r"Stream #0:\d.*: Audio: ", messages) is not None


def write(signal: Signal, path: Path) -> None:
    """Write a video as H.264 in an MP4 file, near-lossless; FfmpegError if that fails.

    The planes are 4:2:0, but 4:4:4 for odd widths or heights, which H.264 holds in no other way;
    the chroma of a 4:2:0 video is then interpolated. Grey becomes colour. The same video always
    gives the same bytes with the same version of ffmpeg.
    """
    height, width = signal.shape[1:]
    matrix = "bt709" if height >= yuv.HD_ROWS else "smpte170m"
    sampling = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    of_input = ("-f", "rawvideo", "-pix_fmt", sampling, "-s", f"{width}x{height}")
    rate = ("-r", str(signal.rate or DEFAULT_RATE))
    tags = ("-vf", f"setparams=colorspace={matrix}:range=tv", "-pix_fmt", sampling)
    arguments = [*of_input, *rate, "-i", "pipe:0", *tags, *_H264, *_MP4, "-y", f"file:{path}"]
    with _running(arguments, stdin=subprocess.PIPE) as process, suppress(BrokenPipeError):
        for planes in _planes_of(signal, sampling):
            for plane in planes:
                process.stdin.write(np.ascontiguousarray(plane).data)
        process.stdin.close()


def _planes_of(signal: Signal, sampling: str) -> Iterator[list[np.ndarray]]:
    """Give Y, Cb and Cr of each frame in the sampling that the file is to have."""
    frames: Iterable[tuple[np.ndarray, np.ndarray]]
    if signal.chroma is not None and sampling == "yuv420p":
        frames = zip(signal.samples, signal.chroma, strict=True)
    else:
        convert = yuv.yuv420_of_rgb if sampling == "yuv420p" else yuv.yuv444_of_rgb
        frames = (convert(rgb) for rgb in yuv.rgb_frames(signal))
    for luma, chroma in frames:
        yield [luma, chroma[..., 0], chroma[..., 1]]


def _film(path: Path) -> _Film:
    """Decode the first frame and return what ffmpeg says of it.

    It is asked for twice: as it is, so that its pixel format is told, and as y4m, whose header has
    the size and the rate exactly.
    """
    first = ("-map", "0:V:0", "-frames:v", "1")
    as_y4m = ("-pix_fmt", "gray", "-f", "yuv4mpegpipe", "pipe:1")
    status, data, messages = _run(
        ["-loglevel", "level+info", *_input(path), *first, "-f", "null", "-", *first, *as_y4m]
    )
    if "matches no streams" in messages:
        raise InputError("there is no video in it")
    _check(status, messages)
    pixel_format = re.search(r"Stream #0:0.*Video: wrapped_avframe, (\w+)", messages)
    if not data or pixel_format is None:
        raise FfmpegError("no frames")
    header = y4m.read_header(BytesIO(data))
    rate = _mean_rate(messages, header.rate)
    return _Film(header.width, header.height, pixel_format[1], rate)


def _mean_rate(messages: str, told: Fraction) -> Fraction:
    """Return the rate that was told, unless the mean one, told to two digits, is another."""
    stream = re.search(r"Stream #0:(\d+) -> #0:0 ", messages)
    mean = stream and re.search(rf"Stream #0:{stream[1]}\b.*: Video: .* ([\d.]+) fps", messages)
    if not mean or abs(Fraction(mean[1]) - told) <= told / 100:
        return snapped(told)
    return snapped(Fraction(mean[1]))


def _planes(path: Path, film: _Film, pixel_format: str) -> Signal:
    output = ("-pix_fmt", pixel_format, "-f", "yuv4mpegpipe")
    with _decoding(path, output) as stream:
        signal = y4m.read(stream)
    return replace(signal, rate=film.rate)


def _rgb(path: Path, film: _Film) -> Signal:
    frames = Frames(film.height, film.width, 3)
    shape = (film.height, film.width, 3)
    size = film.height * film.width * 3
    with _decoding(path, ("-pix_fmt", "rgb24", "-f", "rawvideo")) as stream:
        while data := stream.read(size):
            if len(data) < size:
                raise InputError(f"frame {frames.count + 1} is cut short")
            frames.add(np.frombuffer(data, np.uint8).reshape(shape))
    return frames.signal(film.rate)


def _input(path: Path) -> list[str]:
    """Return the arguments that open a file, strictly: no other files, no errors passed over."""
    limits = ("-format_whitelist", ",".join(_CONTAINERS), "-max_pixels", str(sizes.MAX_SAMPLES))
    # the prefix, as a name may look like an address or an option
    return ["-xerror", "-protocol_whitelist", "file", *limits, "-i", f"file:{path}"]


@contextmanager
def _decoding(path: Path, output: Sequence[str]) -> Iterator[BinaryIO]:
    """Give the stream of all frames of the first video; FfmpegError after it if there were errors.

    Frames are neither doubled nor left out to keep to a rate.
    """
    once = ("-map", "0:V:0", "-fps_mode", "passthrough")
    arguments = [*_input(path), *once, *_EXACT, *output, "pipe:1"]
    with _running(arguments, stdout=subprocess.PIPE) as process:
        yield process.stdout


def _run(arguments: list[str]) -> tuple[int, bytes, str]:
    """Run ffmpeg to its end; return exit status, standard output and messages."""
    command = [*_command(), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


@contextmanager
def _running(
    arguments: list[str], stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[Any]:
    """Run ffmpeg beside the block, which gives it data or takes all of its data.

    FfmpegError if ffmpeg fails; it is killed if the block fails.
    """
    # messages go to a file: a pipe that nobody empties would stop ffmpeg when it is full
    with tempfile.TemporaryFile() as messages:
        command = [*_command(), "-loglevel", "level+error", *arguments]
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=messages)
        try:
            yield process
            process.wait()
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()
        messages.seek(0)
        _check(process.returncode, messages.read().decode("utf-8", "replace"))


def _command() -> list[str]:
    import imageio_ffmpeg

    try:
        return [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin"]
    except RuntimeError as error:
        raise FfmpegError(one_line(error)) from error


def _check(status: int, messages: str) -> None:
    """Raise FfmpegError if ffmpeg failed, or found errors that it passed over."""
    said = _ERROR.search(messages)
    if status != 0 or said:
        raise FfmpegError(said[1] if said else f"ffmpeg ended with status {status}")
