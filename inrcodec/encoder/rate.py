"""From a byte budget to quantisation grids, and back: sizes are coded sizes.

Every stored tensor is quantised over its own range; how many levels it gets follows from one
number for the whole network, `step`: the change of the output that one level of one entry makes,
root mean square. A tensor whose entries are felt strongly (its *gain*) gets small steps; with
equal output noise per entry no bit could be moved to better use.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inrcodec.container.weights_section import pack
from inrcodec.quantise import MAX_LEVELS, QuantisedTensor, quantise, value_range

RECORD_BYTES = 8  # one tensor's levels, range and model in the WEIGHTS section
STREAM_BYTES = 5  # the range coder's final state
_MOST_OUTWARDS = (MAX_LEVELS - 1) // 2  # levels on either side of the middle
_LARGEST = float(np.finfo(np.float16).max)  # end of a grid that the file can hold
_FINEST, _COARSEST = -40.0, 12.0  # log2 of the steps considered


@dataclass(frozen=True)
class Grid:
    """Quantiser of one tensor: `levels` values from `low` to `high`."""

    levels: int
    low: float
    high: float


# Stored tensors, and how strongly the output feels one entry of each, by name in file order.
Arrays = Mapping[str, np.ndarray]
Gains = Mapping[str, float]
# Bytes that quantised tensors take.
Sizes = Callable[[list[QuantisedTensor]], int]


def grids_for_step(arrays: Arrays, gains: Gains, step: float) -> list[Grid]:
    """One grid per tensor with steps of `step` / gain over the tensor's range."""
    return [_grid(arrays[name], step / gain) for name, gain in gains.items()]


def _grid(array: np.ndarray, step: float) -> Grid:
    """Levels from the middle of the range outwards, `step` apart, until no entry is more than half
    a step outside.

    The size is then continuous in `step`: new levels are empty at first. A whole number of steps
    between minimum and maximum would leave up to a fifth of a budget unused at 2 bits an entry,
    and grids with no level in the middle cost 3 dB there.
    """
    low, high = value_range(array)
    middle, half = (low + high) / 2, (high - low) / 2
    step = max(step, half / _MOST_OUTWARDS)
    outwards = math.ceil(half / step - 0.5) if half else 0
    ends = np.array([middle - outwards * step, middle + outwards * step])
    low, high = value_range(ends.clip(-_LARGEST, _LARGEST))
    return Grid(1 + 2 * outwards, low, high) if low < high else _constant(array)


def _constant(array: np.ndarray) -> Grid:
    middle = float(np.float16(array.mean()))
    return Grid(1, middle, middle)


def exponent_of(grids: Sequence[Grid], arrays: Arrays, gains: Gains) -> float:
    """log2 of the step at which `grids_for_step` gives about these grids."""
    exponents, sizes = [0.0], [1e-9]
    for grid, (name, array) in zip(grids, arrays.items(), strict=True):
        if grid.levels > 1:
            step = (grid.high - grid.low) / (grid.levels - 1)
            exponents.append(math.log2(step * gains[name]))
            sizes.append(float(array.size))
    return float(np.average(exponents, weights=sizes))


def grids_for_levels(arrays: Arrays, levels: int) -> list[Grid]:
    """The same number of levels for every tensor, as in D'OH (supplement 2.0.1)."""
    ranges = [(array, *value_range(array)) for array in arrays.values()]
    return [Grid(levels, lo, hi) if hi > lo else _constant(array) for array, lo, hi in ranges]


def quantise_all(arrays: Arrays, grids: Sequence[Grid]) -> list[QuantisedTensor]:
    """Every stored tensor on its grid, in file order."""
    return [
        quantise(array, grid.levels, (grid.low, grid.high))
        for array, grid in zip(arrays.values(), grids, strict=True)
    ]


def grids_for_size(
    arrays: Arrays,
    gains: Gains,
    budget: int,
    size_of: Sizes | None = None,
    fill: float = 0.995,
    rounds: int = 24,
) -> list[Grid]:
    """Grids whose payload takes between `fill` of the budget and all of it.

    Sizes are those of the coded bytes, by `size_of` (None: of a WEIGHTS payload). A bit less per
    stored number is a step twice as large, so
    Newton's method on log2(step) takes three or four rounds; bisection guards it. If the tensors
    cannot fill the budget the finest grids are returned, if they cannot meet it the coarsest.
    """
    numbers = sum(array.size for array in arrays.values())
    fine, coarse = _FINEST, _COARSEST
    exponent = _first_guess(arrays, gains, budget)
    for _ in range(rounds):
        tensors = quantise_all(arrays, grids_for_step(arrays, gains, 2.0**exponent))
        size = size_of(tensors) if size_of else len(pack(tensors))
        if size > budget:
            fine = exponent
        else:
            coarse = exponent
            if size >= fill * budget:
                break
        exponent += (size - (1 + fill) / 2 * budget) * 8 / numbers
        if not fine < exponent < coarse:
            exponent = (fine + coarse) / 2
        if coarse - fine < 1e-4:
            break
    return grids_for_step(arrays, gains, 2.0**coarse)


def _first_guess(arrays: Arrays, gains: Gains, budget: int) -> float:
    """log2(step) at which normally distributed tensors would take the budget."""
    numbers = sum(array.size for array in arrays.values())
    spread = sum(
        array.size * np.log2(max(float(array.std()) * gains[name], 1e-12) * 4.13)
        for name, array in arrays.items()
    )
    bits = 8 * (budget - RECORD_BYTES * len(arrays) - STREAM_BYTES)
    return float(np.clip((spread - bits) / numbers, _FINEST + 1, _COARSEST - 1))


def payload(arrays: Arrays, grids: Sequence[Grid]) -> bytes:
    """The WEIGHTS payload of stored tensors on their grids."""
    return pack(quantise_all(arrays, grids))
