"""Static probability models for quantised integers, exact in integer arithmetic.

A model is three bytes in the file: its kind, a location and a scale. Symbol k of K lies at
x = (k - centre) / width, with centre = location / 255 * (K - 1) and
width = 2^((scale - 64) / 16) symbols, and has weight 2^-|x| (Laplace) or 2^-(x^2) (Gauss). What is
coded is not that formula but the integers below, so that every machine finds the same frequencies.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np

from inrcodec.entropy.rans import TOTAL

MAX_SYMBOL_BITS = 10  # wider integers are split: this many modelled bits, the rest uniform

# round(2^16 * 2^(j / 16)), j = 0..15
ROOTS = (
    65536, 68438, 71468, 74632, 77936, 81386, 84990, 88752,
    92682, 96785, 101070, 105545, 110218, 115098, 120194, 125515,
)  # fmt: skip
# round(2^30 * 2^(-2^(b - 16))), b = 0..15: the factor of bit b of a 16-bit fraction
HALVINGS = (
    1073730468, 1073719111, 1073696399, 1073650976, 1073560135, 1073378477, 1073015252, 1072289173,
    1070838486, 1067942999, 1062175491, 1050733751, 1028218693, 984625594, 902905651, 759250125,
)  # fmt: skip

_ONE = 1 << 16
_MAX_DISTANCE = 64 * _ONE  # at least 56 bits above the nearest symbol: weight 0 either way
_MAX_EXPONENT = 40 * _ONE  # 2^30 >> 31 is already 0; the cap keeps shifts below 64


class ModelKind(IntEnum):
    """Shapes of distribution that a file can name."""

    UNIFORM = 0
    GAUSS = 1
    LAPLACE = 2


@dataclass(frozen=True)
class Model:
    """Distribution of one tensor's integers; `location`, `scale` in 0..255, both 0 for uniform."""

    kind: ModelKind
    location: int = 0
    scale: int = 0


def split(levels: int) -> tuple[int, int]:
    """Number K (<= 1024) of modelled symbols, and of uniform low bits, for integers < `levels`."""
    shift = max(0, (levels - 1).bit_length() - MAX_SYMBOL_BITS)
    return ((levels - 1) >> shift) + 1, shift


@lru_cache(maxsize=256)
def frequencies(kind: int, location: int, scale: int, symbols: int) -> np.ndarray:
    """Frequency of each symbol under a model.

    `kind` 0..2, `location` and `scale` 0..255, `symbols` K in 1..1024. Returns a read-only int64
    array of shape (K,), each entry >= 1, sum 65536.
    """
    locations, scales = np.array([[location], [scale]], dtype=np.int64)
    bounds = _boundaries(kind, locations, scales, symbols)
    result: np.ndarray = np.diff(bounds[0])
    result.setflags(write=False)
    return result


def _boundaries(kind: int, locations: np.ndarray, scales: np.ndarray, symbols: int) -> np.ndarray:
    """First slot of each symbol, then 65536: int64 (n, K + 1) for n pairs of location and scale."""
    if kind == ModelKind.UNIFORM:
        weights = np.ones((len(locations), symbols), dtype=np.int64)
    else:
        weights = _exp2(_exponents(kind, locations, scales, symbols))
    sums = np.zeros((len(locations), symbols + 1), dtype=np.int64)
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    # Every symbol gets one slot, the others are shared out by weight: sums < 2^41, product < 2^57.
    bounds: np.ndarray = sums * (TOTAL - symbols) // sums[:, -1:] + np.arange(symbols + 1)
    return bounds


def _exponents(kind: int, locations: np.ndarray, scales: np.ndarray, symbols: int) -> np.ndarray:
    """Minus log2 of each weight, 16 fraction bits, 0 for the likeliest symbol: int64 (n, K)."""
    centres = locations[:, None] * (symbols - 1)
    offsets = np.abs(np.arange(symbols, dtype=np.int64) * 255 - centres)  # in 1/255 symbols, < 2^18
    power = 256 - scales[:, None]  # 1 / width = 2^(power / 16 - 12)
    roots = np.array(ROOTS, dtype=np.int64)[power & 15]
    distances = (offsets * roots << (power >> 4)) // (255 << 12)  # product < 2^51
    exponents: np.ndarray = np.minimum(distances, _MAX_DISTANCE)
    if kind == ModelKind.GAUSS:
        exponents = exponents * exponents >> 16
    exponents -= exponents.min(axis=1, keepdims=True)
    np.minimum(exponents, _MAX_EXPONENT, out=exponents)
    return exponents


@lru_cache(maxsize=1)
def _fractions() -> np.ndarray:
    """2^(30 - i / 65536), i = 0..65535, rounded down at every set bit of i, the lowest first."""
    weights = np.array([1 << 30], dtype=np.int64)
    for factor in HALVINGS:
        weights = np.concatenate([weights, weights * factor >> 30])
    return weights


def _exp2(exponents: np.ndarray) -> np.ndarray:
    """2^(30 - exponent / 65536): int64, at most 2^30."""
    weights: np.ndarray = _fractions()[exponents & (_ONE - 1)] >> (exponents >> 16)
    return weights


def fit_model(integers: np.ndarray, levels: int) -> Model:
    """The model under which `integers` (1-D, in 0..levels-1) take the fewest bits.

    Searches a grid around the moment estimates that is refined twice; counts the two bytes that a
    location and a scale add to the file.
    """
    symbols, shift = split(levels)
    if symbols < 2 or integers.size == 0:
        return Model(ModelKind.UNIFORM)
    histogram = np.bincount(integers >> shift, minlength=symbols)
    uniform = float(histogram @ (16 - np.log2(frequencies(ModelKind.UNIFORM, 0, 0, symbols))))
    candidates = [(uniform, Model(ModelKind.UNIFORM))]
    for kind in (ModelKind.GAUSS, ModelKind.LAPLACE):
        bits, model = _search(kind, histogram)
        candidates.append((bits + 16, model))
    return min(candidates, key=lambda candidate: candidate[0])[1]


# (offsets of scale, offsets of location) tried around the best pair so far; scales reach further
# up than down, since a distribution cut off by the range looks narrower than it is
_GRID = (
    (np.arange(-16, 81, 8), np.arange(-16, 17, 8)),
    (np.arange(-6, 7, 2), np.arange(-6, 7, 2)),
    (np.arange(-1, 2), np.arange(-1, 2)),
)


def _search(kind: ModelKind, histogram: np.ndarray) -> tuple[float, Model]:
    """Fewest bits, and the model that gives them, among one kind of distribution."""
    location, scale = _moments(kind, histogram)
    for scale_steps, location_steps in _GRID:
        pairs = np.meshgrid(scale + scale_steps, location + location_steps)
        scales, locations = (grid.clip(0, 255).ravel() for grid in pairs)
        best = int(_estimated_bits(kind, locations, scales, histogram).argmin())
        location, scale = int(locations[best]), int(scales[best])
    table = frequencies(kind, location, scale, len(histogram))
    return float(histogram @ (16 - np.log2(table))), Model(kind, location, scale)


def _estimated_bits(
    kind: ModelKind, locations: np.ndarray, scales: np.ndarray, histogram: np.ndarray
) -> np.ndarray:
    """Bits that a histogram takes under each of n models, float64 (n,): the formula without its
    roundings, in a tenth of the time."""
    symbols = len(histogram)
    centres = locations[:, None] * ((symbols - 1) / 255)
    exponents = (np.arange(symbols) - centres) * np.exp2(4 - scales[:, None] / 16)
    exponents = exponents * exponents if kind == ModelKind.GAUSS else np.abs(exponents)
    exponents -= exponents.min(axis=1, keepdims=True)
    weights = np.exp2(-np.minimum(exponents, 64))
    shares = (TOTAL - symbols) / weights.sum(axis=1, keepdims=True)
    seen = np.flatnonzero(histogram)
    bits: np.ndarray = (16 - np.log2(weights[:, seen] * shares + 1)) @ histogram[seen]
    return bits


def _moments(kind: ModelKind, histogram: np.ndarray) -> tuple[int, int]:
    """Location and scale bytes that match a histogram's mean and spread."""
    positions, count = np.arange(len(histogram)), histogram.sum()
    mean = histogram @ positions / count
    if kind == ModelKind.GAUSS:  # 2^-(x / width)^2 has variance width^2 / (2 ln 2)
        width = np.sqrt(histogram @ (positions - mean) ** 2 / count * 2 * np.log(2))
    else:  # 2^-|x / width| has mean deviation width / ln 2
        width = histogram @ np.abs(positions - mean) / count * np.log(2)
    scale = round(64 + 16 * float(np.log2(max(width, 1 / 16))))
    return round(255 * mean / (len(histogram) - 1)), min(max(scale, 0), 255)
