"""Quantisation grids for a size: the coded bytes meet it, and finer grids cost more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inrcodec.encoder.rate import (
    RECORD_BYTES,
    STREAM_BYTES,
    Grid,
    exponent_of,
    grids_for_levels,
    grids_for_size,
    grids_for_step,
    payload,
    quantise_all,
)
from inrcodec.quantise import MAX_LEVELS, dequantise


def network_like(seed, sizes=(40, 900, 30, 900, 90, 3)):
    """Tensors as a network has them: other spreads, other sizes, other sensitivities."""
    rng = np.random.default_rng(seed)
    draw = [rng.normal, rng.laplace, lambda mean, scale, n: rng.uniform(-scale, scale, n)]
    arrays = {
        f"t{i}": draw[i % 3](0.0, 10 ** rng.uniform(-2, 0.5), n).astype(np.float32)
        for i, n in enumerate(sizes)
    }
    return arrays, {name: 10 ** rng.uniform(-2, 1) for name in arrays}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), bits=st.floats(2.0, 12.0))
def test_size_is_met(seed, bits):
    arrays, gains = network_like(seed)
    budget = int(bits / 8 * sum(array.size for array in arrays.values())) + 60
    size = len(payload(arrays, grids_for_size(arrays, gains, budget)))
    assert 0.98 * budget <= size <= budget


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), exponent=st.floats(-16, 4))
def test_no_entry_is_more_than_half_a_step_away(seed, exponent):
    arrays, gains = network_like(seed)
    step = 2.0**exponent
    tensors = quantise_all(arrays, grids_for_step(arrays, gains, step))
    for (name, array), tensor in zip(arrays.items(), tensors, strict=True):
        # The ends of a grid are float16: half their last digit may come on top.
        rounding = max(abs(tensor.minimum), abs(tensor.maximum)) * 2**-11
        allowed = step / gains[name] / 2 * 1.001 + rounding
        if tensor.levels > 1:
            assert np.abs(dequantise(tensor) - array).max() <= allowed


def test_more_bytes_are_finer_grids():
    arrays, gains = network_like(3)
    errors = []
    for budget in (400, 800, 1600, 3200):
        tensors = quantise_all(arrays, grids_for_size(arrays, gains, budget))
        pairs = zip(arrays.items(), tensors, strict=True)
        errors.append(
            sum(gains[name] ** 2 * ((dequantise(t) - a) ** 2).sum() for (name, a), t in pairs)
        )
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 100 * errors[-1]


@pytest.mark.parametrize("seed", range(3))
def test_larger_steps_are_fewer_bytes(seed):
    """Of tensors with a few levels at least: three can take less than two."""
    arrays, gains = network_like(seed)
    sizes = [len(payload(arrays, grids_for_step(arrays, gains, 2.0**e))) for e in range(-18, -5)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[-1]


def test_step_is_shared_by_gain():
    """Twice the gain is half the step; never more levels than the format has."""
    values = np.array([-1.0, 1.0], dtype=np.float32)
    arrays = {"a": values, "b": values, "c": values}
    grids = grids_for_step(arrays, {"a": 1.0, "b": 2.0, "c": 1e9}, 0.25)
    assert [g.levels for g in grids] == [9, 17, MAX_LEVELS - 1]
    assert grids[0] == Grid(9, -1.0, 1.0)


@pytest.mark.parametrize(
    ("step", "expected"), [(0.4, (5, 0.8)), (0.41, (5, 0.82)), (1.9, (3, 1.9))]
)
def test_grid_may_end_outside_the_range(step, expected):
    """The step is kept to; the ends move, to float16 values."""
    array = np.linspace(-1, 1, 9, dtype=np.float32)
    (grid,) = grids_for_step({"a": array}, {"a": 1.0}, step)
    levels, high = expected
    assert grid == Grid(levels, -float(np.float16(high)), float(np.float16(high)))


def test_grids_of_the_largest_numbers():
    arrays = {"a": np.array([-65504.0, 1.0, 65504.0], dtype=np.float32)}
    for step in (1.0, 40000.0, 90000.0):
        grids = grids_for_step(arrays, {"a": 1.0}, step)
        assert max(abs(grids[0].low), grids[0].high) <= 65504
        assert payload(arrays, grids)


def test_step_of_grids():
    """`exponent_of` undoes `grids_for_step`."""
    arrays, gains = network_like(4)
    for exponent in (-14.0, -8.0):
        grids = grids_for_step(arrays, gains, 2.0**exponent)
        assert exponent_of(grids, arrays, gains) == pytest.approx(exponent, abs=0.05)


def test_hopeless_budget_is_the_coarsest():
    arrays, gains = network_like(5)
    grids = grids_for_size(arrays, gains, 10)
    least = len(payload(arrays, grids))
    assert 10 < least <= len(arrays) * RECORD_BYTES + STREAM_BYTES + 20
    assert {g.levels for g in grids} == {1}


def test_endless_budget_is_the_finest():
    arrays, gains = network_like(6, sizes=(20, 5))
    grids = grids_for_size(arrays, gains, 10**6)
    assert [g.levels for g in grids] == [MAX_LEVELS - 1] * 2


def test_constant_tensors():
    arrays = {"a": np.full(50, 0.5, dtype=np.float32), "b": np.zeros(3, dtype=np.float32)}
    grids = grids_for_size(arrays, {"a": 1.0, "b": 1.0}, 100)
    assert [tensor.levels for tensor in quantise_all(arrays, grids)] == [1, 1]


@pytest.mark.parametrize("levels", [2, 16, 65536])
def test_fixed_levels(levels):
    arrays, _ = network_like(7)
    tensors = quantise_all(arrays, grids_for_levels(arrays, levels))
    assert {tensor.levels for tensor in tensors} == {levels}
    # A range rounded to float16 may end a little outside the values.
    assert all(tensor.integers.max() >= (levels - 1) * 0.999 for tensor in tensors)
