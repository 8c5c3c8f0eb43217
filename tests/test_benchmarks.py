"""The benchmarks' own arithmetic: what they time and compare is what they say."""

import hashlib
import math
import subprocess
import sys

import array_api_compat.torch
import numpy as np
import pytest
import torch

from benchmarks import (
    classical,
    entropy_coders,
    fetch,
    kodak,
    paper_size,
    record,
    speed,
    stability,
    startup,
)
from benchmarks.published_order import published_forward, tile, upsample
from inrcodec.encoder.model import Model
from inrcodec.nets.asmr import Asmr
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals import Signal
from inrcodec.weights.storage import Direct

NETS = [
    Asmr((12, 30), 3, 8, ((2, 3), (3, 2), (2, 5))),
    Asmr((8, 8), 1, 5, ((2, 1), (1, 2), (2, 2), (2, 2)), w0_first=7, w0_hidden=3, w0_modulator=2),
]


def model_of(net, seed=3):
    return Model(net, Direct(), seed, torch.device("cpu"))


def modulated(net):
    return all(net.modulated(level) for level in range(1, len(net.bases)))


@pytest.mark.parametrize("net", NETS)
def test_published_order_gives_the_same_values(net):
    assert modulated(net)
    arrays = model_of(net).arrays()
    ours = speed.our_forward(np, net, arrays, speed.row_inputs(net))
    published = published_forward(np, net, arrays)
    assert published.shape == (*net.shape, net.channels)
    assert np.ptp(published) > 0.01
    np.testing.assert_allclose(published, ours, atol=1e-5)


def test_published_order_gives_the_same_gradients():
    net, xp = NETS[0], array_api_compat.torch
    model = model_of(net)
    leaves = list(model.stored.values())
    target = torch.rand((*net.shape, 3), generator=torch.Generator().manual_seed(0))
    inputs = [torch.from_numpy(x) for x in speed.row_inputs(net)]
    speed.fit_step(leaves, target, lambda: published_forward(xp, net, model.stored))
    published = [leaf.grad.clone() for leaf in leaves]
    speed.fit_step(leaves, target, lambda: speed.our_forward(xp, net, model.stored, inputs))
    for expected, leaf in zip(published, leaves, strict=True):
        torch.testing.assert_close(leaf.grad, expected, atol=1e-5, rtol=1e-3)


def test_upsampling_repeats_cells_and_tiling_repeats_the_whole():
    x = np.arange(4.0).reshape(2, 2, 1)
    np.testing.assert_array_equal(upsample(np, x, (1, 2))[..., 0], [[0, 0, 1, 1], [2, 2, 3, 3]])
    np.testing.assert_array_equal(tile(np, x, (1, 2))[..., 0], [[0, 1, 0, 1], [2, 3, 2, 3]])


def test_paper_net_has_the_papers_size():
    net = speed.paper_net()
    assert sum(spec.size for spec in net.tensors()) == 134_659
    macs = net.macs(math.prod(net.rows(0)), 0) / (512 * 768)
    assert macs == pytest.approx(1850, rel=0.01)


def test_speed_measures_a_small_net():
    figures = speed.measure(NETS[0], repeats=1)
    assert figures["max_difference"] < speed.LARGEST_DIFFERENCE
    expected = figures["published_decode_ms"] / figures["decode_ms"]
    assert figures["decode_ratio"] == pytest.approx(expected, rel=0.1)
    text = speed.table(figures | {"processor": "some", "threads": 1})
    assert "fit step, torch" in text and "huge pages" not in text


def test_speed_refuses_to_time_two_different_things(monkeypatch):
    monkeypatch.setattr(speed, "published_forward", lambda xp, net, w: np.ones((12, 30, 3)))
    with pytest.raises(SystemExit, match="differ"):
        speed.measure(NETS[0], repeats=1)


def picture(height=40, width=56):
    rng = np.random.default_rng(2)
    ramp = np.add.outer(np.arange(height), 2 * np.arange(width))[..., None] + [0, 30, 60]
    return np.clip(ramp + rng.integers(0, 40, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", list(classical.PEERS))
def test_peers_stay_within_their_budget_and_use_it(name):
    samples = picture()
    budgets = [1200, 2400]
    coded = classical.encode_within(name, samples, budgets)
    assert all(0.7 * b < len(c.data) <= b for c, b in zip(coded, budgets, strict=True))
    assert coded[1].psnr_db > coded[0].psnr_db


def test_jpeg2000_transforms_colours():
    """Grey in all channels: with the transform two of the three cost next to nothing."""
    grey = np.repeat(picture()[..., :1], 3, axis=2)
    coded = classical.encode_within("jpeg2000", grey, [1500])[0]
    alone = classical.encode_within("jpeg2000", picture(), [1500])[0]
    assert coded.psnr_db > alone.psnr_db + 3


def test_peer_without_a_file_small_enough():
    assert classical.encode_within("jpeg", picture(), [100]) == [None]
    assert classical.psnr_at("jpeg", picture(), 100) is None


def test_peer_at_a_size_between_two_files():
    samples = picture()
    below, above = (c.psnr_db for c in classical.encode_within("webp", samples, [1500, 1700]))
    first, between, last = (classical.psnr_at("webp", samples, size) for size in (1500, 1600, 1700))
    assert below <= first < between < last
    assert between < above + 1


def test_largest_quality_by_bisection():
    for budget in range(0, 130):
        found = classical.largest_quality(lambda q: 10 + q, range(1, 101), budget)
        assert found == (min(budget - 10, 100) if budget >= 11 else None)


def test_record_round_trip(tmp_path):
    path = tmp_path / "deep" / "rows.json"
    rows = [{"a": 1, "b": 2.5}, {"a": 2, "c": "x"}]
    assert record.load(path) == []
    record.save(path, "the command", rows)
    assert record.load(path) == rows
    assert path.with_suffix(".csv").read_text().splitlines() == ["a,b,c", "1,2.5,", "2,,x"]


def test_a_runs_own_rows_leave_its_commit_known(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    commit = record.provenance(1)["commit"]
    assert commit == "unknown"
    (tmp_path / "code.py").write_text("1")
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "1"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    head = record.provenance(1)["commit"]
    assert head != "unknown" and "dirty" not in head
    (tmp_path / "benchmarks" / "results" / "rows.json").write_text("[]")
    assert record.provenance(1)["commit"] == head
    (tmp_path / "code.py").write_text("2")
    assert record.provenance(1)["commit"] == f"{head}-dirty"


def test_rows_are_grouped_and_averaged():
    rows = [{"kind": k, "rate": 1, "x": x} for k, x in (("b", 1.0), ("a", 5.0), ("b", 4.0))]
    groups = record.grouped(rows, "kind", "rate")
    assert list(groups) == [("b", 1), ("a", 1)]
    assert record.mean(groups["b", 1], "x") == 2.5
    assert record.spread(groups["b", 1], "x") == 1.5
    assert record.spread(groups["a", 1], "x") == 0.0


def tensor(integers, levels):
    return QuantisedTensor(levels, 0.0, 1.0, np.asarray(integers, dtype=np.uint16))


def test_adaptive_cost_is_that_of_coding_symbol_by_symbol():
    integers, levels, start = [2, 0, 2, 2, 1, 0], 4, 0.5
    counts, bits = np.full(levels, start), 0.0
    for symbol in integers:
        bits -= math.log2(counts[symbol] / counts.sum())
        counts[symbol] += 1
    assert entropy_coders.adaptive_bits(tensor(integers, levels), start) == pytest.approx(bits)


def test_static_cost_counts_the_possible_histograms():
    coded = tensor([0, 0, 1, 1], 2)  # one bit each; 5 ways to split 4 over 2 symbols
    assert entropy_coders.entropy_bits(coded) == 4
    assert entropy_coders.static_bits(coded) == pytest.approx(4 + math.log2(5))


def test_packed_integers_are_as_wide_as_their_levels():
    assert entropy_coders.packed([tensor([5, 0, 7], 8), tensor([1, 0], 2)]) == b"\xa3\xc0"
    assert entropy_coders.whole_bytes([tensor([1], 257), tensor([2], 2), tensor([0], 1)]) == (
        b"\x01\x00\x02"
    )


def test_entropy_coders_agree_on_their_order():
    rng = np.random.default_rng(0)
    normal = np.clip(np.rint(rng.normal(20, 4, 3000)), 0, 40)
    costs = {name: bits([tensor(normal, 41)]) for name, bits in entropy_coders.CODERS.items()}
    assert costs["entropy"] < costs["rans"] < costs["packed"] == 8 * math.ceil(3000 * 6 / 8)
    assert costs["entropy"] < costs["adaptive KT"] < costs["packed"]


def test_paper_bases_follow_the_picture():
    assert paper_size.bases_for((512, 768)) == ((4, 4), (4, 4), (4, 6), (8, 8))
    assert paper_size.bases_for((768, 512)) == ((4, 4), (4, 4), (6, 4), (8, 8))
    with pytest.raises(SystemExit, match="size"):
        paper_size.bases_for((500, 500))


def test_paper_size_rounds_one_fit_to_every_width(monkeypatch):
    monkeypatch.setattr(paper_size, "PAPER_BASES", ((2, 2), (2, 3), (4, 4)))
    monkeypatch.setattr(paper_size, "WIDTH", 12)
    settings = {"w0_first": 30, "w0_modulator": 1, "seed": 0}
    fit = paper_size.paper_fit(Signal("image", picture(16, 24)), settings)
    before = fit.psnr()
    row = paper_size.quantised(fit, 16 * 24)
    assert row["psnr_db_16_bit"] == pytest.approx(before, abs=0.01)
    assert row["bytes_4_bit"] < row["bytes_8_bit"] < row["bytes_16_bit"]
    assert fit.grids is None


def test_fetch_checks_what_it_gets(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a.png").write_bytes(b"picture")
    monkeypatch.setattr(fetch, "SHA256", {"a.png": hashlib.sha256(b"picture").hexdigest()})
    home = source.as_uri()
    assert fetch.fetch("a.png", target, home)
    assert not fetch.fetch("a.png", target, home)
    assert [p.name for p in target.iterdir()] == ["a.png"]
    (target / "a.png").write_bytes(b"mine")
    with pytest.raises(fetch.FetchError, match="move it away"):
        fetch.fetch("a.png", target, home)


def test_fetch_keeps_nothing_that_is_wrong(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "kodim01.png").write_bytes(b"an error page")
    with pytest.raises(fetch.FetchError, match="not the Kodak picture"):
        fetch.fetch("kodim01.png", target, source.as_uri())
    with pytest.raises(fetch.FetchError, match=r"kodim02\.png"):
        fetch.fetch("kodim02.png", target, source.as_uri())
    assert list(target.iterdir()) == []


def test_a_process_is_timed_and_its_failure_seen():
    seconds, peak_mb = startup.run_once([sys.executable, "-c", "x = bytes(50_000_000)"])
    assert 0 < seconds < 30 and peak_mb > 50
    with pytest.raises(startup.subprocess.CalledProcessError):
        startup.run_once([sys.executable, "-c", "raise SystemExit(3)"])


def stability_rows(spoilt=0.0):
    return [
        {"image": "a", "bpp": bpp, "psnr_db": 30 + 3 * np.log2(bpp) - spoilt * (i == 4), "seed": 0}
        for i, bpp in enumerate((0.1, 0.11, 0.2, 0.21, 0.3, 0.6, 0.61))
    ]


def test_a_spoilt_fit_is_below_the_trend_of_the_others():
    assert abs(stability.below_trend(stability_rows())[0][0]) < 1e-6
    gap, row = stability.below_trend(stability_rows(0.5))[0]
    assert gap == pytest.approx(0.5) and row["bpp"] == 0.3
    assert "| a | 7 | 0.50 | 0.30 | 0 |" in stability.table(stability_rows(0.5))


def test_peers_are_put_into_rows_that_lack_them(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        kodak, "peers_at", lambda *given: asked.append(given) or {"avif_psnr_db": 30.0}
    )
    rows = [{"image": "a", "bytes": 9}, {"image": "a", "avif_psnr_db": 1.0}, {"image": "b"}]
    assert kodak.add_peers(rows, [tmp_path / "a.png"], ["avif"]) == 1
    assert asked == [(tmp_path / "a.png", 9, ["avif"])]
    assert [row.get("avif_psnr_db") for row in rows] == [30.0, 1.0, None]
