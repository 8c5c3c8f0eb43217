"""Writing pictures: the format decides what of the signal a file can hold."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from inrcodec.errors import OptionError
from inrcodec.files import atomic_write, printable
from inrcodec.signals import netpbm, npy, png16, tiff16
from inrcodec.signals.common import write_all, writing
from inrcodec.signals.depth import with_depth
from inrcodec.signals.image_formats import ImageFormat, format_for
from inrcodec.signals.orientation import EXIF_PREFIX, oriented
from inrcodec.signals.signal import Metadata, Signal

_TIFF_PREDICTOR, _HORIZONTAL = 317, 2

# Lossless where the format can be; else near enough that the codec's own loss is what one sees.
_PILLOW_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {"compress_level": 4},  # half the time of Pillow's default for 2 % more bytes
    "tiff": {"compression": "tiff_adobe_deflate"},
    "webp": {"lossless": True, "exact": True},  # exact: colours under alpha 0 are kept
    "avif": {"quality": 95, "subsampling": "4:4:4"},
    "jpeg": {"quality": 95, "subsampling": 0},
    "bmp": {},
}


def write_image(
    signal: Signal,
    target: Path | BinaryIO,
    name: str,
    format: str | None = None,
    depth: int | None = None,
) -> None:
    """Write the picture to a file (whole or not at all) or to an open binary stream.

    `format` is a name or suffix from `image_formats`; None takes the suffix of `target`, or of
    `name` for a stream. `name` is what messages call the target. `depth` is 8 or 16 bits per
    sample; None keeps the signal's. JPEG and AVIF are lossy (quality 95, 4:4:4), all else lossless.

    The ICC profile and EXIF block are written where the format holds them, else left out. EXIF
    that is left out has its orientation applied to the pixels first; so has that of a TIFF, where
    readers differ in what they do with it.

    Raises OptionError if the format is unknown or cannot hold the depth or the channels,
    OutputError if the file cannot be written or is too large for its format.
    """
    name = printable(name)
    image_format = format_for(target if isinstance(target, Path) else name, format)
    if depth not in (None, 8, 16):
        raise OptionError(f"depth is 8 or 16, not {depth}")
    image_format.check(signal.channels, depth or signal.depth)
    fitted = _with_metadata_for(image_format, with_depth(signal, depth or signal.depth))
    with writing(name, image_format.name):
        data = _encode(fitted, image_format.name)
    if isinstance(target, Path):
        atomic_write(target, data)
    else:
        write_all(target, data, name)


def _with_metadata_for(image_format: ImageFormat, signal: Signal) -> Signal:
    """Return the signal with only such metadata as a file of this format and depth can hold."""
    holds_exif = image_format.exif and not (image_format.name == "tiff" and signal.depth == 16)
    if not holds_exif or image_format.name == "tiff":
        signal = oriented(signal)
    metadata = Metadata(
        signal.metadata.icc if image_format.icc else b"",
        signal.metadata.exif if holds_exif else b"",
    )
    return replace(signal, metadata=metadata)


def _encode(signal: Signal, format_name: str) -> bytes:
    if format_name == "npy":
        return npy.write(signal.samples)
    if format_name in ("ppm", "pgm"):
        return netpbm.write(signal.samples)
    if signal.depth == 8:
        return _encode_with_pillow(signal, format_name)
    icc, exif = signal.metadata.icc, signal.metadata.exif
    if format_name == "tiff":
        return tiff16.write(signal.samples, icc)
    return png16.encode(signal.samples, icc, exif.removeprefix(EXIF_PREFIX))


def _encode_with_pillow(signal: Signal, format_name: str) -> bytes:
    from PIL import Image

    samples = np.ascontiguousarray(signal.samples)
    picture = Image.fromarray(samples[..., 0] if signal.channels == 1 else samples)
    if format_name in ("webp", "avif"):
        picture = picture.convert("RGBA" if signal.has_alpha else "RGB")
    options = dict(_PILLOW_OPTIONS[format_name])
    if signal.metadata.icc:
        options["icc_profile"] = signal.metadata.icc
    options |= _exif_option(signal.metadata.exif, format_name)
    file = io.BytesIO()
    picture.save(file, format_name.upper(), **options)
    return file.getvalue()


def _exif_option(block: bytes, format_name: str) -> dict[str, Any]:
    """Return the EXIF as Pillow wants it: as tags where it takes the block apart, else as bytes."""
    from PIL import Image

    if format_name in ("tiff", "avif"):
        tags = Image.Exif()
        with contextlib.suppress(Exception):  # a broken block must not cost the picture
            tags.load(block)
        if format_name == "tiff":
            tags[_TIFF_PREDICTOR] = _HORIZONTAL
        return {"exif": tags} if len(tags) else {}
    # WebP files lack the prefix that JPEG files need; Pillow drops it where it has no place
    return {"exif": EXIF_PREFIX + block.removeprefix(EXIF_PREFIX)} if block else {}
