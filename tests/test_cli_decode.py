"""`decode` around the decoder: options, formats, outputs, exit statuses."""

import io
import json
import os

import pytest
from cli_fakes import call, describe_picture, make_inr

from inrcodec.cli.formats import DEFAULTS, FORMATS
from inrcodec.errors import Unsupported
from inrcodec.limits import Limits
from inrcodec.signals.write import OUTPUTS


def test_the_format_choices_are_what_can_be_written():
    writable = {
        kind: {name: known.suffixes[0] for name, known in outputs.formats().items()}
        for kind, outputs in OUTPUTS.items()
    }
    assert writable == FORMATS
    assert {kind: outputs.default for kind, outputs in OUTPUTS.items()} == DEFAULTS


def test_the_default_output_is_a_png_beside_the_input(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    result = call("decode", "a.inr")
    assert (result.exit_code, result.stdout) == (0, "")
    assert describe_picture(tmp_path / "a.png") == ("PNG", (24, 16), "RGB")
    assert "a.inr -> a.png: 24x16 RGB, 8 bits" in result.stderr
    assert codec.decodes == [
        {
            "limits": Limits(),
            "region": None,
            "span": None,
            "scale": 1,
            "draft": False,
            "ignore_checksum": False,
        }
    ]


def test_options_reach_the_decoder(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    limits = [f"--max-{name}=0" for name in ("samples", "side", "macs", "metadata-bytes")]
    part = ["--region", "1,2,3,4", "--scale", "1/2", "--draft", "--ignore-checksum"]
    assert call("decode", "a.inr", *limits, "--max-weights", 5, *part).exit_code == 0
    assert codec.decodes == [
        {
            "limits": Limits(samples=0, side=0, macs=0, metadata_bytes=0, weights=5),
            "region": (1, 2, 3, 4),
            "span": None,
            "scale": 2,
            "draft": True,
            "ignore_checksum": True,
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "name", "format"),
    [
        ("--format jpeg", "a.jpg", "JPEG"),
        ("-o b.bmp", "b.bmp", "BMP"),
        ("-o plain", "plain", "PNG"),
        ("-o b.dat --format webp", "b.dat", "WEBP"),
    ],
)
def test_the_format_is_by_option_or_suffix(codec, tmp_path, arguments, name, format):
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", *arguments.split()).exit_code == 0
    assert describe_picture(tmp_path / name)[0] == format


def test_depth_16(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", "--depth", "16").exit_code == 0
    assert (tmp_path / "a.png").read_bytes()[24] == 16  # bit depth in the PNG header


@pytest.mark.parametrize(
    "arguments",
    ["--scale 3/2", "--region 1,2,3", "--depth 12", "--format gif", "--max-samples -1", "-o b.xyz"],
)
def test_wrong_usage_is_status_2_and_does_nothing(codec, tmp_path, arguments):
    make_inr(tmp_path / "a.inr")
    result = call("decode", "a.inr", *arguments.split())
    assert (result.exit_code, codec.decodes) == (2, [])
    assert os.listdir() == ["a.inr"]


def test_standard_input_to_standard_output_is_png(codec, tmp_path):
    result = call("decode", "-", stdin=make_inr(tmp_path / "a.inr").read_bytes())
    assert result.exit_code == 0
    assert describe_picture(io.BytesIO(result.stdout_bytes))[0] == "PNG"


def test_json(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    record = json.loads(call("decode", "a.inr", "--json").stdout)
    assert record.pop("seconds") >= 0
    assert record == {
        "input": "a.inr",
        "output": "a.png",
        "bytes": (tmp_path / "a.png").stat().st_size,
        "kind": "image",
        "shape": [16, 24],
        "channels": 3,
        "depth": 8,
    }


def test_damaged_files_are_status_3_and_the_rest_is_decoded(codec, tmp_path):
    (tmp_path / "a.inr").write_bytes(b"other")
    make_inr(tmp_path / "b.inr", b"damaged")
    make_inr(tmp_path / "c.inr")
    result = call("decode", "a.inr", "b.inr", "c.inr", "--json")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 3
    assert [record.get("status", 0) for record in records] == [3, 3, 0]
    assert result.stderr.splitlines() == [
        "inrcodec: a.inr: file begins with other bytes",
        "inrcodec: b.inr: section WEIGHTS: checksum is wrong",
    ]
    assert (tmp_path / "c.png").is_file() and not (tmp_path / "b.png").exists()


def test_an_unsupported_version_is_status_4(codec, tmp_path, monkeypatch):
    make_inr(tmp_path / "a.inr")

    def refuse(data, **_):
        raise Unsupported("file is of version 9, this reader knows 1")

    monkeypatch.setattr(codec, "info", refuse)
    assert call("decode", "a.inr").exit_code == 4


def test_ctrl_c_is_status_130(codec, tmp_path, monkeypatch):
    make_inr(tmp_path / "a.inr")

    def interrupted(data, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(codec, "info", interrupted)
    result = call("decode", "a.inr")
    assert (result.exit_code, result.stderr.count("\n")) == (130, 1)
    assert os.listdir() == ["a.inr"]


def test_a_device_is_written_to(codec, tmp_path):
    make_inr(tmp_path / "a.inr")
    assert call("decode", "a.inr", "-o", os.devnull, "--format", "png").exit_code == 0
    assert not os.path.isfile(os.devnull)


def test_ctrl_c_before_the_work_is_status_130(codec, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("inrcodec.cli.batch.plan_jobs", interrupted)
    result = call("decode", "a.inr")
    assert (result.exit_code, result.stderr) == (130, "inrcodec: interrupted, nothing written\n")


def test_a_reader_that_goes_away_is_no_news(codec, tmp_path, monkeypatch):
    make_inr(tmp_path / "a.inr")

    def broken(*_):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("inrcodec.cli.decode.write_output", broken)
    result = call("decode", "a.inr", "-o", "-")
    assert (result.exit_code, result.stderr) == (1, "")
