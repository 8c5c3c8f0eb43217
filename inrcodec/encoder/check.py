"""The encoder's check of itself: every file is decoded, and its quality measured, before use."""

import math
from dataclasses import dataclass

import numpy as np

from inrcodec import decoder
from inrcodec.comparison import Measures, compare_quickly
from inrcodec.errors import EncodeError
from inrcodec.limits import NO_LIMITS
from inrcodec.signals.signal import Signal

# Differences between torch and NumPy, and quantised values in float32 instead of float64.
_AGREEMENT_DB = 0.1
# Squared errors below this, of full scale, are float32's own.
_PRECISION = 1e-14


@dataclass(frozen=True)
class Checked:
    """What a file decodes to, measured: as its kind is, without SSIM, and as a fit is: `error`, the
    mean of squares in the units of the samples."""

    measures: Measures
    error: float


def checked(signal: Signal, data: bytes, promised: float) -> Checked:
    """Decode a file and measure it; EncodeError if it is not what the fit had.

    `promised`: the mean of squared errors that the fit had, in the units of the samples. Rounding
    to code values moves no sample by more than half of one, so it adds at most that to the root.
    """
    decoded = decoder.decode(data, limits=NO_LIMITS)
    measures = compare_quickly(signal, decoded)
    error = _error(signal, decoded, measures)
    rounding = 0.5 if signal.samples.dtype.kind in "iu" else 0.0
    least = _PRECISION * _peak(signal) ** 2
    most = (math.sqrt(max(promised, least) * _padding(signal)) + rounding) ** 2
    # With alpha, the fit counts it and the measure does not; a mask is cut at a half.
    if not signal.has_alpha and signal.depth > 1 and error > most * 10 ** (_AGREEMENT_DB / 10):
        psnr = psnr_of(measures)
        least_db = psnr + 10 * math.log10(error / most)
        raise EncodeError(f"the file decodes to {psnr:.2f} dB, the fit promised {least_db:.2f} dB")
    return Checked(measures, error)


def unit_error(psnr_db: float, ends: tuple[float, float]) -> float:
    """The mean of squares, in the units of the samples, of a PSNR over values of 0..1. `ends`: the
    samples that 0 and 1 stand for."""
    low, high = ends
    return 10 ** (-psnr_db / 10) * ((high - low) or 1.0) ** 2


def psnr_of(measures: Measures) -> float:
    """PSNR in dB, over colour, to reckon with; infinite for equal samples, and where there is none
    because the signal is constant."""
    psnr = measures["psnr_db"]
    return math.inf if psnr is None else psnr


# Values of a fit of 4:2:0 at each of its grid points.
_PLANES = {"psnr_y_db": 4, "psnr_u_db": 1, "psnr_v_db": 1}


def _error(signal: Signal, decoded: Signal, measures: Measures) -> float:
    """The mean of squared errors over the values that a fit has, in the units of the samples."""
    if signal.chroma is not None:
        errors = {key: 10 ** (-(measures[key] or 0.0) / 10) for key in _PLANES}
        return signal.peak**2 * sum(_PLANES[key] * errors[key] for key in _PLANES) / 6
    psnr = measures["psnr_db"]
    if psnr is None:  # a constant volume has none
        return float(np.square(signal.samples - decoded.samples, dtype=np.float64).mean())
    return _peak(signal) ** 2 * 10 ** (-psnr / 10)


def _peak(signal: Signal) -> float:
    """What the PSNR of a signal counts from, in the units of its samples."""
    if signal.kind == "audio":
        return 1.0
    if signal.kind == "volume":
        return float(signal.samples.max()) - float(signal.samples.min())
    return float(signal.peak)


def _padding(signal: Signal) -> float:
    """Luma of the fit over luma of the signal: odd sizes of 4:2:0 are padded."""
    return 1.0 if signal.chroma is None else 2 * signal.chroma.size / signal.samples.size
