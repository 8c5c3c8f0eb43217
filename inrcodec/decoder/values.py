"""From a network's values to samples of the kind that the header names, and to a signal."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from inrcodec.container.header import Header
from inrcodec.container.header_fields import Kind, Numbers
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
    values = np.minimum(np.fmax(values, 0), 1)  # fmax passes over what is not a number
    dtype = sample_type(header)
    if header.kind in (Kind.IMAGE, Kind.VIDEO):
        return (values * np.float32(2**header.depth - 1) + np.float32(0.5)).astype(dtype)
    low, high = np.float64(header.low), np.float64(header.high)
    samples = low + values.astype(np.float64) * (high - low)
    if dtype.kind == "f":
        return samples.astype(dtype)
    least, most = (0, 1) if header.depth == 1 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.floor(samples + 0.5).clip(least, most).astype(dtype)


def means(samples: np.ndarray, axes: Sequence[int], scale: int) -> np.ndarray:
    """Means of boxes of `scale` samples along these axes, float32; for 1 the samples themselves."""
    for axis in axes:
        samples = box_means(samples, axis, scale)
    return samples


def rounded(header: Header, samples: np.ndarray) -> np.ndarray:
    """Means as samples of the header's type."""
    dtype = sample_type(header)
    if samples.dtype == dtype:
        return samples
    return np.floor(samples.astype(np.float64) + 0.5).astype(dtype)


def signal_of(header: Header, samples: np.ndarray, metadata: Metadata) -> Signal:
    """The signal of an audio, video or volume file from all samples that were asked for."""
    kind = header.kind.name.lower()
    if header.kind == Kind.VOLUME:
        return Signal(kind, samples, metadata, bits=1 if header.depth == 1 else 0)
    rate = Fraction(header.rate, header.rate_seconds)
    bits = header.depth if header.kind == Kind.AUDIO else 0
    return Signal(kind, samples, metadata, rate=rate, bits=bits)
