"""Local-Global: the formula, files of every kind, and parts that are the whole's to the bit."""

import math
from dataclasses import replace
from fractions import Fraction

import array_api_compat.torch as torch_xp
import forge
import numpy as np
import pytest
import torch

import inrcodec
from inrcodec.container import pack_file, parse_file
from inrcodec.container.sections import Segment
from inrcodec.cropping.local_global import crop
from inrcodec.decoder import decode, info, local_global
from inrcodec.decoder.local_global import read_weights, samples
from inrcodec.encoder import encode_signal
from inrcodec.encoder.partition_samples import PartitionSamples
from inrcodec.encoder.plan_partitions import plan_partitions
from inrcodec.errors import LimitExceeded, OptionError, RateError
from inrcodec.limits import Limits
from inrcodec.nets import LocalGlobal
from inrcodec.nets.base import grid_index
from inrcodec.network import local_global_of
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal
from inrcodec.signals.signal import Metadata
from inrcodec.weights.groups import Groups, all_groups

NETS = {
    "sound": LocalGlobal((11,), 2, 3, 2, 4, (4,), 9, 7, 5),
    "picture": LocalGlobal((5, 7), 3, 4, 3, 2, (2, 3), 9, 7, 5),
    "learned": LocalGlobal((5, 7), 1, 4, 2, 3, (2, 3), 9, 7, 5, learned=True),
    "merged": LocalGlobal((5, 7), 1, 4, 3, 3, (2, 3), 9, 7, 5, merged_once=True),
    "volume": LocalGlobal((3, 4, 5), 1, 2, 1, 3, (2, 2, 5), 9, 7, 5),
}
FORGED = {
    "picture": forge.PARTITIONS,
    "learned": replace(forge.PARTITIONS, activation=16),
    "merged": replace(forge.PARTITIONS, merging=128),
    "sound": forge.SOUND_PARTITIONS,
    "film": forge.FILM_PARTITIONS,
    "volume": forge.VOLUME_PARTITIONS,
}
BOXES = {
    "picture": [((0, 3), (0, 4)), ((6, 7), (8, 10)), ((2, 5), (3, 5)), ((0, 7), (0, 10))],
    "learned": [((0, 6), (0, 8))],
    "merged": [((0, 6), (0, 8))],
    "sound": [((0, 20),), ((22, 41),), ((49, 50),)],
    "film": [((1, 2), (0, 4), (2, 7)), ((4, 5), (2, 7), (8, 9))],
    "volume": [((0, 5), (0, 4), (2, 3)), ((1, 2), (1, 2), (0, 1))],
}


def random_weights(net, seed=0):
    rng = np.random.default_rng(seed)
    return {t.name: rng.uniform(-0.3, 0.3, t.shape).astype(np.float32) for t in net.tensors()}


def wave(x, scalars):
    if scalars is None:
        return math.sin(x)
    return math.exp(scalars[0]) * math.sin(math.exp(scalars[1]) * x + scalars[2]) + scalars[3]


def layer(w0, matrix, bias, z, scalars):
    sums = [sum(a * b for a, b in zip(row, z, strict=True)) for row in matrix.tolist()]
    return [wave(w0 * (x + b), scalars) for x, b in zip(sums, bias.tolist(), strict=True)]


def oracle(net, w, point):
    """Values at one grid point by the formula, in plain Python."""
    place = tuple(i // s for i, s in zip(point, net.side, strict=True))
    p = int(np.ravel_multi_index(place, net.partitions))
    z = [(2 * (i % s) + 1) / s - 1 for i, s in zip(point, net.side, strict=True)]
    g = [(2 * i + 1) / n - 1 for i, n in zip(point, net.shape, strict=True)]
    s = [w["s"][i : i + 4].tolist() if net.learned else None for i in (0, 4, 8)]
    merge = np.concatenate([w["V"], w["Y"]], axis=1)
    for i in range(1, net.layers + 1):
        first = i == 1
        g = layer(net.w0_global if first else net.w0_hidden, w[f"U{i}"], w[f"h{i}"], g, s[1])
        own = layer(net.w0_first if first else net.w0_hidden, w[f"W{i}"][p], w[f"b{i}"][p], z, s[0])
        once = net.merged_once and i < net.layers
        z = own if once else layer(net.w0_hidden, merge, w["c"], [*own, *g], s[2])
    return w["Wout"][p] @ z + w["bout"][p]


def network_values(net, weights, xp=np):
    """(P, points of a partition, channels), padding included."""
    within = grid_index((0,) * len(net.side), net.side)
    starts = grid_index((0,) * len(net.side), net.partitions) * np.asarray(net.side)
    points = starts[:, None] + within
    inputs = xp.asarray(net.local_inputs(within)), xp.asarray(net.global_inputs(points))
    held = {name: xp.asarray(value) for name, value in weights.items()}
    return points, np.asarray(net.forward(xp, held, inputs))


@pytest.mark.parametrize("xp", [np, torch_xp], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", NETS)
def test_network_is_its_formula(name, xp):
    net, weights = NETS[name], random_weights(NETS[name])
    points, values = network_values(net, weights, xp)
    expected = [[oracle(net, weights, tuple(p)) for p in row] for row in points.tolist()]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_a_partition_does_not_depend_on_others(name):
    net, weights = NETS[name], random_weights(NETS[name])
    _, whole = network_values(net, weights)
    own = {t.name for t in net.local_tensors()}
    within = grid_index((0,) * len(net.side), net.side)
    starts = grid_index((0,) * len(net.side), net.partitions) * np.asarray(net.side)
    for p in range(len(starts)):
        alone = {name: w[p : p + 1] if name in own else w for name, w in weights.items()}
        points = (starts[p] + within)[None]
        inputs = net.local_inputs(within), net.global_inputs(points)
        assert np.array_equal(net.forward(np, alone, inputs)[0], whole[p])


@pytest.mark.parametrize("name", ["picture", "learned"])
def test_gradients(name):
    net = NETS[name]
    weights = {k: torch.tensor(v, dtype=torch.float64) for k, v in random_weights(net).items()}
    within = grid_index((0, 0), net.side)[:2]
    starts = grid_index((0, 0), net.partitions) * np.asarray(net.side)
    inputs = [
        torch.tensor(x, dtype=torch.float64)
        for x in (net.local_inputs(within), net.global_inputs(starts[:, None] + within))
    ]
    leaves = [weight.requires_grad_() for weight in weights.values()]
    values = net.forward(torch_xp, weights, inputs)
    gradients = torch.autograd.grad(values.square().sum(), leaves)
    assert all(float(g.abs().max()) > 0 for g in gradients)


def test_macs():
    net = NETS["picture"]
    each = 2 * 4 + 2 * 4 * 4 + 4 * 3 + (2 * 2 + 2 * 2 * 2) + 3 * (4 * 4 + 4 * 2)
    assert net.partitions == (3, 3)
    assert net.macs(9) == 9 * 6 * each
    assert replace(net, merged_once=True).macs(9) == 9 * 6 * (each - 2 * (4 * 4 + 4 * 2))


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in BOXES for i in range(len(BOXES[n]))])
def test_cropped_and_whole_are_the_same(name, number):
    """Of a crop, whatever is in the box has the whole's samples, to the bit."""
    header, box = FORGED[name], BOXES[name][number]
    data = forge.make_file(header)
    whole = parse_file(data, Limits())
    before = values_in(whole, grid_box(header, tuple((0, n) for n in header.shape)))
    made = crop(whole, box)
    part = Segment(0, *made.weights, 0, locals=made.partitions)
    cropped = replace(whole, header=made.header, segments=(part,))
    inside = grid_box(header, box)
    after = values_in(cropped, inside)
    assert np.array_equal(after, before[tuple(slice(a, b) for a, b in inside)])
    assert crop(cropped, box) == replace(made, dropped=False)
    assert made.dropped == (len(made.partitions) < len(whole.segments[0].locals))


def grid_box(header, box):
    if header.layout != 2:
        return box
    return (box[0], *((a // 2, -(-b // 2)) for a, b in box[1:]))


def values_in(parsed, box):
    weights = read_weights(parsed)
    return samples(parsed.header, weights, box, lambda values: values, np.dtype(np.float32))


def test_crop_keeps_the_bytes_of_groups():
    data = forge.make_file(forge.PARTITIONS)
    whole = parse_file(data, Limits())
    left = crop(whole, ((4, 7), (0, 3)))
    assert (left.header.first_group, left.header.groups_kept) == ((0, 0), (2, 1))
    assert left.weights == (whole.segments[0].weights,)
    corner = crop(whole, ((6, 7), (8, 9)))
    assert (corner.header.first_group, corner.header.groups_kept) == ((1, 1), (1, 1))
    assert whole.segments[0].locals.endswith(corner.partitions)
    assert left.partitions[: len(left.partitions) // 4] in data


def test_a_file_without_what_it_shows_is_not_written():
    made = crop(parse_file(forge.make_file(forge.PARTITIONS), Limits()), ((0, 3), (0, 4)))
    header = replace(made.header, shape=(7, 10), excerpt=0, coded=(), first=())
    with pytest.raises(ValueError, match="shows more than"):
        pack_file(header, made.weights, Metadata(), partitions=made.partitions)


@pytest.mark.parametrize(
    ("kind", "shape", "channels", "partitions", "part", "share"),
    [
        ("image", (64, 64), 3, "8,8", {"region": (32, 16, 32, 32)}, 1 / 4),
        ("audio", (6000,), 2, "24", {"span": (2000, 4000)}, 1 / 3),
        ("video", (8, 24, 32), 1, "4,3,4", {"span": (4, 8)}, 1 / 2),
    ],
)
def test_a_crop_has_its_share_of_the_bytes(kind, shape, channels, partitions, part, share):
    """Of the bytes the part's, those of what partitions share, and 3 % for headers and groups; and
    exactly the part's samples."""
    group = ",".join("1" * len(shape))
    settings = {"partitions": partitions, "steps": "20", "group": group}
    options = EncodeOptions(size=24_000, repr="local-global", settings=settings)
    data = encode_signal(wavy(kind, shape, channels), options).data
    small = inrcodec.crop(data, **part)
    assert len(small) <= (share + info(data)["global_share"] + 0.03) * len(data)
    assert np.array_equal(decode(small).samples, decode(data, **part).samples)
    assert info(small)["partitions"] == info(data)["partitions"]
    kept, whole = (math.prod(info(file)["partitions_kept"]) for file in (small, data))
    assert kept == whole * share


@pytest.mark.parametrize("region", [(0, 0, 10, 7), (3, 2, 4, 3), (9, 6, 1, 1)])
def test_region_is_a_part_of_the_whole(region):
    x, y, w, h = region
    data = forge.make_file(forge.PARTITIONS)
    whole = decode(data).samples
    assert np.array_equal(decode(data, region=region).samples, whole[y : y + h, x : x + w])


def test_parts_of_a_sound_and_a_film():
    sound, film = (forge.make_file(FORGED[name]) for name in ("sound", "film"))
    assert np.array_equal(decode(sound, span=(13, 45)).samples, decode(sound).samples[13:45])
    whole, part = decode(film), decode(film, span=(1, 4), region=(2, 4, 5, 3))
    assert np.array_equal(part.samples, whole.samples[1:4, 4:7, 2:7])
    assert np.array_equal(part.chroma, whole.chroma[1:4, 2:4, 1:4])


@pytest.mark.parametrize(("at_once", "points"), [(100, 4 * 12), (4, 4 * 4)])
def test_only_partitions_of_a_part_and_their_rows_are_evaluated(monkeypatch, at_once, points):
    """Partitions of 3 x 4 samples, of which the part has a row each."""
    monkeypatch.setattr(local_global, "_points_at_once", lambda net: at_once)
    seen = []
    forward = LocalGlobal.forward

    def counted(net, xp, weights, inputs, head=0):
        seen.append(inputs[1].shape[0] * inputs[1].shape[1])
        return forward(net, xp, weights, inputs, head)

    monkeypatch.setattr(LocalGlobal, "forward", counted)
    decode(forge.make_file(forge.PARTITIONS), region=(3, 2, 2, 2))
    assert sum(seen) == points


def test_large_partitions_are_evaluated_in_pieces(monkeypatch):
    """Pieces are the same whatever part is asked for, and do not change values much."""
    data = forge.make_file(forge.PARTITIONS)
    whole = decode(data).samples.astype(int)
    monkeypatch.setattr(local_global, "_CHUNK_FLOATS", 70)  # 5 points
    pieces = decode(data).samples
    assert np.abs(pieces - whole).max() <= 1
    assert np.array_equal(decode(data, region=(4, 3, 5, 2)).samples, pieces[3:5, 4:9])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"shape": (2**15, 2**15)}, "samples"),
        ({"width": 4096, "global_width": 4096, "layers": 64}, "weights"),
        ({"shape": (2**14, 2**12), "width": 2, "side": (2**10, 2**12)}, "macs"),
        ({"shape": (2**12, 2**12), "side": (1, 1)}, "weights"),
    ],
)
def test_limits_bind_before_anything_is_made(change, name):
    limits = Limits(macs=2**20) if name == "macs" else Limits()
    header = replace(forge.PARTITIONS, **change)
    net = local_global_of(header)
    header = replace(header, groups_kept=all_groups(net.partitions, header.group).kept)
    if any(g > n for g, n in zip(header.group, net.partitions, strict=True)):
        header = replace(header, group=(1, 1), groups_kept=net.partitions)
    data = pack_file(header, [b""], Metadata(), partitions=b"")
    for function in (decode, info):
        with pytest.raises(LimitExceeded, match=f"{name} = "):
            function(data, limits=limits)


def test_groups():
    groups = Groups((5, 3), (2, 2), (1, 0), (2, 2))
    assert groups.box == ((2, 5), (0, 3))
    assert groups.count == 9
    assert [part.tolist() for part in groups.members()] == [[0, 1, 3, 4], [2, 5], [6, 7], [8]]
    assert all_groups((5, 3), (2, 2)).kept == (3, 2)


def test_samples_are_all_seen_and_padding_is_not():
    net = LocalGlobal((5, 7), 2, 3, 1, 2, (2, 3))
    values = np.random.default_rng(0).random((5, 7, 2), dtype=np.float32)
    rows = PartitionSamples(values, net, torch.device("cpu"))
    (local, whole), targets, mask = rows.batch(None)
    assert (local.shape, whole.shape) == ((6, 2), (9, 6, 2))
    assert (targets.shape, mask.shape) == ((9, 6, 2), (9, 6, 1))
    assert int(mask.sum()) == 35
    points = np.rint((whole.numpy()[mask[..., 0] > 0] + 1) * (5, 7) / 2 - 0.5).astype(int)
    assert np.array_equal(values[tuple(points.T)], targets[mask[..., 0] > 0].numpy())
    assert len(np.unique(points, axis=0)) == 35
    some = torch.tensor([4, 1])
    assert torch.equal(rows.batch(some)[0][1], whole[:, some])
    assert float(rows.error(targets, targets, mask)) == 0
    assert rows.variance == pytest.approx(float(values.reshape(-1, 2).var(axis=0).mean()))


def test_places_at_borders_come_more_often():
    net = LocalGlobal((12, 6), 1, 3, 1, 2, (4, 6))  # partitions above one another
    rows = PartitionSamples(np.zeros((12, 6, 1), np.float32), net, torch.device("cpu"))
    batches = rows.batches(4, torch.Generator().manual_seed(0))
    seen = np.bincount(torch.cat([next(batches) for _ in range(3000)]).numpy(), minlength=24)
    by_row = seen.reshape(4, 6).sum(axis=1)
    assert by_row[[0, 3]].sum() / by_row[[1, 2]].sum() == pytest.approx(1.3, rel=0.05)
    assert next(rows.batches(24, torch.Generator())) is None


def wavy(kind, shape, channels):
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij")
    wave = sum(np.sin(axis / (3 + i)) for i, axis in enumerate(axes)) / len(shape)
    values = np.stack([wave * (1 - 0.2 * c) for c in range(channels)], axis=-1)
    if kind == "audio":
        return Signal(kind, values.astype(np.float32), rate=Fraction(8000), bits=16)
    numbers = np.rint(127.5 + 100 * values).astype(np.uint8)
    return Signal(kind, numbers, rate=Fraction(25) if kind == "video" else None)


@pytest.mark.parametrize(
    ("kind", "shape", "channels", "size", "partitions", "least"),
    [
        ("image", (20, 31), 3, 1500, "2,3", 35),
        ("audio", (700,), 2, 900, "3", 4),
        ("video", (4, 9, 12), 1, 900, "2,1,2", 35),
        ("volume", (6, 7, 8), 1, 900, "2,2,2", 28),
    ],
)
def test_encode_within_a_size(kind, shape, channels, size, partitions, least):
    signal = wavy(kind, shape, channels)
    settings = {"partitions": partitions, "steps": "200"}
    coded = encode_signal(signal, EncodeOptions(size=size, repr="local-global", settings=settings))
    assert 0.9 * size < len(coded.data) <= size
    facts = info(coded.data)
    assert (facts["repr"], facts["version"]) == ("local-global", "1.6")
    assert facts["partitions"] == [int(n) for n in partitions.split(",")]
    assert facts["partitions"] == facts["partitions_kept"]
    assert decode(coded.data).samples.shape == signal.samples.shape
    assert coded.psnr_db > least


def test_encode_to_a_quality():
    signal = wavy("image", (24, 24), 1)
    settings = {"partitions": "2,2", "steps": "150"}
    coded = encode_signal(signal, EncodeOptions(psnr=22, repr="local-global", settings=settings))
    assert coded.psnr_db >= 22


@pytest.mark.parametrize("kind", ["siren", "asmr", "doh", "local-global"])
def test_learned_scalars_are_stored(kind):
    signal = wavy("image", (16, 20), 1)
    settings = {"activation": "incode", "steps": "60"}
    coded = encode_signal(signal, EncodeOptions(size=700, repr=kind, settings=settings))
    facts = info(coded.data)
    version = "1.6" if kind == "local-global" else "1.3"
    assert (facts["version"], facts["activation"]) == (version, 16)
    assert coded.psnr_db > 15


def test_planned_partitions_grow_until_networks_are_worth_their_name():
    grid = ((512, 768), 3)
    wide, _ = plan_partitions(grid, EncodeOptions(), 199_000 * 5.5 / 8, 5.5)
    assert wide.partitions == (16, 24)
    narrow, storage = plan_partitions(grid, EncodeOptions(), 14_700, 5.5)
    assert math.prod(narrow.partitions) < 60
    for net, budget in ((wide, 199_000 * 5.5 / 8), (narrow, 14_700)):
        shared = sum(t.size for t in net.shared_tensors())
        total = sum(t.size for t in net.tensors())
        assert total * 5.5 / 8 <= budget
        assert 0.005 <= shared / total <= 0.03
    assert all(g <= n for g, n in zip(storage.group, narrow.partitions, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"partitions": "3"}, "is not 2 numbers"),
        ({"partitions": "a,b"}, "is not 2 numbers"),
        ({"partitions": "0,1"}, "is not 2 numbers"),
        ({"group": "1,2,3"}, "is not 2 numbers"),
        ({"activation": "relu"}, "activation = relu is not sine or incode"),
        ({"global_share": "1"}, "global_share = 1.0 is not between"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(OptionError, match=message):
        options = EncodeOptions(settings=settings)
        plan_partitions(((8, 8), 1), options, 500, 5.5)


def test_too_small_a_budget():
    options = EncodeOptions(settings={"partitions": "8,8"})
    with pytest.raises(RateError, match="smallest network of 64 partitions"):
        plan_partitions(((64, 64), 3), options, 60, 5.5)
