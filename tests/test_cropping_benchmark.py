"""The benchmark of cropping and extending, on small signals."""

from fractions import Fraction

import numpy as np

from benchmarks import cropping
from inrcodec.signals import Signal


def waves(*shape):
    grid = sum(np.indices(shape)) / 5
    return np.rint(127 + 100 * np.sin(grid)).astype(np.uint8)


def test_box_in_the_middle():
    assert cropping.CROPS["picture"].box((8, 10)) == [(2, 6), (2, 7)]
    assert cropping.CROPS["sound"].box((9,)) == [(0, 3)]
    assert cropping.CROPS["film"].box((8, 5, 6)) == [(0, 4), (0, 5), (0, 6)]


def test_a_quarter_of_a_picture(monkeypatch):
    monkeypatch.setattr(cropping, "_STEPS", "4")
    monkeypatch.setattr(cropping, "_REPEATS", 1)
    crop = cropping.Crop((0, 1), 2, {"local-global": {"bpp": 8.0}})
    row = cropping.crop_row(Signal("image", waves(128, 128, 1)), crop, "local-global", 1)
    assert (row["part"], row["share"], row["same"]) == ([64, 64], 0.25, True)
    assert row["part_bytes"] < row["bytes"]
    line = cropping.crop_table([row | {"part_of": "crop", "item": "a"}]).splitlines()[2]
    assert line.startswith("| a | `local-global` | 64x64 of 128x128 | 25.0% | ")
    assert line.endswith("| yes |")


def test_frames_are_added(monkeypatch):
    monkeypatch.setattr(cropping, "_FIRST_FRAMES", 4)
    monkeypatch.setattr(cropping, "_MORE_FRAMES", 2)
    film = Signal("video", waves(7, 16, 16, 1), rate=Fraction(8))
    row = cropping.extend_row(film, "film", {"bpp": 8.0}, 1, 1)
    assert row["same"]
    assert row["longer_bytes"] > row["bytes"]
    line = cropping.extend_table([row | {"part_of": "extend", "item": "a"}]).splitlines()[2]
    assert line.startswith("| `film`, effort 1 | ")
