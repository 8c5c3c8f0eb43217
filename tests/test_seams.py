"""The benchmark of errors beside other partitions."""

import numpy as np
from PIL import Image

from benchmarks import seams


def test_borders_are_on_both_sides():
    borders = seams.at_borders((7, 5), (3, 10))
    expected = np.zeros((7, 5), dtype=bool)
    expected[[2, 3, 5, 6]] = True
    assert np.array_equal(borders, expected)
    assert seams.at_borders((4, 6), (4, 3)).sum() == 4 * 2


def test_errors_at_borders_are_told_from_the_rest():
    borders = seams.at_borders((8, 8), (4, 4))
    assert seams.ratio(np.where(borders, 3.0, 2.0), borders) == 1.5


def test_the_drawing(tmp_path):
    original = np.full((40, 300, 3), 100, dtype=np.uint8)
    seams.draw(original, original + 3, (20, 32), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as drawn:
        pixels = np.asarray(drawn)[::2, ::2]
    assert pixels.shape == (40, 3 * 192 + 16, 3)
    assert pixels[0, 0].tolist() == [103] * 3
    assert pixels[0, 200].tolist() == [128 + 8 * 3] * 3
    assert pixels[20, 410].tolist() == [255, 0, 0]
