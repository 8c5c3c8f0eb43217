"""Tables of docs/results.md."""

import pytest

from benchmarks import record, result_tables
from benchmarks.tabular import Missing

WHERE = {"processor": "p", "threads": 2, "cores": 2, "torch": "2", "commit": "c"}


def save(folder, name, rows):
    record.save(folder / f"{name}.json", "command", [row | WHERE for row in rows])


def test_bd_rates_need_three_rates_of_all_pictures(tmp_path):
    own = {"asked_repr": "pyramid", "effort": 4}
    rows = [
        {"image": f"kodim{n:02d}", "asked_bpp": bpp, "bpp": bpp, "psnr_db": psnr} | own
        for bpp, psnr in ((0.15, 27.0), (0.3, 30.0), (0.6, 33.5))
        for n in range(1, 25)
    ]
    save(tmp_path, "kodak_pyramid", rows)
    text = result_tables.bd_published(tmp_path)
    assert text.splitlines()[2].startswith("| pyramid, effort 4 | -")
    assert "| against COIN |" in text and text.endswith(
        "p, 2 threads per encode, torch 2, commit c."
    )
    save(tmp_path, "kodak_pyramid", rows[:-1])
    with pytest.raises(Missing, match="three rates"):
        result_tables.bd_published(tmp_path)


def test_sweep(tmp_path):
    rows = [
        {"image": "kodim05", "asked_bpp": bpp, "bpp": bpp, "codec": codec, "psnr_db": psnr - gain}
        | {"time_limit_s": 24.0}
        for bpp, psnr in ((0.15, 26.0), (0.3, 29.0), (0.6, 32.0))
        for codec, gain in (("jpeg", 0.5), ("pyramid", 0.0))
    ]
    save(tmp_path, "sweep", [*rows, {"image": "kodim05", "asked_bpp": 0.1, "codec": "jpeg"}])
    lines = result_tables.sweep(tmp_path).splitlines()
    assert lines[0] == "| mean PSNR, dB | 0.15 bpp | 0.3 bpp | 0.6 bpp | BD-rate to jpeg |"
    assert lines[2] == "| pyramid | 26.00 | 29.00 | 32.00 | -10.9 % |"
    assert lines[3] == "| jpeg | 25.50 | 28.50 | 31.50 | - |"
    assert lines[-1].startswith("kodim05; encodes of at most 24 s.")


def test_sound_in_the_mean(tmp_path):
    rows = [
        {"clip": clip, "codec": codec, "asked_kbps": 32.0, "kbps": kbps, "snr_db": snr}
        for clip, codec, kbps, snr in (
            ("a", "mp3", 33.0, 20.0),
            ("a", "spectrum", 31.8, 36.0),
            ("b", "mp3", 34.0, 22.0),
            ("b", "spectrum", 32.0, 30.0),
        )
    ]
    save(tmp_path, "audio", rows)
    lines = result_tables.audio_mean(tmp_path).splitlines()
    assert lines[0] == "| kbps asked | clips | spectrum: dB at kbps | mp3: dB at kbps |"
    assert lines[2] == "| 32 | 2 | 33.0 at 31.9 | 21.0 at 33.5 |"


def test_a_part_that_was_not_measured(tmp_path):
    size = {"part": "size", "repr": "asmr", "megapixels": 0.5, "encode_s": 4.54, "decode_s": 0.43}
    size |= {"encode_peak_mb": 411.6, "decode_peak_mb": 60.0, "samples": 500_000}
    save(tmp_path, "performance", [size])
    assert "2 threads of 2 cores, commit c." in result_tables.performance_table(tmp_path, "size")
    with pytest.raises(Missing, match="no rows of effort"):
        result_tables.performance_table(tmp_path, "effort")


def test_peers_of_the_paper(tmp_path):
    row = {"task": "cameraman", "item": "camera", "network": "SIREN (3)", "steps": 2000}
    row |= {"batch": None, "learning_rate": 1e-3, "parameters": 66817, "macs": 66304.0}
    row |= {"psnr_db": 28.0, "paper_psnr_db": 28.62}
    save(tmp_path, "peers", [row])
    save(tmp_path, "peers_latency", [row | {"latency_ms": 700.0}])
    assert (
        "| cameraman | SIREN (3) | 66.8 | 66.30 | 1 | 2000 of all, rate 0.001 | 28.00 dB | 28.62 dB"
        " | -0.62 dB | - | - | 700 |"
    ) in result_tables.peers(tmp_path)


def test_partitioning(tmp_path):
    common = {"parameters": 199_000, "psnr_db": 30.0, "seconds": 60.4}
    rows = [
        common | {"factor": 0, "partitions": ""},
        common | {"factor": 16, "partitions": "16x16", "seam_ratio": 1.02},
        common | {"factor": 4, "partitions": "4x4", "seam_ratio": 1.01},
    ]
    save(tmp_path, "partitioning", rows)
    assert result_tables.partitioning_table(tmp_path).splitlines()[2:5] == [
        "| 4x4 | 199 | 30.00 | 32.10 | 60 | 40 | 1.01 |",
        "| 16x16 | 199 | 30.00 | 32.00 | 60 | 22 | 1.02 |",
        "| one SIREN | 199 | 30.00 | 31.17 | 60 | 34 | - |",
    ]


def test_local_global(tmp_path):
    common = {"steps": 1000, "samples": 256, "parameters": 199_000, "ms_per_step": 20.0}
    common |= {"optimiser": "adam", "middle": 2, "parameters_asked": 199_000}
    rows = [
        common | {"kind": kind, "item": item, "method": method, "psnr_db": psnr} | more
        for kind, item, method, psnr, more in (
            ("pictures", "a", "local-global", 34.0, {"seam_ratio": 1.0}),
            ("pictures", "b", "local-global", 35.0, {"seam_ratio": 1.1}),
            ("pictures", "a", "siren", 33.0, {}),
            ("sounds", "gt_bach", "siren", 39.0, {}),
        )
    ]
    save(tmp_path, "local_global", rows)
    lines = result_tables.local_global_table(tmp_path).splitlines()
    part = ", the middle 1/2 of each side | Adam"
    assert lines[2:5] == [
        f"| 2 pictures{part} | local-global | 199 | 1000 of 256 | 34.50 | 34.13 | 20 | 1.05 |",
        f"| 1 pictures{part} | siren | 199 | 1000 of 256 | 33.00 | 33.57 | 20 | - |",
        "| gt_bach | Adam | siren | 199 | 1000 of 256 | 39.00 | 39.94 | 20 | - |",
    ]
    assert lines[-1] == "p, 2 threads, torch 2, commit c."


def test_seams(tmp_path):
    save(tmp_path, "seams", [{"image": "a", "bpp": 2, "psnr_db": 30, "side": [32, 24], "ratio": 1}])
    line = result_tables.seams_table(tmp_path).splitlines()[2]
    assert line == "| a | 2.00 | 30.00 | 32x24 | 1.000 |"


def test_projection(tmp_path):
    sizes = {f"psnr_db_{bits}_bit": 20.0 + bits for bits in (4, 5, 6, 8, 16)}
    row = {"network": "SIREN 20x5", "frequencies": 10, "stored_numbers": 1800, "psnr_db": 24.0}
    save(tmp_path, "projection", [row | sizes | {"bpp_8_bit": 0.07, "seconds": 60.0}])
    line = result_tables.projection_table(tmp_path).splitlines()[2]
    assert line.startswith("| SIREN 20x5 | 10 | 1.8 | 24.00 | 24.00 | 25.00 | 26.00 | 28.00 |")
