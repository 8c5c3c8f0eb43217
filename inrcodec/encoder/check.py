"""The encoder's check of itself: every file is decoded, and its quality measured, before use."""

import math

from inrcodec import decoder, metrics
from inrcodec.errors import EncodeError
from inrcodec.limits import Limits
from inrcodec.signals.signal import Signal

# The file is the encoder's own: no ceiling on what it may ask of its own decoder.
_NO_LIMITS = Limits(0, 0, 0, 0, 0, 0, 0)
# Differences between torch and NumPy, and quantised values in float32 instead of float64.
_AGREEMENT_DB = 0.1


def decoded_psnr(signal: Signal, data: bytes, fit_psnr_db: float) -> float:
    """PSNR in dB, over colour, of the decoded file; EncodeError if it is not what the fit had.

    Rounding to code values moves no sample by more than half of one, so it adds at most that to
    the root mean squared error.
    """
    psnr = metrics.psnr(signal, decoder.decode(data, limits=_NO_LIMITS))
    error = 10 ** (-fit_psnr_db / 20) + 0.5 / signal.peak
    least = -20 * math.log10(error) - _AGREEMENT_DB
    # With alpha, the fit counts it and the measure does not.
    if not signal.has_alpha and psnr < least:
        raise EncodeError(f"the file decodes to {psnr:.2f} dB, the fit promised {least:.2f} dB")
    return psnr
