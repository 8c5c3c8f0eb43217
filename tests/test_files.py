"""Reading whole files; writing them whole or not at all."""

import io
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from inrcodec.errors import InputError, OutputError
from inrcodec.files import atomic_path, atomic_write, one_line, printable, read_bytes


def test_write_and_read_back(tmp_path):
    path = tmp_path / "a.inr"
    atomic_write(path, b"first")
    atomic_write(path, b"second")
    assert read_bytes(path) == b"second"
    assert os.listdir(tmp_path) == ["a.inr"]


def test_bare_name_is_written_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atomic_write(Path("a.inr"), b"data")
    assert (tmp_path / "a.inr").read_bytes() == b"data"


def test_reading_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\x00piped\xff")))
    assert read_bytes("-") == b"\x00piped\xff"


def test_unreadable_input_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.png: cannot be read: No such file"):
        read_bytes(tmp_path / "missing.png")
    with pytest.raises(InputError, match="Is a directory"):
        read_bytes(tmp_path)


def test_failing_standard_input_is_named(monkeypatch):
    class Broken:
        def read(self):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Broken()}))
    with pytest.raises(InputError, match="standard input: cannot be read: Input/output error"):
        read_bytes("-")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug"), SystemExit(3)])
def test_failure_leaves_the_old_file_and_no_temporary(tmp_path, error):
    path = tmp_path / "a.inr"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.inr"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file_and_no_temporary(tmp_path, monkeypatch, call):
    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.inr"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, no_space)
    with pytest.raises(OutputError, match=r"a\.inr: cannot be written: No space left on device$"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.inr"]


def test_data_is_synced_before_it_takes_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda *a: (calls.append("replace"), replace(*a)))
    atomic_write(tmp_path / "a.inr", b"data")
    assert calls[:2] == ["fsync", "replace"]


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    fsync = os.fsync

    def only_files(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    atomic_write(tmp_path / "a.inr", b"data")
    assert (tmp_path / "a.inr").read_bytes() == b"data"


def test_missing_folder_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="No such file") as caught:
        atomic_write(tmp_path / "none" / "a.inr", b"data")
    assert "\n" not in str(caught.value)
    assert "a.inr" in str(caught.value)


def test_folder_as_target(tmp_path):
    with pytest.raises(OutputError, match="is a directory"):
        atomic_write(tmp_path, b"data")


def test_replaced_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a.inr"
    path.write_bytes(b"old")
    path.chmod(0o640)
    atomic_write(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_new_file_honours_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "a.inr", b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.inr").stat().st_mode) == 0o640


def test_symbolic_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.inr", tmp_path / "link.inr"
    real.write_bytes(b"old")
    link.symlink_to(real)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_longest_file_name(tmp_path):
    path = tmp_path / ("n" * 251 + ".inr")
    atomic_write(path, b"data")
    assert path.read_bytes() == b"data"


def test_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    atomic_write(pipe, b"data")
    reader.join(5)
    assert received == [b"data"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_one_line():
    assert one_line(ValueError("first\nsecond")) == "first second"
    assert one_line(MemoryError()) == "MemoryError"
    assert printable("plain é.png") == "plain é.png"
    assert "\n" not in printable("bad\nname")
