"""A network's samples over a box of its grid, in tiles, on several threads, with NumPy."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.decoder.plan import Box, Plan
from inrcodec.nets.base import grid_index

_FLOAT = np.dtype(np.float32)


def evaluate(
    plan: Plan,
    weights: Mapping[str, np.ndarray],
    finish: Callable[[np.ndarray], np.ndarray] = np.asarray,
    dtype: np.dtype = _FLOAT,
) -> np.ndarray:
    """Samples of the plan's box: (*box, channels) of `dtype`.

    `finish` turns float32 values of nominal range 0..1 into what is kept; by default they are.
    """
    out = np.empty((*(last - first for first, last in plan.box), plan.net.channels), dtype=dtype)
    places = list(zip(plan.box, plan.tile_samples, strict=True))

    def work(tiles: Box) -> None:
        values = _values(plan, weights, tiles)
        source, target = [], []
        for (tile, end), ((first, last), side) in zip(tiles, places, strict=True):
            start, stop = max(tile * side, first), min(end * side, last)
            source.append(slice(start - tile * side, stop - tile * side))
            target.append(slice(start - first, stop - first))
        out[*target] = finish(np.nan_to_num(values[*source]))

    # One thread a chunk; BLAS threads of its own would fight with them (3 times the time).
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, plan.chunks()):
            pass
    return out


def _values(plan: Plan, weights: Mapping[str, np.ndarray], tiles: Box) -> np.ndarray:
    """Values of a box of tiles, whole: (*samples, channels)."""
    net, head, sides = plan.net, plan.head, plan.tile
    starts = grid_index(tuple(a for a, _ in tiles), tuple(b for _, b in tiles)) * np.asarray(sides)
    within = grid_index((0,) * len(sides), sides)
    index = plan.placed(starts[:, None] + within)  # (tiles, rows of a tile, D)
    # Overflow in a forged file's weights gives NaN, which the caller makes 0.
    with np.errstate(all="ignore"):
        blocks = net.forward(np, weights, net.inputs(index, head), head)
    return _merge(blocks, [b - a for a, b in tiles], sides)


def _merge(blocks: np.ndarray, counts: Sequence[int], sides: Sequence[int]) -> np.ndarray:
    """(n, *block, channels), rows of a tile together, n = prod(counts) * prod(sides), to
    (counts[0] * sides[0] * block[0], ..., channels)."""
    axes, block = len(counts), blocks.shape[1:-1]
    split = blocks.reshape(*counts, *sides, *block, blocks.shape[-1])
    order = [axis + part * axes for axis in range(axes) for part in range(3)]
    merged = [math.prod(parts) for parts in zip(counts, sides, block, strict=True)]
    return split.transpose(*order, 3 * axes).reshape(*merged, blocks.shape[-1])


def box_filter(values: np.ndarray, factor: int) -> np.ndarray:
    """Mean of factor x factor boxes; boxes cut by the border average what they hold.

    (h, w, c) to (ceil(h / factor), ceil(w / factor), c), float32.
    """
    return box_means(box_means(values, 0, factor), 1, factor)


def box_means(values: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """Means of `factor` values along an axis, of what is left at its end; float32."""
    if factor == 1:
        return values
    starts = np.arange(0, values.shape[axis], factor)
    counts = np.diff(np.append(starts, values.shape[axis]))
    sums = np.add.reduceat(values, starts, axis=axis, dtype=np.float64)
    shape = [-1 if a == axis else 1 for a in range(values.ndim)]
    return (sums / counts.reshape(shape)).astype(np.float32)
