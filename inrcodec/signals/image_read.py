"""Reading pictures: the file's content, not its suffix, says what it is."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import printable
from inrcodec.signals import deep_samples, netpbm, npy, tiff16
from inrcodec.signals.common import read_all, reading
from inrcodec.signals.orientation import ORIENTATION_TAG, oriented
from inrcodec.signals.signal import Metadata, Signal
from inrcodec.signals.sizes import check_size

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# Formats that say what they are in their first bytes and need no outside program.
READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "BMP", "GIF", "PPM", "QOI")

_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# TIFF tags that describe how this one file stores its pixels; all others count as EXIF.
_TIFF_LAYOUT = frozenset(
    (
        *range(254, 267),  # file type, size, compression, colour kind
        ORIENTATION_TAG,
        *(273, 277, 278, 279, 280, 281, 284, *range(288, 294), 297, 317, 320, 322, 323, 324, 325),
        *(330, 332, 338, 339, 340, 341, 347, 512, 513, 514, 529, 530, 531, 532),
        34675,  # the ICC profile, kept by itself
    )
)

# Converting these to RGB changes what the numbers mean, so their profile no longer applies.
_OTHER_COLOUR_SPACES = ("CMYK", "YCbCr", "LAB", "HSV")

_pillow_lock = threading.RLock()


def read_image(source: Path | BinaryIO, name: str, keep_metadata: bool = True) -> Signal:
    """Return the picture in a file (its first frame or page, if it has several).

    `name` is what messages call the file. Samples are uint8, or uint16 for PNG, TIFF, PGM, PPM and
    .npy files of more than 8 bits, shape (H, W, C): grey, grey and alpha, RGB, RGBA. Palettes
    become RGB or RGBA, 1-bit pictures grey, CMYK and other colour spaces RGB (their ICC profile is
    dropped). AVIF of 10 or 12 bits is read as 8.

    Pixels lie as in the file and the EXIF orientation stays in the metadata, except for TIFF, where
    the orientation is applied. With `keep_metadata` False it is applied always, and the ICC profile
    and EXIF block are dropped; the colours are not converted by the profile.

    Raises InputError, naming the file, if it is unreadable, damaged, of another kind, has
    floating-point or 32-bit samples, no samples, or more than 2^28 of them.
    """
    name = printable(name)
    data = read_all(source, name)
    with reading(name, "picture"):
        signal = _decode(data)
    return signal if keep_metadata else Signal(signal.kind, oriented(signal).samples)


def page_count(source: Path | BinaryIO) -> int:
    """Pages of a TIFF file, of which `read_image` takes the first; 1 for all else."""
    from PIL import Image

    if not isinstance(source, Path):
        source.seek(0)
    try:
        with quiet_pillow(), Image.open(source, formats=["TIFF"]) as picture:
            return int(getattr(picture, "n_frames", 1))
    except Exception:  # another format, or damaged after its first page
        return 1


def _decode(data: bytes) -> Signal:
    if not data:
        raise InputError("file is empty")
    if npy.is_npy(data):
        return Signal("image", npy.read(data))
    if netpbm.is_deep(data):
        return Signal("image", netpbm.read_deep(data))
    with quiet_pillow():
        return _decode_with_pillow(data)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Read with this module's size limit in place of Pillow's, and without its warnings.

    Both are settings of the whole process, so one thread at a time changes and restores them.
    """
    from PIL import Image

    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = pillow_limit


def _decode_with_pillow(data: bytes) -> Signal:
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(data), formats=READABLE)
    except UnidentifiedImageError:
        if data.startswith(_TIFF_SIGNATURES):
            return Signal("image", tiff16.read(data))
        kinds = ", ".join(READABLE)
        raise InputError(f"not a picture, or damaged at its start (known: {kinds})") from None
    with picture:
        if picture.format == "PNG":
            _check_png(data)
        if deep_samples.is_planar_tiff(picture):
            return Signal("image", tiff16.read(data))
        return _signal(picture, data)


def _check_png(data: bytes) -> None:
    """Raise if a chunk's CRC is wrong or the end is missing; loading the pixels checks neither."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        picture.verify()


def _signal(picture: "PillowImage", data: bytes) -> Signal:
    mode = _target_mode(picture)
    check_size(*picture.size, 1 if mode == "I;16" else len(mode))
    rawmode = deep_samples.rawmode(picture)
    picture.load()
    metadata = Metadata(_icc(picture), _exif(picture))
    if rawmode:
        samples = deep_samples.read(data, rawmode)
    elif mode == "I;16":
        samples = deep_samples.grey(picture)
    else:
        samples = np.array(picture if picture.mode == mode else picture.convert(mode))
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.dtype == np.uint16:
        samples = deep_samples.with_transparency(samples, picture.info.get("transparency"))
    return Signal("image", samples, metadata)


def _target_mode(picture: "PillowImage") -> str:
    """Return the Pillow mode that the picture is converted to: L, LA, RGB, RGBA or I;16."""
    if picture.mode == "F":
        raise InputError("floating-point samples; only integers of 8 or 16 bits can be used")
    if picture.mode == "I" or deep_samples.has_odd_depth(picture):
        raise InputError("integer samples that are neither of 8 nor of unsigned 16 bits")
    if picture.mode.startswith("I;16"):
        return "I;16"
    colour = "L" if picture.mode in ("1", "L", "LA", "La") else "RGB"
    return colour + ("A" if picture.has_transparency_data else "")


def _icc(picture: "PillowImage") -> bytes:
    return b"" if picture.mode in _OTHER_COLOUR_SPACES else picture.info.get("icc_profile") or b""


def _exif(picture: "PillowImage") -> bytes:
    """Return the EXIF block as it lies in the file, or one made of the tags that the file has."""
    block = picture.info.get("exif")
    if block:
        return bytes(block)
    try:
        tags = picture.getexif()
        for tag in _TIFF_LAYOUT.intersection(tags) if picture.format == "TIFF" else ():
            del tags[tag]
        return tags.tobytes() if len(tags) else b""
    except Exception:  # tags that cannot be read must not cost the picture
        return b""
