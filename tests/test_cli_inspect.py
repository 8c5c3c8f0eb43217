"""`info`, `verify` and `compare`: what they print, and their exit statuses."""

import json
import os

import pytest
from cli_fakes import call, make_inr, make_picture, picture_bytes


def test_info_begins_with_a_summary(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    result = call("info", "a.inr")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "a.inr: 24x16 RGB, 8 bits, asmr, 9 bytes, 0.500 bpp"
    assert "  bases              4,4 4,6" in lines
    assert lines[-1].split() == ["section", "HEAD", "30", "bytes", "at", "12"]


def test_info_json_is_one_object_per_file(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    make_inr(tmp_path / "b.inr", b"damaged")
    result = call("info", "--json", "a.inr", "b.inr")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["input"], first["version"], first["shape"]) == ("a.inr", "1.0", [16, 24])
    assert second == {
        "input": "b.inr",
        "error": "b.inr: section WEIGHTS: checksum is wrong",
        "status": 3,
    }
    assert result.exit_code == 3


def test_info_reads_standard_input(codec, tmp_path):
    result = call("info", "-", stdin=make_inr(tmp_path / "a.inr").read_bytes())
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "-")


def test_a_missing_file_is_status_1(codec):
    result = call("info", "missing.inr")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "missing.inr" in result.stderr


def test_verify_says_ok_or_why_not(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    make_inr(tmp_path / "b.inr", b"damaged")
    result = call("verify", "b.inr", "a.inr")
    assert (result.exit_code, result.stdout) == (3, "a.inr: ok\n")
    assert result.stderr == "inrcodec: b.inr: section WEIGHTS: checksum is wrong\n"
    assert json.loads(call("verify", "a.inr", "--json").stdout)["status"] == 0


def test_compare_equal_pictures(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    result = call("compare", "a.png", "-", stdin=picture_bytes("bmp"))
    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["psnr", "equal"])
    record = json.loads(call("compare", "a.png", "a.png", "--json").stdout)
    assert (record["psnr_db"], record["ssim"]) == (None, pytest.approx(1.0))
    assert (record["reference"], record["test"]) == ("a.png", "a.png")


def test_compare_takes_inr_files_on_either_side(codec, tmp_path):
    make_picture(tmp_path / "a.png")
    make_inr(tmp_path / "coded.bin")
    one = json.loads(call("compare", "a.png", "coded.bin", "--json").stdout)
    other = json.loads(call("compare", "coded.bin", "a.png", "--json").stdout)
    assert 0 < one["psnr_db"] < 20
    assert one["psnr_db"] == pytest.approx(other["psnr_db"])


@pytest.mark.parametrize(
    ("test", "status"), [("missing.png", 1), ("bad.inr", 3), ("damaged.inr", 3), ("text.png", 1)]
)
def test_compare_names_the_file_that_failed(codec, tmp_path, test, status):
    make_picture(tmp_path / "a.png")
    make_inr(tmp_path / "damaged.inr", b"damaged")
    for name in ("bad.inr", "text.png"):
        (tmp_path / name).write_bytes(b"some text")
    result = call("compare", "a.png", test)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith(f"inrcodec: {test}: ")


def test_compare_reads_standard_input_once(codec):
    assert call("compare", "-", "-").exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="names with line breaks are a POSIX matter")
@pytest.mark.parametrize("name", ["two\nlines.inr", os.fsdecode(b"\xff.inr")])
def test_odd_names_stay_on_one_line(codec, tmp_path, name):
    make_inr(tmp_path / name, b"damaged")
    assert call("verify", name).stderr.count("\n") == 1
    make_inr(tmp_path / name)
    result = call("verify", name)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)
    assert json.loads(call("info", name, "--json").stdout)["input"] == name
