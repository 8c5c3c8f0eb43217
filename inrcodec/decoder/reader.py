"""decode, info and verify: bytes in, a signal or facts out. Never imports torch."""

import math
from typing import Any

import numpy as np

from inrcodec.container import ParsedFile, describe, parse_file, unpack_metadata
from inrcodec.container.header import Header
from inrcodec.container.header import Net as NetId
from inrcodec.container.weights_section import integers_crc, unpack
from inrcodec.decoder import pyramid
from inrcodec.decoder.evaluate import box_filter, evaluate, to_code_values
from inrcodec.decoder.plan import (
    Box,
    Plan,
    Region,
    check_limits,
    check_pyramid,
    plan_decode,
    region_box,
)
from inrcodec.errors import Corrupt, OptionError
from inrcodec.limits import Limits
from inrcodec.network import network_of, pyramid_of, representation_of, storage_of
from inrcodec.quantise import dequantise
from inrcodec.signals.signal import Signal
from inrcodec.weights.storage import Projected


def decode(
    data: bytes,
    *,
    region: Region | None = None,
    scale: int = 1,
    draft: bool = False,
    limits: Limits | None = None,
    ignore_checksum: bool = False,
) -> Signal:
    """The signal of an .inr file.

    `region`: (x, y, width, height) in samples; only what it touches is evaluated. `scale`: k for
    a box-filtered picture of 1/k the size. `draft`: a pyramid is scaled from its coarse grids
    alone, finer ones are neither read nor checked (k of at least 4); others take no notice.
    `limits`: what may be spent (None: the defaults).
    Raises NotInr, Corrupt, Unsupported, LimitExceeded, and OptionError for a region or scale that
    the picture does not have.
    """
    limits = limits or Limits()
    parsed = parse_file(data, limits, ignore_checksum)
    header = parsed.header
    box = region_box(region, header.shape)
    if header.net == NetId.PYRAMID:
        check_pyramid(pyramid_of(header), limits)
    else:
        plan = plan_decode(header, box, limits)
    if scale < 1 or scale > max(parsed.header.shape):
        raise OptionError(f"scale 1/{scale} is not between 1 and 1/{max(parsed.header.shape)}")
    metadata = unpack_metadata(parsed.metadata, limits)
    peak = 2**header.depth - 1
    code_values = np.dtype(np.uint8 if peak == 255 else np.uint16)
    finish, dtype = (
        (lambda v: to_code_values(v, peak), code_values)
        if scale == 1
        else (lambda v: np.clip(v, 0, 1), np.dtype(np.float32))
    )
    if header.net == NetId.PYRAMID:
        values, left = _pyramid_values(parsed, box, scale, draft, ignore_checksum)
        values = finish(values)
    else:
        weights = read_weights(parsed, plan, ignore_checksum)
        values, left = evaluate(plan, weights, finish, dtype), scale
    if scale > 1:
        values = to_code_values(box_filter(values, left), peak)
    return Signal("image", values, metadata)


def _pyramid_values(
    parsed: ParsedFile, box: Box, scale: int, draft: bool, ignore_checksum: bool
) -> tuple[np.ndarray, int]:
    """Samples of a pyramid's box, float32 (h, w, C), and by how much they are still to be reduced:
    by all, or by nothing where a draft leaves levels out. Raises Corrupt."""
    assert parsed.latents is not None
    net = pyramid_of(parsed.header)
    tensors = unpack(parsed.weights, [t.size for t in net.tensors()], parsed.weights_offset)
    weights = {
        t.name: dequantise(q).reshape(t.shape) for t, q in zip(net.tensors(), tensors, strict=True)
    }
    omitted = pyramid.omitted_levels(net, scale) if draft else 0
    latents = pyramid.read_latents(net, weights, parsed.latents, parsed.latents_offset, omitted)
    if not omitted:
        crc = pyramid.latents_crc(latents, integers_crc(tensors))
        _check_crc(crc, parsed, ignore_checksum)
    done, left = (scale, 1) if omitted else (1, scale)
    return np.nan_to_num(pyramid.synthesise(net, weights, latents, box, done)), left


def _check_crc(crc: int, parsed: ParsedFile, ignore_checksum: bool) -> None:
    stored = parsed.header.integers_crc
    if crc != stored and not ignore_checksum:
        raise Corrupt(f"WEIGHTS: CRC-32 of the integers is {crc:08x}, HEAD says {stored:08x}")


def read_weights(
    parsed: ParsedFile, plan: Plan, ignore_checksum: bool = False
) -> dict[str, np.ndarray]:
    """Every tensor of the file's network, float32. Raises Corrupt."""
    specs = plan.storage.stored(plan.net)
    tensors = unpack(parsed.weights, [t.size for t in specs], parsed.weights_offset)
    _check_crc(integers_crc(tensors), parsed, ignore_checksum)
    stored = {t.name: dequantise(q) for t, q in zip(specs, tensors, strict=True)}
    return plan.storage.weights(plan.net, stored)


def verify(data: bytes, *, limits: Limits | None = None) -> dict[str, Any]:
    """Check every checksum and decode everything; returns `info` of a sound file.

    Raises what `decode` raises.
    """
    decode(data, limits=limits)
    return info(data, limits=limits)


def info(data: bytes, *, limits: Limits | None = None) -> dict[str, Any]:
    """What a file's header says, ready for JSON; weights are not decoded.

    Raises NotInr, Corrupt, Unsupported, LimitExceeded.
    """
    limits = limits or Limits()
    parsed = parse_file(data, limits)
    samples = math.prod(parsed.header.shape)
    sections = [
        {"name": s.name, "type": s.type, "offset": s.offset, "bytes": s.size_bytes}
        for s in parsed.sections
    ]
    facts: dict[str, Any] = {
        "version": ".".join(map(str, parsed.version)),
        "repr": representation_of(parsed.header),
        "bytes": len(data),
        "bpp": len(data) * 8 / samples,
    }
    facts |= _network_facts(parsed.header, limits)
    metadata = sum(s.size_bytes for s in parsed.sections if s.name == "METADATA")
    return facts | describe(parsed.header) | {"metadata_bytes": metadata, "sections": sections}


def _network_facts(header: Header, limits: Limits) -> dict[str, Any]:
    """Numbers and costs of a header's network. Raises LimitExceeded."""
    if header.net == NetId.PYRAMID:
        pyramid_net = pyramid_of(header)
        check_pyramid(pyramid_net, limits)
        numbers = sum(t.size for t in pyramid_net.tensors())
        return {
            "parameters": numbers,
            "stored_numbers": numbers + sum(grid.size for grid in pyramid_net.grids()),
            "macs_per_sample": pyramid_net.macs_per_sample(),
        }
    net, storage = network_of(header), storage_of(header)
    check_limits(net, storage, limits)
    facts: dict[str, Any] = {
        "parameters": sum(t.size for t in net.tensors()),
        "stored_numbers": sum(t.size for t in storage.stored(net)),
        "macs_per_sample": net.macs(math.prod(net.rows(0)), 0) / math.prod(net.shape),
    }
    if isinstance(storage, Projected):
        facts["projection_entries"] = storage.projection.entries(net.tensors())
    return facts
