"""Which scale index every latent of a pyramid has, from latents decoded before it: integers only.

A latent's energy is a weighted sum of magnitudes around it, and its Laplace scale a power of that
energy; both in fixed point, so that every machine and thread count finds the same index. Sums
are integers below 2^53 held in float64, exact in any order of summation.

Most latents are 0, so that sums are made of those that are not: each adds to the energies of the
latents around it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

import numpy as np

from inrcodec.entropy.survival import SCALES
from inrcodec.nets.marks import Layout, Marks, Term, united
from inrcodec.nets.pyramid import ORIENTATIONS, PHASES, Grid, Pyramid, cross_rows
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
    """What latents of a band are known by besides: by phase, marks and how far they are moved. In
    every phase they count at the same place, in all phases in 3x3 places around; the weights of
    both."""

    around_weight: float
    own_weight: float
    phases: list[list[tuple[Marks, int]]]


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
    index = slopes * (logs - 12 * 64)
    index += offsets + 2048
    index >>= 12
    np.maximum(index, 0, out=index)
    return np.minimum(index, SCALES - 1, out=index).astype(np.uint8)


class Contexts:
    """Context models in integers, from float32 tensors by name; of pyramids of any shape with the
    levels and channels of `net`."""

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
        by_phase, by_level = offsets[:phases].reshape(-1, 4), offsets[phases:]
        self._low_offsets = fixed_offsets(by_phase[net.bands :])
        by_level = by_level.reshape(net.levels, net.bands, 1)
        self._offsets = fixed_offsets(by_phase[: net.bands] + by_level)
        self._slopes = fixed_slopes(weights["slopes"])
        self._tables = dict[tuple[int | None, int, int], np.ndarray]()

    def _table(self, level: int | None, band: int, phase: int) -> np.ndarray:
        """Scale indices of a plane by the codes of energies."""
        key = (level, band, phase)
        if key not in self._tables:
            offsets = self._low_offsets if level is None else self._offsets[level]
            slope = self._slopes[self._row(level, band)]
            self._tables[key] = _indices(_LOGS, offsets[band, phase], slope)
        return self._tables[key]

    def _row(self, level: int | None, band: int) -> int:
        """Of the tensors that have rows for the bands and for LL's."""
        return band if level is not None else self.net.bands + band

    def shared(self, known: "Known", band: int, more: More | None = None) -> np.ndarray:
        """Energy, from its floor on, that all four phases of a band have in common: a vector."""
        layout = known.layout
        if known.grid.level is None:
            return layout.sums(()) + _FLOOR
        cells = zip(self._cells[band], zip(*known.marks, strict=True), strict=False)
        terms: Iterable[Term] = (Term(w, marks) for w, phases in cells for marks in phases)
        around = list[Term]()
        if known.coarser is not None:
            first = band // ORIENTATIONS * ORIENTATIONS
            parents = known.coarser[first : first + ORIENTATIONS]
            at_place, beside = np.split(self._parents[band], 2)
            terms = chain(terms, map(Term, at_place, parents))
            around += map(Term, beside, parents)
        if more is not None:
            around += [Term(more.around_weight, *moved) for moved in chain(*more.phases)]
        energy = layout.sums(terms)
        energy += layout.sums_3x3(layout.sums(around))
        energy += _FLOOR
        return energy

    def scales(
        self, known: "Known", band: int, phase: int, shared: np.ndarray, more: More | None = None
    ) -> np.ndarray:
        """Scale indices of one phase: uint8 (rows, columns). `shared`: as the function gives
        it."""
        layout, level = known.layout, known.grid.level
        near = self._near[self._row(level, band)]
        terms = [
            Term(near[number], known.marks[before][band], -layout.off(down, right))
            for number, before, places in _NEXT_TO[phase]
            for down, right in places
        ]
        if level is not None:
            terms += map(Term, self._same[band], known.marks[phase][:band])
        if more is not None:
            terms += [Term(more.own_weight, *moved) for moved in more.phases[phase]]
        vector = layout.sums(terms)
        vector += shared
        energy, table = layout.plane(vector), self._table(level, band, phase)
        indices = np.empty(energy.shape, dtype=np.uint8)
        for rows in stripes(layout.rows, layout.columns, _STRIPE):
            table.take(_codes(energy[rows]), out=indices[rows], mode="clip")
        return indices


def walk(
    contexts: Contexts,
    grids: Sequence[Grid],
    plane: Plane,
    more: Callable[[int, int], More | None] | None = None,
) -> "list[Known]":
    """Visit the planes of grids, from LL on, in file order; `plane` gives a plane's latents, `more`
    what those of a grid and band are known by besides."""
    every: list[Known] = []
    for number, grid in enumerate(grids):
        known = Known(grid, every[-1] if every else None)
        for band in range(grid.bands):
            besides = more(number, band) if more is not None else None
            shared = contexts.shared(known, band, besides)
            for phase in range(len(PHASES)):
                scales = contexts.scales(known, band, phase, shared, besides)
                known.add(phase, band, plane(number, (phase, band), scales))
        every.append(known)
    return every


class Known:
    """Latents of a grid as far as they are known: `values`, int32 (4, bands, rows, columns), and
    `marks` of every phase, by band. `coarser`: marks of the bands of the next coarser level, in the
    places of this grid (None if that is LL)."""

    def __init__(self, grid: Grid, coarser: "Known | None") -> None:
        self.grid, self.layout = grid, Layout(grid.rows, grid.columns)
        self.values = np.zeros(grid.shape, dtype=np.int32)
        self.marks: tuple[list[Marks], ...] = tuple([] for _ in PHASES)
        self.coarser: list[Marks] | None = None
        if coarser is not None and coarser.grid.level is not None:
            self.coarser = [coarser.seen_from(self, band) for band in range(grid.bands)]

    def add(self, phase: int, band: int, values: np.ndarray) -> None:
        """Latents (rows, columns) of the next band of a phase become known."""
        self.values[phase, band] = values
        self.marks[phase].append(self.layout.marks(values))

    def seen_from(self, finer: "Known", band: int) -> Marks:
        """Marks of a band in the places of the finer grid, whose phases lie over it, and of one row
        and column more on every side."""
        layout, (down, across) = finer.layout, self.grid.under(finer.grid)
        seen = []
        for marks, (odd_row, odd_column) in zip(self.marks, PHASES, strict=True):
            rows, columns = self.layout.whereabouts(marks[band].places)
            rows, columns = 2 * rows + odd_row - down.start, 2 * columns + odd_column - across.start
            near = layout.reaches(rows, columns)
            seen.append(Marks(layout.places(rows[near], columns[near]), marks[band].sizes[near]))
        return united(seen)
