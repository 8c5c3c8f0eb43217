"""Samples of 8 and of 16 bits: the one rule that turns the one into the other."""

from dataclasses import replace

import numpy as np

from inrcodec.signals.signal import Signal


def with_depth(signal: Signal, depth: int) -> Signal:
    """Return the signal with samples of `depth` bits (8 or 16), its metadata unchanged.

    Full scale maps to full scale, 255 * 257 = 65535: 8 to 16 bits is v * 257, exact; 16 to 8 is
    (v + 128) // 257, the nearest value. ValueError for any other depth.
    """
    if depth not in (8, 16):
        raise ValueError(f"depth is 8 or 16, not {depth}")
    if depth == signal.depth:
        return signal
    if depth == 16:
        samples = signal.samples.astype(np.uint16) * np.uint16(257)
    else:
        # 65535 + 128 does not fit in 16 bits
        samples = ((signal.samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return replace(signal, samples=samples)
