"""How near one sound, or one volume, is to another."""

import math
from collections.abc import Iterator

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.signal import Signal

# samples handled at a time: memory stays bounded
_BLOCK = 2**18


def audio_metrics(reference: Signal, test: Signal) -> dict[str, float | None]:
    """Return snr_db and psnr_db of `test`, over the samples of all channels.

    snr_db = 10 log10(sum x^2 / sum (x - y)^2); psnr_db = 10 log10(1 / mean (x - y)^2), the peak
    being full scale, 1. Both are math.inf for equal samples; snr_db is None if only the reference
    is silent. InputError if shapes or channels differ.
    """
    signal = noise = 0.0
    for x, y in _blocks(reference, test):
        difference = x - y
        signal += float(np.vdot(x, x))
        noise += float(np.vdot(difference, difference))
    return {
        "snr_db": _decibels(signal, noise),
        "psnr_db": _decibels(reference.samples.size, noise),
    }


def volume_metrics(reference: Signal, test: Signal) -> dict[str, float | None]:
    """Return psnr_db, max_error and, if the reference is a mask, iou of `test`.

    psnr_db = 10 log10(peak^2 / mean (x - y)^2), the peak being the largest less the smallest value
    of the reference; math.inf for equal samples, None if only the reference is constant.
    max_error is the largest absolute difference, in the units of the samples. iou is the number of
    samples that are inside both (from 0.5) over that of samples inside either; 1 if there are none.
    InputError if shapes or channels differ.
    """
    noise = max_error = 0.0
    for x, y in _blocks(reference, test):
        difference = x - y
        noise += float(np.vdot(difference, difference))
        max_error = max(max_error, float(np.abs(difference).max()))
    peak = float(reference.samples.max()) - float(reference.samples.min())
    results: dict[str, float | None] = {
        "psnr_db": _decibels(peak**2 * reference.samples.size, noise),
        "max_error": max_error,
    }
    if reference.depth == 1:
        results["iou"] = _overlap(reference, test)
    return results


def _blocks(reference: Signal, test: Signal) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield float64 samples of both, shape (N,), a block at a time."""
    first, second = reference.samples, test.samples
    if first.shape != second.shape:
        raise InputError(f"cannot compare shape {first.shape} with {second.shape}")
    first, second = first.reshape(-1), second.reshape(-1)
    for start in range(0, first.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        yield first[block].astype(np.float64), second[block].astype(np.float64)


def _decibels(signal: float, noise: float) -> float | None:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else None


def _overlap(reference: Signal, test: Signal) -> float:
    """Return the samples inside both over those inside either."""
    both = either = 0
    for x, y in _blocks(reference, test):
        both += int(np.count_nonzero((x >= 0.5) & (y >= 0.5)))
        either += int(np.count_nonzero((x >= 0.5) | (y >= 0.5)))
    return both / either if either else 1.0
