"""The sound benchmark: lags are taken out, tables are made of rows."""

import numpy as np
import pytest

from benchmarks import audio


@pytest.mark.parametrize("lag", [-700, 0, 1, 312, 4000])
def test_a_peers_lag_is_taken_out(lag):
    samples = np.random.default_rng(0).normal(size=(9000, 2)).astype(np.float32)
    noisy = samples + 0.1 * np.random.default_rng(1).normal(size=samples.shape)
    moved = np.concatenate([np.zeros((max(lag, 0), 2)), noisy[max(-lag, 0) :]])
    expected = 20.0 if lag >= 0 else 10 * np.log10(9000 / (90 * 0.92 + 700))
    assert audio.best_snr(samples, moved) == pytest.approx(expected, abs=0.4)


def row(clip, codec, asked, kbps, snr):
    return {"clip": clip, "codec": codec, "asked_kbps": asked, "kbps": kbps, "snr_db": snr}


def test_table():
    rows = [
        row("a", "mp3", 32.0, 33.3, 20.0),
        row("a", "spectrum", 32.0, 31.9, 36.04),
        row("b", "spectrum", 64.0, 63.9, 44.0),
    ]
    assert audio.table(rows).splitlines() == [
        "| clip | kbps asked | spectrum: dB at kbps | mp3: dB at kbps |",
        "| --- | --- | --- | --- |",
        "| a | 32 | 36.0 at 31.9 | 20.0 at 33.3 |",
        "| b | 64 | 44.0 at 63.9 | - |",
    ]


def test_paper_table():
    fit = {"codec": "asmr", "asked_kbps": 0.0, "steps": 10}
    rows = [fit | {"clip": c, "psnr_db": p, "encode_s": 3.0} for c, p in (("a", 60), ("b", 62))]
    assert audio.paper_table(rows).splitlines()[2:] == [
        "| a | 60.00 | 3 |",
        "| b | 62.00 | 3 |",
        "| mean | 61.00 | 3 |",
        "| published (Li et al. 2024, table 4) | 61.66 |  |",
    ]
