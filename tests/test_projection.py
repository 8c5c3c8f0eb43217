"""The random projection: pinned values, its formula, its inverse and its statistics."""

import math

import array_api_compat.torch as torch_xp
import numpy as np
import pytest
import torch

from inrcodec.encoder.model import Model
from inrcodec.nets import Asmr, Siren
from inrcodec.nets.base import TensorSpec
from inrcodec.weights import projection
from inrcodec.weights.projection import (
    EntryStream,
    Projection,
    generate,
    project,
    random_matrix,
    solve,
)
from inrcodec.weights.storage import Projected

SPEC = TensorSpec("W1", (4, 2), 0.5)
NET = Siren(shape=(8, 8), channels=2, width=12, layers=2, w0_first=20, w0_hidden=10)
# Even parts, a padded last part, one part, one latent a part, and parts without any latent.
SIZES = [(18, 3), (17, 3), (17, 1), (6, 6), (5, 4)]


def random_latent(count, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)


def formula(sizes, layer, spec, latent):
    """One matrix, weight by weight, in float64."""
    part = math.ceil(sizes.latent / sizes.groups)
    padded = np.zeros(sizes.groups * part)
    padded[: sizes.latent] = latent
    rows = math.ceil(spec.size / sizes.groups)
    count = rows * sizes.groups * part
    stream = EntryStream(sizes, layer).read(count).astype(np.float64)
    flat = []
    for i in range(spec.size):
        row, group = divmod(i, sizes.groups)
        first = (row * sizes.groups + group) * part
        entries = stream[first : first + part]
        flat.append(entries @ padded[group * part : (group + 1) * part] * sizes.scale(spec))
    return np.array(flat).reshape(spec.shape)


@pytest.mark.parametrize(
    ("seed", "layer", "entries"),
    [
        (5, 0, [35, -231, 251, -151, -59, 141, 173, 119, -111, 213, -15, -229]),
        (5, 2, [221, -89, 175, 207, 163, 177, 135, 177]),
        (2**64 - 1, 63, [-77, -165, -35, 89, 103, 105, -185, 217]),
    ],
)
def test_pinned_entries(seed, layer, entries):
    drawn = EntryStream(Projection(1, 1, seed), layer).read(len(entries))
    assert drawn.dtype == np.float32
    assert drawn.tolist() == entries


def test_pinned_weights():
    """The projection is part of the format: these values hold for ever."""
    latent = np.linspace(-1, 1, 17, dtype=np.float32)
    expected = [
        [0.06888129, -0.16728313],
        [-0.11186736, -0.48044267],
        [-0.17695068, -0.10910520],
        [0.21216819, -0.02537732],
    ]
    sizes = Projection(17, 3, 5)
    assert sizes.scale(SPEC) == float(np.float32(0.001381078502163291))
    np.testing.assert_allclose(generate(sizes, [SPEC], latent)["W1"], expected, atol=2e-7)


@pytest.mark.parametrize(("latent", "groups"), SIZES)
def test_generated_weights_follow_the_formula(latent, groups):
    sizes, z = Projection(latent, groups, 7), random_latent(latent)
    weights = generate(sizes, NET.tensors(), z)
    matrices = [t for t in NET.tensors() if t.is_matrix]
    assert list(weights) == [t.name for t in matrices] == ["W1", "W2", "Wout"]
    for layer, spec in enumerate(matrices):
        assert weights[spec.name].dtype == np.float32
        expected = formula(sizes, layer, spec, z)
        np.testing.assert_allclose(weights[spec.name], expected, rtol=1e-5, atol=1e-6)


def test_one_group_is_the_dense_projection():
    """D'OH, eq. 2: W_l = reshape(Q_l z)."""
    sizes, z = Projection(17, 1, 3), random_latent(17)
    for layer, spec in enumerate(t for t in NET.tensors() if t.is_matrix):
        dense = random_matrix(sizes, layer, spec)[:, 0].astype(np.float64) * sizes.scale(spec)
        assert dense.shape == (spec.size, 17)
        expected = (dense @ z).reshape(spec.shape)
        weights = generate(sizes, NET.tensors(), z)[spec.name]
        np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("latent", "groups"), SIZES)
def test_torch_and_numpy_agree(latent, groups):
    sizes = Projection(latent, groups, 11)
    model = Model(NET, Projected(sizes), 0, torch.device("cpu"))
    expected = generate(sizes, NET.tensors(), model.arrays()["latent"])
    weights = model.weights(model.stored)
    for name, values in expected.items():
        np.testing.assert_allclose(weights[name].detach().numpy(), values, rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_latent():
    sizes = Projection(17, 3, 5)
    matrix = torch.tensor(random_matrix(sizes, 0, SPEC), dtype=torch.float64)
    latent = torch.tensor(random_latent(18).reshape(3, 6), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda z: project(torch_xp, matrix, z, sizes.scale(SPEC), SPEC.shape), [latent]
    )


@pytest.mark.parametrize("groups", [1, 3, 5])
def test_chunks_do_not_show(groups, monkeypatch):
    sizes, z = Projection(17, groups, 9), random_latent(17)
    whole = generate(sizes, NET.tensors(), z)
    reads = []
    read = EntryStream.read
    monkeypatch.setattr(EntryStream, "read", lambda s, n: reads.append(n) or read(s, n))
    monkeypatch.setattr(projection, "_CHUNK_ENTRIES", 200)
    pieces = generate(sizes, NET.tensors(), z)
    assert len(reads) > 3
    assert max(reads) <= 200
    for name, values in whole.items():
        np.testing.assert_allclose(pieces[name], values, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("latent", "groups"), SIZES)
def test_solve_finds_the_latent(latent, groups):
    """D'OH, algorithm 1; with more weights than latents there is one answer."""
    sizes, z = Projection(latent, groups, 2), random_latent(latent, 4)
    weights = generate(sizes, NET.tensors(), z)
    found = solve(sizes, NET.tensors(), weights)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, z, atol=1e-4)


def test_solve_comes_nearest():
    """Without an exact answer no small change of the latent is better."""
    sizes = Projection(20, 2, 2)
    rng = np.random.default_rng(0)
    wanted = {t.name: rng.uniform(-1, 1, t.shape) * t.bound for t in NET.tensors() if t.is_matrix}
    best = solve(sizes, NET.tensors(), wanted)

    def distance(latent):
        weights = generate(sizes, NET.tensors(), latent)
        return sum(
            (((weights[t.name] - wanted[t.name]) / sizes.scale(t)) ** 2).sum()
            for t in NET.tensors()
            if t.is_matrix
        )

    least = distance(best)
    for _ in range(10):
        assert distance(best + rng.normal(0, 0.05, 20).astype(np.float32)) > least


@pytest.mark.parametrize("groups", [1, 4])
def test_starting_variance_is_the_networks_own(groups):
    """D'OH, eq. 3: uniform latents give each matrix the variance bound^2 / 3."""
    net = Asmr((32, 32), 3, 40, ((8, 8), (1, 1), (4, 4)), w0_first=60)
    sizes = Projection(1200, groups, 1)
    weights = generate(sizes, net.tensors(), random_latent(1200))
    for spec in (t for t in net.tensors() if t.is_matrix):
        tolerance = 8 / math.sqrt(spec.size)  # four standard errors
        ratio = float(np.var(weights[spec.name])) / (spec.bound**2 / 3)
        assert ratio == pytest.approx(1, abs=tolerance)


def test_count_of_entries():
    sizes = Projection(17, 3, 0)
    drawn = [random_matrix(sizes, 0, t).size for t in NET.tensors() if t.is_matrix]
    assert sizes.entries(NET.tensors()) == sum(drawn)


def test_layers_and_seeds_have_streams_of_their_own():
    first = random_matrix(Projection(17, 3, 0), 0, SPEC)
    assert not np.array_equal(first, random_matrix(Projection(17, 3, 0), 1, SPEC))
    assert not np.array_equal(first, random_matrix(Projection(17, 3, 1), 0, SPEC))


def test_stored_tensors():
    """The latent, then the biases; everything else is generated."""
    storage = Projected(Projection(17, 3, 5))
    names = [t.name for t in storage.stored(NET)]
    assert names == ["latent", "b1", "b2", "bout"]
    stored = {t.name: random_latent(t.size) for t in storage.stored(NET)}
    weights = storage.weights(NET, stored)
    assert {name: w.shape for name, w in weights.items()} == {
        t.name: t.shape for t in NET.tensors()
    }
    assert np.array_equal(weights["b2"], stored["b2"])
