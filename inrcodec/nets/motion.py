"""Prediction along motion: samples of another frame, between its samples too.

A frame is first doubled by an even filter of eight taps, that of half-sample positions in HEVC
(ITU-T H.265, 8.5.3.3.3.1); between the samples of the doubled frame values are linear. Borders are
repeated.
"""

from collections.abc import Sequence

import numpy as np

from inrcodec.nets.stripes import stripes

# Taps of the half-way samples, from the nearest pair outwards.
HALF_WAY = (40 / 64, -11 / 64, 4 / 64, -1 / 64)
_REACH = len(HALF_WAY)
_BORDER, _TAPS = (_REACH - 1, _REACH), range(2 * _REACH)
_STRIPE = 1 << 16  # samples that are doubled at a time, so that they stay in cache


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
    channels, rows, columns = planes.shape
    double = np.empty((channels, 2 * rows, 2 * columns), dtype=np.float32)
    known, between = double[:, 0::2], double[:, 1::2]
    padded = np.pad(planes, ((0, 0), (0, 0), _BORDER), mode="edge")
    for part in stripes(rows, columns, _STRIPE):
        known[:, part, 0::2] = planes[:, part]
        known[:, part, 1::2] = _half_way([padded[:, part, k : k + columns] for k in _TAPS])
    padded = np.pad(known, ((0, 0), _BORDER, (0, 0)), mode="edge")
    for part in stripes(rows, 2 * columns, _STRIPE):
        lines = [padded[:, part.start + k : part.stop + k] for k in _TAPS]
        between[:, part] = _half_way(lines)
    return double


def _half_way(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Half-way between the two in the middle of eight samples in a row."""
    total = np.zeros_like(samples[0])
    for distance, tap in enumerate(HALF_WAY):
        pair = samples[_REACH - 1 - distance] + samples[_REACH + distance]
        pair *= np.float32(tap)
        total += pair
    return total


def moved(double: np.ndarray, motion: np.ndarray, top: int = 0) -> np.ndarray:
    """Samples of doubled planes (C, 2 h, 2 w) at places moved by `motion`, rows and columns in
    samples, of all rows or some from `top` on, finite (2, n, w): (C, n, w)."""
    planes, rows, columns = double.shape
    index = np.int32 if rows * columns < 1 << 31 else np.int64  # the narrower the faster
    starts = np.arange(top, top + motion.shape[1], dtype=np.float32)
    row, down = _place(motion[0], rows, starts[:, None], index)
    column, right = _place(motion[1], columns, np.arange(columns // 2, dtype=np.float32), index)
    row *= columns
    row += column
    first = row.astype(np.intp)
    samples = np.empty((planes, *first.shape), dtype=np.float32)
    for flat, found in zip(double.reshape(planes, -1), samples, strict=True):
        above = _between(flat, first, right)
        np.subtract(_between(flat[columns:], first, right), above, out=found)
        found *= down
        found += above
    return samples


def _between(flat: np.ndarray, first: np.ndarray, share: np.ndarray) -> np.ndarray:
    left = np.take(flat, first, mode="clip")  # all are inside
    between = np.take(flat[1:], first, mode="clip")
    between -= left
    between *= share
    between += left
    return between


def _place(
    motion: np.ndarray, size: int, start: np.ndarray, index: type[np.signedinteger]
) -> tuple[np.ndarray, np.ndarray]:
    """First of two neighbours among `size` samples, and how far on the way to the second."""
    place = start + motion
    place *= 2
    np.clip(place, 0, size - 1, out=place)
    first = place.astype(index)
    np.clip(first, 0, size - 2, out=first)
    place -= first.astype(np.float32)
    return first, place
