"""Sounds of every format become samples."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from sound_files import codes, read, saved, tone

from inrcodec.signals.audio import is_audio, read_audio

FILES = [
    *[(kind, "PCM_16") for kind in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64")],
    *[(kind, "PCM_16") for kind in ("NIST", "PVF", "AVR", "PAF", "IRCAM")],
    *[(kind, "PCM_24") for kind in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64")],
    ("CAF", "ALAC_16"),
]


@pytest.mark.parametrize(("container", "subtype"), FILES)
def test_integers_are_scaled_exactly(container, subtype):
    bits = int(subtype[-2:])
    expected = codes(bits)
    # soundfile takes the upper bits of int16 and int32
    data = saved(
        expected.astype(np.int16) if bits == 16 else expected.astype(np.int32) << 8,
        container,
        subtype,
    )
    assert is_audio(data)
    signal = read(data)
    assert (signal.kind, signal.bits, signal.rate) == ("audio", bits, Fraction(8000))
    assert signal.samples.dtype == np.float32
    np.testing.assert_array_equal(signal.samples.astype(float) * 2 ** (bits - 1), expected)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_U8"), ("AIFF", "PCM_S8")])
def test_eight_bits_count_as_sixteen(container, subtype):
    expected = codes(8)
    signal = read(saved((expected << 8).astype(np.int16), container, subtype))
    assert signal.bits == 16
    np.testing.assert_array_equal(signal.samples * 128, expected)


def test_deep_apple_lossless():
    expected = np.rint(tone().astype(float) * 2**23).astype(np.int32)
    signal = read(saved(expected << 8, "CAF", "ALAC_24"))  # noise would meet a bug of libsndfile
    assert signal.bits == 24
    np.testing.assert_array_equal(signal.samples * 2**23, expected)


def test_thirty_two_bit_integers_become_the_nearest_float():
    expected = codes(32)
    signal = read(saved(expected.astype(np.int32), "WAV", "PCM_32"))
    assert signal.bits == 24
    np.testing.assert_array_equal(signal.samples, (expected / 2**31).astype(np.float32))


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("container", ["WAV", "AIFF"])
def test_floats_stay_beyond_full_scale_too(container, subtype):
    expected = np.random.default_rng(0).normal(0, 2, (40, 3)).astype(np.float32)
    signal = read(saved(expected, container, subtype, rate=44100))
    assert (signal.bits, signal.rate) == (32, 44100)
    np.testing.assert_array_equal(signal.samples, expected)


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
)
def test_lossy_files_are_near(container, subtype):
    data = saved(tone(), container, subtype, compression_level=0.0)
    signal = read(data)
    assert is_audio(data)
    assert (signal.bits, signal.shape, signal.channels) == (16, (2400,), 2)
    assert np.abs(signal.samples - tone()).max() < 0.05


def test_old_lossy_codes():
    for subtype in ("ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM"):
        signal = read(saved(tone(1, 2000), "WAV", subtype))
        assert signal.bits == 16
        assert np.abs(signal.samples[:2000] - tone(1, 2000)).mean() < 0.05


@pytest.mark.parametrize("container", ["SVX", "VOC", "WVE"])
def test_formats_of_one_channel(container):
    data = saved(tone(1), container, "ALAW" if container == "WVE" else "PCM_16")
    assert is_audio(data)
    assert np.abs(read(data).samples - tone(1)).max() < 0.05


def test_big_endian_files():
    for container in ("WAV", "AU"):
        data = saved(codes(16).astype(np.int16), container, "PCM_16", endian="BIG")
        assert data[:4] in (b"RIFX", b".snd")
        np.testing.assert_array_equal(read(data).samples * 32768, codes(16))
    little = saved(codes(16).astype(np.int16), "AU", "PCM_16", endian="LITTLE")
    np.testing.assert_array_equal(read(little).samples * 32768, codes(16))


def test_sixty_four_channels():
    data = saved(codes(16, 64).astype(np.int16), "WAV", "PCM_16")
    np.testing.assert_array_equal(read(data).samples * 32768, codes(16, 64))


def test_what_is_not_audio():
    webp = io.BytesIO()
    Image.new("RGB", (4, 4)).save(webp, "WEBP")
    video = b"OggS\0\2" + bytes(20) + b"\1\x2a\x80theora"
    for data in (b"", b"RIFF", b"\xff\xfe", "text".encode("utf-16"), b"\xff\xd8\xff\xe0", video):
        assert not is_audio(data)
    assert not is_audio(webp.getvalue())
    assert not is_audio(b"FORM\0\0\0\4ILBM")
    assert not is_audio(b"just text")


def test_file_written_to_a_pipe():
    flac = bytearray(saved(codes(16).astype(np.int16), "FLAC", "PCM_16"))
    flac[21] &= 0xF0  # the 36 bits that count the frames
    flac[22:26] = bytes(4)
    wav = bytearray(saved(codes(16).astype(np.int16), "WAV", "PCM_16"))
    wav[4:8] = wav[40:44] = b"\xff" * 4
    for data in (flac, wav):
        np.testing.assert_array_equal(read(bytes(data)).samples * 32768, codes(16))


def test_missing_padding_at_the_end():
    data = saved(codes(24, 1, 9).astype(np.int32) << 8, "WAV", "PCM_24")
    assert len(data) % 2 == 0
    np.testing.assert_array_equal(read(data[:-1]).samples[:, 0] * 2**23, codes(24, 1, 9)[:, 0])


def test_content_counts_and_not_the_suffix(tmp_path):
    path = tmp_path / "wrong.mp3"
    path.write_bytes(saved(codes(16).astype(np.int16), "WAV", "PCM_16"))
    np.testing.assert_array_equal(read_audio(path, "it").samples * 32768, codes(16))
