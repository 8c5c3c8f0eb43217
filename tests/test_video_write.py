"""Videos are written to streams in every format, and come back."""

import io
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from video_files import (
    NTSC,
    ffmpeg,
    noise,
    random_video,
    read,
    smooth_rgb,
    smooth_video,
    written,
    yuv420_of,
)

from inrcodec.errors import OptionError, OutputError
from inrcodec.signals import Signal, yuv
from inrcodec.signals.video import write_video
from inrcodec.video_metrics import video_metrics


def videos():
    """One video of each kind: grey, RGB, 4:2:0."""
    luma = smooth_video()
    return {
        "grey": Signal("video", luma.samples, rate=NTSC),
        "RGB": Signal("video", smooth_rgb(), rate=NTSC),
        "4:2:0": luma,
    }


@pytest.mark.parametrize("format_name", ["y4m", "mp4", "gif", "npy"])
@pytest.mark.parametrize("kind", ["grey", "RGB", "4:2:0"])
def test_same_video_same_bytes(kind, format_name):
    signal = videos()[kind]
    assert written(signal, format_name) == written(signal, format_name)


@pytest.mark.parametrize("kind", ["grey", "RGB", "4:2:0"])
def test_mp4_is_near_lossless(kind):
    signal = videos()[kind]
    again = read(written(signal, "mp4"))
    assert again.rate == signal.rate
    assert again.chroma is not None
    # colours that are halved before they are coded are what is lost of RGB
    assert video_metrics(signal, again)["psnr_db"] > (39 if kind == "RGB" else 47)


@pytest.mark.parametrize("size", [(23, 31), (24, 31), (23, 32), (1, 1), (2, 2)])
@pytest.mark.parametrize("with_planes", [False, True])
def test_mp4_of_odd_sizes_keeps_its_size(size, with_planes):
    rgb = smooth_rgb(height=size[0], width=size[1])
    signal = Signal("video", rgb, rate=Fraction(25))
    if with_planes:
        luma, chroma = yuv420_of(rgb)
        signal = Signal("video", luma, rate=Fraction(25), chroma=chroma)
    again = read(written(signal, "mp4"))
    assert again.shape == signal.shape
    assert video_metrics(signal, again)["psnr_db"] > (33 if size == (2, 2) else 39)


@pytest.mark.parametrize(("height", "matrix"), [(24, "smpte170m"), (720, "bt709")])
def test_mp4_says_which_colours_it_has(tmp_path, height, matrix):
    luma, chroma = yuv420_of(smooth_rgb(frames=1, height=height, width=16))
    path = tmp_path / "film.mp4"
    path.write_bytes(written(Signal("video", luma, rate=NTSC, chroma=chroma), "mp4"))
    said = ffmpeg("-i", path, "-vf", "showinfo", "-loglevel", "info", "-f", "null", "-", both=True)
    assert f"color_range:tv color_space:{matrix}".encode() in said


def test_mp4_of_a_film_of_one_frame_without_a_rate():
    signal = Signal("video", noise(1, 16, 16, 1))
    assert read(written(signal, "mp4")).rate == 25


def test_grey_gif_is_exact():
    signal = random_video(height=16, width=20, rate=Fraction(20))
    again = read(written(signal, "gif"))
    assert again.rate == 20
    np.testing.assert_array_equal(again.samples, signal.samples)


@pytest.mark.parametrize("kind", ["RGB", "4:2:0"])
def test_colours_of_a_gif_are_near(kind):
    signal = videos()[kind]
    again = read(written(signal, "gif"))
    assert video_metrics(signal, again)["psnr_db"] > 30


def durations(data):
    with Image.open(io.BytesIO(data)) as picture:
        for index in range(picture.n_frames):
            picture.seek(index)
            yield picture.info["duration"]


def test_durations_of_a_gif_add_up():
    told = list(durations(written(random_video(frames=30, rate=NTSC), "gif")))
    assert set(told) == {30, 40}
    assert sum(told) == 1000
    fast = random_video(frames=5, rate=Fraction(100))
    assert list(durations(written(fast, "gif"))) == [20] * 5
    assert list(durations(written(random_video(frames=2, rate=None), "gif"))) == [40, 40]


@pytest.mark.parametrize("kind", ["grey", "RGB", "4:2:0"])
def test_arrays(kind):
    signal = videos()[kind]
    expected = signal.samples if kind == "grey" else yuv.rgb_of(signal)
    file = io.BytesIO()
    np.save(file, expected)
    assert written(signal, "npy") == file.getvalue()


def test_format_by_the_name():
    file = io.BytesIO()
    write_video(random_video(), file, "film.y4m")
    assert file.getvalue().startswith(b"YUV4MPEG2")


def test_refused_formats():
    with pytest.raises(OptionError, match=r"png is a folder of frames.*: y4m, mp4, gif, npy"):
        written(random_video(), "png")
    with pytest.raises(OptionError, match="cannot write a video as 'webm'"):
        written(random_video(), "webm")


@pytest.mark.parametrize("format_name", ["y4m", "gif", "npy", "mp4"])
def test_streams_that_fail(format_name):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="it: cannot be written: No space left on device"):
        write_video(random_video(height=16, width=16), Full(), "it", format_name)


def test_mp4_that_ffmpeg_refuses(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec 0<&-\necho '[error] no such encoder' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    with pytest.raises(OutputError, match="it: cannot be written: no such encoder"):
        written(random_video(frames=30, height=64, width=64), "mp4")
