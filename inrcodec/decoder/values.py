"""From a network's values to samples of the kind that the header names, and to a signal."""

from fractions import Fraction

import numpy as np

from inrcodec.container.header import Header, Kind, Numbers
from inrcodec.decoder.evaluate import box_means
from inrcodec.signals.signal import Metadata, Signal


def sample_type(header: Header) -> np.dtype:
    """The type of the decoded samples."""
    if header.kind == Kind.AUDIO or header.numbers == Numbers.FLOAT:
        return np.dtype(np.float32)
    letter = "i" if header.numbers == Numbers.SIGNED else "u"
    return np.dtype(f"{letter}{max(header.depth // 8, 1)}")


def finish(header: Header, values: np.ndarray) -> np.ndarray:
    """Values of nominal range 0..1 to samples; what is not a number becomes 0 first."""
    values = np.clip(np.nan_to_num(values), 0, 1)
    dtype = sample_type(header)
    if header.kind in (Kind.IMAGE, Kind.VIDEO):
        return (values * np.float32(2**header.depth - 1) + np.float32(0.5)).astype(dtype)
    low, high = np.float64(header.low), np.float64(header.high)
    samples = low + values.astype(np.float64) * (high - low)
    if dtype.kind == "f":
        return samples.astype(dtype)
    ends = np.iinfo(dtype)
    return np.floor(samples + 0.5).clip(ends.min, ends.max).astype(dtype)


def reduced(header: Header, samples: np.ndarray, scale: int) -> np.ndarray:
    """Means of boxes of `scale` samples along the axes of space, as samples of the same type."""
    if scale == 1:
        return samples
    means = samples.astype(np.float32)
    for axis in range(1 if header.kind == Kind.VIDEO else 0, samples.ndim - 1):
        means = box_means(means, axis, scale)
    if samples.dtype.kind == "f":
        return means
    return np.floor(means.astype(np.float64) + 0.5).astype(samples.dtype)


def signal_of(header: Header, samples: np.ndarray, metadata: Metadata) -> Signal:
    """The signal of an audio, video or volume file from all samples that were asked for."""
    kind = header.kind.name.lower()
    if header.kind == Kind.VOLUME:
        return Signal(kind, samples, metadata, bits=1 if header.depth == 1 else 0)
    rate = Fraction(header.rate, header.rate_seconds)
    bits = header.depth if header.kind == Kind.AUDIO else 0
    return Signal(kind, samples, metadata, rate=rate, bits=bits)
