"""The Python twins of the commands."""

import runpy
import sys
from dataclasses import replace

import numpy as np
import pytest
from sound_files import sound, tone, written

import inrcodec
from inrcodec import allocator
from inrcodec.errors import InputError, LimitExceeded, NotInr, OptionError
from inrcodec.limits import Limits
from inrcodec.signals.image import write_image


@pytest.fixture(scope="module")
def signal():
    y, x = np.mgrid[:12, :16]
    samples = np.stack([10 * x, 12 * y, 120 + 3 * (x - y)], axis=-1)
    return inrcodec.Signal("image", samples.astype(np.uint8))


@pytest.fixture(scope="module")
def data(signal):
    return inrcodec.encode(signal, size=500, settings={"steps": "40"})


@pytest.fixture
def picture(signal, tmp_path):
    path = tmp_path / "a.png"
    write_image(signal, path, str(path), None, None)
    return path


def test_a_picture_and_its_signal_are_alike(signal, picture, data):
    for source in (picture, str(picture)):
        assert inrcodec.encode(source, size=500, settings={"steps": "40"}) == data
    assert len(data) <= 500


def test_files_and_bytes_are_alike(data, tmp_path):
    path = tmp_path / "a.inr"
    path.write_bytes(data)
    for source in (path, str(path)):
        assert np.array_equal(inrcodec.decode(source).samples, inrcodec.decode(data).samples)
        assert inrcodec.info(source) == inrcodec.info(data) == inrcodec.verify(source)


def test_regions_scales_and_limits(data):
    assert inrcodec.decode(data, region=(2, 3, 5, 4)).shape == (4, 5)
    assert inrcodec.decode(data, scale=4).shape == (3, 4)
    with pytest.raises(LimitExceeded):
        inrcodec.decode(data, limits=Limits(samples=100))


def test_sound_in_parts(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(written(sound(tone()), "wav"))
    data = inrcodec.encode(path, kbps=64, effort=1, settings={"steps": "5"})
    assert inrcodec.info(data)["kbps"] <= 64
    assert inrcodec.decode(data, span=(100, None)).shape == (2300,)
    (tmp_path / "a.inr").write_bytes(data)
    assert inrcodec.compare(path, tmp_path / "a.inr")["snr_db"] > 0


def test_a_mesh_takes_the_resolution_of_the_other_side(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / "a.stl"
    path.write_bytes(trimesh.creation.box().export(file_type="stl"))
    inside = np.pad(np.ones((6, 6, 6, 1), np.uint8), [(1, 1)] * 3 + [(0, 0)])
    mask = inrcodec.Signal("volume", inside, bits=1)
    assert inrcodec.compare(path, mask)["iou"] == 1
    with pytest.raises(OptionError, match="resolution"):
        inrcodec.encode(path)


def test_compare(signal, picture):
    other = replace(signal, samples=signal.samples ^ 1)
    assert inrcodec.compare(picture, signal)["psnr_db"] == float("inf")
    assert inrcodec.compare(signal, other)["psnr_db"] == pytest.approx(48.13, abs=0.01)


def test_errors(tmp_path, signal):
    with pytest.raises(InputError):
        inrcodec.encode(tmp_path / "absent.png")
    with pytest.raises(InputError):
        inrcodec.decode(tmp_path / "absent.inr")
    with pytest.raises(NotInr):
        inrcodec.decode(b"\x89PNG")
    with pytest.raises(OptionError):
        inrcodec.encode(signal, size=-1)


def test_names():
    assert all(getattr(inrcodec, name) for name in inrcodec.__all__)
    with pytest.raises(AttributeError, match="no attribute 'enocde'"):
        _ = inrcodec.enocde


def test_module_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["inrcodec", "--version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("inrcodec", run_name="__main__")
    assert left.value.code == 0
    assert inrcodec.__version__ in capsys.readouterr().out


def test_other_systems_keep_their_allocator(monkeypatch):
    asked = []

    def absent(name):
        asked.append(name)
        raise OSError(name)

    monkeypatch.setattr(allocator.ctypes, "CDLL", absent)
    allocator.keep_pages()
    monkeypatch.setattr(sys, "platform", "darwin")
    allocator.keep_pages()
    assert len(asked) <= 1
