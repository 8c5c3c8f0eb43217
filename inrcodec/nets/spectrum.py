"""Spectrum: integer latents that stand for a sound's coefficients in time and frequency.

The latents of a segment are the rounded coefficients of its frames (mdct.py) in the segment's own
channel axes. They are coded frame after frame, a frame channel after channel, a channel in three
*phases* of bins; the scale of each follows from latents decoded before. Everything but the
latents is in a few small tensors:

    frame      channel axes (C, C), log2(step) / 16, shrinkage of ones and of larger latents
    before     context weights of the frames before: a row for each channel and phase
    own        context weights of bins beside, in phases before: one row a channel
    cross      context weights of the channels before: a row for each further channel and phase
    offsets    scale offsets: (channel, phase), then (channel, region of bins)
    slopes     exponents: (channel, phase)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inrcodec.nets.base import TensorSpec

Array = Any

# Bins of each phase in a frame: first, and the distance to the next.
PHASES = ((0, 4), (2, 4), (1, 2))
# Context weights of the frames before. The last frame: the bin itself, those 1 beside it, 2
# beside, 3 to 6 beside; the one before: the bin itself, 1 beside; the two before that: the bin.
BEFORE = 7
# Of the same frame: phase 1 the bins 2 beside; phase 2 those 1 beside and 3 beside.
OWN = 3
# Of the channels before: the bin itself, those 1 beside.
CROSS = 2
FRAMES_BEFORE = 4
BINS_BESIDE = 6


@dataclass(frozen=True)
class Spectrum:
    """Sizes of a spectrum. `shape`: samples of a segment (a multiple of `hop`)."""

    shape: tuple[int, ...]
    channels: int
    hop: int

    @property
    def frames(self) -> int:
        """Frames of a segment that another one follows."""
        return self.shape[0] // self.hop

    @property
    def regions(self) -> int:
        """Regions of bins with a scale offset of their own."""
        return int(bin_regions(self.hop)[-1]) + 1

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        c, rows = self.channels, len(PHASES) * self.channels
        specs = [
            TensorSpec("frame", (c * c + 3,), 0.0),
            TensorSpec("before", (rows, BEFORE), 0.0, start=0.4),
            TensorSpec("own", (c, OWN), 0.0, start=0.4),
            TensorSpec("cross", (rows - len(PHASES), CROSS), 0.0, start=0.2),
            TensorSpec("offsets", (rows + c * self.regions,), 0.0),
            TensorSpec("slopes", (rows,), 0.0, start=1.0),
        ]
        return [spec for spec in specs if spec.size]

    def macs_per_sample(self) -> float:
        """Multiply-accumulates of contexts and transform per sample and channel."""
        return BEFORE + OWN / 2 + CROSS + self.channels + 2 * np.log2(self.hop)


def bin_regions(hop: int) -> np.ndarray:
    """Region of every bin k, int64: two bins each below 8, then two regions an octave."""
    k = np.arange(hop)
    exponent = np.frexp(np.maximum(k, 1))[1] - 1
    octaves = 4 + 2 * (exponent - 3) + ((k >> (exponent - 1).clip(0)) & 1)
    return np.where(k < 8, k // 2, octaves).astype(np.int64)


def frame_parts(net: Spectrum, frame: Array) -> tuple[Array, Array, Array]:
    """Channel axes (C, C), log2 of the step, and shrinkage (2,) of ones and larger latents."""
    c = net.channels
    return frame[: c * c].reshape(c, c), 16 * frame[c * c], frame[c * c + 1 :]


def coefficients(net: Spectrum, frame: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """What latents (C, F, hop) stand for: float32. A latent lies nearer to zero than its integer
    says, by a share of a step, for small coefficients are more frequent than large ones."""
    _, log_step, shrinkage = frame_parts(net, frame)
    step = np.float32(np.exp2(np.float64(log_step)))
    sizes = np.abs(latents)
    shrunk = sizes - np.where(sizes == 1, shrinkage[0], shrinkage[1]) * (sizes > 0)
    return (np.sign(latents) * shrunk * step).astype(np.float32)


def from_axes(net: Spectrum, weights: Mapping[str, np.ndarray], planes: np.ndarray) -> np.ndarray:
    """Planes (C, n) in the channel axes to samples (n, C)."""
    axes = frame_parts(net, weights["frame"])[0]
    samples: np.ndarray = planes.T @ axes.T
    return samples
