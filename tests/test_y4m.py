"""YUV4MPEG2: what is read, what is refused, and the bytes that are written."""

import io
import tracemalloc
from fractions import Fraction
from functools import partial

import damage
import numpy as np
import pytest
from video_files import assert_same, ffmpeg, film, noise, random_video, read, smooth_rgb, written

from inrcodec.signals import Signal, sizes, y4m, yuv


def stream(fields, *frames):
    """A y4m file of these header fields and frames of raw bytes."""
    body = b"".join(b"FRAME\n" + frame for frame in frames)
    return f"YUV4MPEG2 {fields}\n".encode() + body


refused = partial(damage.refused, read)


def test_literal_file():
    signal = Signal(
        "video",
        np.array([[[[1], [2], [3]]]], np.uint8),
        rate=Fraction(24000, 1001),
        chroma=np.array([[[[4, 6], [5, 7]]]], np.uint8),
    )
    data = b"YUV4MPEG2 W3 H1 F24000:1001 Ip A0:0 C420jpeg\nFRAME\n" + bytes([1, 2, 3, 4, 5, 6, 7])
    assert written(signal, "y4m") == data
    assert_same(read(data), signal)


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1)])
@pytest.mark.parametrize("chroma", [False, True])
def test_planes_and_grey_come_back_exactly(chroma, size):
    height, width = size
    signal = random_video(height=height, width=width, chroma=chroma)
    assert_same(read(written(signal, "y4m")), signal)


@pytest.mark.parametrize("siting", ["", " C420", " C420jpeg", " C420mpeg2", " C420paldv"])
def test_sitings_of_chroma(siting):
    signal = read(stream(f"W2 H2{siting}", bytes(range(6))))
    assert signal.samples.ravel().tolist() == [0, 1, 2, 3]
    assert signal.chroma.ravel().tolist() == [4, 5]


def test_full_sampling_becomes_rgb_and_back():
    signal = Signal("video", smooth_rgb(height=6, width=9), rate=Fraction(10))
    data = written(signal, "y4m")
    assert b" C444\n" in data
    again = read(data)
    assert again.samples.shape == signal.samples.shape
    assert np.abs(again.samples.astype(int) - signal.samples).max() <= 3


@pytest.mark.parametrize("width", [4, 5])
def test_half_sampling_has_its_chroma_doubled(width):
    half = -(-width // 2)
    luma, chroma = noise(3, width), noise(2, 3, half, seed=1)
    signal = read(stream(f"W{width} H3 C422", luma.tobytes() + chroma.tobytes()))
    doubled = np.moveaxis(chroma, 0, -1)[:, np.arange(width) // 2]
    np.testing.assert_array_equal(signal.samples[0], yuv.rgb_of_yuv444(luma, doubled))
    assert signal.chroma is None


def test_full_range_is_brought_to_the_limited_one():
    data = stream("W2 H2 C420jpeg XCOLORRANGE=FULL", bytes([0, 255, 128, 1, 0, 255]))
    signal = read(data)
    assert signal.samples.ravel().tolist() == [16, 235, 126, 17]
    assert signal.chroma.ravel().tolist() == [16, 240]
    grey = read(stream("W2 H1 Cmono XCOLORRANGE=FULL", bytes([0, 255])))
    assert grey.samples.ravel().tolist() == [0, 255]


@pytest.mark.parametrize(
    ("field", "rate"),
    [
        ("F30000:1001", Fraction(30000, 1001)),
        ("F50:2", Fraction(25)),
        ("F0:0", Fraction(25)),
        ("Ip", Fraction(25)),
    ],
)
def test_rates(field, rate):
    assert read(stream(f"W1 H1 {field} Cmono", b"a")).rate == rate


def test_parameters_of_frames_and_unknown_fields_are_passed_over():
    data = b"YUV4MPEG2 W1 H1 Ip A128:117 Cmono XSOMETHING Z9\nFRAME Ip XNOTE\na"
    assert read(data).samples.ravel().tolist() == [ord("a")]


def test_files_of_another_writer(tmp_path):
    path = film(tmp_path / "film.y4m", "-pix_fmt", "yuv420p", size="7x5", rate="30000/1001")
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    frames = np.frombuffer(raw, np.uint8).reshape(4, 35 + 2 * 12)
    signal = read(path.read_bytes())
    assert signal.rate == Fraction(30000, 1001)
    np.testing.assert_array_equal(signal.samples.reshape(4, -1), frames[:, :35])
    planes = np.moveaxis(signal.chroma, -1, 1)
    np.testing.assert_array_equal(planes.reshape(4, -1), frames[:, 35:])


def test_files_that_another_reader_takes(tmp_path):
    signal = random_video(height=4, width=6, chroma=True)
    path = tmp_path / "film.y4m"
    path.write_bytes(written(signal, "y4m"))
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-")
    frames = np.frombuffer(raw, np.uint8).reshape(3, 36)
    np.testing.assert_array_equal(frames[:, :24], signal.samples.reshape(3, -1))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("W2 H2 It", "interlaced"),
        ("W2 H2 Im", "interlaced"),
        ("W2 H2 C420p10", "samples of 10 bits"),
        ("W2 H2 C444p12 XYSCSS=444P12", "samples of 12 bits"),
        ("W2 H2 Cmono16", "samples of 16 bits"),
        ("W2 H2 C411", "chroma sampling '411' is not supported"),
        ("W2 H2 C444alpha", "chroma sampling '444alpha'"),
        ("H2", "no valid W"),
        ("W2 H-2", "no valid H"),
        ("W2 H99999999", "no valid H"),
        ("W2 H2 F30", "no valid F"),
        ("W2 H2 Fa:b", "no valid F"),
        ("W0 H2", "no samples"),
        ("W99999 H99999", "above the limit"),
        ("W2 H2", "no frames"),
    ],
)
def test_refused_headers(fields, reason):
    refused(stream(fields), reason)


def test_refused_starts():
    refused(b"YUV4MPEG2", "header is not one of YUV4MPEG2")
    refused(b"YUV4MPEG2 W2 H2", "header is not one of YUV4MPEG2")
    refused(b"YUV4MPEG2X W2 H2\n", "header is not one of YUV4MPEG2")


def test_damaged_and_short_frames_are_named():
    frame = bytes(6)
    whole = stream("W2 H2", frame, frame)
    refused(whole[:-1], "frame 2 is cut short: 5 of 6 bytes")
    refused(whole[:-6], "frame 2 is cut short: 0 of 6 bytes")
    refused(whole[:-8], "frame 2 does not begin with FRAME")
    refused(whole + b"FRAMES\n" + frame, "frame 3 does not begin with FRAME")
    refused(whole + b"\n", "frame 3 does not begin with FRAME")


def test_changed_bytes_give_a_video_or_an_input_error(monkeypatch):
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 2**16)  # some changes make the frames much larger
    data = written(random_video(chroma=True), "y4m")
    for changed in damage.changed(data, 200, first=len(y4m.SIGNATURE), last=60):
        signal = damage.read_or_refused(read, changed)
        assert signal is None or signal.samples.ndim == 4


def test_too_many_samples(monkeypatch):
    data = written(random_video(frames=2, height=4, width=4, chroma=True), "y4m")
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 48)
    assert read(data).shape == (2, 4, 4)
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 47)
    refused(data, "frame 2 takes the video above the limit of 47 samples")


def test_memory_stays_near_the_samples():
    data = stream("W64 H64 C420", *[bytes(64 * 96)] * 300)
    tracemalloc.start()
    signal = y4m.read(io.BytesIO(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.3 * (signal.samples.size + signal.chroma.size)
