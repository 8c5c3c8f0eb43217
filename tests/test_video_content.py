"""What is taken for a video, and which format a name stands for."""

import io

import numpy as np
import pytest
from PIL import Image
from video_files import film, noise, random_video, written

from inrcodec.errors import OptionError
from inrcodec.signals.video import VIDEO_FORMATS, is_video, video_format_for

FILMS = {
    "mp4": ("-c:v", "libx264"),
    "mov": ("-c:v", "mpeg4"),
    "3gp": ("-c:v", "mpeg4"),
    "mkv": ("-c:v", "ffv1"),
    "webm": ("-c:v", "libvpx"),
    "avi": ("-c:v", "mpeg4"),
    "flv": (),
    "ts": (),
    "m2ts": (),
    "mpg": (),
    "m1v": (),
    "ogv": (),
    "y4m": ("-pix_fmt", "yuv420p"),
}


@pytest.mark.parametrize("suffix", FILMS)
def test_films_are_known_by_their_first_bytes(tmp_path, suffix):
    path = film(tmp_path / f"film.{suffix}", *FILMS[suffix])
    assert is_video(path.read_bytes()[:1000])


def animated(format_name, frames):
    file = io.BytesIO()
    first, *rest = (Image.fromarray(noise(5, 7, 3, seed=seed)) for seed in range(frames))
    first.save(file, format_name, save_all=True, append_images=rest)
    return file.getvalue()


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_pictures_are_videos_if_they_have_frames(format_name):
    assert is_video(animated(format_name, 2))
    assert not is_video(animated(format_name, 1))
    assert not is_video(animated(format_name, 1)[:30])


def test_an_animation_that_is_cut_is_one_all_the_same():
    """It became its first frame, a picture."""
    data = animated("GIF", 3)
    assert all(is_video(data[: len(data) * part // 10]) for part in (5, 7, 9))
    assert not is_video(data[: len(data) // 6])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\x93NUMPY\x01\0",
        b"RIFF\x24\0\0\0WAVEfmt ",
        *(b"\0\0\0\x20ftyp" + brand for brand in (b"avif", b"avis", b"heic", b"mif1", b"M4A ")),
        b"OggS" + bytes(24) + b"\x01\x1e\x01vorbis",
        b"\x47" + bytes(1000),
    ],
)
def test_other_files_are_no_videos(data):
    assert not is_video(data)


def test_old_quicktime_files_have_no_brand():
    assert is_video(b"\0\0\x10\0moov\0\0\0\x6cmvhd")
    assert is_video(b"\0\0\0\x08wide\0\0\0\0mdat")


def test_pictures_in_the_newer_containers_are_pictures():
    file = io.BytesIO()
    Image.fromarray(noise(5, 7, 3)).save(file, "AVIF")
    assert not is_video(file.getvalue())


@pytest.mark.parametrize(
    ("name", "format_name", "expected"),
    [
        ("film.mp4", None, "mp4"),
        ("FILM.M4V", None, "mp4"),
        ("film.png", "y4m", "y4m"),
        ("film", ".GIF", "gif"),
        ("frames", "png", "png"),
    ],
)
def test_formats_by_name_or_suffix(name, format_name, expected):
    assert video_format_for(name, format_name) is VIDEO_FORMATS[expected]


def test_unknown_formats():
    with pytest.raises(OptionError, match="'mkv'; formats: y4m, mp4, gif, npy, png"):
        video_format_for("film.mkv")
    with pytest.raises(
        OptionError, match="film: no suffix says how to write a video; formats: y4m"
    ):
        video_format_for("film")


def test_what_is_written_is_a_video():
    signal = random_video(channels=3, height=16, width=16)
    for format_name in ("y4m", "mp4", "gif"):
        assert is_video(written(signal, format_name))
    assert np.load(io.BytesIO(written(signal, "npy"))).shape == (3, 16, 16, 3)
