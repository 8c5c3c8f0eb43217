"""A signal: samples on a grid, and what a file says about them."""

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Metadata:
    """What travels beside the samples, byte for byte: an ICC profile and an EXIF block (or b"")."""

    icc: bytes = b""
    exif: bytes = b""


@dataclass(frozen=True)
class Signal:
    """Samples of one signal: (\\*shape, C).

    | kind   | samples                                                      | C        |
    |--------|--------------------------------------------------------------|----------|
    | image  | (H, W, C) uint8 or uint16                                    | 1 to 4   |
    | audio  | (N, C) float32, full scale is -1..1                          | 1 to 64  |
    | video  | (T, H, W, C) uint8; with `chroma`: luma (Y), C = 1           | 1 or 3   |
    | volume | (\\*shape, C) uint8, int8, uint16, int16 or float32, 1 to 3 axes | 1 to 4 |

    Of 2 or 4 channels of an image the last is opacity; its pixels lie as in the file: the EXIF
    orientation is not applied. `rate`: samples or frames per second of audio and video. `bits`:
    bits per sample, where the type does not say them: 16, 24 or 32 (float) of audio, 1 of a mask
    (a volume of 0 and 1 in uint8). `chroma`: (T, ceil(H / 2), ceil(W / 2), 2) uint8, Cb and Cr of
    a 4:2:0 video.
    """

    kind: str
    samples: np.ndarray
    metadata: Metadata = field(default_factory=Metadata)
    rate: Fraction | None = None
    bits: int = 0
    chroma: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Grid size without the channel axis: (H, W) for an image."""
        return tuple(self.samples.shape[:-1])

    @property
    def channels(self) -> int:
        """Number of values per grid point; chroma planes count as if they were as large as luma."""
        return int(self.samples.shape[-1]) + (0 if self.chroma is None else 2)

    @property
    def depth(self) -> int:
        """Bits per sample: 1, 8, 16, 24 or 32."""
        return self.bits or self.samples.dtype.itemsize * 8

    @property
    def peak(self) -> int:
        """Largest code value of unsigned samples: 1, 255 or 65535."""
        return int(2**self.depth - 1)

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is opacity."""
        return self.kind == "image" and self.channels in (2, 4)

    @property
    def duration(self) -> float | None:
        """Seconds of audio or video."""
        return None if self.rate is None else float(self.shape[0] / self.rate)

    def along(self, points: slice | np.ndarray) -> "Signal":
        """The signal of these grid points of axis 0: samples of audio, frames of a video."""
        chroma = None if self.chroma is None else self.chroma[points]
        return replace(self, samples=self.samples[points], chroma=chroma)
