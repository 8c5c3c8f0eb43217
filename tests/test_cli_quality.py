"""What commands say of the quality that a fit came to."""

import math

import pytest

from inrcodec.cli.fitting import quality_in_words


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ({"psnr_db": 31.416}, "31.42 dB"),
        ({"psnr_db": None}, "constant"),
        ({"psnr_db": math.inf}, "equal"),
        ({"psnr_db": 40.0, "snr_db": 12.3}, "SNR 12.30 dB"),
        ({"psnr_db": math.inf, "snr_db": math.inf}, "equal"),
        ({"psnr_db": 45.07, "max_error": 0.097954}, "45.07 dB, errors up to 0.098"),
        ({"psnr_db": 45.07, "max_error": 1.0, "iou": 0.98712}, "IoU 0.9871"),
    ],
)
def test_quality_in_words(measures, words):
    assert quality_in_words(measures) == words
