"""Cropping audio, video and volumes: whole segments are left out, the others copied."""

from dataclasses import replace

from inrcodec.container import Net, ParsedFile
from inrcodec.container.header import Header, net_shape
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder.part import Box
from inrcodec.network import spectrum_of


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The segments that a box of coded grid points needs."""
    header = parsed.header
    first, last, length = _kept(header, box)
    start = first * header.segment
    local = tuple(
        (a - start, b - start) if axis == 0 else (a, b) for axis, (a, b) in enumerate(box)
    )
    if header.net != Net.SPECTRUM:
        header = replace(header, segment=net_shape(header)[0])
    header = with_window(header, (length, *header.coded_shape[1:]), local)
    kept = parsed.segments[first:last]
    return Contents(
        header.with_crcs(parsed.header.crcs[first:last]),
        tuple(segment.weights for segment in kept),
        tuple(segment.latents for segment in kept if segment.latents is not None),
        len(kept) < parsed.header.segments,
    )


def _kept(header: Header, box: Box) -> tuple[int, int, int]:
    """First and last+1 segment that a box needs, and the grid points that they have."""
    first, last = box[0]
    total, size = header.coded_shape[0], header.segment
    if header.net == Net.SPECTRUM:
        return _kept_frames(header, first, last)
    low, high = first // size, -(-last // size)
    return low, high, min(high * size, total) - low * size


def _kept_frames(header: Header, first: int, last: int) -> tuple[int, int, int]:
    """The same of a spectrum, whose segments overlap by half a frame: a last one that another
    followed lacks the frame that its last block lies in too, and ends a block earlier."""
    total, size, net = header.coded_shape[0], header.segment, spectrum_of(header)
    low = first // net.hop // net.frames
    high = min(-(-last // net.hop) // net.frames, header.segments - 1) + 1
    if high == header.segments or net.frames == 1:
        return low, header.segments, total - low * size
    return low, high, (high - low) * size - net.hop
