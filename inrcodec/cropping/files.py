"""From a file to the file of a part of it: which croppers there are, and what they share."""

from collections.abc import Callable, Sequence

from inrcodec.container import Kind, Net, ParsedFile, join, parse_file
from inrcodec.container.header import Header
from inrcodec.container.sections import (
    ANCILLARY,
    minor_of,
    pack_contents,
    pack_sections,
)
from inrcodec.cropping import film, grids, local_global, pyramid, segments
from inrcodec.cropping.contents import Contents
from inrcodec.decoder.part import Box, Region, Span, box_of, shares
from inrcodec.decoder.plan import check_file
from inrcodec.errors import OptionError
from inrcodec.limits import Limits
from inrcodec.network import representation_of

# From a file and a box of its coded samples to a smaller file, by networks of which parts can be
# left out; others are left out segment by segment.
_PARTS: dict[Net, Callable[[ParsedFile, Box], Contents]] = {
    Net.FILM: film.crop,
    Net.PYRAMID: pyramid.crop,
    Net.GRIDS: grids.crop,
    Net.LOCAL_GLOBAL: local_global.crop,
}


def crop(
    data: bytes,
    *,
    region: Region | None = None,
    span: Span | None = None,
    limits: Limits | None = None,
) -> bytes:
    """The .inr file of a part of an .inr file: it decodes to exactly the part's samples.

    `region` and `span` are those of `decode`. Whatever the part does not need is left out; what
    segments at its ends, and latents around it, hold beyond the part stays in the file, unseen.
    Metadata are kept. Raises NotInr, Corrupt, Unsupported, LimitExceeded, and OptionError for a
    part that the signal does not have or that nothing can be left out for.
    """
    limits = limits or Limits()
    parsed = parse_file(data, limits)
    check_file(parsed, limits)
    if region is None and span is None:
        raise OptionError("crop needs a region, or from and to")
    box = box_of(parsed.whole, region, span)
    if box == tuple((0, size) for size in parsed.whole.shape):
        return data
    parts = [_cropper(file.header)(file, local) for file, local in shares(parsed, box)]
    if len(parts) == len(parsed.files) and not any(part.dropped for part in parts):
        raise OptionError(_nothing_to_drop(parsed))
    first, *more = (
        _packed(part, _others(parsed, data) if part is parts[0] else ()) for part in parts
    )
    return join(first, more) if more else first


def _cropper(header: Header) -> Callable[[ParsedFile, Box], Contents]:
    if header.net in _PARTS:
        return _PARTS[header.net]
    if header.kind == Kind.IMAGE:
        raise OptionError(
            f"one {representation_of(header)} network stands for the whole picture, and nothing of"
            " it can be left out; files that can be cropped: those as pyramid, grids or"
            " local-global, and audio, video and volumes in segments"
        )
    return segments.crop


def _nothing_to_drop(parsed: ParsedFile) -> str:
    """Why a crop would be as large as the file."""
    if any(file.header.net in (Net.PYRAMID, Net.GRIDS, Net.LOCAL_GLOBAL) for file in parsed.files):
        return "the part needs all of the file"
    count = sum(file.header.segments for file in parsed.files)
    return (
        f"the part needs all of the file's {count} segment{'s' if count > 1 else ''}, which lie"
        " along its first axis, and nothing can be left out"
    )


def _others(parsed: ParsedFile, data: bytes) -> Sequence[bytes]:
    """Sections that samples do not come from, as they are: metadata, and what is not known here."""
    return [
        data[section.offset : section.offset + section.size_bytes]
        for section in parsed.sections
        if section.type & ANCILLARY
    ]


def _packed(part: Contents, others: Sequence[bytes]) -> bytes:
    sections = pack_contents(part.header, part.weights, part.latents, part.partitions)
    return pack_sections([*sections, *others], minor_of(part.header))
