"""The installed command, from a picture to a file and back."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_fakes import describe_picture, make_picture, picture_bytes
from PIL import Image

INSTALLED = [str(Path(sys.executable).with_name("inrcodec"))]
MODULE = [sys.executable, "-m", "inrcodec"]
FAST = ["--effort", "1", "--time-limit", "2", "--threads", "1"]
QUICK = [*FAST, "--bpp", "4"]


def execute(*arguments: object, command=INSTALLED, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, **options)


@pytest.fixture(scope="module")
def coded(tmp_path_factory) -> Path:
    """A folder with a.png and a.inr made from it."""
    folder = tmp_path_factory.mktemp("coded")
    make_picture(folder / "a.png")
    done = execute("encode", "a.png", *QUICK, "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    (folder / "encode.json").write_bytes(done.stdout)
    return folder


def test_encode_keeps_its_promises(coded):
    record = json.loads((coded / "encode.json").read_text())
    size = (coded / "a.inr").stat().st_size
    assert record["bytes"] == size <= 4 * 24 * 16 // 8
    assert record["bpp"] == pytest.approx(size * 8 / (24 * 16), rel=1e-3)


@pytest.mark.parametrize("command", [INSTALLED, MODULE])
def test_decode_gives_the_quality_that_encode_told(coded, tmp_path, command):
    output = tmp_path / "back.png"
    done = execute("decode", coded / "a.inr", "-o", output, command=command)
    assert done.returncode == 0
    compared = execute("compare", coded / "a.png", output, "--json", command=command)
    told = json.loads((coded / "encode.json").read_text())["psnr_db"]
    assert json.loads(compared.stdout)["psnr_db"] == pytest.approx(told, abs=0.05)


def test_region_and_scale_through_a_pipe(coded, tmp_path):
    data = (coded / "a.inr").read_bytes()
    whole = execute("decode", "-", "--format", "npy", input=data)
    part = execute("decode", "-", "--format", "npy", "--region", "4,2,10,6", input=data)
    half = execute("decode", "-", "--format", "npy", "--scale", "1/2", input=data)
    arrays = []
    for number, done in enumerate((whole, part, half)):
        assert done.returncode == 0
        path = tmp_path / f"{number}.npy"
        path.write_bytes(done.stdout)
        arrays.append(np.load(path).astype(int))
    assert np.abs(arrays[1] - arrays[0][2:8, 4:14]).max() <= 1
    assert arrays[2].shape[:2] == (8, 12)


def test_info_and_verify(coded):
    found = json.loads(execute("info", coded / "a.inr", "--json").stdout)
    assert (found["shape"], found["channels"]) == ([16, 24], 3)
    assert execute("verify", coded / "a.inr").returncode == 0


def test_a_damaged_file_is_status_3(coded, tmp_path):
    data = bytearray((coded / "a.inr").read_bytes())
    data[-1] ^= 1
    damaged = tmp_path / "a.inr"
    damaged.write_bytes(data)
    for command in ("verify", "decode"):
        done = execute(command, damaged)
        assert done.returncode == 3
        assert done.stderr.count(b"\n") == 1
    assert os.listdir(tmp_path) == ["a.inr"]
    assert execute("verify", coded / "a.png").returncode == 3


@pytest.mark.parametrize(
    ("mode", "size"), [("L", (1, 1)), ("LA", (7, 5)), ("RGB", (1, 1)), ("RGBA", (7, 5))]
)
def test_small_pictures_of_every_kind(tmp_path, mode, size):
    Image.new(mode, size).save(tmp_path / "a.png")
    done = execute("encode", "a.png", *FAST, "--size", "300", "-q", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert execute("decode", "a.inr", "-o", "b.png", cwd=tmp_path).returncode == 0
    assert describe_picture(tmp_path / "b.png") == ("PNG", size, mode)


def test_a_pipe_from_encode_to_decode(tmp_path):
    encoded = execute("encode", "-", *QUICK, "-q", input=picture_bytes("bmp"))
    assert encoded.returncode == 0
    assert execute("decode", "-", input=encoded.stdout).stdout.startswith(b"\x89PNG")


def test_ctrl_c_writes_the_best_so_far(tmp_path):
    make_picture(tmp_path / "a.png")
    arguments = ["encode", "a.png", "--effort", "9", "--threads", "1", "--progress", "json"]

    def as_in_a_terminal():  # also where the tests themselves run in the background
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        [*INSTALLED, *arguments],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=as_in_a_terminal,
    ) as process:
        for line in process.stderr:
            if json.loads(line).get("psnr_db") is not None:
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        talk = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "stopping" in talk
    assert execute("verify", tmp_path / "a.inr").returncode == 0


def test_a_full_disk_is_one_line(coded):
    with open("/dev/full", "wb") as full:
        for arguments in (["decode", "a.inr", "-o", "-"], ["info", "a.inr"]):
            done = subprocess.run(
                [*INSTALLED, *arguments], cwd=coded, stdout=full, stderr=subprocess.PIPE
            )
            assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)


def test_a_closed_pipe_is_quiet(coded):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as broken:
        done = subprocess.run(
            [*INSTALLED, "info", "a.inr"], cwd=coded, stdout=broken, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (1, b"")
