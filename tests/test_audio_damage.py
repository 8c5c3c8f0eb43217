"""Sounds that are refused: damaged, cut short, too large, or of values that do not fit."""

import struct
from functools import partial

import damage
import numpy as np
import pytest
from sound_files import codes, read, saved, sound, tone, written

from inrcodec.errors import InputError
from inrcodec.signals import sizes
from inrcodec.signals.audio import read_audio

refused = partial(damage.refused, read)


def test_refused_files(tmp_path):
    refused(b"", "file is empty")
    refused(b"just text", "not audio, or damaged at its start")
    refused(b"RIFF\x04\0\0\0WAVE", "damaged audio: ")
    with pytest.raises(InputError, match="No such file"):
        read_audio(tmp_path / "missing.wav", "it")


def test_failing_stream():
    with pytest.raises(InputError, match="it: cannot be read: Input/output error"):
        read_audio(damage.BrokenStream(), "it")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value):
    samples = tone()
    samples[7, 1] = value
    refused(written(sound(samples, 32), "wav"), "NaN or infinite")
    samples[9] = -value
    refused(written(sound(samples, 32), "wav"), "NaN or infinite")


def test_doubles_beyond_the_range_of_float():
    refused(saved(np.full((4, 1), 1e300), "WAV", "DOUBLE"), "infinite")


def test_no_samples():
    refused(saved(np.zeros((0, 2)), "WAV", "PCM_16"), "audio of 0 x 2 has no samples")
    refused(saved(np.zeros((0, 2)), "OGG", "VORBIS"), "no samples|damaged")


def test_too_many_samples(monkeypatch):
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 99)
    data = saved(codes(16).astype(np.int16), "FLAC", "PCM_16")
    refused(data, "audio of 50 x 2 has 100 samples, above the limit of 99")
    unknown = bytearray(data)
    unknown[21] &= 0xF0
    unknown[22:26] = bytes(4)
    refused(bytes(unknown), "100 samples")


def test_too_many_channels():
    refused(saved(np.zeros((4, 65)), "WAV", "PCM_16"), "65 channels; at most 64")


def test_no_rate():
    data = bytearray(written(sound(tone()), "wav"))
    data[24:28] = bytes(4)
    refused(bytes(data), "damaged audio")


CUT = {
    "WAV": "PCM_16",
    "AIFF": "PCM_24",
    "AU": "PCM_16",
    "W64": "PCM_16",
    "RF64": "PCM_16",
    "FLAC": "PCM_16",
    "MP3": "MPEG_LAYER_III",
}


@pytest.mark.parametrize("container", CUT)
def test_cut_files_are_refused(container):
    data = saved(tone(2, 9000), container, CUT[container])
    for length in {1, 4, 8, 20, len(data) // 3, len(data) // 2, len(data) * 2 // 3}:
        refused(data[:length], ".")


@pytest.mark.parametrize(
    ("container", "subtype"),
    [*CUT.items(), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("CAF", "PCM_16"), ("WAV", "FLOAT")],
)
def test_changed_bytes_give_a_sound_or_an_input_error(container, subtype, capfd):
    data = saved(tone(2, 600), container, subtype)
    for changed in (*damage.changed(data, 30), *damage.changed(data, 30, seed=1, last=100)):
        signal = damage.read_or_refused(read, changed)
        assert signal is None or (signal.samples.ndim == 2 and signal.rate >= 1)
    if container != "MP3":  # libmpg123 prints what it finds, and offers no way to stop it
        assert capfd.readouterr() == ("", "")


def test_seeking_before_the_start_is_not_printed(capfd):
    data = bytearray(saved(tone(1, 100), "AIFF", "PCM_24"))
    for place in range(12, 60):
        for value in (0, 0x80, 0xFF):
            changed = bytes(data[:place]) + bytes([value]) + bytes(data[place + 1 :])
            try:
                read(changed)
            except InputError as error:
                assert str(error).startswith("it: ")
    assert capfd.readouterr() == ("", "")


def test_size_field_that_is_cut():
    refused(b"RF64" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE", "cut short")
