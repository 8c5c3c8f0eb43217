"""The networks against oracles: their formulas, one grid point at a time, in plain Python."""

import math
from itertools import product

import array_api_compat.torch as torch_xp
import numpy as np
import pytest
import torch

from inrcodec.nets import Asmr, Siren
from inrcodec.nets.base import grid_index, positional_encoding

W0 = {"w0_first": 9, "w0_hidden": 7}
NETS = {
    "siren 1": Siren(shape=(9,), channels=1, width=5, layers=1, **W0),
    "siren 2": Siren(shape=(3, 4), channels=3, width=6, layers=3, **W0),
    "siren 2 encoded": Siren(shape=(5, 2), channels=2, width=4, layers=2, frequencies=3, **W0),
    "siren 3": Siren(shape=(2, 3, 2), channels=2, width=5, layers=2, frequencies=1, **W0),
    "asmr 1": Asmr((7,), 2, 5, ((2,), (2,), (2,)), w0_modulator=2, **W0),
    "asmr 1 encoded": Asmr((12,), 1, 4, ((3,), (4,)), frequencies=2, **W0),
    "asmr 2": Asmr((12, 12), 3, 6, ((2, 3), (2, 2), (3, 2)), w0_modulator=3, **W0),
    "asmr 2 padded": Asmr((7, 11), 3, 4, ((2, 3), (1, 1), (4, 1), (1, 4)), **W0),
    "asmr 2 encoded": Asmr((4, 6), 1, 5, ((2, 3), (1, 1), (2, 2)), frequencies=2, **W0),
    "asmr 2 flat end": Asmr((4, 6), 2, 4, ((2, 3), (2, 2), (1, 1)), **W0),
    "asmr 2 flat start": Asmr((4, 3), 1, 4, ((1, 1), (2, 3), (2, 1)), frequencies=1, **W0),
    "asmr 2 flat": Asmr((3, 2), 1, 4, ((3, 2), (1, 1), (1, 1)), **W0),
    "asmr 3": Asmr((4, 4, 3), 3, 4, ((2, 1, 3), (1, 2, 1), (2, 2, 1)), w0_modulator=2, **W0),
}
ASMR = {name: net for name, net in NETS.items() if isinstance(net, Asmr)}
PAPER = Asmr((512, 768), 3, 256, tuple(zip([4, 4, 4, 8], [4, 4, 6, 8], strict=True)))


def random_weights(net, seed=0):
    rng = np.random.default_rng(seed)
    return {
        t.name: (t.start + rng.uniform(-1, 1, t.shape) * (t.bound or 0.1)).astype(np.float32)
        for t in net.tensors()
    }


def oracle(net, weights, point):
    """Values at one grid point by the formula of the paper; every layer runs for every point."""
    w = {name: array.tolist() for name, array in weights.items()}
    digits = mixed_radix(net, point) if isinstance(net, Asmr) else None
    if digits is None:
        z = [(2 * i + 1) / n - 1 for i, n in zip(point, net.shape, strict=True)]
    else:
        z = [2 * x - 1 if net.frequencies else x for x in digits[0]]
    z = encoded(z, net.frequencies)
    for i in range(1, net.layers + 1):
        w0 = net.w0_first if i == 1 else net.w0_hidden
        sums = [dot(row, z) + b for row, b in zip(w[f"W{i}"], w[f"b{i}"], strict=True)]
        if f"M{i}" in w:
            modulator = [net.w0_modulator * dot(row, digits[i]) for row in w[f"M{i}"]]
            sums = [s + m for s, m in zip(sums, modulator, strict=True)]
        z = [math.sin(w0 * s) for s in sums]
    return [dot(row, z) + b for row, b in zip(w["Wout"], w["bout"], strict=True)]


def mixed_radix(net, point):
    """x_i: the digits of a point, level by level, over the largest digit."""
    levels = []
    for i, bases in enumerate(net.bases):
        finer = [math.prod(level[a] for level in net.bases[i + 1 :]) for a in range(len(point))]
        digits = [n // g % b for n, g, b in zip(point, finer, bases, strict=True)]
        levels.append([d / (b - 1) if b > 1 else 0.0 for d, b in zip(digits, bases, strict=True)])
    return levels


def encoded(x, frequencies):
    if frequencies == 0:
        return x
    angles = [math.pi * 2**k * value for value in x for k in range(frequencies)]
    return [*x, *map(math.sin, angles), *map(math.cos, angles)]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def oracle_grid(net, weights):
    """Values of the whole grid, padding included."""
    shape = tuple(r * b for r, b in zip(net.rows(0), net.block(0), strict=True))
    points = product(*map(range, shape))
    values = [oracle(net, weights, point) for point in points]
    return np.array(values).reshape(*shape, net.channels)


def network_grid(net, weights, head, xp=np):
    """The same from the network, blocks laid side by side one by one."""
    index = grid_index((0,) * len(net.shape), net.rows(head))
    inputs = [xp.asarray(x) for x in net.inputs(index, head)]
    held = {name: xp.asarray(weight) for name, weight in weights.items()}
    blocks = np.asarray(net.forward(xp, held, inputs, head))
    block = net.block(head)
    assert blocks.shape == (len(index), *block, net.channels)
    grid = np.empty((*(r * b for r, b in zip(net.rows(head), block, strict=True)), net.channels))
    for row, values in zip(index, blocks, strict=True):
        grid[tuple(slice(r * b, r * b + b) for r, b in zip(row, block, strict=True))] = values
    return grid


@pytest.mark.parametrize("xp", [np, torch_xp], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", NETS)
def test_network_is_its_formula(name, xp):
    net = NETS[name]
    weights = random_weights(net)
    expected = oracle_grid(net, weights)
    for head in net.heads():
        values = network_grid(net, weights, head, xp)
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_rows_may_be_taken_in_any_order(name):
    net, weights = NETS[name], random_weights(NETS[name])
    head = net.heads()[-1]
    index = grid_index((0,) * len(net.shape), net.rows(head))
    whole = net.forward(np, weights, net.inputs(index, head), head)
    picks = np.random.default_rng(1).permutation(len(index))[: max(1, len(index) // 2)]
    some = net.forward(np, weights, net.inputs(index[picks], head), head)
    np.testing.assert_allclose(some, whole[picks], rtol=0, atol=1e-6)


def test_last_level_is_factorised_exactly():
    """sin(a + m) outright and by the addition theorem, in float64."""
    net = NETS["asmr 2"]
    weights = {name: w.astype(np.float64) for name, w in random_weights(net).items()}
    z = np.random.default_rng(2).uniform(-1, 1, (5, net.width))
    digits = np.array([(i / 2, j) for i in range(3) for j in range(2)])
    a = z @ weights["W2"].T + weights["b2"]
    m = net.w0_modulator * digits @ weights["M2"].T
    direct = np.sin(net.w0_hidden * (a[:, None] + m[None])) @ weights["Wout"].T + weights["bout"]
    np.testing.assert_allclose(net._last_level(np, z, weights), direct, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["siren 2 encoded", "asmr 2", "asmr 2 encoded", "asmr 2 flat end"])
def test_gradients(name):
    net = NETS[name]
    weights = {k: torch.tensor(v, dtype=torch.float64) for k, v in random_weights(net).items()}
    index = grid_index((0,) * len(net.shape), net.rows(0))[:2]
    inputs = [torch.tensor(x, dtype=torch.float64) for x in net.inputs(index, 0)]
    leaves = [weight.requires_grad_() for weight in weights.values()]

    def values(*stored):
        return net.forward(torch_xp, dict(zip(weights, stored, strict=True)), inputs, 0)

    assert torch.autograd.gradcheck(values, leaves)
    gradients = torch.autograd.grad(values(*leaves).square().sum(), leaves)
    assert all(float(g.abs().max()) > 0 for g in gradients)


def test_paper_size():
    """Li et al., section 4.1: 1.85 K multiply-accumulates per pixel."""
    assert sum(t.size for t in PAPER.tensors()) == 134_659
    assert PAPER.macs(math.prod(PAPER.rows(0)), 0) / (512 * 768) == pytest.approx(1850, rel=0.01)


@pytest.mark.parametrize("name", ASMR)
def test_rows_and_blocks_cover_the_padded_grid(name):
    net = ASMR[name]
    bases = [math.prod(axis) for axis in zip(*net.bases, strict=True)]
    assert all(b >= n for b, n in zip(bases, net.shape, strict=True))
    for head in net.heads():
        pairs = zip(net.rows(head), net.block(head), strict=True)
        assert [r * b for r, b in pairs] == bases
    assert net.rows(0) == net.bases[0]
    assert net.block(net.heads()[-1]) == net.bases[-1]


def macs_by_layer(net, head):
    """Weights times the points they are applied to, level by level."""
    points, total = math.prod(net.rows(head)), 0
    sizes = {t.name: t.size for t in net.tensors()}
    for i in range(1, net.layers + 1):
        finer = math.prod(net.bases[i])
        total += points * sizes[f"W{i}"]
        total += (points if i <= head else finer) * sizes.get(f"M{i}", 0)
        points *= finer if i > head else 1
    return total + points * sizes["Wout"]


@pytest.mark.parametrize("name", ASMR)
def test_macs(name):
    net = ASMR[name]
    costs = [net.macs(math.prod(net.rows(head)), head) for head in net.heads()]
    assert costs == [macs_by_layer(net, head) for head in net.heads()]
    assert costs == sorted(costs)  # sharing less never costs less


def test_macs_of_siren():
    net = NETS["siren 2"]
    assert net.macs(10) == 10 * (2 * 6 + 2 * 6 * 6 + 6 * 3)


def test_digits_are_inputs():
    net = NETS["asmr 2 padded"]
    inputs = net.inputs(np.array([[7, 2], [3, 1]]), 2)
    assert [x.dtype for x in inputs] == [np.float32] * 3
    # Rows of head 2 are 2*1*4 by 3*1*1: row 7 has the digits 1, 0, 3.
    assert inputs[0].tolist() == [[1, 1], [0, 0.5]]
    assert inputs[1].tolist() == [[0, 0], [0, 0]]
    assert inputs[2].tolist() == [[1, 0], [1, 0]]


def test_coordinates_are_cell_centres():
    (x,) = NETS["siren 2"].inputs(np.array([[0, 0], [2, 3], [1, 2]]))
    expected = [[-2 / 3, -0.75], [2 / 3, 0.75], [0, 0.25]]
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, atol=1e-7)


def test_positional_encoding_order():
    row = positional_encoding(np, np.array([[0.5, 0.25]], dtype=np.float32), 2)[0]
    angles = np.pi * np.array([0.5, 1.0, 0.25, 0.5])
    np.testing.assert_allclose(row, [0.5, 0.25, *np.sin(angles), *np.cos(angles)], atol=1e-6)


@pytest.mark.parametrize("name", NETS)
def test_starting_ranges(name):
    """SIREN's initialisation; the output starts in the middle of the range."""
    net = NETS[name]
    specs = {t.name: t for t in net.tensors()}
    dimensions = len(net.shape)
    length = dimensions * (1 + 2 * net.frequencies)
    first = math.sqrt(6 / length) / net.w0_first if net.frequencies else 1 / dimensions
    assert specs["W1"].shape == (net.width, length)
    assert specs["W1"].bound == pytest.approx(first)
    for i in range(2, net.layers + 1):
        assert specs[f"W{i}"].bound == pytest.approx(math.sqrt(6 / net.width) / net.w0_hidden)
    assert (specs["bout"].start, specs["bout"].bound) == (0.5, 0)
    assert not specs["b1"].is_matrix
    assert specs["Wout"].is_matrix


@pytest.mark.parametrize("name", ASMR)
def test_only_levels_with_digits_have_modulators(name):
    net = ASMR[name]
    names = {t.name for t in net.tensors()}
    for i in range(1, net.layers + 1):
        assert (f"M{i}" in names) == (max(net.bases[i]) > 1)
