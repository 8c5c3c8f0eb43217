"""Prediction along motion: samples of another frame, between its samples too.

A frame is first doubled by an even filter of eight taps, that of half-sample positions in HEVC
(ITU-T H.265, 8.5.3.3.3.1); between the samples of the doubled frame values are linear. Borders are
repeated.
"""

import numpy as np

# Taps of the half-way samples, from the nearest pair outwards.
HALF_WAY = (40 / 64, -11 / 64, 4 / 64, -1 / 64)
_REACH = len(HALF_WAY)


def interpolation(sides: int, block: int, vectors: int) -> np.ndarray:
    """Matrix, float32 (sides, vectors), from vectors at the middles of blocks to samples: linear
    between two middles, constant outside."""
    position = np.clip((np.arange(sides) + 0.5) / block - 0.5, 0, vectors - 1)
    first = np.minimum(position.astype(int), max(vectors - 2, 0))
    matrix = np.zeros((sides, vectors), dtype=np.float32)
    rows = np.arange(sides)
    matrix[rows, first] = 1 - (position - first)
    if vectors > 1:
        matrix[rows, first + 1] = position - first
    return matrix


def doubled(planes: np.ndarray) -> np.ndarray:
    """Planes (C, h, w) with samples half-way after each: (C, 2 h, 2 w) float32."""
    for axis in (2, 1):
        planes = _doubled(planes, axis)
    return planes


def _doubled(planes: np.ndarray, axis: int) -> np.ndarray:
    size = planes.shape[axis]
    borders = [(0, 0)] * 3
    borders[axis] = (_REACH - 1, _REACH)
    padded = np.pad(planes, borders, mode="edge")

    def shifted(by: int) -> np.ndarray:
        cut = [slice(None)] * 3
        cut[axis] = slice(_REACH - 1 + by, _REACH - 1 + by + size)
        return padded[tuple(cut)]

    half_way = np.zeros_like(planes)
    for distance, tap in enumerate(HALF_WAY):
        half_way += np.float32(tap) * (shifted(-distance) + shifted(1 + distance))
    shape = list(planes.shape)
    shape[axis] *= 2
    return np.stack([planes, half_way], axis=axis + 1).reshape(shape)


def moved(double: np.ndarray, motion: np.ndarray, top: int = 0) -> np.ndarray:
    """Samples of doubled planes (C, 2 h, 2 w) at places moved by `motion`, rows and columns in
    samples, of all rows or some from `top` on (2, n, w): (C, n, w)."""
    _, rows, columns = double.shape
    starts = np.arange(top, top + motion.shape[1], dtype=np.float32)
    row, down = _place(motion[0], rows, starts[:, None])
    column, right = _place(motion[1], columns, np.arange(columns // 2, dtype=np.float32))
    first = row * columns + column
    flat = double.reshape(len(double), -1)
    samples = _between(flat, first, right)
    first += columns
    below = _between(flat, first, right)
    below -= samples
    below *= down
    samples += below
    return samples


def _between(flat: np.ndarray, first: np.ndarray, share: np.ndarray) -> np.ndarray:
    left = np.take(flat, first, axis=1)  # half the time of flat[:, first]
    between = np.take(flat, first + 1, axis=1)
    between -= left
    between *= share
    between += left
    return between


def _place(motion: np.ndarray, size: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First of two neighbours among `size` samples, intp, and how far on the way to the second."""
    place = start + motion
    place *= 2
    np.fmin(place, size - 1, out=place)  # a place that is not a number is the last
    np.fmax(place, 0, out=place)
    first = np.minimum(place.astype(np.intp), size - 2)
    place -= first.astype(np.float32)
    return first, place
