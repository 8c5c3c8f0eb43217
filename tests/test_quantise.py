"""Range-based quantisation: how far values move, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inrcodec.quantise import MAX_LEVELS, QuantisedTensor, dequantise, quantise, step, value_range

HALF = float(np.finfo(np.float16).max)
VALUES = hnp.arrays(
    np.float32,
    hnp.array_shapes(max_dims=2, max_side=20),
    elements=st.floats(-1000, 1000, width=32),
)
LEVELS = st.integers(2, 300) | st.integers(2, MAX_LEVELS)


@settings(max_examples=150, deadline=None)
@given(values=VALUES, levels=LEVELS)
def test_error_is_at_most_half_a_step(values, levels):
    low, high = value_range(values)
    tensor = quantise(values, levels, (low, high))
    inside = values.reshape(-1).astype(np.float64).clip(low, high)
    error = np.abs(dequantise(tensor) - inside)
    rounding = np.spacing(np.float32(max(abs(low), abs(high))))
    assert (error <= step(levels, low, high) / 2 * (1 + 1e-9) + rounding).all()


@settings(max_examples=100, deadline=None)
@given(values=VALUES, levels=LEVELS)
def test_form_of_the_result(values, levels):
    low, high = value_range(values)
    tensor = quantise(values, levels, (low, high))
    assert tensor.integers.dtype == np.uint16
    assert tensor.integers.shape == (values.size,)
    assert tensor.integers.max() < tensor.levels
    assert tensor.levels in (1, levels)
    assert dequantise(tensor).dtype == np.float32
    assert tensor.minimum == low
    assert tensor.maximum == (high if tensor.levels > 1 else low)


@settings(max_examples=100, deadline=None)
@given(values=VALUES, levels=LEVELS)
def test_quantised_values_stay(values, levels):
    limits = value_range(values)
    tensor = quantise(values, levels, limits)
    again = quantise(dequantise(tensor), levels, limits)
    if step(levels, *limits) > 4 * np.spacing(np.float32(max(map(abs, limits)))):
        assert np.array_equal(again.integers, tensor.integers)


@settings(max_examples=60, deadline=None)
@given(value=st.floats(-60000, 60000), levels=st.integers(1, MAX_LEVELS))
def test_constant_tensors_have_one_level(value, levels):
    values = np.full((3, 2), value)
    tensor = quantise(values, levels, value_range(values))
    assert (tensor.levels, tensor.integers.tolist()) == (1, [0] * 6)
    assert dequantise(tensor).tolist() == [float(np.float16(value))] * 6


@settings(max_examples=60, deadline=None)
@given(values=VALUES)
def test_limits_are_float16(values):
    for limit, extreme in zip(value_range(values), (values.min(), values.max()), strict=True):
        assert limit == float(np.float16(limit))
        assert abs(limit - extreme) <= np.spacing(np.float16(abs(extreme)))


def test_exact_values():
    values = np.array([[-1.0, -0.9, 0.0], [0.1, 0.76, 5.0]])
    tensor = quantise(values, 5, (-1.0, 1.0))
    assert tensor.integers.tolist() == [0, 0, 2, 2, 4, 4]
    assert dequantise(tensor).tolist() == [-1, -1, 0, 0, 1, 1]


def test_both_ends_are_reached():
    tensor = quantise(np.array([-HALF, HALF]), MAX_LEVELS, (-HALF, HALF))
    assert tensor.integers.tolist() == [0, 65535]
    assert dequantise(tensor).tolist() == [-HALF, HALF]


def test_computed_in_float64():
    """minimum + q * step in float32 would end elsewhere."""
    tensor = QuantisedTensor(60001, -1000.0, 1.0, np.arange(60001, dtype=np.uint16))
    exact = np.array([-1000 + q * (1001 / 60000) for q in range(60001)]).astype(np.float32)
    assert np.array_equal(dequantise(tensor), exact)
    integers = tensor.integers.astype(np.float32)
    assert not np.array_equal(np.float32(-1000) + integers * np.float32(1001 / 60000), exact)


@pytest.mark.parametrize("levels", [0, -3, MAX_LEVELS + 1])
def test_levels_out_of_range(levels):
    with pytest.raises(ValueError, match=f"levels = {levels} is outside 1..65536"):
        quantise(np.zeros(3), levels, (0.0, 1.0))


@pytest.mark.parametrize("limits", [(float("nan"), 1.0), (0.0, float("inf"))])
def test_limits_must_be_finite(limits):
    with pytest.raises(ValueError, match="is not finite"):
        quantise(np.zeros(3), 4, limits)
