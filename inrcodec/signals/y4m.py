"""YUV4MPEG2 (.y4m), the lossless exchange format of uncompressed 8-bit video.

A line of header, then for each frame a line that begins with FRAME and its planes Y, Cb, Cr, row by
row (yuv4mpeg(5), MJPEG tools).
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals import yuv
from inrcodec.signals.frame_rate import DEFAULT_RATE
from inrcodec.signals.frames import Frames, chroma_size
from inrcodec.signals.signal import Signal

SIGNATURE = b"YUV4MPEG2"

_FRAME = b"FRAME"
_LONGEST_LINE = 1000  # far above the 80 bytes that writers keep to
_SAMPLINGS = {
    **dict.fromkeys(("420", "420jpeg", "420mpeg2", "420paldv"), "420"),
    **{name: name for name in ("mono", "422", "444")},
}


@dataclass(frozen=True)
class Header:
    """What the first line says: size, frames per second, chroma sampling and range."""

    width: int
    height: int
    rate: Fraction
    sampling: str
    full_range: bool = False

    @property
    def chroma_size(self) -> tuple[int, int]:
        """Height and width of each chroma plane; (0, 0) if there are none."""
        return {
            "mono": (0, 0),
            "420": chroma_size(self.height, self.width),
            "422": (self.height, -(-self.width // 2)),
            "444": (self.height, self.width),
        }[self.sampling]


def read(file: BinaryIO) -> Signal:
    """Return the video in a stream.

    4:2:0 of any chroma siting (which is not kept) gives luma and chroma planes, mono gives grey as
    it is; 4:2:2 (chroma doubled across) and 4:4:4 are converted to RGB by `yuv`. Code values that
    are said to be of full range are brought to the limited range first. The aspect of pixels is
    ignored; no rate is 25 frames per second.

    Raises InputError, naming the frame (the first is 1), if the stream is damaged, ends within a
    frame, has no frames, is interlaced, of more than 8 bits, or of another sampling.
    """
    header = read_header(file)
    has_planes = header.sampling == "420"
    channels = 1 if header.sampling in ("420", "mono") else 3
    frames = Frames(header.height, header.width, channels, has_planes)
    convert = _CONVERSIONS[header.sampling]
    while (planes := _next_frame(file, header, frames.count + 1)) is not None:
        frames.add(*convert(*planes))
    return frames.signal(header.rate)


def read_header(file: BinaryIO) -> Header:
    """Read and return the header line; InputError if it is not one of a video that can be read."""
    line = file.readline(_LONGEST_LINE)
    if not line.startswith(SIGNATURE + b" ") or not line.endswith(b"\n"):
        raise InputError("header is not one of YUV4MPEG2")
    words = line[len(SIGNATURE) :].decode("ascii", "replace").split()
    fields = {word[0]: word[1:] for word in words if word[0] != "X"}
    _check_progressive(fields.get("I", "?"))
    return Header(
        width=_number(fields, "W"),
        height=_number(fields, "H"),
        rate=_rate(fields.get("F", "0:0")),
        sampling=_sampling(fields.get("C", "420")),
        full_range="XCOLORRANGE=FULL" in words,
    )


def _number(fields: dict[str, str], key: str) -> int:
    text = fields.get(key, "")
    if not (text.isdigit() and text.isascii() and len(text) < 8):
        raise InputError(f"header has no valid {key} (size in pixels): {text!r}")
    return int(text)


def _rate(text: str) -> Fraction:
    try:
        numerator, denominator = (int(part) for part in text.split(":"))
    except ValueError:
        raise InputError(f"header has no valid F (frame rate): {text!r}") from None
    known = numerator > 0 and denominator > 0
    return Fraction(numerator, denominator) if known else DEFAULT_RATE


def _check_progressive(interlacing: str) -> None:
    if interlacing not in ("p", "?"):
        raise InputError("interlaced video is not supported; deinterlace it first")


def _sampling(name: str) -> str:
    if name in _SAMPLINGS:
        return _SAMPLINGS[name]
    depth = name.removeprefix("mono") if name.startswith("mono") else name.partition("p")[2]
    if depth.isdigit():
        raise InputError(f"samples of {depth} bits (C{name}); only 8 bits can be used")
    raise InputError(f"chroma sampling {name!r} is not supported; known: {', '.join(_SAMPLINGS)}")


def _next_frame(
    file: BinaryIO, header: Header, number: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return luma (H, W) and chroma (2, h, w) of the next frame, None at the end of the stream."""
    line = file.readline(_LONGEST_LINE)
    if not line:
        return None
    if line.split()[:1] != [_FRAME] or not line.endswith(b"\n"):
        raise InputError(f"frame {number} does not begin with FRAME")
    luma_count = header.height * header.width
    rows, columns = header.chroma_size
    count = luma_count + 2 * rows * columns
    data = file.read(count)
    if len(data) < count:
        raise InputError(f"frame {number} is cut short: {len(data)} of {count} bytes")
    values = np.frombuffer(data, np.uint8)
    luma = values[:luma_count].reshape(header.height, header.width)
    chroma = values[luma_count:].reshape(2, rows, columns)
    if header.full_range and header.sampling != "mono":
        return yuv.limited(luma, chroma)
    return luma, chroma


def _grey(luma: np.ndarray, chroma: np.ndarray) -> tuple[np.ndarray, ...]:
    return (luma[..., None],)


def _planes(luma: np.ndarray, chroma: np.ndarray) -> tuple[np.ndarray, ...]:
    return luma[..., None], np.moveaxis(chroma, 0, -1)


def _rgb(luma: np.ndarray, chroma: np.ndarray) -> tuple[np.ndarray, ...]:
    return (yuv.rgb_of_yuv444(luma, np.moveaxis(chroma, 0, -1)),)


def _rgb_of_halves(luma: np.ndarray, chroma: np.ndarray) -> tuple[np.ndarray, ...]:
    return _rgb(luma, np.repeat(chroma, 2, axis=2)[..., : luma.shape[1]])


_CONVERSIONS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]] = {
    "mono": _grey,
    "420": _planes,
    "422": _rgb_of_halves,
    "444": _rgb,
}


def write(signal: Signal, file: BinaryIO) -> None:
    """Write a video to a stream: 4:2:0 and grey as they are, RGB as 4:4:4.

    RGB is converted by `yuv` and so not lossless: what is read back differs by a few steps. Chroma
    is said to be sited in the centre (420jpeg). No rate is written as 25 frames per second.
    """
    height, width = signal.shape[1:]
    rate = signal.rate or DEFAULT_RATE
    sampling = "420jpeg" if signal.chroma is not None else {1: "mono", 3: "444"}[signal.channels]
    size = f"W{width} H{height} F{rate.numerator}:{rate.denominator}"
    file.write(f"{SIGNATURE.decode()} {size} Ip A0:0 C{sampling}\n".encode())
    for index in range(signal.shape[0]):
        file.write(_FRAME + b"\n")
        for plane in _planes_to_write(signal, index):
            file.write(np.ascontiguousarray(plane).data)


def _planes_to_write(signal: Signal, index: int) -> list[np.ndarray]:
    """Return the planes of one frame: Y, or Y, Cb and Cr."""
    samples = signal.samples[index]
    if signal.channels == 1:
        return [samples]
    if signal.chroma is not None:
        luma, chroma = samples, signal.chroma[index]
    else:
        luma, chroma = yuv.yuv444_of_rgb(samples)
    return [luma, chroma[..., 0], chroma[..., 1]]
