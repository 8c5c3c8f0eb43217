"""The benchmark of long signals, on short ones."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks import long
from inrcodec.signals import Signal


def test_films_go_there_and_back():
    frames = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1)
    film = long.lengthened(Signal("video", frames, rate=Fraction(8)), 9)
    assert film.samples[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]


@pytest.mark.parametrize("name", long.ITEMS)
def test_row(name):
    rates = {".wav": ("--kbps", "64"), ".y4m": ("--bpp", "4")}
    item = replace(long.ITEMS[name], rate=rates[long.ITEMS[name].suffix])
    if item.suffix == ".wav":
        samples = (9000 * np.sin(np.arange(4800)[:, None] / 9)).astype(np.int16)
        signal = Signal("audio", samples, rate=Fraction(4000))
    else:
        samples = np.indices((3, 16, 16)).sum(axis=0)[..., None].astype(np.uint8)
        signal = Signal("video", samples, rate=Fraction(2))
    row = long.long_row(signal, item, 1, 1)
    assert row["bytes"] > 0 and row["encode_peak_mb"] > row["decode_peak_mb"] > 10
    (line,) = long.table([row | {"item": name}]).splitlines()[2:]
    assert line.startswith(f"| {name} | `{' '.join(item.rate)}`, effort 1 | ")


def test_errors_at_borders():
    error = np.ones((30, 2))
    error[[9, 10]] = 3  # beside the first of two borders
    error[20:] = 2
    beside, jumps = long.borders(error, 10, 1)
    assert beside == pytest.approx(((9 + 9 + 1 + 4) / 4) / ((17 + 9 * 4) / 26))
    assert jumps == pytest.approx(((0 + 1) / 2) / ((4 + 4) / 27))
