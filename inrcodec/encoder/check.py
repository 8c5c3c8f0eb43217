"""The encoder's check of itself: every file is decoded, and its quality measured, before use."""

import math

from inrcodec import decoder
from inrcodec.comparison import Measures, compare_quickly
from inrcodec.encoder.describe import sample_range
from inrcodec.errors import EncodeError
from inrcodec.limits import Limits
from inrcodec.signals.signal import Signal

# The file is the encoder's own: no ceiling on what it may ask of its own decoder.
_NO_LIMITS = Limits(0, 0, 0, 0, 0, 0, 0)
# Differences between torch and NumPy, and quantised values in float32 instead of float64.
_AGREEMENT_DB = 0.1


def decoded_measures(signal: Signal, data: bytes, fit_psnr_db: float) -> Measures:
    """Measures of the decoded file, as its kind has them and SSIM left out; EncodeError if its PSNR
    is not what the fit had.

    `fit_psnr_db`: over values of 0..1. Rounding to code values moves no sample by more than half of
    one, so it adds at most that to the root mean squared error.
    """
    measures = compare_quickly(signal, decoder.decode(data, limits=_NO_LIMITS))
    psnr = psnr_of(measures)
    low, high = sample_range(signal)
    rounding = 0.5 / ((high - low) or 1.0) if signal.samples.dtype.kind in "iu" else 0.0
    error = 10 ** (-fit_psnr_db / 20) + rounding
    least = full_scale_db(signal) - 20 * math.log10(error) - _AGREEMENT_DB
    # With alpha, the fit counts it and the measure does not; a mask is cut at a half.
    if not signal.has_alpha and signal.depth > 1 and psnr < least:
        raise EncodeError(f"the file decodes to {psnr:.2f} dB, the fit promised {least:.2f} dB")
    return measures


def psnr_of(measures: Measures) -> float:
    """PSNR in dB, over colour, to reckon with; infinite for equal samples, and where there is none
    because the signal is constant."""
    psnr = measures["psnr_db"]
    return math.inf if psnr is None else psnr


def full_scale_db(signal: Signal) -> float:
    """What PSNR over values of 0..1 has to be raised by: that of a sound counts from full scale."""
    if signal.kind != "audio":
        return 0.0
    low, high = sample_range(signal)
    return -20 * math.log10(high - low)
