"""decode, info and verify: bytes in, a signal or facts out. Never imports torch."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from inrcodec.allocator import keep_pages
from inrcodec.container import ParsedFile, describe, parse_file, unpack_metadata
from inrcodec.container.header import Header
from inrcodec.container.header_fields import Kind
from inrcodec.container.header_fields import Net as NetId
from inrcodec.container.weights_section import integers_crc
from inrcodec.decoder import grids, grids_latents, pyramid
from inrcodec.decoder.draft import draft as network_draft
from inrcodec.decoder.evaluate import box_filter
from inrcodec.decoder.part import (
    Box,
    Factor,
    Region,
    Span,
    box_of,
    check_enlarging,
    check_scale,
    coded_box,
)
from inrcodec.decoder.plan import check_file
from inrcodec.decoder.pyramid_latents import latents_crc, read_latents
from inrcodec.decoder.segments import network_samples, parted_signal
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.decoder.values import finish, sample_type
from inrcodec.limits import Limits
from inrcodec.nets import LocalGlobal
from inrcodec.nets.film import Film
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid
from inrcodec.nets.spectrum import Spectrum
from inrcodec.network import (
    film_of,
    grids_of,
    groups_of,
    network_of,
    pyramid_of,
    representation_of,
    spectrum_of,
    storage_of,
)
from inrcodec.signals.signal import Signal
from inrcodec.weights.groups import Groups
from inrcodec.weights.storage import Projected

_Latents = TypeVar("_Latents", Pyramid, Grids)


def decode(
    data: bytes,
    *,
    region: Region | None = None,
    span: Span | None = None,
    scale: int = 1,
    enlarge: Factor = 1,
    draft: bool = False,
    limits: Limits | None = None,
    ignore_checksum: bool = False,
) -> Signal:
    """The signal of an .inr file.

    `region`: (x, y, width, height) in samples of an image or a video, (x, y, z, width, height,
    depth) of a volume of three axes; only what it touches is evaluated. `span`: first and last+1
    sample of audio or frame of video (None: the end). `scale`: k for 1/k of the size in space, by
    means of boxes. `enlarge`: a factor for more samples in space than were coded, at coordinates
    between theirs, from networks that are defined there; not with a `scale`. `draft`: an image is
    scaled faster and less exactly: a pyramid or latent grids from coarse grids alone (k of at least
    4), finer ones are neither read nor checked; networks from few samples of a box. Others take no
    notice. `limits`: what may be spent (None: the defaults).
    Raises NotInr, Corrupt, Unsupported, LimitExceeded, and OptionError for a part or scale that the
    signal does not have.
    """
    keep_pages()
    limits = limits or Limits()
    parsed = parse_file(data, limits, ignore_checksum)
    header = parsed.header
    check_file(parsed, limits)
    box = box_of(parsed.whole, region, span)
    check_scale(parsed.whole, scale)
    factor = check_enlarging(parsed, enlarge, scale, box, limits)
    metadata = unpack_metadata(parsed.metadata, limits)
    if header.kind == Kind.IMAGE:
        box = coded_box(header, box)
        if header.net == NetId.PYRAMID:
            values, left = _pyramid_values(parsed, box, scale, draft, ignore_checksum)
            samples = finish(header, box_filter(np.clip(values, 0, 1), left))
        elif header.net == NetId.GRIDS:
            values, left = _grids_values(parsed, box, scale, draft, ignore_checksum)
            samples = finish(header, box_filter(np.clip(values, 0, 1), left))
        elif draft and scale > 1:
            samples = finish(header, network_draft(parsed, box, scale, ignore_checksum))
        else:
            samples = _network_samples(parsed, box, scale, factor, ignore_checksum)
        return Signal("image", samples, metadata)
    return parted_signal(parsed, box, scale, factor, metadata, ignore_checksum)


def _network_samples(
    parsed: ParsedFile, box: Box, scale: int, factor: Fraction, ignore_checksum: bool
) -> np.ndarray:
    """Samples of a box of an image by a coordinate network, reduced or enlarged: (h, w, C). Raises
    Corrupt."""
    header = parsed.header
    evaluated = network_samples(parsed, 0, box, factor, ignore_checksum)
    if scale == 1:
        return evaluated(lambda v: finish(header, v), sample_type(header))
    values = evaluated(lambda v: np.clip(v, 0, 1), np.dtype(np.float32))
    return finish(header, box_filter(values, scale))


def _pyramid_values(
    parsed: ParsedFile, box: Box, scale: int, draft: bool, ignore_checksum: bool
) -> tuple[np.ndarray, int]:
    """Samples of a pyramid's box, float32 (h, w, C), and by how much they are still to be reduced:
    by all, or by nothing where a draft leaves levels out. Of tiles only those that the box needs
    are read, and integers are checked if they are all there. Raises Corrupt."""
    net, part = pyramid_of(parsed.header), parsed.segments[0]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    omitted = pyramid.omitted_levels(net, scale) if draft else 0
    inner = _needed(net, box, parsed)
    latents = read_latents(net, weights, part.latents, part.latents_offset, omitted, inner)
    if not omitted and inner is net:
        crc = latents_crc(latents, integers_crc(tensors))
        check_crc(crc, parsed.header, 0, ignore_checksum)
    done, left = (scale, 1) if omitted else (1, scale)
    return np.nan_to_num(pyramid.synthesise(inner, weights, latents, box, done)), left


def _grids_values(
    parsed: ParsedFile, box: Box, scale: int, draft: bool, ignore_checksum: bool
) -> tuple[np.ndarray, int]:
    """The same of latent grids: a draft leaves out a level for each time that 2 divides the scale.
    Raises Corrupt."""
    net, part = grids_of(parsed.header), parsed.segments[0]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    omitted = grids.omitted_levels(net, scale) if draft else 0
    inner = _needed(net, box, parsed)
    latents = grids_latents.read_latents(
        net, weights, part.latents, part.latents_offset, omitted, inner
    )
    if not omitted and inner is net:
        crc = grids_latents.latents_crc(latents, integers_crc(tensors))
        check_crc(crc, parsed.header, 0, ignore_checksum)
    ends = tuple((a >> omitted, -(-b >> omitted)) for a, b in box)
    values = grids.synthesise(inner, weights, latents, ends, omitted)
    return np.nan_to_num(values), scale >> omitted


def _needed(net: _Latents, box: Box, parsed: ParsedFile) -> _Latents:
    """The latents that are read for a box: in tiles those that it needs, or else all."""
    whole = coded_box(parsed.header, box_of(parsed.header, None, None))
    return replace(net, box=box) if net.tile and box != whole else net


def verify(data: bytes, *, limits: Limits | None = None) -> dict[str, Any]:
    """Check every checksum and decode everything; returns `info` of a sound file.

    Raises what `decode` raises.
    """
    decode(data, limits=limits)
    return info(data, limits=limits)


def info(
    data: bytes, *, limits: Limits | None = None, ignore_checksum: bool = False
) -> dict[str, Any]:
    """What a file's header says, ready for JSON; weights are not decoded.

    Raises NotInr, Corrupt, Unsupported, LimitExceeded.
    """
    limits = limits or Limits()
    parsed = parse_file(data, limits, ignore_checksum)
    header, shape = parsed.header, parsed.whole.shape
    samples = math.prod(shape)
    sections = [
        {"name": s.name, "type": s.type, "offset": s.offset, "bytes": s.size_bytes}
        for s in parsed.sections
    ]
    facts: dict[str, Any] = {
        "version": ".".join(map(str, parsed.version)),
        "repr": representation_of(header),
        "bytes": len(data),
        "bpp": len(data) * 8 / samples,
    }
    if header.rate:
        duration = shape[0] * header.rate_seconds / header.rate
        facts |= {"kbps": len(data) * 8 / 1000 / duration, "duration_s": duration}
    check_file(parsed, limits)
    facts |= _network_facts(header)
    if header.segment:
        facts["segments"] = sum(file.header.segments for file in parsed.files)
    metadata = sum(s.size_bytes for s in parsed.sections if s.name == "METADATA")
    if parsed.joined:
        facts["joined"] = [_joined_facts(file) for file in parsed.joined]
    said = describe(header) | {"shape": list(shape)}
    return facts | said | {"metadata_bytes": metadata, "sections": sections}


def _joined_facts(parsed: ParsedFile) -> dict[str, Any]:
    """A file that continues another, in a few words."""
    header, last = parsed.header, parsed.sections[-1]
    return {
        "repr": representation_of(header),
        "shape": list(header.shape),
        "bytes": last.offset + last.size_bytes,
        "seed": header.seed,
        "effort": header.effort,
    }


def _network_facts(header: Header) -> dict[str, Any]:
    """Numbers and costs of a header's network."""
    if header.net == NetId.PYRAMID:
        return _latent_facts(pyramid_of(header), sum(g.size for g in pyramid_of(header).grids()))
    if header.net == NetId.GRIDS:
        return _latent_facts(grids_of(header), sum(p.size for p in grids_of(header).planes()))
    if header.net == NetId.FILM:
        films = [film_of(header, 0), film_of(header, header.segments - 1)]
        whole = (header.segments - 1) * films[0].latents()
        return _latent_facts(films[0], whole + films[1].latents())
    if header.net == NetId.SPECTRUM:
        frames = -(-header.coded_shape[0] // header.hop) + 1
        return _latent_facts(spectrum_of(header), frames * header.hop * header.channels)
    net, storage = network_of(header), storage_of(header)
    if isinstance(net, LocalGlobal):
        return _partition_facts(net, groups_of(header))
    facts: dict[str, Any] = {
        "parameters": sum(t.size for t in net.tensors()),
        "stored_numbers": sum(t.size for t in storage.stored(net)),
        "macs_per_sample": net.macs(math.prod(net.rows(0)), 0) / math.prod(net.shape),
    }
    if isinstance(storage, Projected):
        facts["projection_entries"] = storage.projection.entries(net.tensors())
    return facts


def _partition_facts(net: LocalGlobal, groups: Groups) -> dict[str, Any]:
    """Of the partitions that the file has; `global_share`: of their numbers, what they share."""
    shared = sum(t.size for t in net.shared_tensors())
    numbers = shared + sum(t.size for t in net.local_tensors(groups.count))
    return {
        "parameters": numbers,
        "stored_numbers": numbers,
        "macs_per_sample": net.macs(1) / math.prod(net.side),
        "partitions": list(net.partitions),
        "partitions_kept": [last - first for first, last in groups.box],
        "global_share": round(shared / numbers, 4),
    }


def _latent_facts(net: Pyramid | Grids | Spectrum | Film, latents: int) -> dict[str, Any]:
    numbers = sum(t.size for t in net.tensors())
    return {
        "parameters": numbers,
        "stored_numbers": numbers + latents,
        "macs_per_sample": net.macs_per_sample(),
    }
