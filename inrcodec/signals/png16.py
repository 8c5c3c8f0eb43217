"""Writing PNG with 16 bits per sample, which Pillow can do for grey alone.

PNG specification, third edition: section 9 (filtering), section 11 (chunks).
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_PAETH = 4


def encode(samples: np.ndarray, icc: bytes = b"", exif: bytes = b"") -> bytes:
    """Return a PNG of uint16 samples, shape (H, W, 1 to 4).

    `exif` is the EXIF block without its "Exif" prefix; an empty `icc` or `exif` is left out.
    """
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append((b"eXIf", exif))
    chunks += [(b"IDAT", _compressed(samples)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(name, payload) for name, payload in chunks)


def _chunk(name: bytes, payload: bytes) -> bytes:
    crc = zlib.crc32(name + payload)
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", crc)


def _compressed(samples: np.ndarray) -> bytes:
    deflate = zlib.compressobj()
    parts = [deflate.compress(line) for line in _filtered(samples)]
    return b"".join([*parts, deflate.flush()])


def _filtered(samples: np.ndarray) -> Iterator[bytes]:
    """Give each scanline with its filter byte.

    Paeth throughout: the one filter that looks at all three neighbours needs no choosing by line.
    """
    step = 2 * samples.shape[2]  # bytes per pixel
    # zeros above the picture and left of it, as the specification has it
    above = np.zeros(step + step * samples.shape[1], np.int16)
    line = above.copy()
    for row in samples:
        line[step:] = row.astype(">u2").reshape(-1).view(np.uint8)
        residual = line[step:] - _paeth(line[:-step], above[step:], above[:-step])
        yield bytes([_PAETH]) + residual.astype(np.uint8).tobytes()
        above, line = line, above


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return whichever of the three is nearest to left + up - corner; ties in this order."""
    to_left, to_up = np.abs(up - corner), np.abs(left - corner)
    to_corner = np.abs(left + up - 2 * corner)
    return np.where(
        (to_left <= to_up) & (to_left <= to_corner),
        left,
        np.where(to_up <= to_corner, up, corner),
    )
