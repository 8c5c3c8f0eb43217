"""The installed command on sound, video and volumes: there and back, in parts, and damaged."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cli_fakes import make_picture
from sound_files import sound, tone
from sound_files import written as written_sound
from video_files import smooth_rgb, smooth_video
from video_files import written as written_video

from inrcodec.encoder.parted import planned_segment
from inrcodec.errors import OptionError
from inrcodec.signals import Signal
from inrcodec.signals.read import read_signal

INSTALLED = [str(Path(sys.executable).with_name("inrcodec"))]
FAST = ["--effort", "1", "--threads", "1", "--set", "steps=15"]
BALL = sum((axis - 5) ** 2 for axis in np.mgrid[:12, :10, :11]) < 12


def execute(*arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*INSTALLED, *map(str, arguments)], capture_output=True, **options)


def make_sources(folder: Path) -> None:
    (folder / "tone.wav").write_bytes(written_sound(sound(tone()), "wav"))
    (folder / "film.y4m").write_bytes(
        written_video(smooth_video(frames=6, height=16, width=24), "y4m")
    )
    np.save(folder / "mask.npy", BALL)
    np.save(folder / "field.npy", smooth_rgb(6, 8, 10)[..., 0].astype(np.float32))


# name of the file, source, how it is encoded, measure, suffix of what it is decoded to
FILES = {
    "spectrum": ("tone.wav", ["--kbps", "96"], "snr_db", ".wav"),
    "sound": (
        "tone.wav",
        ["-r", "asmr", "--kbps", "96", "--set", "segment=1200"],
        "snr_db",
        ".wav",
    ),
    "moving": ("film.y4m", ["--size", "1500", "--set", "segment=3"], "psnr_y_db", ".y4m"),
    "film": (
        "film.y4m",
        ["-r", "asmr", "--kbps", "100", "--set", "segment=3"],
        "psnr_y_db",
        ".y4m",
    ),
    "mask": ("mask.npy", ["--size", "500"], "iou", ".npy"),
    "field": ("field.npy", ["--bpp", "8"], "max_error", ".npy"),
}


@pytest.fixture(scope="module")
def coded(tmp_path_factory) -> Path:
    """A folder with the sources, and NAME.inr and NAME.json of every file."""
    folder = tmp_path_factory.mktemp("media")
    make_sources(folder)
    for name, (source, options, *_) in FILES.items():
        output = f"{name}.inr"
        done = execute("encode", source, *options, *FAST, "-o", output, "--json", cwd=folder)
        assert (done.returncode, done.stderr) == (0, b"")
        (folder / f"{name}.json").write_bytes(done.stdout)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_what_encode_tells_is_what_the_file_is(coded, name):
    source, _, measure, _ = FILES[name]
    told = json.loads((coded / f"{name}.json").read_text())
    compared = json.loads(execute("compare", source, f"{name}.inr", "--json", cwd=coded).stdout)
    found = json.loads(execute("info", f"{name}.inr", "--json", cwd=coded).stdout)
    assert told[measure] == pytest.approx(compared[measure], rel=1e-3)
    assert told["psnr_db"] == pytest.approx(compared["psnr_db"], rel=1e-3)
    assert told["bytes"] == found["bytes"] == (coded / f"{name}.inr").stat().st_size
    assert [told.get(key) for key in ("kbps", "duration_s", "bpp")] == [
        found.get(key) for key in ("kbps", "duration_s", "bpp")
    ]
    assert ("kbps" in told) == (measure in ("snr_db", "psnr_y_db"))


@pytest.mark.parametrize("name", FILES)
def test_there_and_back(coded, tmp_path, name):
    source, _, measure, suffix = FILES[name]
    done = execute("decode", coded / f"{name}.inr", "--output-dir", tmp_path)
    assert done.returncode == 0
    path = tmp_path / f"{name}{suffix}"
    original = read_signal(coded / source, source)
    decoded = read_signal(path, name)
    assert (decoded.kind, decoded.shape, decoded.rate) == (
        *(original.kind, original.shape),
        original.rate,
    )
    assert decoded.depth == original.depth
    compared = json.loads(execute("compare", coded / source, path, "--json").stdout)
    told = json.loads((coded / f"{name}.json").read_text())
    assert compared[measure] == pytest.approx(told[measure], abs=0.05)


@pytest.mark.parametrize("name", ["spectrum", "sound"])
def test_a_part_of_a_sound(coded, tmp_path, name):
    part = tmp_path / "part.wav"
    arguments = ["--from", "0.05", "--to", "1900f", "--depth", "24", "-o", part]
    whole = tmp_path / "whole.wav"
    assert execute("decode", coded / f"{name}.inr", *arguments).returncode == 0
    assert execute("decode", coded / f"{name}.inr", "--depth", "24", "-o", whole).returncode == 0
    expected = read_signal(whole, "whole").samples[400:1900]
    assert np.abs(read_signal(part, "part").samples - expected).max() < 1e-5


@pytest.mark.parametrize("coding", ["film", "moving"])
def test_a_part_of_a_film(coded, tmp_path, coding):
    arguments = ["--from", "2f", "--to", "0.2s", "--region", "4,2,10,6"]
    for options, name in ((arguments, "part.y4m"), ([], "whole.y4m")):
        done = execute("decode", coded / f"{coding}.inr", *options, "-o", tmp_path / name)
        assert done.returncode == 0
    part, whole = (read_signal(tmp_path / name, name) for name in ("part.y4m", "whole.y4m"))
    expected = whole.samples[2:5, 2:8, 4:14].astype(int)
    assert np.abs(part.samples - expected).max() <= 1
    assert part.chroma.shape == (3, 3, 5, 2)


def test_a_film_as_frames(coded, tmp_path):
    folder = tmp_path / "frames"
    assert execute("decode", coded / "film.inr", "--format", "png", "-o", folder).returncode == 0
    assert len(os.listdir(folder)) == 6
    compared = execute("compare", folder, coded / "film.inr", "--json")
    assert json.loads(compared.stdout)["psnr_db"] is None


def test_a_part_of_a_volume(coded, tmp_path):
    done = execute(
        "decode", coded / "field.inr", "--region", "1,2,3,4,5,2", "-o", tmp_path / "a.npy"
    )
    assert done.returncode == 0
    assert np.load(tmp_path / "a.npy").shape == (2, 5, 4)


def test_a_mask_as_a_mesh_and_back(coded, tmp_path):
    pytest.importorskip("skimage")
    done = execute("decode", coded / "mask.inr", "-o", tmp_path / "ball.ply")
    assert (done.returncode, (tmp_path / "ball.ply").read_bytes()[:3]) == (0, b"ply")


@pytest.mark.parametrize("name", FILES)
def test_damage_is_told_and_is_status_3(coded, tmp_path, name):
    path = coded / f"{name}.inr"
    done = execute("verify", path)
    assert (done.returncode, done.stdout) == (0, f"{path}: ok\n".encode())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    damaged = tmp_path / f"{name}.inr"
    damaged.write_bytes(data)
    for command in ("verify", "decode"):
        done = execute(command, damaged)
        assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
    if name in ("sound", "film", "moving"):
        assert b"segment 1:" in done.stderr  # the last, counted from 0
    assert os.listdir(tmp_path) == [f"{name}.inr"]


def test_pictures_need_nothing_of_other_kinds(tmp_path):
    make_picture(tmp_path / "a.png")
    assert execute("encode", "a.png", "--effort", "1", "-q", cwd=tmp_path).returncode == 0
    code = (
        "import sys\n"
        "from inrcodec.cli import main\n"
        "for words in (['info', 'a.inr'], ['decode', 'a.inr', '-f']):\n"
        "    try:\n"
        "        main(words)\n"
        "    except SystemExit as left:\n"
        "        assert not left.code\n"
        "heavy = ('torch', 'soundfile', 'imageio_ffmpeg', 'trimesh', 'skimage', 'scipy')\n"
        "others = ('audio', 'video', 'volume', 'mesh', 'ffmpeg', 'y4m')\n"
        "starts = (*heavy, *(f'inrcodec.signals.{name}' for name in others))\n"
        "print(*[name for name in sys.modules if name.startswith(starts)], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, b"")


def test_more_segments_than_a_file_can_have():
    signal = Signal("audio", np.zeros((2400, 1), np.float32), rate=Fraction(8000))
    with pytest.raises(OptionError, match="segment = 5 makes 480 segments"):
        planned_segment(signal, 5)
