"""decode, info and verify: bytes in, a signal or facts out. Never imports torch."""

import math
from typing import Any

import numpy as np

from inrcodec.container import ParsedFile, describe, parse_file, unpack_metadata
from inrcodec.container.weights_section import integers_crc, unpack
from inrcodec.decoder.evaluate import box_filter, evaluate, to_code_values
from inrcodec.decoder.plan import Plan, Region, check_limits, plan_decode
from inrcodec.errors import Corrupt, OptionError
from inrcodec.limits import Limits
from inrcodec.network import network_of, representation_of, storage_of
from inrcodec.quantise import dequantise
from inrcodec.signals.signal import Signal
from inrcodec.weights.storage import Projected


def decode(
    data: bytes,
    *,
    region: Region | None = None,
    scale: int = 1,
    limits: Limits | None = None,
    ignore_checksum: bool = False,
) -> Signal:
    """The signal of an .inr file.

    `region`: (x, y, width, height) in samples; only what it touches is evaluated. `scale`: k for
    a box-filtered picture of 1/k the size. `limits`: what may be spent (None: the defaults).
    Raises NotInr, Corrupt, Unsupported, LimitExceeded, and OptionError for a region or scale that
    the picture does not have.
    """
    limits = limits or Limits()
    parsed = parse_file(data, limits, ignore_checksum)
    plan = plan_decode(parsed.header, region, limits)
    if scale < 1 or scale > max(parsed.header.shape):
        raise OptionError(f"scale 1/{scale} is not between 1 and 1/{max(parsed.header.shape)}")
    metadata = unpack_metadata(parsed.metadata, limits)
    weights = read_weights(parsed, plan, ignore_checksum)
    peak = 2**parsed.header.depth - 1
    if scale == 1:
        dtype = np.dtype(np.uint8 if peak == 255 else np.uint16)
        samples = evaluate(plan, weights, lambda v: to_code_values(v, peak), dtype)
    else:
        values = evaluate(plan, weights, lambda v: np.clip(v, 0, 1), np.dtype(np.float32))
        samples = to_code_values(box_filter(values, scale).astype(np.float32), peak)
    return Signal("image", samples, metadata)


def read_weights(
    parsed: ParsedFile, plan: Plan, ignore_checksum: bool = False
) -> dict[str, np.ndarray]:
    """Every tensor of the file's network, float32. Raises Corrupt."""
    specs = plan.storage.stored(plan.net)
    tensors = unpack(parsed.weights, [t.size for t in specs], parsed.weights_offset)
    crc, stored_crc = integers_crc(tensors), parsed.header.integers_crc
    if crc != stored_crc and not ignore_checksum:
        raise Corrupt(f"WEIGHTS: CRC-32 of the integers is {crc:08x}, HEAD says {stored_crc:08x}")
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
    net, storage = network_of(parsed.header), storage_of(parsed.header)
    check_limits(net, storage, limits)
    samples = math.prod(net.shape)
    sections = [
        {"name": s.name, "type": s.type, "offset": s.offset, "bytes": s.size_bytes}
        for s in parsed.sections
    ]
    facts: dict[str, Any] = {
        "version": ".".join(map(str, parsed.version)),
        "repr": representation_of(parsed.header),
        "bytes": len(data),
        "bpp": len(data) * 8 / samples,
        "parameters": sum(t.size for t in net.tensors()),
        "stored_numbers": sum(t.size for t in storage.stored(net)),
        "macs_per_sample": net.macs(math.prod(net.rows(0)), 0) / samples,
    }
    if isinstance(storage, Projected):
        facts["projection_entries"] = storage.projection.entries(net.tensors())
    metadata = sum(s.size_bytes for s in parsed.sections if s.name == "METADATA")
    return facts | describe(parsed.header) | {"metadata_bytes": metadata, "sections": sections}
