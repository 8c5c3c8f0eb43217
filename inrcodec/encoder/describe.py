"""What a file's header says about its signal, and the signal as values of 0..1."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from inrcodec.container.header_fields import MAX_LENGTH, Kind, Layout, Numbers
from inrcodec.errors import OptionError
from inrcodec.signals.packing import CHANNELS, packed_420
from inrcodec.signals.signal import Signal

_NUMBERS = {"u": Numbers.UNSIGNED, "i": Numbers.SIGNED, "f": Numbers.FLOAT}
_PACKED = CHANNELS
_LARGE = 1e38


def signal_fields(signal: Signal, segment: int | None = None) -> dict[str, Any]:
    """Fields of HEAD that say what the signal is. `segment`: grid points of one segment along
    axis 0 (None: all)."""
    fields: dict[str, Any] = {
        "kind": Kind[signal.kind.upper()],
        "channels": signal.channels,
        "depth": signal.depth,
        "shape": signal.shape,
    }
    if signal.kind == "image":
        return fields
    fields["segment"] = segment or signal.shape[0]
    if signal.rate is not None:
        rate = signal.rate.limit_denominator(MAX_LENGTH)
        fields |= {"rate": rate.numerator, "rate_seconds": rate.denominator}
    if signal.kind == "video":
        fields["layout"] = Layout.FULL if signal.chroma is None else Layout.YCBCR_420
        return fields
    low, high = sample_range(signal)
    fields |= {"low": low, "high": high}
    if signal.kind == "volume":
        fields["numbers"] = _NUMBERS[signal.samples.dtype.kind]
    return fields


def segment_length(points: int, wanted: int, usual: int, most: int) -> int:
    """Grid points of a segment along axis 0, of so many: those `wanted`, or without (0) about the
    `usual` ones, all segments being about as long. Raises OptionError if those wanted are more than
    the `most` segments."""
    if wanted:
        if (count := -(-points // wanted)) > most:
            raise OptionError(f"setting segment = {wanted} makes {count} segments, of {most}")
        return min(wanted, points)
    length = max(usual, 1, -(-points // most))
    return -(-points // -(-points // length))


def sample_range(signal: Signal) -> tuple[float, float]:
    """Samples that the values 0 and 1 stand for, float32: code values of images and video, as far
    as they reach to both sides of 0 of audio, least and most of a volume."""
    if signal.kind in ("image", "video"):
        return 0.0, float(signal.peak)
    low, high = float(signal.samples.min()), float(signal.samples.max())
    if signal.kind == "audio":
        high = max(high, -low, 2.0**-24)
        low = -high
    return float(np.float32(low)), float(np.float32(high))


def unit_values(signal: Signal, ends: tuple[float, float] | None = None) -> np.ndarray:
    """Samples as float32 values of 0..1, (*grid, C): the grid of chroma, with six channels, for
    4:2:0. `ends`: the samples that 0 and 1 stand for (None: the signal's own)."""
    low, high = ends or sample_range(signal)
    samples = signal.samples
    if signal.chroma is not None:
        samples = packed_420(samples, signal.chroma)
    if low == 0:
        return samples.astype(np.float32) / np.float32(high or 1.0)
    # half of all where a difference could be beyond float32
    part = np.float32(0.5 if high - low > _LARGE else 1)
    values = samples.astype(np.float32) * part - np.float32(low) * part
    values /= np.float32(((high - low) or 1.0) * float(part))
    return values


def planes_of(signal: Signal, first: int, last: int) -> list[np.ndarray]:
    """Frames first to last-1 of a video as values of 0..1, float32 (n, C, H, W): all channels, or
    luma and, of half the sides, chroma."""
    planes = [signal.samples] if signal.chroma is None else [signal.samples, signal.chroma]
    scale = np.float32(1 / signal.peak)
    return [
        np.ascontiguousarray(np.moveaxis(plane[first:last], 3, 1)).astype(np.float32) * scale
        for plane in planes
    ]


def grid_of(signal: Signal) -> tuple[tuple[int, ...], int]:
    """Shape and channels of what `unit_values` gives."""
    if signal.chroma is not None:
        return tuple(signal.chroma.shape[:-1]), _PACKED
    return signal.shape, signal.channels


def bytes_for_kbps(signal: Signal, kbps: float) -> int:
    """Bytes at a rate in kilobits (1,000 bits) per second of sound or video."""
    rate = signal.rate or Fraction(1)
    return math.floor(Fraction(kbps) * 125 * signal.shape[0] / rate)
