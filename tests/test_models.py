"""Probability models: exact frequencies, their properties, and the choice of a model."""

import numpy as np
import pytest
import spec_decoder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inrcodec.entropy import models
from inrcodec.entropy.models import Model, ModelKind, fit_model, frequencies, split

EXACT = {
    (0, 0, 0, 6): [10922, 10923, 10923, 10922, 10923, 10923],
    (1, 128, 80, 5): [8851, 14928, 17799, 15009, 8949],
    (2, 64, 70, 8): [8283, 14137, 18602, 10902, 6388, 3743, 2194, 1287],
    (1, 255, 0, 4): [1, 1, 1, 65533],
    (2, 0, 255, 3): [21849, 21845, 21842],
}
BYTE = st.integers(0, 255)


def coded_bits(integers, model, levels):
    """Bits that integers cost under a model, to within a byte or two."""
    symbols, shift = split(levels)
    histogram = np.bincount(integers >> shift, minlength=symbols)
    table = frequencies(model.kind, model.location, model.scale, symbols)
    return float(histogram @ (16 - np.log2(table))) + shift * len(integers)


def normal_integers(levels, spread, count=5000, seed=0):
    values = np.random.default_rng(seed).normal((levels - 1) / 2, spread, count)
    return np.rint(values).clip(0, levels - 1).astype(np.uint16)


@pytest.mark.parametrize("arguments", EXACT)
def test_exact_frequencies(arguments):
    assert frequencies(*arguments).tolist() == EXACT[arguments]


def test_constants_are_the_rounded_powers():
    assert list(models.ROOTS) == [round(2**16 * 2 ** (j / 16)) for j in range(16)]
    assert list(models.HALVINGS) == [round(2**30 * 2 ** -(2.0 ** (b - 16))) for b in range(16)]


@settings(max_examples=60, deadline=None)
@given(kind=st.integers(0, 2), location=BYTE, scale=BYTE, symbols=st.integers(2, 1024))
@example(kind=1, location=127, scale=0, symbols=1024)
@example(kind=2, location=0, scale=255, symbols=1024)
def test_frequencies_equal_the_specification(kind, location, scale, symbols):
    table = frequencies(kind, location, scale, symbols)
    assert table.dtype == np.int64
    assert table.sum() == 65536
    assert table.min() >= 1
    starts = spec_decoder.starts_of(kind, location, scale, symbols)
    assert table.tolist() == np.diff(starts).tolist()


@pytest.mark.parametrize(
    ("kind", "power"), [(ModelKind.GAUSS, 2), (ModelKind.LAPLACE, 1)], ids=["gauss", "laplace"]
)
def test_frequencies_follow_the_formula(kind, power):
    x = (np.arange(64) - 100 / 255 * 63) / 2 ** ((120 - 64) / 16)
    weights = 2.0 ** -(np.abs(x) ** power)
    expected = 1 + weights / weights.sum() * (65536 - 64)
    assert np.abs(frequencies(kind, 100, 120, 64) - expected).max() < 1.5


def test_frequencies_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        frequencies(0, 0, 0, 4)[0] = 1


@pytest.mark.parametrize(
    ("levels", "expected"),
    [(2, (2, 0)), (1024, (1024, 0)), (1025, (513, 1)), (5000, (625, 3)), (65536, (1024, 6))],
)
def test_split(levels, expected):
    assert split(levels) == expected


@pytest.mark.parametrize("levels", [16, 64, 300, 5000])
@pytest.mark.parametrize("shape", ["normal", "laplace"])
def test_fitted_model_is_near_the_entropy(levels, shape):
    draw = getattr(np.random.default_rng(1), shape)
    values = draw(0.6 * levels, levels / 12, 20000)
    integers = np.rint(values).clip(0, levels - 1).astype(np.uint16)
    model = fit_model(integers, levels)
    assert model.kind.name == {"normal": "GAUSS", "laplace": "LAPLACE"}[shape]
    symbols, shift = split(levels)
    counts = np.bincount(integers >> shift, minlength=symbols)
    shares = counts[counts > 0] / counts.sum()
    entropy = -float((shares * np.log2(shares)).sum()) + shift
    assert coded_bits(integers, model, levels) / integers.size < entropy * 1.01 + 0.01


def test_even_integers_take_the_uniform_model():
    integers = np.arange(6400, dtype=np.uint16) % 64
    assert fit_model(integers, 64) == Model(ModelKind.UNIFORM)
    assert coded_bits(integers, Model(ModelKind.UNIFORM), 64) == 6 * 6400


@pytest.mark.parametrize("levels", [1, 2, 64, 65536])
def test_few_integers(levels):
    assert fit_model(np.zeros(0, dtype=np.uint16), levels) == Model(ModelKind.UNIFORM)
    assert fit_model(np.zeros(1, dtype=np.uint16), levels).kind in ModelKind


def test_integers_all_at_one_end():
    integers = np.full(1000, 63, dtype=np.uint16)
    assert coded_bits(integers, fit_model(integers, 64), 64) < 5


def test_narrow_model_between_two_symbols():
    # Both neighbours lie 8 widths away: weights that were not relative would all vanish.
    assert frequencies(ModelKind.GAUSS, 127, 0, 2).tolist()[0] > 32768
