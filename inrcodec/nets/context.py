"""Which scale index every latent of a pyramid has, from latents decoded before it: integers only.

A latent's energy is a weighted sum of magnitudes around it, and its Laplace scale a power of that
energy; both in fixed point, so that every machine and thread count finds the same index. Sums
are integers below 2^53 held in float64, exact in any order of summation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from inrcodec.entropy.survival import SCALES
from inrcodec.nets.pyramid import (
    ORIENTATIONS,
    PHASES,
    Grid,
    Pyramid,
    cross_rows,
)
from inrcodec.nets.stripes import stripes

# Latents of one plane, given grid number, (phase, band) and scale indices (rows, columns).
Plane = Callable[[int, tuple[int, int], np.ndarray], np.ndarray]

# A weight is the square of a stored number in 1/64; energies count from a floor of 0.1.
_UNIT, _LARGEST = 64, 1023
_FLOOR = 410
# log2 of an energy in 1/64: exponent, and the middle of its mantissa's 64 intervals.
_MANTISSAS = 64
_UNIT_SCALE = 40  # index of scale 1; 8 indices are an octave
_STRIPE = 1 << 15  # latents whose energies are worked out at a time, so that these stay in cache

# Latents beside one of a phase: number of their weight, their phase, and rows and columns on.
_NEXT_TO: tuple[tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...], ...] = (
    (),
    ((0, 0, ((0, 0), (0, 1), (1, 0), (1, 1))),),
    ((1, 0, ((0, 0), (0, 1))), (2, 1, ((0, 0), (-1, 0)))),
    ((3, 0, ((0, 0), (1, 0))), (4, 1, ((0, 0), (0, -1))), (5, 2, tuple(product((0, 1), (0, -1))))),
)


class More(NamedTuple):
    """What the latents of a band are known by besides: sums of magnitudes that all phases have in
    common (rows, columns), and each phase's own (4, rows, columns), float32; their weights."""

    shared_weight: float
    shared: np.ndarray
    own_weight: float
    own: np.ndarray


def log2_table() -> np.ndarray:
    """round(64 log2(1 + (j + 1/2) / 64)), j = 0..63; no entry is near a half."""
    middles = 1 + (np.arange(_MANTISSAS) + 0.5) / _MANTISSAS
    return np.rint(64 * np.log2(middles)).astype(np.int64)


_LOG2 = log2_table()
# log2 in 1/64 of all integers below 2^53, by what `_codes` makes of them.
_LOGS = (np.arange(53)[:, None] * 64 + _LOG2).ravel()


def _codes(numbers: np.ndarray) -> np.ndarray:
    """Exponent and first six bits of the mantissa of numbers >= 1: indices into `_LOGS`."""
    bits = numbers.view(np.int64) >> 46
    bits -= 1023 << 6
    return bits


def log2_fixed(energy: np.ndarray) -> np.ndarray:
    """log2 in 1/64 of integer energies >= 1 (float64, below 2^53): int64."""
    return _LOGS[_codes(energy)]


def squares(values: np.ndarray) -> np.ndarray:
    """Context weights in 1/4096: float64 integers below 2^20."""
    units = np.floor(values.astype(np.float64) * _UNIT + 0.5)
    return np.clip(units, -_LARGEST, _LARGEST) ** 2


def fixed_offsets(offsets: np.ndarray) -> np.ndarray:
    """Scale offsets in octaves (float64) to 1/4096 of an index: int64."""
    return np.floor(np.clip(_UNIT_SCALE + 8 * offsets, -1e4, 1e4) * 4096 + 0.5).astype(np.int64)


def fixed_slopes(slopes: np.ndarray) -> np.ndarray:
    """Exponents of the energy, in the unit of `scale_indices`: int64."""
    return np.floor(np.clip(slopes.astype(np.float64), -16, 16) * 512 + 0.5).astype(np.int64)


def scale_indices(energy: np.ndarray, offsets: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Scale indices of latents with these energies (float64 integers): uint8, same shape."""
    return _indices(log2_fixed(energy + _FLOOR), offsets, slopes)


def _indices(logs: np.ndarray, offsets: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Scale indices from log2 in 1/64 of energies above their floor."""
    index = (offsets + slopes * (logs - 12 * 64) + 2048) >> 12
    return np.clip(index, 0, SCALES - 1).astype(np.uint8)


class Contexts:
    """A file's context model in integers, from its float32 tensors by name."""

    def __init__(self, net: Pyramid, weights: Mapping[str, np.ndarray]) -> None:
        self.net = net
        self._near = squares(weights["near"])
        self._parents = squares(weights["parents"])
        cross = squares(weights["cross"])
        half = len(cross) // 2
        rows = list(cross_rows(net))
        self._cells = [cross[a:b] for _, a, b in rows]
        self._same = [cross[half + a : half + b] for _, a, b in rows]
        offsets = weights["offsets"].astype(np.float64)
        phases = 4 * (net.bands + net.channels)
        self._phases = offsets[:phases].reshape(-1, 4)
        self._levels = offsets[phases:].reshape(net.levels, net.bands)
        self._slopes = fixed_slopes(weights["slopes"])

    def shared(
        self,
        grid: Grid,
        band: int,
        known: "Known",
        coarser: "Coarser | None",
        more: More | None = None,
    ) -> np.ndarray:
        """Energy, from its floor on, that all four phases of a band have in common: float64 (rows,
        columns)."""
        energy = np.full((grid.rows, grid.columns), float(_FLOOR))
        if grid.level is None:
            return energy
        terms = list(zip(self._cells[band], known.cells[:band], strict=True))
        if coarser is not None:
            first = band // ORIENTATIONS * ORIENTATIONS
            own = slice(first, first + ORIENTATIONS)
            planes = [*coarser.values[own], *coarser.sums[own]]
            terms += zip(self._parents[band], planes, strict=True)
        if more is not None:
            terms.append((more.shared_weight, more.shared))
        for rows in stripes(grid.rows, grid.columns, _STRIPE):
            for weight, plane in terms:
                energy[rows] += weight * plane[rows]
        return energy

    def scales(
        self,
        grid: Grid,
        band: int,
        phase: int,
        shared: np.ndarray,
        known: "Known",
        more: More | None = None,
    ) -> np.ndarray:
        """Scale indices of one phase: uint8 (rows, columns). `shared`: as the function gives
        it."""
        row = band if grid.level is not None else self.net.bands + band
        table = _indices(_LOGS, self._offset(grid, band, phase), self._slopes[row])
        terms: list[tuple[float, np.ndarray]] = []
        if grid.level is not None:
            terms += zip(self._same[band], known.phases[phase, :band], strict=True)
        if more is not None:
            terms.append((more.own_weight, more.own[phase]))
        indices = np.empty(shared.shape, dtype=np.uint8)
        for rows in stripes(grid.rows, grid.columns, _STRIPE):
            energy = shared[rows].copy()
            for number, sums in known.beside(phase, band, rows):
                energy += self._near[row, number] * sums
            for weight, plane in terms:
                energy += weight * plane[rows]
            indices[rows] = table[_codes(energy)]
        return indices

    def _offset(self, grid: Grid, band: int, phase: int) -> np.ndarray:
        """Scale offset of a plane, int64."""
        if grid.level is None:
            return fixed_offsets(self._phases[self.net.bands + band, phase])
        return fixed_offsets(self._phases[band, phase] + self._levels[grid.level, band])


def walk(
    contexts: Contexts,
    grids: Sequence[Grid],
    plane: Plane,
    more: Callable[[int, int], More | None] | None = None,
) -> list[np.ndarray]:
    """Visit the planes of grids, from LL on, in file order; `plane` gives a plane's latents, `more`
    what those of a grid and band are known by besides. Latents by grid: int32, of their shape."""
    latents: list[np.ndarray] = []
    coarser = None
    for number, grid in enumerate(grids):
        values, known = np.zeros(grid.shape, dtype=np.int32), Known(grid)
        for band in range(grid.bands):
            besides = more(number, band) if more is not None else None
            shared = contexts.shared(grid, band, known, coarser, besides)
            for phase in range(len(PHASES)):
                scales = contexts.scales(grid, band, phase, shared, known, besides)
                values[phase, band] = plane(number, (phase, band), scales)
                known.add(phase, band, values[phase, band])
        latents.append(values)
        if grid.level is not None and number + 1 < len(grids):
            coarser = Coarser(known.phases, grid.under(grids[number + 1]))
    return latents


class Known:
    """Magnitudes of a grid's latents as far as they are known, elsewhere 0: float32, which holds
    integers below 2^24, more than the sum of any 72 of them."""

    def __init__(self, grid: Grid) -> None:
        """`phases`: (4, bands, rows, columns); `cells`: their sums (bands, rows, columns)."""
        rows, columns = grid.rows + 2, grid.columns + 2  # with a border, for neighbours outside
        self._bordered = np.zeros((4, grid.bands, rows, columns), dtype=np.float32)
        self.phases = self._bordered[:, :, 1:-1, 1:-1]
        self.cells = np.zeros(grid.shape[1:], dtype=np.float32)

    def add(self, phase: int, band: int, values: np.ndarray) -> None:
        """Latents (rows, columns) of a plane become known."""
        np.abs(values, out=self.phases[phase, band])
        self.cells[band] += self.phases[phase, band]

    def beside(self, phase: int, band: int, rows: slice) -> Iterator[tuple[int, np.ndarray]]:
        """Magnitudes next to a phase's latents in the phases before it, summed by distance: number
        of their weight, and float32 (rows, columns)."""
        columns = self.phases.shape[3]
        for number, before, places in _NEXT_TO[phase]:
            whole = self._bordered[before, band]
            parts = [
                whole[rows.start + 1 + down : rows.stop + 1 + down, 1 + right : 1 + right + columns]
                for down, right in places
            ]
            yield number, sum(parts[1:], start=parts[0])


class Coarser:
    """Magnitudes of the next coarser level, as the finer one sees them: bands (bands, rows,
    columns), as far as the finer level's phases reach, and their 3x3 sums, float32."""

    def __init__(self, phases: np.ndarray, place: tuple[slice, slice]) -> None:
        """`place`: rows and columns of the bands that the finer level's phases lie over."""
        whole = joined(phases)
        self.values, self.sums = whole[:, *place], sums_3x3(whole)[:, *place]


def joined(phases: np.ndarray) -> np.ndarray:
    """(4, bands, rows, columns) to (bands, 2 rows, 2 columns)."""
    _, bands, rows, columns = phases.shape
    whole = np.empty((bands, 2 * rows, 2 * columns), dtype=phases.dtype)
    whole[:, 0::2, 0::2], whole[:, 1::2, 1::2] = phases[0], phases[1]
    whole[:, 0::2, 1::2], whole[:, 1::2, 0::2] = phases[2], phases[3]
    return whole


def sums_3x3(planes: np.ndarray) -> np.ndarray:
    """Sums over 3x3 neighbourhoods, zeros outside."""
    rows = planes.copy()
    rows[:, :-1] += planes[:, 1:]
    rows[:, 1:] += planes[:, :-1]
    sums = rows.copy()
    sums[:, :, :-1] += rows[:, :, 1:]
    sums[:, :, 1:] += rows[:, :, :-1]
    return sums
