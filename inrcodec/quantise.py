"""Range-based quantisation: a tensor becomes integers, a minimum and a maximum.

D'OH (Gordon et al. 2024), supplement 2.0.1. Any number of levels; the paper's 4, 5, 6, 8 and 16
bits are 16, 32, 64, 256 and 65536 levels.
"""

from dataclasses import dataclass

import numpy as np

MAX_LEVELS = 65536


@dataclass(frozen=True)
class QuantisedTensor:
    """One tensor as the file holds it.

    `integers`: 1-D uint16 in 0..levels-1, row-major order of the tensor. `minimum`, `maximum`:
    values of the first and last level, each exactly a float16. `levels`: 1..65536; with one level
    every value is `minimum` and no integer is coded.
    """

    levels: int
    minimum: float
    maximum: float
    integers: np.ndarray


def step(levels: int, minimum: float, maximum: float) -> float:
    """Distance between two neighbouring levels, as float64 (0 for a single level)."""
    return (maximum - minimum) / (levels - 1) if levels > 1 else 0.0


def dequantise(tensor: QuantisedTensor) -> np.ndarray:
    """Values of a quantised tensor: float32, 1-D, computed in float64 as the format demands."""
    values = tensor.minimum + tensor.integers.astype(np.float64) * step(
        tensor.levels, tensor.minimum, tensor.maximum
    )
    return values.astype(np.float32)


def value_range(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value of an array, each rounded to the nearest float16."""
    low, high = np.float16(values.min()), np.float16(values.max())
    return float(low), float(high)


def quantise(values: np.ndarray, levels: int, limits: tuple[float, float]) -> QuantisedTensor:
    """Round `values` (any shape, float) to `levels` equal steps between the two `limits`.

    Values outside the limits go to the nearest end. Raises ValueError for levels outside
    1..65536 or limits that are not finite.
    """
    low, high = limits
    if not 1 <= levels <= MAX_LEVELS:
        raise ValueError(f"levels = {levels} is outside 1..{MAX_LEVELS}")
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"range {low}..{high} is not finite")
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    if levels == 1 or high <= low:
        return QuantisedTensor(1, low, low, np.zeros(flat.size, dtype=np.uint16))
    integers = np.rint((flat - low) / step(levels, low, high)).clip(0, levels - 1)
    return QuantisedTensor(levels, low, high, integers.astype(np.uint16))
