"""The encoder's check of its own files: every kind of signal passes, and what is wrong does not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sound_files import sound, tone
from video_files import random_video, smooth_video

from inrcodec import decoder
from inrcodec.encoder import encode_signal
from inrcodec.encoder.check import checked, psnr_of, unit_error
from inrcodec.errors import EncodeError
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal

RAMP = np.add.outer(np.arange(12.0), np.random.default_rng(0).normal(0, 0.1, (5, 4)))[..., None]
RAMP[:6] = 0  # a constant segment
QUIET = tone(frames=600)
QUIET[:300] *= 0.01

# signal, representation, samples or frames of a segment
SIGNALS = {
    "quiet sound": (sound(0.01 * tone(frames=1600)), "spectrum", None),
    "sound with a quiet segment": (sound(QUIET), "asmr", 300),
    "volume with a constant segment": (Signal("volume", RAMP.astype(np.float32)), "asmr", 6),
    "volume of whole numbers": (Signal("volume", np.rint(3 * RAMP).astype(np.int16)), "asmr", 6),
    "film in segments": (smooth_video(frames=8, height=8, width=12), "asmr", 4),
    "film of an odd size": (random_video(height=5, width=7, chroma=True), "asmr", None),
    "film in RGB": (random_video(3), "asmr", None),
}


@pytest.mark.parametrize("what", SIGNALS)
def test_the_encoder_agrees_with_itself(what):
    signal, kind, segment = SIGNALS[what]
    settings = {"steps": "30"} | ({"segment": str(segment)} if segment else {})
    if kind == "asmr":  # as large as it comes: no rounds to fill a budget
        settings |= {"width": "8", "levels": "64"}
    size = 900 if kind == "spectrum" else None
    options = EncodeOptions(size=size, repr=kind, effort=1, threads=1, settings=settings)
    made = encode_signal(signal, options)
    found = checked(signal, made.data, math.inf)
    assert made.measures == found.measures
    assert made.psnr_db == psnr_of(found.measures)
    decoded = decoder.decode(made.data)
    if signal.chroma is None:
        error = np.square(signal.samples.astype(float) - decoded.samples).mean()
        assert found.error == pytest.approx(error)


def test_another_signal_does_not_pass():
    signal = sound(tone(frames=800))
    settings = {"steps": "5"}
    data = encode_signal(signal, EncodeOptions(size=1000, threads=1, settings=settings)).data
    error = checked(signal, data, math.inf).error
    assert checked(signal, data, error).error == error
    with pytest.raises(EncodeError, match="the fit promised"):
        checked(replace(signal, samples=-signal.samples), data, error)


def test_errors_of_values_in_the_units_of_samples():
    assert unit_error(20.0, (-1.0, 1.0)) == pytest.approx(0.04)
    assert unit_error(20.0, (3.0, 3.0)) == pytest.approx(0.01)
