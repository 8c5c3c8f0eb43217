"""Which part of a signal is asked for: ranges on the axes of its grid."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, prod

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.header_fields import Kind, Layout, Net
from inrcodec.decoder.plan import check_file
from inrcodec.errors import OptionError
from inrcodec.limits import Limits

Region = Sequence[int]
Factor = int | float | Fraction
MOST_ENLARGED = 64
Span = tuple[int, int | None]  # first and last+1 grid point along axis 0; None: to the end
Box = tuple[tuple[int, int], ...]


def box_of(header: Header, region: Region | None, span: Span | None) -> Box:
    """First and last+1 grid point on every axis.

    `region`: (x, y, width, height) of an image or a video; of a volume first all starts, then all
    sizes, the last axis first. `span`: along axis 0 of audio and video. Raises OptionError for a
    part that the signal does not have.
    """
    box = [(0, n) for n in header.shape]
    if span is not None:
        box[0] = _checked_span(header, span)
    if region is not None:
        axes = range(header.ndim)[1 if header.kind == Kind.VIDEO else 0 :]
        for axis, ends in zip(axes, _checked_region(header, region, len(axes)), strict=True):
            box[axis] = ends
    return tuple(box)


def coded_box(header: Header, box: Box) -> Box:
    """A box of what is shown in the coordinates of what is coded."""
    first = header.first or (0,) * header.ndim
    return tuple((a + start, b + start) for (a, b), start in zip(box, first, strict=True))


def shares(parsed: ParsedFile, box: Box) -> Iterator[tuple[ParsedFile, Box]]:
    """The files of a signal that a box meets, and what they have of it, in coded coordinates."""
    first, last = box[0]
    for file in parsed.files:
        size = file.header.shape[0]
        if first < size and last > 0:
            yield file, coded_box(file.header, ((max(first, 0), min(last, size)), *box[1:]))
        first, last = first - size, last - size


def _checked_span(header: Header, span: Span) -> tuple[int, int]:
    size = header.shape[0]
    first, last = span[0], size if span[1] is None else span[1]
    if header.kind not in (Kind.AUDIO, Kind.VIDEO):
        raise OptionError(f"from and to are for audio and video, not for {_name(header)}")
    if not 0 <= first < last <= size:
        what = "frames" if header.kind == Kind.VIDEO else "samples"
        raise OptionError(f"{first} to {last} is not inside the {size} {what}")
    return first, last


def _checked_region(header: Header, region: Region, count: int) -> list[tuple[int, int]]:
    """Ranges of the region's axes, in the order of the grid."""
    if header.kind == Kind.AUDIO:
        raise OptionError("a region is for images, video and volumes; audio has from and to")
    text = ",".join(map(str, region))
    if len(region) != 2 * count:
        raise OptionError(f"region {text} has {len(region)} numbers, not {2 * count}")
    starts, sizes = region[:count][::-1], region[count:][::-1]
    ends = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    shape = header.shape[header.ndim - count :]
    if any(size < 1 or a < 0 or b > n for (a, b), size, n in zip(ends, sizes, shape, strict=True)):
        whole = "x".join(map(str, shape[::-1]))
        what = "picture" if header.kind in (Kind.IMAGE, Kind.VIDEO) else "volume"
        raise OptionError(f"region {text} is not inside the {what} of {whole}")
    if header.layout == Layout.YCBCR_420 and any(a % 2 for a, _ in ends):
        raise OptionError(f"region {text} of a 4:2:0 video does not begin at even positions")
    return ends


def check_scale(header: Header, scale: int) -> None:
    """Raise OptionError for a divisor that the signal cannot be reduced by."""
    if header.kind == Kind.AUDIO and scale != 1:
        raise OptionError(f"scale 1/{scale} is not for audio")
    sides = header.shape[1:] if header.kind == Kind.VIDEO else header.shape
    if scale < 1 or (scale > max(sides) and scale != 1):
        raise OptionError(f"scale 1/{scale} is not between 1 and 1/{max(sides)}")


def check_enlarging(
    parsed: ParsedFile, enlarge: Factor, scale: int, box: Box, limits: Limits
) -> Fraction:
    """The factor as a fraction; OptionError for one that the signal cannot be enlarged by,
    LimitExceeded if that makes too many samples."""
    if not 1 <= enlarge <= MOST_ENLARGED:
        raise OptionError(f"scale {enlarge} is not between 1 and {MOST_ENLARGED}")
    factor = Fraction(enlarge).limit_denominator(10**6)
    if factor == 1:
        return factor
    header = parsed.header
    if scale != 1:
        raise OptionError(f"scale 1/{scale} and enlarging by {enlarge} exclude one another")
    for file in parsed.files:
        if file.header.net != Net.SIREN or header.kind == Kind.AUDIO:
            raise OptionError(
                f"scale {float(factor):g} is for pictures, video and volumes by siren networks, and"
                f" doh ones of target siren, not for {_kind_and_net(file.header)}"
            )
    if header.layout == Layout.YCBCR_420:
        raise OptionError(f"scale {float(factor):g} is not for 4:2:0 video")
    times = factor ** (header.ndim - (header.kind == Kind.VIDEO))
    count = prod(b - a for a, b in box) * header.channels * times
    limits.check("samples", ceil(count), "enlarged samples")
    check_file(parsed, limits, times)
    return factor


def _kind_and_net(header: Header) -> str:
    return f"{header.kind.name.lower()} by {header.net.name.lower().replace('_', '-')}"


def _name(header: Header) -> str:
    return f"a {header.kind.name.lower()}" if header.kind == Kind.VOLUME else "images"


def halved(ends: tuple[int, int]) -> tuple[int, int]:
    """Chroma samples of a range of luma that begins at an even place."""
    return ends[0] // 2, -(-ends[1] // 2)
