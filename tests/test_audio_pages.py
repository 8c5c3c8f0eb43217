"""What this code itself reads of MP3 frames and of Ogg pages."""

import numpy as np
import pytest
from sound_files import read, saved, tone

from inrcodec.errors import InputError
from inrcodec.signals import mpeg_audio, ogg_pages


def mp3(channels, rate, mode):
    """A file that begins with noise and ends in silence, and where its second frame begins."""
    samples = tone(channels, 9000, rate)
    samples[:3000] = np.random.default_rng(0).normal(0, 0.2, (3000, channels))
    samples[6000:] = 0
    data = saved(samples, "MP3", "MPEG_LAYER_III", rate, bitrate_mode=mode, compression_level=0.4)
    return data, mpeg_audio._frame_size(data, 0)


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize(("channels", "rate"), [(1, 44100), (2, 32000), (1, 22050), (2, 8000)])
def test_mp3_without_a_length_is_read_to_its_end(channels, rate, mode):
    data, second = mp3(channels, rate, mode)
    whole = read(data).samples
    assert len(whole) == 9000
    tag = b"ID3\4\0\0\0\0\1\1" + bytes(129)
    for bare in (data[second:], data[second:] + b"TAG" + bytes(125), tag + data[second:]):
        assert mpeg_audio.with_length(bare) != bare
        samples = read(bare).samples
        # the length tag also says how much silence the encoder put before and after
        frame = 1152 if rate >= 32000 else 576
        assert 9000 <= len(samples) <= 9000 + 4 * frame
        delays = range(len(samples) - 9000 + 1)
        assert min(np.abs(samples[d : d + 9000] - whole).max() for d in delays) < 1e-3
    assert mpeg_audio.with_length(tag + data) == tag + data
    assert len(read(tag + data).samples) == 9000


def test_mp3_whose_last_frame_is_cut():
    data, second = mp3(2, 44100, "VARIABLE")
    assert len(read(data[second:-9]).samples) < len(read(data[second:]).samples)


def test_mp3_with_a_gap():
    data, second = mp3(2, 44100, "CONSTANT")
    third = second + mpeg_audio._frame_size(data, second)
    with pytest.raises(InputError, match=f"it: no MPEG audio frame at byte {third - second}"):
        read(data[second:third] + b"gap" + data[third:])


def test_other_data_stay_as_they_are():
    layer_2 = b"\xff\xfd\x84\0" + bytes(400)
    for data in (b"", b"ID3", b"fLaC", b"ID3\4\0\0\0\0\0\1\0\0fLaC", layer_2):
        assert mpeg_audio.with_length(data) == data
    assert mpeg_audio.is_frame(layer_2)


def test_frame_headers():
    assert mpeg_audio.is_frame(b"\xff\xfb\x90\0")
    for header in (
        b"\xff\xfb\x90",  # three bytes
        b"\xfe\xfb\x90\0",
        b"\xff\xdb\x90\0",
        b"\xff\xeb\x90\0",  # no version
        b"\xff\xff\x90\0",  # layer I
        b"\xff\xf9\x90\0",  # no layer: AAC
        b"\xff\xfb\x00\0",  # free bit rate
        b"\xff\xfb\xf0\0",
        b"\xff\xfb\x9c\0",  # no rate
    ):
        assert not mpeg_audio.is_frame(header)


def slow_checksum(page):
    """RFC 3533: the polynomial 0x04c11db7, bit by bit."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def test_checksum_is_the_rfc_s():
    page = np.random.default_rng(0).bytes(70)
    assert ogg_pages.checksum(page) == slow_checksum(page)


def test_serial_number_alone_is_changed():
    data = saved(tone(), "OGG", "VORBIS")
    changed = ogg_pages.with_serial(data, 7)
    np.testing.assert_array_equal(read(changed).samples, read(data).samples)
    original = int.from_bytes(data[14:18], "little")
    assert changed[14:18] == b"\7\0\0\0"
    assert ogg_pages.with_serial(changed, original) == data


def test_pages_that_are_none():
    data = saved(tone(), "OGG", "VORBIS")
    with pytest.raises(ValueError, match="no Ogg page at byte 0"):
        ogg_pages.with_serial(b"RIFF" + data, 0)
    for length in (20, 27, 40, len(data) - 1):
        with pytest.raises(ValueError, match="Ogg page"):
            ogg_pages.with_serial(data[:length], 0)
