"""Films in containers, as ffmpeg reads them."""

from fractions import Fraction

import damage
import numpy as np
import pytest
from video_files import NTSC, ffmpeg, film, read, written

from inrcodec.errors import InputError
from inrcodec.signals import ffmpeg as films
from inrcodec.signals import sizes
from inrcodec.signals.video import has_sound, read_video

PLANES = ("-pix_fmt", "yuv420p")


def raw_frames(path, pixel_format, frames=4):
    data = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", pixel_format, "-")
    return np.frombuffer(data, np.uint8).reshape(frames, -1)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("film.mp4", ("-c:v", "libx264")),
        ("film.mkv", ("-c:v", "ffv1")),
        ("film.webm", ("-c:v", "libvpx")),
        ("film.avi", ("-c:v", "mpeg4")),
    ],
)
def test_planes_are_not_converted(tmp_path, name, codec):
    path = film(tmp_path / name, *codec, *PLANES, size="34x26")
    signal = read_video(path, "it")
    assert (signal.kind, signal.rate, signal.shape) == ("video", 25, (4, 26, 34))
    frames = raw_frames(path, "yuv420p")
    luma = 26 * 34
    np.testing.assert_array_equal(signal.samples.reshape(4, -1), frames[:, :luma])
    np.testing.assert_array_equal(
        np.moveaxis(signal.chroma, -1, 1).reshape(4, -1), frames[:, luma:]
    )


def test_other_samplings_become_rgb(tmp_path):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0")
    signal = read_video(path, "it")
    assert signal.chroma is None
    np.testing.assert_array_equal(signal.samples.reshape(4, -1), raw_frames(path, "rgb24"))


def test_grey_stays_grey(tmp_path):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", "gray")
    signal = read_video(path, "it")
    assert signal.chroma is None
    np.testing.assert_array_equal(signal.samples.reshape(4, -1), raw_frames(path, "gray"))


def test_ten_bits_are_rounded_to_eight(tmp_path):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le")
    deep = np.frombuffer(raw_frames(path, "yuv420p10le").tobytes(), "<u2").reshape(4, -1)
    luma = read_video(path, "it").samples.reshape(4, -1)
    assert np.abs(luma - deep[:, : luma.shape[1]] / 4).max() <= 0.5


def test_full_range_becomes_limited(tmp_path):
    options = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "2")
    signal = read_video(film(tmp_path / "film.avi", *options), "it")
    assert signal.samples.min() >= 16
    assert signal.samples.max() <= 235
    assert signal.chroma is not None


@pytest.mark.parametrize(
    ("name", "stored", "rate"),
    [
        ("film.mp4", "30000/1001", NTSC),
        ("film.webm", "29.97", NTSC),
        ("film.avi", "29.97", NTSC),
        ("film.mkv", "24000/1001", Fraction(24000, 1001)),
        ("film.mkv", "60000/1001", Fraction(60000, 1001)),
        ("film.mp4", "12.5", Fraction(25, 2)),
        ("film.mp4", "1", Fraction(1)),
    ],
)
def test_rates_are_exact(tmp_path, name, stored, rate):
    path = film(tmp_path / name, *PLANES, rate=stored, frames=20, size="16x16")
    assert read_video(path, "it").rate == rate


def test_every_frame_is_kept_once_and_the_mean_rate_told(tmp_path):
    slower = ("-vf", "setpts=PTS*(1+gt(N\\,5))", "-fps_mode", "vfr")
    path = film(tmp_path / "film.mp4", *PLANES, *slower, frames=10)
    signal = read_video(path, "it")
    assert signal.shape[0] == 10
    assert signal.rate < 20


def test_interlaced_films_are_refused(tmp_path):
    fields = ("-vf", "setfield=tff", "-flags", "+ilme+ildct")
    refused(film(tmp_path / "film.ts", "-c:v", "mpeg2video", *fields), "interlaced video")


def test_rate_that_is_given_counts(tmp_path):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", *PLANES)
    assert read_video(path, "it", rate=Fraction(7)).rate == 7


def test_rotation_is_applied(tmp_path):
    lying = film(tmp_path / "lying.mp4", *PLANES)
    path = tmp_path / "film.mp4"
    ffmpeg("-display_rotation", "90", "-i", lying, "-c", "copy", path)
    turned = np.rot90(read_video(lying, "it").samples, axes=(1, 2))
    np.testing.assert_array_equal(read_video(path, "it").samples, turned)


def test_sound_is_left_out_and_told(tmp_path):
    with_sound = film(tmp_path / "sound.mp4", *PLANES, sound=True)
    silent = film(tmp_path / "silent.mp4", *PLANES)
    plain = film(tmp_path / "film.y4m", *PLANES)
    assert has_sound(with_sound)
    assert not any(map(has_sound, (silent, plain, tmp_path, tmp_path / "missing.mp4")))
    assert read_video(with_sound, "it").shape == (4, 24, 32)


def test_streams_are_read_like_files(tmp_path):
    path = film(tmp_path / "film.mp4", *PLANES)
    with path.open("rb") as stream:
        signal = read_video(stream, "standard input")
    np.testing.assert_array_equal(signal.samples, read_video(path, "it").samples)


def test_names_are_no_options_or_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-y.mkv", "http:film.mkv", "two words%d.mkv"):
        path = film(tmp_path / name, "-c:v", "ffv1", *PLANES, frames=1)
        assert read_video(path.relative_to(tmp_path), name).shape == (1, 24, 32)


def refused(source, reason):
    damage.refused(read, source if isinstance(source, bytes) else source.read_bytes(), reason)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.avi"])
def test_cut_films_are_refused(tmp_path, name):
    path = film(tmp_path / name, "-c:v", "mpeg4", frames=10)
    data = path.read_bytes()
    for length in (20, len(data) // 2, len(data) * 3 // 4):
        refused(data[:length], "damaged, or not a video: |no video in it")


def test_damaged_frames_are_refused(tmp_path, capfd):
    options = ("-c:v", "ffv1", "-level", "3", "-slicecrc", "1", *PLANES)
    data = bytearray(film(tmp_path / "film.mkv", *options).read_bytes())
    data[len(data) // 2] ^= 255
    refused(bytes(data), "damaged, or not a video: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_changed_bytes_give_a_video_or_an_input_error(tmp_path, name, capfd):
    data = film(tmp_path / name, "-c:v", "mpeg4").read_bytes()
    for changed in damage.changed(data, 8):
        signal = damage.read_or_refused(read, changed)
        assert signal is None or signal.samples.ndim == 4
    assert capfd.readouterr() == ("", "")


def test_other_files_are_refused(tmp_path):
    refused(b"", "file is empty")
    refused(b"just text", "damaged, or not a video")
    refused(b"#EXTM3U\n#EXTINF:1,\nother.ts\n", "damaged, or not a video")
    refused(b"ffconcat version 1.0\nfile other.mp4\n", "not on whitelist")
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", tmp_path / "sound.mp4")
    refused(tmp_path / "sound.mp4", "there is no video in it")
    with pytest.raises(InputError, match="it: cannot be read: No such file"):
        read_video(tmp_path / "missing.mp4", "it")


def test_failing_stream_is_an_input_error():
    with pytest.raises(InputError, match="it: cannot be read: Input/output error"):
        read_video(damage.BrokenStream(), "it")


@pytest.mark.parametrize("pixel_format", ["yuv420p", "bgr0"])
def test_too_many_samples(tmp_path, monkeypatch, pixel_format):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", pixel_format)
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 32 * 24 * 3 + 1)
    refused(path, "above the limit of 2305 samples")
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 32 * 24 - 1)
    refused(path, "exceeds specified max pixel count 767")


def fake_program(folder, script):
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_a_program_that_fails_or_is_missing(tmp_path, monkeypatch):
    import imageio_ffmpeg

    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", *PLANES)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: fake_program(tmp_path, "exit 7"))
    refused(path, "ffmpeg ended with status 7")
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: fake_program(tmp_path, "exit 0"))
    refused(path, "no frames")

    def missing():
        raise RuntimeError("No ffmpeg exe could be found.\nInstall it")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    refused(path, "No ffmpeg exe could be found. Install it")
    assert not has_sound(path)


def test_frames_that_stop_in_the_middle(tmp_path, monkeypatch):
    path = film(tmp_path / "film.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0")
    described = films._film(path)
    monkeypatch.setattr(films, "_film", lambda _: described)
    script = fake_program(tmp_path, "head -c 2500 /dev/zero")
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: script)
    refused(path, "frame 2 is cut short")


def test_what_is_written_as_y4m_is_what_was_read(tmp_path):
    path = film(tmp_path / "film.mp4", *PLANES, size="32x24", rate="30000/1001")
    signal = read_video(path, "it")
    again = read(written(signal, "y4m"))
    assert again.rate == signal.rate
    np.testing.assert_array_equal(again.samples, signal.samples)
    np.testing.assert_array_equal(again.chroma, signal.chroma)
