"""The model of latents that are predicted: Laplace variables whose middle is not an integer.

A latent is coded as its difference d from the integer `centre` that is nearest to its mean. The
mean lies f / 16 above that, f in -8..7, the scale is s = 2^((i - 40) / 8) as in survival.py. With
t = f / 16 the chances are

    d = 0            1 - exp(-1 / 2s) cosh(t / s)
    d < 0, if not 0  1 / (1 + exp(2 t / s))

and every step beyond 1 has that of survival.py. Costs are rounded to units and kept between 1 unit
and 12 bits. No cost that is not so kept is nearer to the middle between two units than 10^-5, so
that every machine comes to the same ones.
"""

import math

import numpy as np

from inrcodec.entropy.latents import Model, model
from inrcodec.entropy.survival import BIT_COST, SCALES, STEP_COST

OFFSETS = 16  # numbers of f
FIRST_OFFSET = -8
_LEAST, _MOST = 1, 12 * BIT_COST


def zero_cost(offset: int, index: int) -> float:
    """Units of d = 0, not rounded; infinite where that is out of reach."""
    s, t = 2.0 ** ((index - 40) / 8), abs(offset) / 16
    chance = 1 - 0.5 * (math.exp((t - 0.5) / s) + math.exp((-t - 0.5) / s))
    return -BIT_COST * math.log2(chance) if chance > 0 else math.inf


def sign_cost(offset: int, index: int) -> float:
    """Units of d < 0, if it is not 0, not rounded."""
    s, t = 2.0 ** ((index - 40) / 8), offset / 16
    return BIT_COST * math.log2(1 + math.exp(min(2 * t / s, 50.0)))


def _kept(cost: float) -> int:
    return math.floor(min(max(cost, _LEAST), _MOST) + 0.5)


def index_of(offsets: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Indices into the model, int16, for offsets f and scale indices."""
    return ((offsets - FIRST_OFFSET) * SCALES + scales).astype(np.int16)


def centred() -> Model:
    """The model, by index (f + 8) * SCALES + i."""
    pairs = [(f, i) for f in range(FIRST_OFFSET, FIRST_OFFSET + OFFSETS) for i in range(SCALES)]
    zero = np.array([_kept(zero_cost(*pair)) for pair in pairs], dtype=np.int64)
    return model(zero, STEP_COST * OFFSETS, [_kept(sign_cost(*pair)) for pair in pairs])
