"""The EXIF orientation tag: which way up a picture is shown.

The tag is found and changed in the bytes of the EXIF block itself, so that all the rest of the
block (maker notes with offsets of their own, thumbnails) stays byte for byte.
"""

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from inrcodec.signals.signal import Signal

EXIF_PREFIX = b"Exif\0\0"
ORIENTATION_TAG = 0x0112
UPRIGHT = 1

# EXIF 2.32, tag 274: where row 0 and column 0 of the stored picture are when it is shown
_TRANSFORMS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def oriented(signal: Signal) -> Signal:
    """Return the signal with its EXIF orientation applied to the samples.

    The tag then says 1 (upright); every other byte of the metadata stays. Orientations 5 to 8 swap
    height and width. A signal that is upright already, or has no tag, comes back as it is.
    """
    turn = orientation(signal.metadata.exif)
    if turn == UPRIGHT:
        return signal
    metadata = replace(signal.metadata, exif=upright(signal.metadata.exif))
    return replace(signal, samples=oriented_samples(signal.samples, turn), metadata=metadata)


def oriented_samples(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return samples (H, W, C) turned upright from an EXIF orientation; invalid ones do nothing."""
    transform = _TRANSFORMS.get(orientation)
    return samples if transform is None else np.ascontiguousarray(transform(samples))


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, that an EXIF block states; 1 if it states no valid one."""
    found = _find_tag(exif)
    value = struct.unpack_from(found[1], exif, found[0])[0] if found else UPRIGHT
    return value if value in _TRANSFORMS else UPRIGHT


def upright(exif: bytes) -> bytes:
    """Return the EXIF block with its orientation tag, if it has one, set to 1."""
    found = _find_tag(exif)
    if found is None:
        return exif
    block = bytearray(exif)
    struct.pack_into(found[1], block, found[0], UPRIGHT)
    return bytes(block)


def _find_tag(exif: bytes) -> tuple[int, str] | None:
    """Return where the value of the orientation tag lies, and its struct format."""
    start = len(EXIF_PREFIX) if exif.startswith(EXIF_PREFIX) else 0
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[start : start + 4])
    if order is None:
        return None
    try:
        return _search_directory(exif, start, order)
    except struct.error:  # cut short or pointing past its end: as good as no tag
        return None


def _search_directory(exif: bytes, start: int, order: str) -> tuple[int, str] | None:
    first = start + struct.unpack_from(order + "I", exif, start + 4)[0]
    (entries,) = struct.unpack_from(order + "H", exif, first)
    for entry in range(entries):
        position = first + 2 + 12 * entry
        tag, kind, count, _ = struct.unpack_from(order + "HHI4s", exif, position)
        if tag == ORIENTATION_TAG and count == 1 and kind in (3, 4):  # SHORT, or LONG by mistake
            return position + 8, order + ("H" if kind == 3 else "I")
    return None
