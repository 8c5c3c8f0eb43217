"""PGM and PPM of more than 8 bits, which Pillow would cut down to 8 (PPM) or widen to 32 (PGM)."""

import re

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.sizes import check_size

_GAP = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P([56])" + (_GAP + rb"(\d{1,7})") * 3 + rb"\s")


def is_deep(data: bytes) -> bool:
    """Say whether `data` begins like a binary PGM or PPM with values above 255."""
    header = _HEADER.match(data)
    return header is not None and 255 < int(header[4]) < 65536


def read_deep(data: bytes) -> np.ndarray:
    """Return the samples, uint16 of shape (H, W, 1 or 3), scaled so that full scale is 65535.

    `data` is one that `is_deep` takes. InputError if it has too few bytes or too many samples.
    """
    header = _HEADER.match(data)
    assert header is not None
    width, height, peak = (int(number) for number in header.groups()[1:])
    shape = (height, width, 3 if header[1] == b"6" else 1)
    check_size(width, height, shape[2])
    count = height * width * shape[2]
    if len(data) < header.end() + 2 * count:
        raise InputError("picture is cut short")
    samples = np.frombuffer(data, ">u2", count, header.end()).reshape(shape)
    if peak == 65535:
        return samples.astype(np.uint16)
    scaled = (samples.astype(np.uint64) * 65535 + peak // 2) // peak
    return np.minimum(scaled, 65535).astype(np.uint16)


def write(samples: np.ndarray) -> bytes:
    """Return a binary PGM or PPM of samples uint8 or uint16, shape (H, W, 1 or 3)."""
    height, width, channels = samples.shape
    magic, peak = ("P5" if channels == 1 else "P6"), np.iinfo(samples.dtype).max
    big_endian = samples.astype(samples.dtype.newbyteorder(">"))
    return f"{magic}\n{width} {height}\n{peak}\n".encode() + big_endian.tobytes()
