"""A signal: samples on a grid, and what a file says about them."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Metadata:
    """What travels beside the samples, byte for byte: an ICC profile and an EXIF block (or b"")."""

    icc: bytes = b""
    exif: bytes = b""


@dataclass(frozen=True)
class Signal:
    """Samples of one signal.

    `samples` has shape (H, W, C), dtype uint8 or uint16; C is 1 (grey), 2 (grey and alpha),
    3 (RGB) or 4 (RGBA). Pixels lie as in the file: the EXIF orientation is not applied.
    """

    kind: str
    samples: np.ndarray
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def shape(self) -> tuple[int, ...]:
        """Grid size without the channel axis: (H, W) for an image."""
        return tuple(self.samples.shape[:-1])

    @property
    def channels(self) -> int:
        """Number of values per grid point."""
        return int(self.samples.shape[-1])

    @property
    def depth(self) -> int:
        """Bits per sample: 8 or 16."""
        return self.samples.dtype.itemsize * 8

    @property
    def peak(self) -> int:
        """Largest code value: 255 or 65535."""
        return int(2**self.depth - 1)

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is opacity."""
        return self.channels in (2, 4)
