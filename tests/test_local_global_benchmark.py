"""The Local-Global benchmark: networks of one size, and errors beside other partitions."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import local_global as benchmark
from inrcodec.signals import Signal


def picture():
    y, x = np.mgrid[:20, :30]
    values = np.stack([127 + 90 * np.sin(x / 4 + y / 7 + c) for c in range(3)], axis=-1)
    return Signal("image", np.rint(values).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("method", benchmark.METHODS)
def test_networks_have_as_many_parameters(method):
    kind = benchmark.KINDS["pictures"]
    net = benchmark.network(method, kind, picture(), (10, 10), 6000)
    assert 0.85 * 6000 < sum(t.size for t in net.tensors()) <= 6000


@pytest.mark.parametrize("optimiser", ["soap", "adam"])
@pytest.mark.parametrize("method", benchmark.METHODS)
def test_row_of_a_picture(method, optimiser):
    settings = {
        "kind": "pictures",
        "middle": 1,
        "method": method,
        "parameters_asked": 1500,
        "optimiser": optimiser,
        "steps": 20,
        "samples": 200,
        "learning_rate": 2e-3,
        "seed": 0,
        "threads": 1,
    }
    kind = benchmark.KINDS["pictures"]
    row = benchmark.measure(Path("a.png"), picture(), kind, (10, 10), settings)
    assert row["item"] == "a"
    assert row["psnr_db"] > 5
    assert ("seam_ratio" in row) == (method != "siren")
    assert benchmark.summary([row]).startswith(f"pictures, {optimiser}, 20 steps of 200,")
    assert f" | {method} | " in benchmark.table([row])


def test_the_middle_of_a_picture():
    signal = picture()
    assert np.array_equal(benchmark.cut(signal, 2).samples, signal.samples[5:15, 7:22])


def test_seams_are_told_from_the_rest():
    signal = picture()
    net = benchmark.network("local-global", benchmark.KINDS["pictures"], signal, (10, 10), 800)
    fit = benchmark.fit_of(net, signal, 0)
    with torch.no_grad():
        fit.model.stored["Wout"].zero_()
        fit.model.stored["bout"].fill_(0.5)
    grey = (np.asarray(signal.samples, dtype=np.float64) / 255 - 0.5) ** 2
    border = np.zeros((20, 30), dtype=bool)
    border[9:11] = border[:, 9:11] = border[:, 19:21] = True
    expected = grey[border].mean() / grey[~border].mean()
    assert benchmark.seam_ratio(fit, net) == pytest.approx(expected, rel=1e-5)


def test_psnr_of_a_sound_is_over_samples_of_one():
    time = np.arange(400)[:, None] / 50
    samples = (0.5 * np.sign(np.sin(time))).astype(np.float32)
    signal = Signal("audio", samples, rate=Fraction(8000), bits=16)
    settings = {
        "method": "siren",
        "parameters_asked": 60,
        "optimiser": "soap",
        "steps": 1,
        "samples": 10,
        "learning_rate": 1e-12,
        "seed": 0,
        "threads": 1,
    }
    row = benchmark.measure(Path("b.wav"), signal, benchmark.KINDS["sounds"], (100,), settings)
    assert row["psnr_db"] == pytest.approx(0, abs=1)  # a network that has learned nothing
