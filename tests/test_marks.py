"""Sums over planes of which most is 0, beside the same of dense arrays."""

import numpy as np
import pytest

from inrcodec.nets import marks as module
from inrcodec.nets.marks import Layout, Term, united

SHAPES = [(1, 1), (1, 7), (5, 1), (6, 9)]


def plane(shape, seed, share=0.4):
    rng = np.random.default_rng(seed)
    return rng.integers(-40, 41, shape) * (rng.random(shape) < share)


def shifted(values, down, right):
    """values[i + down, j + right], 0 outside."""
    rows, columns = values.shape
    padded = np.pad(values, 1)
    return padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]


@pytest.mark.parametrize("most", [1, 1 << 21])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_terms(shape, most, monkeypatch):
    """In one go and, where there are many, in several."""
    monkeypatch.setattr(module, "_MOST", most)
    layout = Layout(*shape)
    planes = [plane(shape, seed) for seed in range(3)]
    around = [(1, 0), (-1, 1), (0, -1)]
    terms = [
        Term(10.0**n, layout.marks(values), -layout.off(*place))
        for n, (values, place) in enumerate(zip(planes, around, strict=True))
    ]
    expected = sum(
        10.0**n * shifted(np.abs(values), *place)
        for n, (values, place) in enumerate(zip(planes, around, strict=True))
    )
    assert np.array_equal(layout.plane(layout.sums(terms)), expected)
    assert not layout.sums([]).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_over_neighbourhoods_count_what_lies_one_outside(shape):
    wide = np.abs(plane((shape[0] + 2, shape[1] + 2), 4, 0.8))
    layout, rows, columns = Layout(*shape), *np.nonzero(wide)
    assert layout.reaches(rows - 1, columns - 1).all()
    sizes = wide[rows, columns].astype(float)
    found = module.Marks(layout.places(rows - 1, columns - 1), sizes)
    places = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2)]
    expected = sum(wide[i : i + shape[0], j : j + shape[1]] for i, j in places)
    vector = layout.sums_3x3(layout.sums([Term(1.0, found)]))
    assert np.array_equal(layout.plane(vector), expected)


def test_places_and_back():
    layout = Layout(3, 4)
    rows, columns = np.mgrid[-1:4, -1:5].reshape(2, -1)
    places = layout.places(rows, columns)
    assert np.array_equal(np.sort(places), np.arange(30))
    assert np.array_equal(layout.whereabouts(places), (rows, columns))
    assert not layout.reaches(np.array([-2, 4, 0, 0]), np.array([0, 0, -2, 5])).any()


@pytest.mark.parametrize("height", [1, 2, 3, 6])
def test_marks_of_some_rows_at_a_time(height):
    values = plane((6, 5), 7)
    layout = Layout(6, 5)
    parts = layout.by_rows(layout.marks(values), height)
    assert len(parts) == 6 // height
    for n, part in enumerate(parts):
        only = np.zeros_like(values)
        only[n * height : (n + 1) * height] = values[n * height : (n + 1) * height]
        assert np.array_equal(layout.plane(layout.sums([Term(1.0, part)])), np.abs(only))
    again = united(parts[::-1])
    assert np.array_equal(layout.plane(layout.sums([Term(1.0, again)])), np.abs(values))


@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
def test_a_plane_of_nothing(shape):
    layout = Layout(*shape)
    marks = layout.marks(np.zeros(shape, dtype=np.int32))
    assert len(marks.places) == 0
    assert layout.plane(layout.sums([Term(2.0, marks)])).shape == shape
