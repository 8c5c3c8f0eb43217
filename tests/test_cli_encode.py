"""`encode` around the encoder: options, outputs, reports, exit statuses."""

import json
import os
import signal
import sys

import pytest
from cli_fakes import Encoded, Progress, call, make_picture, picture_bytes
from PIL import Image

from inrcodec.errors import RateError
from inrcodec.options import EncodeOptions


def test_the_default_output_lies_beside_the_input(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "a.inr").read_bytes() == Encoded().data
    assert "a.png -> a.inr" in result.stderr
    assert codec.encodes[0][1] == EncodeOptions()


def test_options_reach_the_encoder(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    arguments = "--size 20k -r doh -e 9 --time-limit 5m --seed 7 --threads 2 --device cpu"
    result = call("encode", "a.png", *arguments.split(), "--set", "width=40", "--set", "layers=9")
    assert result.exit_code == 0
    assert codec.encodes[0][1] == EncodeOptions(
        size=20_000,
        repr="doh",
        effort=9,
        time_limit=300.0,
        seed=7,
        threads=2,
        device="cpu",
        settings={"width": "40", "layers": "9"},
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--bpp 0.3 --psnr 30", ["--bpp", "--psnr", "exclude"]),
        ("--size 1k --psnr 30", ["--size", "--psnr", "exclude"]),
        ("--bpp nan", ["--bpp", "finite"]),
        ("--size 20q", ["--size", "20k"]),
        ("--effort 0", ["--effort"]),
        ("--seed -1", ["--seed"]),
        ("--threads 0", ["--threads"]),
        ("--set width", ["KEY=VALUE"]),
        ("--set bogus=1", ["bogus", "width"]),
        ("--set width=1 --set width=2", ["width", "more than once"]),
        ("--output x --output-dir y", ["--output", "--output-dir"]),
        ("--force --skip-existing", ["--force", "--skip-existing"]),
        ("--output - --json", ["--json", "standard output"]),
    ],
)
def test_wrong_usage_is_status_2_and_does_nothing(codec, tmp_path, arguments, words):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png", *arguments.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert [word for word in words if word not in result.stderr] == []
    assert os.listdir() == ["a.png"]


def test_no_input_is_wrong_usage(codec):
    assert call("encode").exit_code == 2


def test_an_existing_output_is_kept_and_nothing_is_fitted(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    (tmp_path / "a.inr").write_bytes(b"old")
    result = call("encode", "a.png")
    assert (result.exit_code, codec.encodes) == (1, [])
    assert result.stderr == "inrcodec: a.inr: exists already; --force replaces it\n"
    assert (tmp_path / "a.inr").read_bytes() == b"old"


def test_force_replaces_and_skip_existing_skips(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    (tmp_path / "a.inr").write_bytes(b"old")
    skipped = call("encode", "a.png", "--skip-existing", "--json")
    assert skipped.exit_code == 0
    assert json.loads(skipped.stdout) == {"input": "a.png", "output": "a.inr", "skipped": True}
    assert call("encode", "a.png", "-f").exit_code == 0
    assert (tmp_path / "a.inr").read_bytes() == Encoded().data
    assert len(codec.encodes) == 1


def test_a_file_that_appears_while_fitting_is_kept(codec, tmp_path):
    make_picture(tmp_path / "a.png")

    def intrude(progress, stop):
        (tmp_path / "a.inr").write_bytes(b"other")
        return Encoded()

    codec.on_encode = intrude
    assert call("encode", "a.png").exit_code == 1
    assert (tmp_path / "a.inr").read_bytes() == b"other"


def test_the_input_is_never_written_over(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png", "-o", "a.png", "-f")
    assert result.exit_code == 1
    assert (tmp_path / "a.png").read_bytes() == picture_bytes()


def test_output_dir_is_created(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    assert call("encode", "a.png", "--output-dir", "deep/er").exit_code == 0
    assert (tmp_path / "deep" / "er" / "a.inr").is_file()


def test_output_dir_that_is_a_file_is_one_line(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png", "--output-dir", "a.png")
    assert result.exit_code == 1
    assert result.stderr == "inrcodec: --output-dir: a.png is not a directory\n"


def test_pages_that_are_left_out_are_told(codec, tmp_path):
    pages = [Image.new("RGB", (8, 6), colour) for colour in ("red", "green", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "b.tif")
    for name, told in (("a.tif", True), ("b.tif", False)):
        result = call("encode", name)
        assert result.exit_code == 0
        assert (f"{name}: the first of 3 pages; the others" in result.stderr) == told


def test_empty_standard_input_is_named_once(codec):
    result = call("encode", "-", "-o", "a.inr", stdin=b"")
    assert (result.exit_code, result.stderr) == (1, "inrcodec: -: file is empty\n")


def test_json_has_the_promised_keys(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png", "--json")
    record = json.loads(result.stdout)
    assert set(record) >= {"input", "output", "bytes", "bpp", "psnr_db", "seconds", "repr"}
    assert set(record) >= {"seed", "version", "stopped"}
    assert record["bytes"] == (tmp_path / "a.inr").stat().st_size
    assert result.stderr == ""


def test_json_has_no_infinity(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    codec.on_encode = lambda progress, stop: Encoded(psnr_db=float("inf"))
    assert json.loads(call("encode", "a.png", "--json").stdout)["psnr_db"] is None


def test_an_error_on_one_input_leaves_the_others(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"not a picture")
    make_picture(tmp_path / "c.png")
    result = call("encode", "a.png", "b.png", "missing.png", "c.png", "--json")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [record["input"] for record in records] == ["a.png", "b.png", "missing.png", "c.png"]
    assert [record.get("status", 0) for record in records] == [0, 1, 1, 0]
    assert "b.png" in records[1]["error"]
    assert (tmp_path / "c.inr").is_file()


def test_the_first_error_decides_the_status(codec, tmp_path):
    for name in ("a.png", "b.png"):
        make_picture(tmp_path / name)
    errors = iter([RateError("budget of 3 bytes is too small"), ValueError("odd")])

    def fail(progress, stop):
        raise next(errors)

    codec.on_encode = fail
    result = call("encode", "a.png", "b.png")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines() == [
        "inrcodec: a.png: budget of 3 bytes is too small",
        "inrcodec: b.png: internal error, ValueError: odd",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line"),
        (RuntimeError(), "internal error"),
    ],
)
def test_an_unexpected_error_is_one_line(codec, tmp_path, error, words):
    make_picture(tmp_path / "a.png")

    def fail(progress, stop):
        raise error

    codec.on_encode = fail
    result = call("encode", "a.png")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert words in result.stderr
    assert "Traceback" in call("encode", "a.png", "-v").stderr
    assert os.listdir() == ["a.png"]


def test_a_full_disk_leaves_the_old_file(codec, tmp_path, monkeypatch):
    make_picture(tmp_path / "a.png")
    (tmp_path / "a.inr").write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = call("encode", "a.png", "-f")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert sorted(os.listdir()) == ["a.inr", "a.png"]
    assert (tmp_path / "a.inr").read_bytes() == b"old"


def test_quiet_says_nothing(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("encode", "a.png", "-q")
    assert (result.stdout, result.stderr) == ("", "")


def test_verbose_says_more(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    assert "24x16 RGB, 8 bits" in call("encode", "a.png", "-v").stderr


def test_standard_input_goes_to_standard_output(codec):
    result = call("encode", "-", stdin=picture_bytes("bmp"))
    assert (result.exit_code, result.stdout_bytes) == (0, Encoded().data)
    assert codec.encodes[0][0].shape == (16, 24)


def test_no_binary_to_a_terminal(codec, tmp_path, monkeypatch):
    make_picture(tmp_path / "a.png")
    monkeypatch.setattr("inrcodec.cli.batch.stdout_is_terminal", lambda: True)
    result = call("encode", "a.png", "-o", "-")
    assert (result.exit_code, codec.encodes) == (2, [])
    assert "terminal" in result.stderr


def test_no_metadata_turns_the_picture_upright(codec, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    Image.new("RGB", (24, 16)).save(tmp_path / "a.png", exif=exif)
    assert call("encode", "a.png").exit_code == 0
    assert call("encode", "a.png", "-f", "--no-metadata").exit_code == 0
    kept, dropped = (fitted for fitted, _ in codec.encodes)
    assert (kept.shape, dropped.shape) == ((16, 24), (24, 16))
    assert kept.metadata.exif and not dropped.metadata.exif


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def _sigint():
    """SIGINT as in a terminal, also where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_sigint")
def test_the_first_ctrl_c_writes_the_best_so_far(codec, tmp_path):
    for name in ("a.png", "b.png"):
        make_picture(tmp_path / name)

    def fit(progress, stop):
        assert not stop()
        interrupt()
        assert stop() and stop()
        return Encoded(stopped=True)

    codec.on_encode = fit
    before = signal.getsignal(signal.SIGINT)
    result = call("encode", "a.png", "b.png")
    assert result.exit_code == 130
    assert (tmp_path / "a.inr").read_bytes() == Encoded().data
    assert not (tmp_path / "b.inr").exists()
    assert result.stderr.count("writing the best so far") == 1
    assert "stopped early" in result.stderr
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("_sigint")
def test_the_second_ctrl_c_leaves_nothing(codec, tmp_path):
    make_picture(tmp_path / "a.png")

    def fit(progress, stop):
        interrupt()
        interrupt()

    codec.on_encode = fit
    result = call("encode", "a.png", "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["status"] == 130
    assert os.listdir() == ["a.png"]


def test_progress_as_json_lines(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    seen = []

    def fit(progress, stop):
        for phase, fraction in (("plan", 0.0), ("fit", 0.1), ("fit", 0.11), ("done", 1.0)):
            progress(Progress(phase, fraction))
            seen.append(fraction)
        return Encoded()

    codec.on_encode = fit
    result = call("encode", "a.png", "-q", "--progress", "json")
    updates = [json.loads(line) for line in result.stderr.splitlines()]
    assert [update["phase"] for update in updates] == ["plan", "fit", "done"]
    assert updates[0] == {
        "input": "a.png",
        "phase": "plan",
        "fraction": 0.0,
        "eta_s": 75.0,
        "psnr_db": 31.4159,
        "size_bytes": 912,
    }


@pytest.mark.parametrize(("mode", "shown"), [("bar", True), ("none", False), ("auto", False)])
def test_a_bar_only_where_it_belongs(codec, tmp_path, mode, shown):
    make_picture(tmp_path / "a.png")

    def fit(progress, stop):
        progress(Progress())
        return Encoded()

    codec.on_encode = fit
    result = call("encode", "a.png", "--progress", mode)
    assert ("fit, 31.42 dB, 912 B, 1:15 left" in result.stderr) is shown


def test_the_bar_is_automatic_on_a_terminal(codec, tmp_path, monkeypatch):
    from inrcodec.cli import progress

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.make_display("auto", False, "a.png") as display:
        assert isinstance(display, progress.Bar)
    assert type(progress.make_display("auto", True, "a.png")) is progress.Silent
