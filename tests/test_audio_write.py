"""Sounds written, and read back."""

import io
import time

import numpy as np
import pytest
import soundfile
from sound_files import codes, read, saved, sound, tone, written

from inrcodec.errors import OptionError, OutputError
from inrcodec.signals.audio import AUDIO_FORMATS, write_audio


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("format_name", ["wav", "flac", "aiff"])
def test_integers_make_the_round_trip(format_name, channels, bits):
    signal = sound(codes(bits, channels) / 2 ** (bits - 1), bits, 44100)
    result = read(written(signal, format_name))
    assert (result.bits, result.rate) == (bits, 44100)
    np.testing.assert_array_equal(result.samples, signal.samples)


@pytest.mark.parametrize("channels", [1, 3])
def test_float_wav_makes_the_round_trip(channels):
    samples = np.random.default_rng(0).normal(0, 2, (33, channels)).astype(np.float32)
    data = written(sound(samples, 32), "wav")
    assert read(data).bits == 32
    np.testing.assert_array_equal(read(data).samples, samples)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.subtype, file.samplerate) == ("WAV", "FLOAT", 8000)


def test_array():
    samples = tone(3, 20) * 4
    array = np.load(io.BytesIO(written(sound(samples, rate=1 / 3), "npy")))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, samples)


def test_vorbis_is_near():
    result = read(written(sound(tone(), 32), "ogg"))
    assert result.samples.shape == (2400, 2)
    assert np.abs(result.samples - tone()).max() < 0.03


def test_rounding_and_clipping():
    values = np.array([0, 0.4, 0.5, -0.5, -0.51, 1.5, 32767, 32767.5, 40000, -32768, -40000])
    signal = sound(values[:, None] / 32768)
    result = read(written(signal, "wav")).samples[:, 0] * 32768
    assert result.tolist() == [0, 0, 1, 0, -1, 2, 32767, 32767, 32767, -32768, -32768]
    result = read(written(signal, "wav", depth=24)).samples[:, 0] * 2**23
    assert result[[1, 7, 8, 10]].tolist() == [102, 32767.5 * 256, 2**23 - 1, -(2**23)]
    beyond = read(written(signal, "wav", depth=32)).samples
    np.testing.assert_array_equal(beyond, signal.samples)


def test_depth_that_is_written():
    """What was asked for, else the signal's own, else the deepest that the format has."""
    for bits, format_name, expected in (
        (32, "flac", 24),
        (32, "aiff", 24),
        (24, "ogg", 16),
        (16, "flac", 16),
        (24, "wav", 24),
    ):
        assert read(written(sound(tone(), bits), format_name)).bits == expected
    assert read(written(sound(tone(), 32), "wav", depth=16)).bits == 16
    for format_name, depth, reason in (
        ("flac", 32, "flac holds 16 or 24 bits per sample, not 32"),
        ("npy", 16, "npy holds 32 bits per sample, not 16"),
        ("wav", 8, "not 8"),
    ):
        with pytest.raises(OptionError, match=reason):
            written(sound(tone()), format_name, depth=depth)


@pytest.mark.parametrize(
    ("format_name", "rate", "reason"),
    [
        ("wav", 44100.5, "wav holds rates in whole Hz, not 88201/2"),
        ("flac", 655360, "flac holds rates up to 655350 Hz, not 655360"),
        ("flac", 65537, "flac holds rates above 65535 Hz in tens of Hz, not 65537"),
        ("ogg", 200001, "ogg holds rates up to 200000 Hz, not 200001"),
        ("aiff", 0, "whole Hz, not 0"),
        ("aiff", 2**30, "aiff holds rates up to"),
    ],
)
def test_rates_that_do_not_fit(format_name, rate, reason):
    with pytest.raises(OptionError, match=reason):
        written(sound(tone(), rate=rate), format_name)


@pytest.mark.parametrize(
    ("format_name", "rate"),
    [
        *[(format_name, 1) for format_name in ("wav", "flac", "ogg", "aiff")],
        *[("wav", 2**31 - 1), ("flac", 655350), ("flac", 65535), ("ogg", 200000)],
        ("aiff", 2**30 - 1),
    ],
)
@pytest.mark.parametrize("depth", [None, 24])
def test_extreme_rates(format_name, rate, depth):
    if depth in (None, *AUDIO_FORMATS[format_name].depths):
        assert read(written(sound(tone(2, 64), rate=rate), format_name, depth=depth)).rate == rate


def test_channels_that_do_not_fit():
    with pytest.raises(OptionError, match="flac holds 8 channels, not 9"):
        written(sound(tone(9)), "flac")


def test_bytes_depend_on_the_samples_alone():
    signal = sound(tone(2, 600))
    wanted = [(kind, depth) for kind in AUDIO_FORMATS for depth in AUDIO_FORMATS[kind].depths]
    first = [written(signal, kind, depth=depth) for kind, depth in wanted]
    time.sleep(1 - time.time() % 1)  # until the next second, which a file could tell
    assert [written(signal, kind, depth=depth) for kind, depth in wanted] == first


def test_long_vorbis_does_not_end_the_program():
    samples = np.zeros((2**20, 2), np.float32)
    assert len(read(written(sound(samples, rate=200000), "ogg")).samples) == 2**20


def test_format_from_the_suffix():
    for name, start in (("a.WAV", b"RIFF"), ("a.b.flac", b"fLaC"), ("a.oga", b"OggS")):
        file = io.BytesIO()
        write_audio(sound(tone()), file, name)
        assert file.getvalue().startswith(start)
    assert written(sound(tone()), "AIF").startswith(b"FORM")
    with pytest.raises(OptionError, match="cannot write audio as 'mp3'; formats: wav, flac"):
        written(sound(tone()), "mp3")
    with pytest.raises(OptionError, match=r"cannot write audio as 'xyz'"):
        write_audio(sound(tone()), io.BytesIO(), "a.xyz")
    with pytest.raises(OptionError, match="a: no suffix says how to write audio; formats: wav"):
        write_audio(sound(tone()), io.BytesIO(), "a")


def test_failures_are_output_errors(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="it: cannot be written: No space left"):
        write_audio(sound(tone()), Full(), "it", "wav")

    def broken(*arguments, **options):
        raise soundfile.LibsndfileError(1)

    monkeypatch.setattr(soundfile, "SoundFile", broken)
    with pytest.raises(OutputError, match="it: cannot be made a flac: "):
        written(sound(tone()), "flac")


def test_soundfile_reads_the_same():
    data = written(sound(tone()), "wav")
    expected = saved(tone(), "WAV", "PCM_16")
    assert np.abs(read(data).samples - read(expected).samples).max() <= 1 / 32768
