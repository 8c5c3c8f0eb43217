"""Animated pictures become videos."""

import io
import struct
from fractions import Fraction

import damage
import numpy as np
import pytest
from PIL import Image
from video_files import noise, read

from inrcodec.errors import InputError
from inrcodec.signals import frame_rate, sizes


def animation(frames, format_name, **options):
    """An animated picture of arrays (H, W, 3 or 4) uint8."""
    file = io.BytesIO()
    first, *rest = map(Image.fromarray, frames)
    if format_name == "WEBP":
        options |= {"lossless": True, "exact": True}
    first.save(file, format_name, save_all=True, append_images=rest, **options)
    return file.getvalue()


@pytest.mark.parametrize("format_name", ["PNG", "WEBP"])
def test_frames_are_exact(format_name):
    frames = noise(4, 5, 7, 3)
    signal = read(animation(frames, format_name, duration=40))
    assert (signal.kind, signal.rate, signal.chroma) == ("video", 25, None)
    np.testing.assert_array_equal(signal.samples, frames)


def test_frames_of_a_gif():
    colours = np.array([[255, 0, 0], [0, 255, 0], [9, 8, 7]], np.uint8)
    frames = colours[np.random.default_rng(0).integers(0, 3, (4, 5, 7))]
    signal = read(animation(frames, "GIF", duration=50))
    assert signal.rate == 20
    np.testing.assert_array_equal(signal.samples, frames)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "GIF"])
def test_grey_if_all_are(format_name):
    grey = np.repeat(noise(3, 5, 7, 1), 3, axis=3)
    signal = read(animation(grey, format_name))
    np.testing.assert_array_equal(signal.samples, grey[..., :1])
    grey[2, 4, 6] = (1, 2, 3)
    assert read(animation(grey, "PNG")).channels == 3


def test_what_is_transparent_shows_black():
    frames = noise(2, 5, 7, 4)
    frames[:, 0, 0, 3], frames[:, 0, 1, 3] = 0, 255
    signal = read(animation(frames, "PNG", blend=0))
    expected = np.rint(frames[..., :3] * (frames[..., 3:] / 255))
    assert np.abs(signal.samples - expected).max() <= 1
    assert not signal.samples[:, 0, 0].any()
    np.testing.assert_array_equal(signal.samples[:, 0, 1], frames[:, 0, 1, :3])


def test_rate_is_that_of_the_mean_duration():
    frames = noise(3, 5, 7, 3)
    assert read(animation(frames, "PNG", duration=[10, 20, 70])).rate == 30
    assert read(animation(frames, "PNG", duration=0)).rate == 10


def test_picture_that_is_not_of_the_animation():
    frames = noise(3, 5, 7, 3)
    signal = read(animation(frames, "PNG", default_image=True))
    np.testing.assert_array_equal(signal.samples, frames[1:])


def test_single_picture_is_a_video_of_one_frame():
    frames = noise(1, 5, 7, 3)
    signal = read(animation(frames, "PNG"))
    np.testing.assert_array_equal(signal.samples, frames)


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_cut_animations_are_refused(format_name, capfd):
    data = animation(noise(4, 15, 17, 3), format_name)
    for length in (8, 20, len(data) // 2, len(data) * 2 // 3):
        with pytest.raises(InputError, match=r"^it: .*damaged") as caught:
            read(data[:length])
        assert "\n" not in str(caught.value) and "BytesIO" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_changed_bytes_give_a_video_or_an_input_error(format_name, capfd, monkeypatch):
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 2**16)  # some changes make a picture much larger
    data = animation(noise(3, 9, 11, 3), format_name)
    for changed in damage.changed(data, 80, seed=2):
        signal = damage.read_or_refused(read, changed)
        assert signal is None or signal.samples.ndim == 4
    assert capfd.readouterr() == ("", "")


def test_frames_larger_than_the_picture_are_refused():
    data = animation(noise(2, 9, 11, 3), "GIF")
    place = data.rindex(struct.pack("<c4H", b",", 0, 0, 11, 9)) + 5
    for side in (12, 60000):
        changed = data[:place] + struct.pack("<H", side) + data[place + 2 :]
        with pytest.raises(InputError, match="it: frame 2 is damaged: it is larger"):
            read(changed)


def test_too_many_samples(monkeypatch):
    data = animation(noise(3, 5, 7, 3), "PNG")
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 5 * 7 * 3 * 2)
    with pytest.raises(InputError, match="it: video of 3 frames of 7 x 5 x 3 is above"):
        read(data)
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 5 * 7 * 3 - 1)
    with pytest.raises(InputError, match="it: picture of 7 x 5 x 3 has 105 samples"):
        read(data)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("29.97", Fraction(30000, 1001)),
        ("29.97063", Fraction(30000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("14.985", Fraction(15000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("25.001", Fraction(25)),
        ("240", Fraction(240)),
        ("12.5", Fraction(25, 2)),
        ("29.9", Fraction(299, 10)),
        ("0.25", Fraction(1, 4)),
        ("0.000001", Fraction(1, 100_000)),
        ("0", Fraction(25)),
    ],
)
def test_snapping(rate, expected):
    assert frame_rate.snapped(Fraction(rate)) == expected
    assert frame_rate.snapped(expected) == expected


def test_exact_durations_in_floats():
    assert frame_rate.of_durations([1001 / 30] * 7) == Fraction(30000, 1001)
    assert frame_rate.of_durations([80.0] * 3) == Fraction(25, 2)
