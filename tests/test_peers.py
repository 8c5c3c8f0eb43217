"""Networks of the ASMR paper: sizes as published, values where they belong, fits that learn."""

import math

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks import record, speed
from benchmarks.peers import __main__ as command
from benchmarks.peers import depth, tasks
from benchmarks.peers.codec import OfCodec
from benchmarks.peers.ffn import Ffn
from benchmarks.peers.fit import fit, iou, ssim
from benchmarks.peers.kilonerf import KiloNerf
from benchmarks.peers.loe import Loe
from benchmarks.peers.mfn import Mfn
from benchmarks.peers.ngp import Ngp
from benchmarks.peers.tasks import Item, Network, Task, axes
from benchmarks.peers.wire import Wire
from inrcodec.nets.asmr import Asmr
from inrcodec.nets.siren import Siren

SHAPE = (8, 12)
BASES = ((2, 2), (2, 3), (2, 2))
SMALL = {
    "ffn": lambda shape: Ffn(shape, 3, embedding=8, width=16, sigma=1.0),
    "mfn": lambda shape: Mfn(shape, 3, width=16, input_scale=16.0),
    "wire": lambda shape: Wire(shape, 3, width=12, w0=5.0, s0=2.0),
    "kilonerf": lambda shape: KiloNerf(shape, 3, (2, 3)[: len(shape)], 8, 3, 3),
    "loe": lambda shape: Loe(shape, 3, BASES, width=8, frequencies=3),
    "ngp": lambda shape: Ngp(shape, 3, levels=3, base=2, finest=8, width=8),
    "siren": lambda shape: OfCodec(Siren(shape, 3, 16, 2)),
    "asmr": lambda shape: OfCodec(Asmr(shape, 3, 16, BASES)),
}


def seeded(name, shape=SHAPE):
    torch.manual_seed(0)
    return SMALL[name](shape)


def ramp(shape=SHAPE, channels=3):
    grid = np.indices(shape).sum(0)[..., None] / sum(shape)
    return np.repeat(grid, channels, axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    "row", [r for r in tasks.sizes() if command.paper(r["task"], r["network"])]
)
def test_sizes_are_the_papers(row):
    """MACs within 5 %: the paper counts a few biases, and swaps columns of SIREN in table 7."""
    told = command.beside(row["task"], row["network"])
    assert row["parameters"] / 1000 == pytest.approx(told["paper_parameters_k"], rel=0.013)
    assert row["macs"] / 1000 == pytest.approx(told["paper_macs_k"], rel=0.05)


def test_networks_for_films_are_an_eighth_of_the_papers():
    for name, network in tasks.VIDEO.items():
        told = float(command.paper("video", name)["parameters_k"])
        assert network.make((96, 144, 176), 3).size / 1000 == pytest.approx(told / 8, rel=0.05)


def test_every_network_of_the_paper_is_here():
    ours = {(row["task"], row["network"]) for row in tasks.sizes()}
    ours |= {("video", name) for name in tasks.VIDEO}
    published = {(r["data"], r["model"]) for r in command.published_rows("asmr")}
    assert published == ours


@pytest.mark.parametrize("name", list(SMALL))
def test_any_rows_have_the_values_that_all_rows_have(name):
    peer = seeded(name)
    everything = torch.arange(peer.rows)
    whole = peer(*peer.inputs(everything))
    assert whole.shape == (peer.rows, peer.block, 3) and torch.isfinite(whole).all()
    assert sorted(peer.samples(everything).flatten().tolist()) == list(range(math.prod(SHAPE)))
    some = everything[torch.tensor([3, 0, 1])]
    torch.testing.assert_close(peer(*peer.inputs(some)), whole[some], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", list(SMALL))
def test_a_fit_learns(name):
    item = Item("ramp", ramp())
    start = fit(seeded(name), item, 1, 1e-9).psnr_db
    assert fit(seeded(name), item, 300, 5e-3).psnr_db > max(start + 5, 14)


def test_codec_networks_lie_on_the_grid_as_the_codec_has_them():
    peer = seeded("asmr")
    arrays = {name: tensor.detach().numpy() for name, tensor in peer.tensors.items()}
    grid = speed.our_forward(np, peer.net, arrays, speed.row_inputs(peer.net))
    rows = torch.arange(peer.rows)
    values = peer(*peer.inputs(rows)).detach().reshape(-1, 3).numpy()
    places = peer.samples(rows).flatten().numpy()
    np.testing.assert_allclose(values, grid.reshape(-1, 3)[places], atol=1e-5)


def test_a_cell_of_kilonerf_answers_for_its_part_alone():
    peer = seeded("kilonerf")
    rows = torch.arange(peer.rows)
    before = peer(*peer.inputs(rows)).detach()
    peer.biases[-1].data[4] += 1.0  # second cell of the second row of cells: (4..7, 4..7)
    moved = (peer(*peer.inputs(rows)) - before).abs().amax(dim=(1, 2)).reshape(SHAPE) > 0.5
    expected = torch.zeros(SHAPE, dtype=torch.bool)
    expected[4:, 4:8] = True
    assert torch.equal(moved, expected)


def test_tiles_of_loe_are_digits():
    tiles = seeded("loe").tiles(torch.arange(math.prod(SHAPE)))
    place = torch.tensor([5 * 12 + 7])  # row 5 = 1 0 1 in bases 2 2 2, column 7 = 1 0 1 in 2 3 2
    assert [int(level[place]) for level in tiles] == [1 * 2 + 1, 0 * 3 + 0, 1 * 2 + 1]


@pytest.mark.parametrize("shape", [(40,), (9, 7), (5, 6, 4)])
def test_hash_grids_in_one_to_three_dimensions(shape):
    torch.manual_seed(0)
    peer = Ngp(shape, 1, levels=3, base=2, finest=8, entries=32, width=8)
    assert [len(table) for table in peer.tables] == [
        min((n + 1) ** len(shape), 32) for n in (2, 4, 8)
    ]
    for places, weights in peer.inputs(torch.arange(peer.rows)):
        assert places.shape == (peer.rows, 2 ** len(shape)) and places.max() < 32
        torch.testing.assert_close(weights.sum(1), torch.ones(peer.rows))


def test_features_are_linear_between_corners():
    peer = Ngp((64,), 1, levels=1, base=4, finest=4)
    peer.tables[0].data = torch.arange(5.0)[:, None].repeat(1, 2)
    ((places, weights),) = peer.inputs(torch.arange(64))
    found = (peer.tables[0][places] * weights[..., None]).sum(1)[:, 0]
    torch.testing.assert_close(found, (torch.arange(64) + 0.5) / 16)


def test_masks_are_fitted_in_batches():
    values = (ramp((8, 8, 8), 1) > 0.5).astype(np.float32)
    peer = OfCodec(Asmr((8, 8, 8), 1, 16, axes(3, 2, 2, 2)))
    outcome = fit(peer, Item("half", values, mask=True), 80, 3e-3, batch=64)
    assert outcome.iou > 80 and outcome.ssim is None
    assert iou(torch.zeros(4), torch.zeros(4)) == 100


@pytest.mark.parametrize("shape", [(16, 24), (4, 16, 12), (40,)])
def test_similarity_is_of_pictures_and_frames(shape):
    """A network that gives its signal has an SSIM of 1, whatever the order of its rows."""
    item = Item("noise", np.random.default_rng(0).random((*shape, 1), np.float32))
    bases = (*axes(len(shape), 2, 2), tuple(side // 4 for side in shape))
    peer = OfCodec(Asmr(shape, 1, 8, bases))
    every = torch.arange(peer.rows)
    same = torch.from_numpy(item.values).reshape(-1, 1)[peer.samples(every)]
    assert ssim(peer, item, same) == (None if len(shape) == 1 else pytest.approx(1))
    assert len(shape) == 1 or ssim(peer, item, same.flip(0)) < 0.5


def test_command_resumes_and_shows_the_papers_figure(tmp_path, monkeypatch):
    network = Network(lambda shape, channels: OfCodec(Siren(shape, 1, 8, 1)), 1e-3)
    items = {"ramp": lambda: Item("ramp", ramp((8, 8), 1))}
    task = Task("2", lambda: items, {"SIREN (3)": network})
    monkeypatch.setitem(tasks.TASKS, "cameraman", task)
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    run = ["fit", "cameraman", "--steps", "3", "--rate-factor", "2", "--threads", "1"]
    assert "ramp SIREN (3)" in CliRunner().invoke(command.main, run).output
    again = CliRunner().invoke(command.main, run)
    assert again.exit_code == 0 and again.output == ""
    (row,) = record.load(tmp_path / "peers.json")
    assert row["paper_psnr_db"] == 28.62 and row["paper_source"] == "Li et al. 2024, table 2"
    assert row["learning_rate"] == 2e-3 and row["command"].startswith("python -m benchmarks.peers")
    assert f"| 28.62 dB | {row['psnr_db'] - 28.62:+.2f} dB | - | - |" in command.table([row], [])
    assert CliRunner().invoke(command.main, [*run, "--networks", "none"]).exit_code == 2
    assert CliRunner().invoke(command.main, [*run, "--items", "none"]).exit_code == 2


def test_sizes_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    done = CliRunner().invoke(command.main, ["sizes"])
    assert (
        done.exit_code == 0 and "| kodak | WIRE | 136.7 | 136.8 | 135.89 | 135.9 |" in done.output
    )
    assert len(record.load(tmp_path / "peers_sizes.json")) == len(tasks.sizes())


def test_latencies_are_measured(tmp_path, monkeypatch):
    networks = {"SIREN (3)": Network(lambda shape, channels: OfCodec(Siren(shape, 1, 8, 1)), 1e-3)}
    monkeypatch.setattr(tasks, "TASKS", {"cameraman": Task("2", dict, networks)})
    monkeypatch.setattr(command, "TASKS", tasks.TASKS)
    monkeypatch.setattr(command, "GRIDS", {"cameraman": ((8, 8), 1)})
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    monkeypatch.setattr("benchmarks.peers.fit._LATENCY_SECONDS", 0.01)
    done = CliRunner().invoke(command.main, ["latency", "--threads", "1"])
    (row,) = record.load(tmp_path / "peers_latency.json")
    assert done.exit_code == 0 and row["latency_ms"] > 0 and row["threads"] == 1


def test_depth_is_drawn_from_rows(tmp_path, monkeypatch):
    fits = [("ASMR (4)", 32.0), ("ASMR (3)", 31.0), ("LoE (4)", 25.0), ("LoE (4)", 27.0)]
    rows = [{"task": "cameraman", "network": name, "psnr_db": psnr} for name, psnr in fits]
    assert depth.quality([*rows, {"task": "audio", "network": "SIREN"}]) == {
        "ASMR": [(3, 31.0), (4, 32.0)],
        "LoE": [(4, 27.0)],
    }
    assert depth.costs(tasks.sizes())["SIREN"][0] == (3, pytest.approx(66.304))
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    record.save(tmp_path / "peers.json", "", rows)
    record.save(tmp_path / "peers_sizes.json", "", tasks.sizes())
    target = tmp_path / "depth.png"
    assert CliRunner().invoke(command.main, ["draw", "--output", str(target)]).exit_code == 0
    assert target.read_bytes().startswith(b"\x89PNG")
