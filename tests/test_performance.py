"""The performance benchmark: its rows, tables and resuming; parts of the full benchmark."""

import pytest
from click.testing import CliRunner

from benchmarks import full, performance, record, video
from benchmarks.data import RESULTS, ROOT

DECODE = {"part": "decode", "repr": "asmr", "decode_ms": 31.04, "peak_mb": 59.2, "share": 0.25}
DECODE |= {"macs_per_sample": 1421.0, "gflops": 18.04, "product_gflops": 72.2}


def test_a_decode_is_measured():
    row = performance.decode_row("siren", 1, size=(96, 64))
    assert row["samples"] == 96 * 64 and row["parameters"] > 0 and row["decode_ms"] > 0
    flops = 2e-9 * row["macs_per_sample"] * row["samples"] / (row["decode_ms"] / 1000)
    assert row["gflops"] == pytest.approx(flops, abs=0.01)
    assert row["share"] == pytest.approx(row["gflops"] / row["product_gflops"], abs=0.01)
    assert 20 < row["peak_mb"] < 400


def test_whole_commands_are_measured(monkeypatch):
    monkeypatch.setattr(performance, "_STEPS", 2)
    monkeypatch.setattr(performance, "_NETWORK", 1000)
    row = performance.size_row("siren", (96, 64))
    assert 300 < row["bytes"] <= 1000
    assert row["encode_peak_mb"] > row["decode_peak_mb"] > 20


def test_parts_are_measured(monkeypatch):
    monkeypatch.setattr(performance, "_STEPS", 2)
    row = performance.part_row("siren", (96, 64), 0.3)
    assert all(row[f"{name}_s"] >= 0 for name in ("whole", "region", "scaled", "draft"))
    row |= {"part": "part", "repr": "siren", "megapixels": 20.0}
    row |= {"whole_s": 8.0, "region_s": 0.32, "scaled_s": 8.1, "draft_s": 2.0, "draft_rms": 1.23}
    cells = "| `siren` | 20 | 0.3 | 8.0 | 0.32 (4.0%) | 8.10 (101.2%) | 2.00 (25.0%) | 1.2 |"
    assert cells in performance.part_table([row])


def test_sides():
    assert performance.sides(0.393216) == (768, 512)


def test_rows_are_kept_as_they_come(tmp_path, monkeypatch):
    monkeypatch.setattr(performance, "RESULTS", tmp_path)
    called = []

    def jobs(count):
        for i in range(count):
            yield {"part": "size", "repr": "asmr", "megapixels": i}, lambda i=i: job(i)

    def job(i):
        called.append(i)
        return {"decode_s": 1.5}

    performance.run(jobs(2), 1, "p")
    performance.run(jobs(3), 1, "p")
    assert called == [0, 1, 2]
    rows = record.load(tmp_path / "p.json")
    assert [row["megapixels"] for row in rows] == [0, 1, 2]
    assert all({"commit", "threads", "processor", "load_before"} <= set(row) for row in rows)


def test_tables():
    effort = {"part": "effort", "repr": "asmr", "effort": 5, "psnr_db": 28.123, "encode_s": 59.6}
    size = {"part": "size", "repr": "asmr", "megapixels": 0.5, "encode_s": 4.54, "decode_s": 0.43}
    size |= {"encode_peak_mb": 411.6, "decode_peak_mb": 60.0, "samples": 500_000}
    rows = [effort, DECODE, size]
    assert "| `asmr` | 28.12 in 60 s |" in performance.effort_table(rows)
    assert "| `asmr` | 31.0 | 59.2 | 1421 | 18.0 | 72.2 | 25.0 |" in performance.decode_table(rows)
    assert (
        "| `asmr` | 0.5 | 4.5 | 9.08 | 412 | 823 | 0.4 | 0.86 | 60 | 120 |"
        in performance.size_table(rows)
    )


def test_parts_of_the_full_benchmark_are_benchmarks():
    for command in full.commands(()):
        module = ROOT / "benchmarks" / command[0]
        assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file(), command


def test_all_results_are_of_the_full_benchmark_or_have_a_target_of_their_own():
    made = {"sweep", "check"}  # make bench, make bench-check
    for command in full.commands(()):
        default = "_".join(command[: 2 if command[0] == "peers" else 1])
        after = command[command.index("--output") + 1 :] if "--output" in command else [default]
        made |= {after[0]} | ({"peers"} if default == "peers_fit" else set())
    assert {path.stem for path in RESULTS.glob("*.json")} <= made


def test_a_part_that_fails_does_not_stop_the_others(monkeypatch):
    ran = []
    monkeypatch.setattr(full, "run", lambda command: ran.append(command[0]) or len(ran) == 1)
    done = CliRunner().invoke(full.main, ["shapes", "audio"])
    assert ran == ["shapes", "shapes", "audio", "audio"] and done.exit_code == 1
    assert "failed: python -m benchmarks.shapes" in done.output
    listed = CliRunner().invoke(full.main, ["--list"])
    assert listed.output.count("python -m benchmarks.") == len(full.commands(())) and len(ran) == 4


def test_bd_rates_of_films():
    rows = [
        {"film": "a", "codec": codec, "bpp": bpp * factor, "psnr_db": 30.0 + 5 * place}
        for codec, factor in (("film 5", 0.5), ("x264 slow", 1.0))
        for place, bpp in enumerate((0.1, 0.2, 0.4))
    ]
    assert video.bd_table(rows).splitlines()[-1] == "| a | film 5 | -50.0 % |"
    assert video.bd_table(rows[1:]).splitlines()[-1] == "| a | film 5 | - |"


def test_video_table():
    row = {"film": "a", "asked_bpp": 0.1, "bpp": 0.0991, "psnr_db": 24.94}
    rows = [row | {"codec": "x264 slow", "bpp": 0.103, "psnr_db": 37.67}, row | {"codec": "asmr"}]
    assert video.table(rows).splitlines()[0] == (
        "| film | bpp asked | asmr: dB at bpp | x264 slow: dB at bpp |"
    )
    assert "| a | 0.1 | 24.94 at 0.099 | 37.67 at 0.103 |" in video.table(rows)
