"""Which picture formats can be read and written, and what each can hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from inrcodec.errors import OptionError
from inrcodec.signals.common import FileFormat, by_name, chosen_format


@dataclass(frozen=True)
class ImageFormat(FileFormat):
    """A format that can be written: its suffixes and what a file of it can hold.

    `channels` are the channel counts it takes; `deep` whether it holds 16 bits per sample; `icc`
    and `exif` whether the metadata travels along (TIFF holds EXIF with 8 bits per sample only).
    """

    channels: tuple[int, ...]
    deep: bool = False
    icc: bool = False
    exif: bool = False

    def check(self, channels: int, depth: int) -> None:
        """Raise OptionError, naming formats that can, if this one cannot hold such samples."""
        if channels not in self.channels:
            others = _names(other for other in FORMATS.values() if channels in other.channels)
            what = "an alpha channel" if channels in (2, 4) else "colour"
            raise OptionError(f"{self.name} cannot hold {what}; {others} can")
        if depth > 8 and not self.deep:
            others = _names(other for other in FORMATS.values() if other.deep)
            raise OptionError(
                f"{self.name} holds 8 bits per sample, not {depth}: "
                f"ask for a depth of 8, or for one of {others}"
            )


def _names(formats: Iterable[ImageFormat]) -> str:
    return ", ".join(image_format.name for image_format in formats)


FORMATS = by_name(
    ImageFormat("png", (".png",), (1, 2, 3, 4), deep=True, icc=True, exif=True),
    ImageFormat("tiff", (".tiff", ".tif"), (1, 2, 3, 4), deep=True, icc=True, exif=True),
    ImageFormat("webp", (".webp",), (1, 2, 3, 4), icc=True, exif=True),
    ImageFormat("avif", (".avif",), (1, 2, 3, 4), icc=True, exif=True),
    ImageFormat("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), (1, 3), icc=True, exif=True),
    ImageFormat("bmp", (".bmp", ".dib"), (1, 3)),
    ImageFormat("ppm", (".ppm", ".pnm"), (1, 3), deep=True),
    ImageFormat("pgm", (".pgm",), (1,), deep=True),
    ImageFormat("npy", (".npy",), (1, 2, 3, 4), deep=True),
)

# suffix -> name of the format that is written under it
WRITABLE_SUFFIXES = {
    suffix: image_format.name
    for image_format in FORMATS.values()
    for suffix in image_format.suffixes
}

# what a folder is searched for; a single file is recognised by its content alone
READABLE_SUFFIXES = (*WRITABLE_SUFFIXES, ".gif", ".apng", ".pbm", ".qoi")


def format_for(name: str | PurePath, format: str | None = None) -> ImageFormat:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix ("jpg"), in any case. OptionError if neither is known.
    """
    return chosen_format(FORMATS, "a picture", name, format)
