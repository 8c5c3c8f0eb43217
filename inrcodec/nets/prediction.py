"""Centre and scale of every latent of a plane, predicted from latents before it: integers only.

A context network has two ReLU layers, the second added to the first, and gives the mean of a latent
and log2 of its Laplace scale. It is evaluated in fixed point: numbers in 1/1024, sums of products
below 2^53 in float64, exact in any order of summation, so that every machine finds the same.

Latents of a strip of rows are predicted from those before them in the same row and from the three
rows above in the strip; strips do not know of one another. So all latents whose place in their row
and twice their row in the strip add up to the same are independent: a front, which moves over all
strips at once, also over those of several planes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from inrcodec.entropy.survival import SCALES
from inrcodec.nets.grids import NEIGHBOURS, PARENTS, SIBLINGS, STRIP, Plane

_UNIT, _LARGEST_WEIGHT, _LARGEST_LATENT = 1024, 8191, 127
_LARGEST_UNIT = 1 << 22  # of a layer, in 1/1024
_UNIT_SCALE = 40  # index of scale 1; 8 indices are an octave
_LARGEST_CENTRE = 2**15 - 1
_SLOPE = 2  # a row lies so many places behind the one above it
_ABOVE = 3  # rows
_BEFORE = 3  # places in a row
# Neighbours as runs: rows above, and places before and after.
_RUNS = ((3, 1, 1), (2, 2, 2), (1, 3, 1), (0, 3, -1))
_BATCH = 1 << 15  # lanes whose contexts are made at once

# Of latents with these centres and model indices, in a front: what they are. Last come the places
# at which those of another plane begin.
Front = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _units(values: np.ndarray) -> np.ndarray:
    """Numbers in 1/1024: float64 integers."""
    scaled = np.floor(values.astype(np.float64) * _UNIT + 0.5)
    return np.clip(scaled, -_LARGEST_WEIGHT, _LARGEST_WEIGHT)


class ContextNetwork:
    """One context network in integers, from float32 tensors by name."""

    def __init__(self, weights: Mapping[str, np.ndarray], number: int) -> None:
        names = [f"{name}.{number}" for name in ("P1", "p1", "P2", "p2", "P3")]
        first, bias, second, inner_bias, last = (_units(weights[name]) for name in names)
        self._first = np.hstack([first, bias[:, None]])
        self._second = np.hstack([second, inner_bias[:, None]])
        self._last, self._levels = last, _units(weights[f"p3.{number}"])

    def at_level(self, level: int) -> "LevelNetwork":
        """As it is for planes of a level."""
        last = np.hstack([self._last, self._levels[level][:, None]])
        return LevelNetwork(self._first, self._second, last)


class LevelNetwork:
    """A context network at one level. Biases are columns, for inputs that are 1."""

    # In 2^-20 the outputs: to 1/16 of a latent, and to scale indices.
    _SHIFTS = np.array([[2.0**-16], [2.0**-17]])
    _ADDED = np.array([[8.5], [_UNIT_SCALE + 0.5]])
    _LEAST = np.array([[-16.0 * _LARGEST_CENTRE], [0.0]])
    _MOST = np.array([[16.0 * _LARGEST_CENTRE], [SCALES - 1.0]])

    def __init__(self, first: np.ndarray, second: np.ndarray, last: np.ndarray) -> None:
        self._matrices = first, second, last

    def predict(self, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres, float64, and model indices, int16, of (inputs + 1, n) float64 integers, the last
        row ones."""
        first, second, last = self._matrices
        width, count = len(first), contexts.shape[1]
        units = np.empty((width + 1, count))
        units[width] = _UNIT
        inner = units[:width]
        np.matmul(first, contexts, out=inner)
        np.maximum(inner, 0, out=inner)
        np.minimum(inner, _LARGEST_UNIT, out=inner)
        more = second @ units
        more *= 1 / _UNIT
        np.floor(more, out=more)
        np.maximum(more, 0, out=more)
        np.minimum(more, _LARGEST_UNIT, out=more)
        inner += more
        out = last @ units
        out *= self._SHIFTS
        out += self._ADDED
        np.floor(out, out=out)
        np.maximum(out, self._LEAST, out=out)
        np.minimum(out, self._MOST, out=out)
        sixteenths, scales = out
        centres = np.floor(sixteenths * (1 / 16))
        sixteenths -= 16 * centres
        sixteenths *= SCALES  # 0..15 is 8 more than the offset
        sixteenths += scales
        return centres, sixteenths.astype(np.int16)


class Fronts:
    """Planes of latents, front by front, from what is known of other planes.

    Latents lie in a skewed array (fronts, strips, rows of a strip) with places for those before and
    above, so that a front and all that it sees are slices.
    """

    def __init__(self, planes: Sequence[Plane], known: Sequence[np.ndarray]) -> None:
        """`known`, of each: (n, rows, columns) integers that contexts hold besides neighbours."""
        self._strips = [-(-plane.rows // STRIP) for plane in planes]
        self._starts, self._stops = _spans(planes)
        self.count = int(self._stops.max(initial=0))
        strips = sum(self._strips)
        self._values = np.zeros((self.count + _BEFORE + _SLOPE * _ABOVE, strips, STRIP + _ABOVE))
        self._known = _skewed(known, self.count)
        self._inputs = len(NEIGHBOURS) + self._known.shape[1]
        self._contexts = np.empty((self._inputs + 1, strips, STRIP))
        self._contexts[-1] = 1

    @property
    def lane_count(self) -> int:
        """Lanes of a front: one for each row of every strip."""
        return len(self._starts)

    @property
    def first_lanes(self) -> np.ndarray:
        """The first lane of every plane but the first."""
        return np.cumsum(self._strips[:-1], dtype=np.int64) * STRIP

    def _at(self, front: int) -> int:
        """Where a front lies in the skewed array."""
        return front + _BEFORE + _SLOPE * _ABOVE

    def contexts(self, front: int) -> np.ndarray:
        """(inputs + 1, lanes) of a front whose latents before it are known."""
        first = 0
        for above, before, after in _RUNS:
            start, count = self._at(front) - _SLOPE * above - before, before + after + 1
            rows = slice(_ABOVE - above, _ABOVE - above + STRIP)
            self._contexts[first : first + count] = self._values[start : start + count, :, rows]
            first += count
        self._contexts[first:-1] = self._known[front]
        return self._contexts.reshape(self._inputs + 1, -1)

    def all_contexts(self, first: int, last: int) -> np.ndarray:
        """The same of fronts first..last-1, one after another, where all latents are known."""
        contexts = np.ones((self._inputs + 1, last - first, *self._contexts.shape[1:]))
        for i, (down, right) in enumerate(NEIGHBOURS):
            start, rows = self._at(first) + _SLOPE * down + right, _ABOVE + down
            contexts[i] = self._values[start : start + last - first, :, rows : rows + STRIP]
        contexts[len(NEIGHBOURS) : -1] = self._known[first:last].transpose(1, 0, 2, 3)
        return contexts.reshape(self._inputs + 1, -1)

    def lanes(self, front: int) -> np.ndarray:
        """Which lanes of a front are in a plane."""
        lanes: np.ndarray = ((self._starts <= front) & (front < self._stops)).nonzero()[0]
        return lanes

    def set(self, front: int, lanes: np.ndarray, values: np.ndarray) -> None:
        """Latents of a front become known."""
        line = np.zeros(self.lane_count)
        line[lanes] = np.minimum(np.maximum(values, -_LARGEST_LATENT), _LARGEST_LATENT)
        self._values[self._at(front), :, _ABOVE:] = line.reshape(-1, STRIP)

    def set_all(self, values: np.ndarray) -> None:
        """All latents of the only plane, (rows, columns), become known."""
        skewed = _skewed([_limited(values)[None]], self.count)[:, 0]
        self._values[self._at(0) : self._at(self.count), :, _ABOVE:] = skewed


def _spans(planes: Sequence[Plane]) -> tuple[np.ndarray, np.ndarray]:
    """Of every lane, the first front and that after the last in which it is in a plane."""
    starts, stops = [], []
    for plane in planes:
        rows = np.arange(-(-plane.rows // STRIP) * STRIP)
        starts.append(_SLOPE * (rows % STRIP))
        stops.append(np.where(rows < plane.rows, starts[-1] + plane.columns, 0))
    return np.concatenate(starts), np.concatenate(stops)


def _skewed(planes: Sequence[np.ndarray], fronts: int) -> np.ndarray:
    """Planes (n, rows, columns) to (fronts, n, strips of all, rows of a strip), zeros outside."""
    strips = [-(-plane.shape[1] // STRIP) for plane in planes]
    skewed = np.zeros((fronts, len(planes[0]), sum(strips), STRIP))
    last = 0
    for plane, own in zip(planes, strips, strict=True):
        place, last = slice(last, last + own), last + own
        count, rows, columns = plane.shape
        padded = np.zeros((count, own * STRIP, columns))
        padded[:, :rows] = plane
        by_row = padded.reshape(count, own, STRIP, columns)
        for row in range(min(STRIP, rows)):
            first = _SLOPE * row
            here = skewed[first : first + columns, :, place, row]
            here[:] = by_row[:, :, row].transpose(2, 0, 1)
    return skewed


def besides(
    planes: Sequence[Plane], number: int, latents: Mapping[tuple[int, int], np.ndarray]
) -> np.ndarray:
    """What contexts of one of the planes of a picture or a tile hold besides its own latents: (n,
    rows, columns) integers.

    `latents`: of planes before it, by channel and level. 3x3 of the coarser plane around the one
    over each, zeros outside; of channels after the first what lies at the same place in the first
    and in the one before.
    """
    plane = planes[number]
    known = np.zeros((PARENTS + (SIBLINGS if plane.channel else 0), *plane.shape))
    for above in planes[:number]:
        if (above.channel, above.level) == (plane.channel, plane.level + 1):
            _put_parents(known, plane, above, latents[above.channel, above.level])
    if plane.channel:
        known[PARENTS] = _limited(latents[0, plane.level])
    if plane.channel > 1:
        known[PARENTS + SIBLINGS - 1] = _limited(latents[plane.channel - 1, plane.level])
    return known


def _put_parents(known: np.ndarray, plane: Plane, above: Plane, latents: np.ndarray) -> None:
    """3x3 latents of a coarser plane around the one over each of a plane go first."""
    values = np.pad(_limited(latents), 2)
    rows = (np.arange(plane.rows) + plane.top) // 2 - above.top + 2
    columns = (np.arange(plane.columns) + plane.left) // 2 - above.left + 2
    for i in range(PARENTS):
        y, x = divmod(i, 3)
        known[i] = values[np.ix_(rows + y - 1, columns + x - 1)]


def _limited(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -_LARGEST_LATENT, _LARGEST_LATENT)


def read(
    network: LevelNetwork, planes: Sequence[Plane], known: Sequence[np.ndarray], front: Front
) -> list[np.ndarray]:
    """The latents of planes of a level, int32 (rows, columns) each, front by front; `front` gives
    those of one."""
    fronts = Fronts(planes, known)
    others = fronts.first_lanes
    latents = np.zeros((fronts.lane_count, max(p.columns for p in planes)), dtype=np.int32)
    for number in range(fronts.count):
        lanes = fronts.lanes(number)
        centres, indices = network.predict(fronts.contexts(number))
        values = front(centres[lanes], indices[lanes], lanes.searchsorted(others))
        latents[lanes, number - _SLOPE * (lanes % STRIP)] = values
        fronts.set(number, lanes, values)
    rows = np.split(latents, others)
    return [all_rows[: p.rows, : p.columns] for p, all_rows in zip(planes, rows, strict=True)]


def predicted(
    network: LevelNetwork, plane: Plane, known: np.ndarray, latents: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The latents of a plane, given all at once, as `read` would come to them: of every front
    latents, centres and model indices."""
    fronts = Fronts([plane], [known])
    fronts.set_all(latents)
    size = fronts.lane_count
    batch = max(1, _BATCH // max(size, 1))
    for first in range(0, fronts.count, batch):
        last = min(first + batch, fronts.count)
        centres, indices = network.predict(fronts.all_contexts(first, last))
        for number in range(first, last):
            lanes = fronts.lanes(number)
            inside = lanes + (number - first) * size
            values = latents[lanes, number - _SLOPE * (lanes % STRIP)]
            yield values, centres[inside], indices[inside]
