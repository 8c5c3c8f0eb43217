"""Frames gathered one by one into the samples of a video."""

import math
from fractions import Fraction

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals import sizes
from inrcodec.signals.signal import Signal


class Frames:
    """Frames of one size, put one after the other into one block of memory.

    The block grows in place: a long video is never held twice.
    """

    def __init__(self, height: int, width: int, channels: int = 1, subsampled: bool = False):
        """Begin a video of frames (height, width, channels); with chroma planes if `subsampled`.

        Raises InputError if a frame has no samples or more than the limit.
        """
        sizes.check_size(width, height, channels)
        self._shape = (height, width, channels)
        self._chroma_shape = (*chroma_size(height, width), 2) if subsampled else None
        self._samples, self._chroma = bytearray(), bytearray()
        self.count = 0

    def add(self, samples: np.ndarray, chroma: np.ndarray | None = None) -> None:
        """Add a frame: samples (H, W, C) uint8, and chroma (ceil(H / 2), ceil(W / 2), 2) if any.

        Raises InputError if it is of another size, or the video then above the limit of samples.
        """
        if samples.shape != self._shape:
            (height, width, _), (first_height, first_width, _) = samples.shape, self._shape
            raise InputError(
                f"frame {self.count + 1} is {width} x {height}, "
                f"the first is {first_width} x {first_height}"
            )
        added = samples.size + (0 if chroma is None else chroma.size)
        if len(self._samples) + len(self._chroma) + added > sizes.MAX_SAMPLES:
            raise InputError(
                f"frame {self.count + 1} takes the video above the limit of "
                f"{sizes.MAX_SAMPLES} samples"
            )
        self._samples += np.ascontiguousarray(samples, np.uint8).data
        if chroma is not None:
            self._chroma += np.ascontiguousarray(chroma, np.uint8).data
        self.count += 1

    def check_count(self, count: int) -> None:
        """Raise InputError if this many frames without chroma would be above the limit of samples.

        This can be said before the first of them is decoded.
        """
        if count * math.prod(self._shape) > sizes.MAX_SAMPLES:
            height, width, channels = self._shape
            raise InputError(
                f"video of {count} frames of {width} x {height} x {channels} "
                f"is above the limit of {sizes.MAX_SAMPLES} samples"
            )

    def signal(self, rate: Fraction) -> Signal:
        """Return the video of the frames so far; InputError if there are none."""
        if self.count == 0:
            raise InputError("no frames")
        samples = self._array(self._samples, self._shape)
        chroma = self._chroma_shape and self._array(self._chroma, self._chroma_shape)
        return Signal("video", samples, rate=rate, chroma=chroma)

    def _array(self, block: bytearray, shape: tuple[int, ...]) -> np.ndarray:
        return np.frombuffer(block, np.uint8).reshape(self.count, *shape)


def chroma_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the chroma planes of a 4:2:0 frame: half, rounded up."""
    return -(-height // 2), -(-width // 2)


def over_black(samples: np.ndarray) -> np.ndarray:
    """Return uint8 samples (H, W, 1 to 4) as RGB (H, W, 3); what is transparent shows black."""
    channels = samples.shape[2]
    colours = samples[..., :3] if channels > 2 else np.repeat(samples[..., :1], 3, axis=2)
    if channels in (1, 3) or (samples[..., -1] == 255).all():
        return colours
    seen = np.empty(colours.shape, np.uint8)
    for row, (values, alpha) in enumerate(zip(colours, samples[..., -1:], strict=True)):
        seen[row] = (values.astype(np.uint16) * alpha + 127) // 255
    return seen


def grey_if_all_is(samples: np.ndarray) -> np.ndarray:
    """Return RGB samples (T, H, W, 3) as grey (T, H, W, 1) if no frame has colour, else unchanged.

    Grey is what has three equal values in every pixel.
    """
    if all((frame == frame[..., :1]).all() for frame in samples):
        return np.ascontiguousarray(samples[..., :1])
    return samples
