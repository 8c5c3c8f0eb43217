"""Which points of a grid lie inside a mesh.

Lines parallel to an axis run through the points. Where such a line crosses the surface, it goes
from outside to inside or back, so a point is inside if the crossings before it are odd in number
(Jordan). A line crosses an odd number of triangles in all only where the surface has a hole: it
abstains, and the lines along the other two axes vote. Where the vote is close, the votes of the
six neighbours are added. All three lines agree everywhere if the surface is closed.

The crossings are found by scan conversion: a triangle's edges meet a row of lines at two places,
and all lines from the first up to the second, not included, cross it. An edge's meeting place
depends on its ends alone, so that of the triangles on either side of it exactly one is crossed,
whatever the rounding, and even where the two have no vertices in common but equal coordinates.
"""

from collections.abc import Iterator

import numpy as np

# crossings found at a time: bounds the memory that the intermediate arrays take
_BLOCK = 2**20


def occupancy(triangles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return whether each grid point is inside the mesh: bool, (X, Y, Z).

    `triangles`: float64 of shape (F, 3, 3), the corners in coordinates in which the grid points
    are the whole numbers from 0; all must lie within the grid. Overlapping closed parts count as
    outside where an even number of them overlap.
    """
    votes = np.zeros(shape, np.int8)
    for axis in range(3):
        order = [(axis + 1) % 3, (axis + 2) % 3, axis]  # across, across, along the lines
        found = _votes(triangles[..., order], tuple(shape[i] for i in order))
        votes += found.transpose(np.argsort(order))
    return np.where(np.abs(votes) > 1, votes, _with_neighbours(votes)) > 0


def _with_neighbours(votes: np.ndarray) -> np.ndarray:
    """Return the sum of each vote (-3 to 3) and those of its up to six neighbours."""
    total = votes.copy()
    for axis in range(3):
        sums, parts = np.moveaxis(total, axis, 0), np.moveaxis(votes, axis, 0)
        sums[1:] += parts[:-1]
        sums[:-1] += parts[1:]
    return total


def _votes(triangles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return 1 inside, -1 outside, 0 on a line that passes through a hole: int8 of `shape`.

    The lines run along the last axis.
    """
    columns, rows, depth = shape
    crossings = np.zeros(columns * rows * (depth + 1), np.uint8)  # modulo 256 keeps them odd
    for part in _blocks(triangles):
        column, row, height = _crossings(part)
        first_beyond = np.ceil(height).astype(np.int64).clip(0, depth)
        np.add.at(crossings, (column * rows + row) * (depth + 1) + first_beyond, np.uint8(1))
    parity = np.cumsum(crossings.reshape(columns, rows, depth + 1), axis=2, dtype=np.uint8) & 1
    votes = 2 * parity[..., :depth].astype(np.int8) - 1
    votes[parity[..., depth] == 1] = 0
    return votes


def _blocks(triangles: np.ndarray) -> Iterator[np.ndarray]:
    """Yield groups of triangles whose bounding boxes hold about _BLOCK lines."""
    sides = np.ptp(triangles[..., :2], axis=1) + 1  # (F, 2)
    block = np.cumsum(sides.prod(axis=1)) // _BLOCK
    yield from np.split(triangles, np.flatnonzero(np.diff(block)) + 1)


def _crossings(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return column, row (whole numbers) and height of all crossings, shape (N,) each."""
    low, high = triangles[..., 1].min(axis=1), triangles[..., 1].max(axis=1)
    triangle, row = _expanded(low, high)
    meets, column_of, height_of = _edges_at(triangles[triangle], row[:, np.newaxis])
    every = np.arange(len(row))
    near = np.where(meets, column_of, np.inf).argmin(axis=1)
    far = np.where(meets, column_of, -np.inf).argmax(axis=1)
    start, end = column_of[every, near], column_of[every, far]
    start_height, end_height = height_of[every, near], height_of[every, far]
    span, column = _expanded(start, end)
    share = (column - start[span]) / (end - start)[span]
    return column, row[span], start_height[span] + share * (end_height - start_height)[span]


def _expanded(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all whole numbers from low to high, high not included: whose they are, and which."""
    first = np.ceil(low).astype(np.int64)
    counts = np.ceil(high).astype(np.int64) - first
    owner = np.repeat(np.arange(len(low)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner] + place


def _edges_at(triangles: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return whether each edge meets its row, and the column and the height where it does: (P, 3).

    Edges are taken from their lower end to their upper, so that two triangles agree on them.
    """
    one, other = triangles, np.roll(triangles, -1, axis=1)
    swapped = one[..., 1:2] > other[..., 1:2]
    lower, upper = np.where(swapped, other, one), np.where(swapped, one, other)
    meets = (lower[..., 1] <= row) & (row < upper[..., 1])
    rise = np.where(meets, upper[..., 1] - lower[..., 1], 1)
    share = np.where(meets, row - lower[..., 1], 0) / rise
    point = lower + share[..., np.newaxis] * (upper - lower)
    return meets, point[..., 0], point[..., 2]
