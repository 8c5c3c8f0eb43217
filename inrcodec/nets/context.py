"""Which scale index every latent of a pyramid has, from latents decoded before it: integers only.

A latent's energy is a weighted sum of magnitudes around it, and its Laplace scale a power of that
energy; both in fixed point, so that every machine and thread count finds the same index. Sums
are integers below 2^53 held in float64, exact in any order of summation.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from inrcodec.entropy.survival import SCALES
from inrcodec.nets.pyramid import (
    NEIGHBOURS,
    ORIENTATIONS,
    PHASES,
    Grid,
    Pyramid,
    cross_rows,
)

# Latents of one plane, given grid number, (phase, band) and scale indices (rows, columns).
Plane = Callable[[int, tuple[int, int], np.ndarray], np.ndarray]
# More energy of a band, given grid number and band: (4, rows, columns), float64 integers.
More = Callable[[int, int], np.ndarray]

# A weight is the square of a stored number in 1/64; energies count from a floor of 0.1.
_UNIT, _LARGEST = 64, 1023
_FLOOR = 410
# log2 of an energy in 1/64: exponent, and the middle of its mantissa's 64 intervals.
_MANTISSAS = 64
_UNIT_SCALE = 40  # index of scale 1; 8 indices are an octave


def log2_table() -> np.ndarray:
    """round(64 log2(1 + (j + 1/2) / 64)), j = 0..63; no entry is near a half."""
    middles = 1 + (np.arange(_MANTISSAS) + 0.5) / _MANTISSAS
    return np.rint(64 * np.log2(middles)).astype(np.int64)


_LOG2 = log2_table()


def log2_fixed(energy: np.ndarray) -> np.ndarray:
    """log2 in 1/64 of integer energies >= 1 (float64, below 2^53): int64."""
    mantissa, exponent = np.frexp(energy)  # 0.5 <= mantissa < 1, exact
    index = (mantissa * (2 * _MANTISSAS)).astype(np.int64) - _MANTISSAS
    return (exponent.astype(np.int64) - 1) * 64 + _LOG2[index]


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
    logs = log2_fixed(energy + _FLOOR) - 12 * 64
    index = (offsets + slopes * logs + 2048) >> 12
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

    def shared(self, grid: Grid, band: int, done: np.ndarray, coarser: "Coarser") -> np.ndarray:
        """Energy that all four phases of a band have from other bands: (rows, columns).

        `done`: magnitudes (4, band, rows, columns) of the level's earlier bands, float64.
        """
        energy = np.zeros((grid.rows, grid.columns))
        if grid.level is None:
            return energy
        if band:
            energy += np.tensordot(self._cells[band], done.sum(axis=0), 1)
        if coarser.values is not None and coarser.sums is not None:
            first = band // ORIENTATIONS * ORIENTATIONS
            own = slice(first, first + ORIENTATIONS)
            weights = self._parents[band]
            energy += np.tensordot(weights[:ORIENTATIONS], coarser.values[own], 1)
            energy += np.tensordot(weights[ORIENTATIONS:], coarser.sums[own], 1)
        return energy

    def scales(
        self,
        grid: Grid,
        band: int,
        phase: int,
        shared: np.ndarray,
        done: np.ndarray,
        own: np.ndarray,
    ) -> np.ndarray:
        """Scale indices of one phase: uint8 (rows, columns).

        `done`: as for `shared`; `own`: (4, rows, columns) magnitudes of the band's own phases,
        of which those before `phase` are read.
        """
        row = band if grid.level is not None else self.net.bands + band
        energy = shared + neighbours(self._near[row], own, phase)
        if band and grid.level is not None:
            energy += np.tensordot(self._same[band], done[phase], 1)
        offset = self._phases[row, phase]
        if grid.level is not None:
            offset = offset + self._levels[grid.level, band]
        return scale_indices(energy, fixed_offsets(offset), self._slopes[row])


def walk(
    contexts: Contexts, grids: Sequence[Grid], plane: Plane, more: More | None = None
) -> list[np.ndarray]:
    """Visit the planes of grids, from LL on, in file order; `plane` gives a plane's latents, `more`
    what they are known by besides. Latents by grid: int32, of their shape."""
    latents: list[np.ndarray] = []
    coarser = Coarser(None)
    for number, grid in enumerate(grids):
        values = np.zeros(grid.shape, dtype=np.int32)
        magnitudes = np.zeros(grid.shape)
        for band in range(grid.bands):
            done, own = magnitudes[:, :band], magnitudes[:, band]
            shared = contexts.shared(grid, band, done, coarser)
            energy = np.broadcast_to(shared, own.shape)
            if more is not None:
                energy = energy + more(number, band)
            for phase in range(len(PHASES)):
                scales = contexts.scales(grid, band, phase, energy[phase], done, own)
                values[phase, band] = plane(number, (phase, band), scales)
                own[phase] = np.abs(values[phase, band])
        latents.append(values)
        if grid.level is not None and number + 1 < len(grids):
            coarser = Coarser(magnitudes, grid.under(grids[number + 1]))
    return latents


class Coarser:
    """Magnitudes of the next coarser level, as the finer one sees them: bands (bands, rows,
    columns), as far as the finer level's phases reach, and their 3x3 sums, float64; None above the
    coarsest."""

    def __init__(
        self,
        magnitudes: np.ndarray | None,
        place: tuple[slice, slice] = (slice(None), slice(None)),
    ) -> None:
        """`place`: rows and columns of the bands that the finer level's phases lie over."""
        self.values: np.ndarray | None = None
        self.sums: np.ndarray | None = None
        if magnitudes is not None:
            whole = joined(magnitudes)
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


def neighbours(weights: np.ndarray, own: np.ndarray, phase: int) -> np.ndarray:
    """Weighted magnitudes next to a phase's latents in the phases before it.

    Weights: diagonal of phase 1; across and along of phase 2; along, across, diagonal of phase 3.
    """
    assert len(weights) == NEIGHBOURS
    if phase == 0:
        return np.zeros(own.shape[1:])
    if phase == 1:
        return weights[0] * _pair(_pair(own[0], 0, 1), 1, 1)
    if phase == 2:
        return weights[1] * _pair(own[0], 1, 1) + weights[2] * _pair(own[1], 0, -1)
    energy = weights[3] * _pair(own[0], 0, 1) + weights[4] * _pair(own[1], 1, -1)
    energy += weights[5] * _pair(_pair(own[2], 0, 1), 1, -1)
    return energy


def _pair(x: np.ndarray, axis: int, step: int) -> np.ndarray:
    """x[i] + x[i + step] along an axis, zeros outside; step is 1 or -1."""
    total = x.copy()
    low = (slice(None),) * axis + (slice(None, -1),)
    high = (slice(None),) * axis + (slice(1, None),)
    if step > 0:
        total[low] += x[high]
    else:
        total[high] += x[low]
    return total
