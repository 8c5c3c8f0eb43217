"""A folder of pictures as a video, and back."""

from fractions import Fraction

import numpy as np
import pytest
from picture_files import exif
from PIL import Image
from video_files import noise, random_video, smooth_video

from inrcodec.errors import InputError, OutputError
from inrcodec.signals import sizes, yuv
from inrcodec.signals.video import read_video, write_frames


def fill(folder, frames, names):
    folder.mkdir(exist_ok=True)
    for frame, name in zip(frames, names, strict=True):
        Image.fromarray(frame.squeeze()).save(folder / name)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_frames_in_the_order_of_their_numbers(tmp_path):
    frames = noise(12, 5, 7, 3)
    fill(tmp_path, frames, [f"Frame{number}.png" for number in range(1, 13)])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture")
    (tmp_path / "more.png").mkdir()
    signal = read_video(tmp_path, "it")
    assert (signal.kind, signal.rate, signal.chroma) == ("video", 25, None)
    np.testing.assert_array_equal(signal.samples, frames)
    assert read_video(tmp_path, "it", rate=Fraction(12)).rate == 12


def test_grey_if_all_are(tmp_path):
    fill(tmp_path, noise(2, 5, 7, 1), ["a.png", "b.bmp"])
    np.testing.assert_array_equal(read_video(tmp_path, "it").samples, noise(2, 5, 7, 1))
    fill(tmp_path, noise(1, 5, 7, 3), ["c.png"])
    signal = read_video(tmp_path, "it")
    np.testing.assert_array_equal(signal.samples[1], np.repeat(noise(2, 5, 7, 1)[1], 3, axis=2))
    np.testing.assert_array_equal(signal.samples[2], noise(5, 7, 3))


def test_deep_turned_and_transparent_pictures(tmp_path):
    Image.fromarray(noise(5, 7, 1)[..., 0].astype(np.uint16) * 257).save(tmp_path / "1.png")
    turned = np.ascontiguousarray(np.rot90(noise(5, 7, 3)))
    Image.fromarray(turned).save(tmp_path / "2.png", exif=exif(6))
    Image.fromarray(np.dstack([noise(5, 7, 3), np.zeros((5, 7), np.uint8)])).save(
        tmp_path / "3.png"
    )
    samples = read_video(tmp_path, "it").samples
    np.testing.assert_array_equal(samples[0], np.repeat(noise(5, 7, 1), 3, axis=2))
    np.testing.assert_array_equal(samples[1], noise(5, 7, 3))
    assert not samples[2].any()


def test_refused_folders(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="it: no pictures in this folder"):
        read_video(tmp_path, "it")
    fill(tmp_path, noise(2, 5, 7, 3), ["1.png", "2.png"])
    with monkeypatch.context() as patch:
        patch.setattr(sizes, "MAX_SAMPLES", 105)
        with pytest.raises(
            InputError, match=r"it: 2\.png: frame 2 takes the video above the limit"
        ):
            read_video(tmp_path, "it")
    fill(tmp_path, noise(1, 7, 5, 3), ["3.png"])
    with pytest.raises(InputError, match=r"it: 3.png: frame 3 is 5 x 7, the first is 7 x 5"):
        read_video(tmp_path, "it")
    (tmp_path / "2.png").write_bytes(b"\x89PNG damaged")
    with pytest.raises(InputError, match=r"it: 2.png: "):
        read_video(tmp_path, "it")


@pytest.mark.parametrize("channels", [1, 3])
def test_written_frames_come_back(tmp_path, channels):
    signal = random_video(channels, frames=11, rate=Fraction(25))
    folder = tmp_path / "frames"
    write_frames(signal, folder)
    assert names_in(folder) == [f"{number:06}.png" for number in range(1, 12)]
    with Image.open(folder / "000001.png") as picture:
        assert picture.mode == ("L" if channels == 1 else "RGB")
    np.testing.assert_array_equal(read_video(folder, "it").samples, signal.samples)


def test_planes_are_written_as_rgb(tmp_path):
    signal = smooth_video()
    write_frames(signal, tmp_path)
    np.testing.assert_array_equal(read_video(tmp_path, "it").samples, yuv.rgb_of(signal))


def test_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(OutputError, match="has files in it already"):
        write_frames(random_video(), tmp_path)
    assert names_in(tmp_path) == ["mine.txt"]


def test_force_replaces_the_frames_of_before_and_nothing_else(tmp_path):
    write_frames(random_video(frames=5), tmp_path)
    (tmp_path / "mine.png").write_text("kept")
    write_frames(random_video(frames=2), tmp_path, force=True)
    assert names_in(tmp_path) == ["000001.png", "000002.png", "mine.png"]


def test_failed_writing_leaves_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "frames"
    writes = []

    def fail(signal, file, name):
        writes.append(name)
        if len(writes) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("inrcodec.signals.frame_folder.write_image", fail)
    with pytest.raises(OutputError, match="frames: cannot be written: No space left"):
        write_frames(random_video(), folder)
    assert not folder.exists()
    folder.mkdir()
    with pytest.raises(OutputError, match="No space left"):
        write_frames(random_video(), folder)
    assert names_in(folder) == []


def test_folder_that_cannot_be_made(tmp_path):
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        write_frames(random_video(), tmp_path / "missing" / "frames")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written: File exists"):
        write_frames(random_video(), tmp_path / "file")
