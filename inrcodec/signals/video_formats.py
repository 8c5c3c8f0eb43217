"""Which video formats can be written, and what a video is known by when it is read."""

import io
from dataclasses import dataclass
from pathlib import PurePath

from inrcodec.signals import y4m
from inrcodec.signals.common import FileFormat, by_name, chosen_format


@dataclass(frozen=True)
class VideoFormat(FileFormat):
    """A format that can be written: its suffixes, and whether it is a folder of pictures."""

    folder: bool = False


VIDEO_FORMATS = by_name(
    VideoFormat("y4m", (".y4m",)),
    VideoFormat("mp4", (".mp4", ".m4v")),
    VideoFormat("gif", (".gif",)),
    VideoFormat("npy", (".npy",)),
    VideoFormat("png", (".png",), folder=True),
)

# what a folder is searched for; a single file is recognised by its content alone
READABLE_VIDEO_SUFFIXES = (
    *(".y4m", ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi"),
    *(".ts", ".m2ts", ".mpg", ".mpeg", ".flv", ".ogv"),
)

# brands of the ISO base media format (ISO/IEC 14496-12, section 4.3) that are no films
_PICTURE_BRANDS = (b"avif", b"avis", b"mif1", b"mif2", b"msf1", b"miaf")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_OTHER_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ", b"crx ", b"jp2 ", b"jpx ")
_NO_FILMS = (*_PICTURE_BRANDS, *_HEIF_BRANDS, *_OTHER_BRANDS)

_QUICKTIME_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

_STARTS = (
    b"\x1a\x45\xdf\xa3",  # EBML: Matroska and WebM
    b"\0\0\x01\xba",  # MPEG program stream
    b"\0\0\x01\xb3",  # MPEG-1 or 2 video alone
    b"FLV\x01",
)

# packets of 188 bytes, or 192 with a time stamp in front, begin with this byte
_TS_SYNC = 0x47

_ANIMATED = {b"GIF8": "GIF", b"\x89PNG": "PNG", b"RIFF": "WEBP"}


def video_format_for(name: str | PurePath, format: str | None = None) -> VideoFormat:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix, in any case. OptionError if neither is known.
    """
    return chosen_format(VIDEO_FORMATS, "a video", name, format)


def is_video(data: bytes) -> bool:
    """Say whether a file holds a video: a film, y4m, or an animated GIF, PNG or WebP.

    `data` is the whole file; its first 1,000 bytes will do for all but animated pictures. An
    animated picture is one of more than one frame. A container that may as well hold nothing but
    sound (Matroska, WebM, MP4) counts as a video.
    """
    if data.startswith((y4m.SIGNATURE, *_STARTS)):
        return True
    if animation_format(data):
        return _frame_count(data) > 1
    return _is_mp4(data) or _is_avi(data) or _is_transport_stream(data) or _is_theora(data)


def animation_format(data: bytes) -> str | None:
    """Return Pillow's name of a picture format that can be animated, None if it is none."""
    if _is_avi(data):
        return None
    return _ANIMATED.get(data[:4])


def _frame_count(data: bytes) -> int:
    from inrcodec.signals.image_read import quiet_pillow

    with quiet_pillow():
        from PIL import Image

        formats = tuple(_ANIMATED.values())
        try:
            with Image.open(io.BytesIO(data), formats=formats) as picture:
                return int(getattr(picture, "n_frames", 1))
        except Exception:  # damaged: the reader of pictures, or of animations, says where
            try:
                with Image.open(io.BytesIO(data), formats=formats) as picture:
                    picture.load()
            except Exception:
                return 1
            return 2  # cut behind the first frame


def _is_mp4(data: bytes) -> bool:
    if data[4:8] == b"ftyp":
        return data[8:12] not in _NO_FILMS
    return data[4:8] in _QUICKTIME_ATOMS


def _is_avi(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"AVI "


def _is_transport_stream(data: bytes) -> bool:
    return any(
        len(data) > first + 3 * step
        and all(data[first + step * packet] == _TS_SYNC for packet in range(4))
        for first, step in ((0, 188), (4, 192))
    )


def _is_theora(data: bytes) -> bool:
    return data.startswith(b"OggS") and b"\x80theora" in data[:100]
