"""Files of every kind, known by their content, and the formats that each kind can have."""

import io
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from cli_fakes import make_picture, picture_bytes
from sound_files import sound, tone
from sound_files import written as written_sound
from video_files import film, noise, random_video
from video_files import written as written_video

from inrcodec.errors import InputError, OptionError
from inrcodec.signals import Signal
from inrcodec.signals.read import read_signal
from inrcodec.signals.video import write_frames
from inrcodec.signals.write import OUTPUTS, check_depth, format_for, output_kind_of, write_signal

CUBE = b"".join(
    f"v {x} {y} {z}\n".encode() for x in (0, 1) for y in (0, 1) for z in (0, 1)
) + b"".join(
    f"f {face}\n".encode()
    for face in ("1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4")
)
MASK = Signal("volume", (noise(4, 5, 6, 1) > 127).astype(np.uint8), bits=1)


def array(samples) -> bytes:
    file = io.BytesIO()
    np.save(file, samples)
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, volume=np.zeros((2, 3, 4), np.float32))
    return file.getvalue()


FILES = {
    "picture": (lambda: picture_bytes(), "image", (16, 24)),
    "one-frame GIF": (lambda: picture_bytes("gif"), "image", (16, 24)),
    "animation": (lambda: written_video(random_video(), "gif"), "video", (3, 5, 7)),
    "y4m": (lambda: written_video(random_video(), "y4m"), "video", (3, 5, 7)),
    "sound": (lambda: written_sound(sound(tone()), "flac"), "audio", (2400,)),
    "npz": (archive, "volume", (2, 3, 4)),
    "grey npy": (lambda: array(noise(4, 5)), "image", (4, 5)),
    "deep npy": (lambda: array(noise(4, 5, 4).astype(">u2")), "image", (4, 5)),
    "bytes npy": (lambda: array(noise(4, 5, 6)), "volume", (4, 5, 6)),
    "float npy": (lambda: array(np.zeros((4, 5))), "volume", (4, 5)),
    "signed npy": (lambda: array(np.zeros((4, 5), np.int16)), "volume", (4, 5)),
    "line npy": (lambda: array(noise(4)), "volume", (4,)),
    "mesh": (lambda: CUBE, "volume", (8, 8, 8)),
}


@pytest.mark.parametrize("what", FILES)
def test_content_says_the_kind(tmp_path, what):
    made, kind, shape = FILES[what]
    path = tmp_path / "file"
    path.write_bytes(made())
    for source in (path, io.BytesIO(path.read_bytes())):
        signal = read_signal(source, "file", resolution=8, among_others=True)
        assert (signal.kind, signal.shape) == (kind, shape)


def test_a_film_is_not_read_whole(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mp4", frames=2)
    monkeypatch.setattr("inrcodec.signals.read.read_all", None)
    assert read_signal(path, "a.mp4").shape == (2, 24, 32)


def test_a_folder_is_a_video(tmp_path):
    write_frames(random_video(), tmp_path / "frames")
    assert read_signal(tmp_path / "frames", "frames").shape == (3, 5, 7)


def test_metadata_is_kept_or_not(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    Image.new("RGB", (24, 16)).save(tmp_path / "a.png", exif=exif)
    assert read_signal(tmp_path / "a.png", "a.png").shape == (16, 24)
    assert read_signal(tmp_path / "a.png", "a.png", keep_metadata=False).shape == (24, 16)


def test_a_mesh_needs_a_resolution():
    with pytest.raises(OptionError, match=r"a\.obj: a mesh is no signal without .*--resolution"):
        read_signal(io.BytesIO(CUBE), "a.obj")


@pytest.mark.parametrize("what", ["npy", "folder"])
def test_a_resolution_is_for_meshes(tmp_path, what):
    path = tmp_path / "a"
    if what == "folder":
        write_frames(random_video(), path)
    else:
        path.write_bytes(array(noise(4)))
    with pytest.raises(OptionError, match=r"a: --resolution is for meshes"):
        read_signal(path, "a", resolution=8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"some text", "not a picture"),
        (b"\x93NUMPY\1\0\xff\xff", "damaged picture"),
        (b"RIFF\xff\0\0\0WAVE", "cut short"),
        (b"YUV4MPEG2 W", "header"),
    ],
)
def test_what_cannot_be_read(tmp_path, data, reason):
    path = tmp_path / "file"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        with pytest.raises(InputError, match=f"file: .*{reason}"):
            read_signal(source, "file")


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.wav: cannot be read: No such file"):
        read_signal(tmp_path / "none.wav", "none.wav")


SIGNALS = {
    "image": Signal("image", noise(4, 5, 3)),
    "audio": sound(tone()),
    "video": random_video(),
    "volume": Signal("volume", np.zeros((4, 5, 6, 1), np.float32)),
    "mask": MASK,
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_format_of_a_kind_is_written(kind):
    signal = SIGNALS[kind]
    assert output_kind_of(signal) == kind
    for name in OUTPUTS[kind].formats():
        file = io.BytesIO()
        if (kind, name) == ("video", "png"):
            with pytest.raises(OptionError, match="folder of frames"):
                write_signal(signal, file, "-", name)
        elif (kind, name) != ("image", "pgm"):  # which has no colour
            write_signal(signal, file, "-", name)
            assert file.getvalue()


def test_a_mask_of_two_axes_has_no_surface():
    assert output_kind_of(Signal("volume", np.zeros((4, 5, 1), np.uint8), bits=1)) == "volume"


@pytest.mark.parametrize(
    ("kind", "name", "asked", "format"),
    [
        ("image", "-", None, "png"),
        ("audio", "plain", None, "wav"),
        ("video", "a.gif", None, "gif"),
        ("video", "/dev/null", None, "y4m"),
        ("volume", "a.nii.gz", None, "nii.gz"),
        ("volume", "a.NII", None, "nii"),
        ("mask", "a.png", "PLY", "ply"),
        ("image", "a.b", "jpg", "jpeg"),
    ],
)
def test_the_format_is_by_option_suffix_or_kind(kind, name, asked, format):
    assert format_for(kind, name, asked) == format


def test_wrong_formats_name_the_right_ones():
    with pytest.raises(OptionError, match="cannot write audio as 'png'; formats: wav, flac, ogg"):
        format_for("audio", "a.png")
    with pytest.raises(OptionError, match="cannot write a volume as 'ply'; formats: npy, npz"):
        format_for("volume", "-", "ply")


def test_depths():
    check_depth("image", 16)
    check_depth("audio", 24)
    check_depth("video", None)
    with pytest.raises(OptionError, match="depth of audio is 16 or 24 or 32, not 8"):
        write_signal(SIGNALS["audio"], io.BytesIO(), "-", depth=8)
    with pytest.raises(OptionError, match="depth of a video is as encoded, not 8"):
        check_depth("video", 8)


def test_depth_and_rate_reach_the_writers():
    file = io.BytesIO()
    write_signal(Signal("audio", tone(), rate=Fraction(8000), bits=16), file, "-", "wav", 24)
    file.seek(0)
    assert read_signal(file, "it").depth == 24


def test_pictures_need_none_of_the_libraries_of_other_kinds(tmp_path):
    make_picture(tmp_path / "a.png")
    code = (
        "import io, sys\n"
        "from pathlib import Path\n"
        "from inrcodec.signals.read import read_signal\n"
        "from inrcodec.signals.write import write_signal\n"
        "write_signal(read_signal(Path('a.png'), 'a.png'), io.BytesIO(), '-')\n"
        "heavy = {'soundfile', 'imageio_ffmpeg', 'trimesh', 'skimage', 'scipy', 'torch'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ}, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
