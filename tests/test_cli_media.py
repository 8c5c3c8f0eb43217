"""Sound, video and volumes on the command line: words, parts of time, formats, folders."""

import json
import os
import stat
from fractions import Fraction

import numpy as np
import pytest
from cli_fakes import MAGIC, Encoded, call, make_inr, make_picture
from sound_files import sound, tone
from sound_files import written as written_sound
from video_files import film, noise, random_video
from video_files import written as written_video

from inrcodec.cli.types import Moment
from inrcodec.cli.words import facts_of, in_words
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal

SOUND = sound(tone())
VIDEO = random_video(chroma=True)
MASK = Signal("volume", np.ones((4, 5, 6, 1), np.uint8), bits=1)
FLOATS = Signal("volume", np.zeros((4, 5, 6, 1), np.float32))


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        (sound(np.zeros((308700, 1)), rate=44100), "7.0 s, 44.1 kHz mono, 16 bits"),
        (SOUND, "0.300 s, 8 kHz stereo, 16 bits"),
        (sound(np.zeros((4, 6))), "0.001 s, 8 kHz 6 channels, 16 bits"),
        (Signal("audio", tone()), "2400 samples, stereo, 32 bits"),
        (VIDEO, "3 frames, 7x5 4:2:0, 29.97 fps"),
        (random_video(3, frames=1, rate=Fraction(25)), "1 frame, 7x5 RGB, 25 fps"),
        (Signal("video", noise(3, 5, 7, 1)), "3 frames, 7x5 grey"),
        (MASK, "6x5x4 mask"),
        (FLOATS, "6x5x4 float32"),
        (Signal("volume", np.zeros((4, 5, 3), np.int8)), "5x4 3 channels, int8"),
    ],
)
def test_signals_in_words(signal, words):
    assert in_words(facts_of(signal)) == words


def test_encode_takes_sound_and_kbps(codec, tmp_path):
    (tmp_path / "a.wav").write_bytes(written_sound(SOUND, "wav"))
    codec.holds(SOUND, kbps=47.5, duration_s=0.3)
    codec.on_encode = lambda progress, stop: Encoded(measures={"snr_db": 20.0, "psnr_db": 31.0})
    result = call("encode", "a.wav", "--kbps", "48", "-v")
    assert result.exit_code == 0
    assert "a.wav: 0.300 s, 8 kHz stereo, 16 bits" in result.stderr
    assert "a.wav -> a.inr: 9 bytes, 47.50 kbps, SNR 20.00 dB, asmr" in result.stderr
    assert codec.encodes[0][1] == EncodeOptions(kbps=48.0)
    record = json.loads(call("encode", "a.wav", "--json", "-f").stdout)
    assert (record["snr_db"], record["psnr_db"]) == (20.0, 31.0)
    assert (record["kbps"], record["duration_s"], record["bpp"]) == (47.5, 0.3, 0.5)


def test_two_rates_are_wrong_usage(codec):
    result = call("encode", "a.wav", "--kbps", "48", "--size", "1k")
    assert (result.exit_code, "--kbps and --size exclude" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ({"psnr_db": 20.0, "max_error": 1.0, "iou": 0.5}, "IoU 0.5000"),
        ({"psnr_db": 20.0, "snr_db": None}, "20.00 dB"),
        ({"psnr_db": None, "max_error": 0.5}, "constant"),
    ],
)
def test_the_measure_that_says_most(codec, tmp_path, measures, words):
    make_picture(tmp_path / "a.png")
    codec.on_encode = lambda progress, stop: Encoded(measures=measures)
    assert f", 0.500 bpp, {words}, asmr" in call("encode", "a.png").stderr


def test_the_sound_of_a_film_is_told_to_be_left_out(codec, tmp_path):
    film(tmp_path / "a.mkv", "-shortest", sound=True)
    result = call("encode", "a.mkv")
    assert result.exit_code == 0
    assert "a.mkv: the sound is left out" in result.stderr
    film(tmp_path / "b.mkv")
    assert "sound" not in call("encode", "b.mkv").stderr


@pytest.mark.parametrize(("name", "output"), [("frames", "frames.inr"), (".", "../here.inr")])
def test_a_folder_of_frames_is_one_video(codec, tmp_path, monkeypatch, name, output):
    folder = tmp_path / "here" / "frames" if name == "frames" else tmp_path / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    for number in range(3):
        make_picture(folder / f"{number}.png")
    assert call("encode", name).exit_code == 0
    assert os.path.isfile(output)
    assert codec.encodes[0][0].shape == (3, 16, 24)


def test_a_mesh_needs_a_resolution(codec, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    (tmp_path / "a.ply").write_bytes(trimesh.creation.box().export(file_type="ply"))
    result = call("encode", "a.ply")
    assert (result.exit_code, "--resolution" in result.stderr) == (2, True)
    assert call("encode", "a.ply", "--resolution", "8").exit_code == 0
    assert codec.encodes[0][0].shape == (8, 8, 8)


@pytest.mark.parametrize(
    ("signal", "name"), [(SOUND, "a.wav"), (VIDEO, "a.y4m"), (FLOATS, "a.npy"), (MASK, "a.npy")]
)
def test_the_default_format_is_that_of_the_kind(codec, tmp_path, signal, name):
    codec.holds(signal)
    data = make_inr(tmp_path / "a.inr").read_bytes()
    assert call("decode", "a.inr").exit_code == 0
    streamed = call("decode", "-", stdin=data)
    assert (tmp_path / name).read_bytes() == streamed.stdout_bytes != b""


@pytest.mark.parametrize(
    ("signal", "arguments", "words"),
    [
        (SOUND, "--format png", ["cannot write audio as 'png'", "wav, flac"]),
        (FLOATS, "--format ply", ["cannot write a volume as 'ply'", "nii.gz"]),
        (VIDEO, "-o b.wav", ["cannot write a video as 'wav'", "y4m"]),
        (SOUND, "--depth 8", ["depth of audio", "24"]),
        (VIDEO, "--depth 16", ["depth of a video"]),
        (VIDEO, "--format png -o -", ["folder"]),
        (FLOATS, "--from 1", ["--from and --to are for audio and video"]),
        (SOUND, "--from 0.3", ["--from is beyond the end", "2400"]),
        (SOUND, "--from 0.2 --to 0.1", ["--to is not after --from"]),
        (SOUND, "--to x", ["seconds", "36f"]),
    ],
)
def test_what_a_kind_cannot_have_is_status_2(codec, tmp_path, signal, arguments, words):
    codec.holds(signal)
    make_inr(tmp_path / "a.inr")
    result = call("decode", "a.inr", *arguments.split())
    assert result.exit_code == 2
    assert [word for word in words if word not in result.stderr] == []
    assert os.listdir() == ["a.inr"]


@pytest.mark.parametrize(
    ("signal", "arguments", "span"),
    [
        (SOUND, "--from 0.1 --to 0.2s", (800, 1600)),
        (SOUND, "--from 44f", (44, 2400)),
        (SOUND, "--to 9", (0, 2400)),
        (VIDEO, "--from 1f --to 2f", (1, 2)),
        (VIDEO, "--from 0.03", (1, 3)),  # 29.97 of them a second
        (VIDEO, "--to 0.1", (0, 3)),
    ],
)
def test_parts_of_time(codec, tmp_path, signal, arguments, span):
    codec.holds(signal)
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", *arguments.split()).exit_code == 0
    assert codec.decodes[0]["span"] == span


def test_a_moment_between_two_samples_is_the_later_one():
    assert Moment(Fraction(1, 4), False).index(Fraction(2)) == 1


def test_a_box_of_a_volume(codec, tmp_path):
    codec.holds(FLOATS)
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", "--region", "0,1,2,3,4,2").exit_code == 0
    assert codec.decodes[0]["region"] == (0, 1, 2, 3, 4, 2)


def test_depth_of_sound(codec, tmp_path):
    codec.holds(SOUND)
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", "--depth", "24").exit_code == 0
    assert (tmp_path / "a.wav").stat().st_size > 2400 * 6


@pytest.mark.parametrize("arguments", [["--format", "png"], ["-o", "a.png"]])
def test_frames_of_a_video_go_to_a_folder(codec, tmp_path, arguments):
    codec.holds(VIDEO)
    make_inr(tmp_path / "a.inr")
    result = call("decode", "a.inr", *arguments, "--json")
    record = json.loads(result.stdout)
    folder = tmp_path / record["output"]
    assert sorted(os.listdir(folder)) == ["000001.png", "000002.png", "000003.png"]
    assert record["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    again = call("decode", "a.inr", *arguments)
    assert (again.exit_code, "has files in it" in again.stderr) == (1, True)
    assert call("decode", "a.inr", *arguments, "-f").exit_code == 0


def test_a_file_where_the_folder_should_be(codec, tmp_path):
    codec.holds(VIDEO)
    make_inr(tmp_path / "a.inr")
    (tmp_path / "a").write_bytes(b"")
    assert "is a file" in call("decode", "a.inr", "--format", "png", "-f").stderr
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    assert call("decode", "a.inr", "--format", "png").exit_code == 0


def test_a_wrong_checksum_does_not_hide_the_kind(codec, tmp_path):
    codec.holds(SOUND)
    make_inr(tmp_path / "a.inr", b"damaged")
    result = call("decode", "a.inr", "--json")
    assert (result.exit_code, json.loads(result.stdout)["output"]) == (3, "a.wav")


def test_compare_names_all_measures(codec, tmp_path):
    codec.holds(VIDEO)
    make_inr(tmp_path / "a.inr")
    (tmp_path / "a.y4m").write_bytes(written_video(VIDEO, "y4m"))
    lines = call("compare", "a.y4m", "a.inr").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["psnr", "equal"],
        *(["psnr", plane] for plane in "yuv"),
    ]
    (tmp_path / "a.wav").write_bytes(written_sound(SOUND, "wav"))
    assert call("compare", "a.wav", "a.wav").stdout.split()[:2] == ["snr", "equal"]
    np.save(tmp_path / "a.npy", MASK.samples[..., 0].astype(bool))
    record = json.loads(call("compare", "a.npy", "a.npy", "--json").stdout)
    assert (record["iou"], record["max_error"]) == (1.0, 0.0)


def test_a_mesh_is_compared_at_the_resolution_of_the_file(codec, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    (tmp_path / "a.ply").write_bytes(trimesh.creation.box().export(file_type="ply"))
    cube = np.pad(np.ones((6, 6, 6, 1), np.uint8), [(1, 1)] * 3 + [(0, 0)])
    codec.holds(Signal("volume", cube, bits=1))
    data = make_inr(tmp_path / "a.inr").read_bytes()
    assert json.loads(call("compare", "a.ply", "a.inr", "--json").stdout)["iou"] == 1
    assert call("compare", "-", "a.ply", stdin=data).exit_code == 0
    assert call("compare", "a.ply", "a.ply").exit_code == 2
    assert call("compare", "a.ply", "a.ply", "--resolution", "8").exit_code == 0


def test_info_has_units(codec, tmp_path):
    codec.holds(VIDEO, kbps=12.5, duration_s=0.1001, segment=2)
    make_inr(tmp_path / "a.inr")
    lines = call("info", "a.inr").stdout.splitlines()
    assert lines[0] == "a.inr: 3 frames, 7x5 4:2:0, 29.97 fps, asmr, 9 bytes, 12.50 kbps"
    rows = [" ".join(line.split()) for line in lines]
    assert {"duration 0.1001 s, 3 frames", "fps 29.97", "segment 2 frames"} <= set(rows)
    assert "rate seconds" not in call("info", "a.inr").stdout
    codec.holds(FLOATS, segment=4)
    assert "segment            4" in call("info", "a.inr").stdout


def test_a_file_that_cannot_be_peeked_into_is_told_in_its_turn(codec, tmp_path):
    codec.holds(SOUND)
    make_inr(tmp_path / "a.inr")
    (tmp_path / "b.inr").write_bytes(b"other")
    result = call("decode", "b.inr", "missing.inr", "a.inr", "--json")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["output"] for record in records] == ["b.png", "missing.png", "a.wav"]
    assert [record.get("status", 0) for record in records] == [3, 1, 0]
    assert stat.S_ISREG((tmp_path / "a.wav").stat().st_mode)
    assert MAGIC not in (tmp_path / "a.wav").read_bytes()
