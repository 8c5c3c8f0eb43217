"""The encoder's check of itself: every file is decoded, and its quality measured, before use."""

import math

from inrcodec import decoder, metrics
from inrcodec.errors import EncodeError
from inrcodec.limits import Limits
from inrcodec.signals.signal import Signal

# The file is the encoder's own: no ceiling on what it may ask of its own decoder.
_NO_LIMITS = Limits(0, 0, 0, 0, 0, 0, 0)
# The fit measures in float32 before rounding to code values, the decoder after it: they may
# differ by the rounding noise at high fidelity, and by nothing that a user could see below it.
_AGREEMENT_DB = 0.5


def decoded_psnr(signal: Signal, data: bytes, fit_psnr_db: float) -> float:
    """PSNR in dB, over colour, of the decoded file; EncodeError if it is not what the fit had."""
    psnr = metrics.psnr(signal, decoder.decode(data, limits=_NO_LIMITS))
    expected = -10 * math.log10(_rounded_error(10 ** (-fit_psnr_db / 10), signal))
    # With alpha, the fit counts it and the measure does not.
    if not signal.has_alpha and psnr < expected - _AGREEMENT_DB:
        raise EncodeError(f"the file decodes to {psnr:.2f} dB, the fit had {expected:.2f} dB")
    return psnr


def _rounded_error(error: float, signal: Signal) -> float:
    """Mean squared error (of 0..1) to expect once values are rounded to code values.

    On average 1/12 of a squared code value is added; by chance, in a picture of a few samples,
    up to half a code value on each.
    """
    chance = min(1.0, 4 / math.sqrt(signal.samples.size))
    code = 1 / signal.peak
    return error + (1 / 12 + chance / 6) * code**2 + chance * math.sqrt(error) * code
