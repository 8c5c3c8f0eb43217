"""A network's samples over a box of its grid, in stripes, on several threads, with NumPy."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.allocator import keep_pages
from inrcodec.decoder.plan import Plan
from inrcodec.nets.base import grid_index

Stripe = tuple[int, int]


def evaluate(
    plan: Plan,
    weights: Mapping[str, np.ndarray],
    finish: Callable[[np.ndarray], np.ndarray],
    dtype: np.dtype,
) -> np.ndarray:
    """Samples of the plan's box: (*box, channels) of `dtype`.

    `finish` turns float32 values of nominal range 0..1 into what is kept.
    """
    shape = tuple(last - first for first, last in plan.box)
    out = np.empty((*shape, plan.net.channels), dtype=dtype)

    def work(stripe: Stripe) -> None:
        values, first = _stripe_values(plan, weights, stripe)
        start = plan.box[0][0]
        low, high = max(first, start), min(first + len(values), plan.box[0][1])
        out[low - start : high - start] = finish(values[low - first : high - first])

    keep_pages()
    # One thread a stripe; BLAS threads of its own would fight with them (3 times the time).
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, _stripes(plan)):
            pass
    return out


def _stripes(plan: Plan) -> Iterator[Stripe]:
    first, last = plan.row_box[0]
    for start in range(first, last, plan.chunk):
        yield start, min(start + plan.chunk, last)


def _stripe_values(
    plan: Plan, weights: Mapping[str, np.ndarray], stripe: Stripe
) -> tuple[np.ndarray, int]:
    """Values of rows stripe[0]..stripe[1], cut to the box across, and their first sample row."""
    net, head = plan.net, plan.head
    ranges = (stripe, *plan.row_box[1:])
    index = grid_index(tuple(a for a, _ in ranges), tuple(b for _, b in ranges))
    # Overflow in a forged file's weights gives NaN, which becomes 0 below.
    with np.errstate(all="ignore"):
        blocks = net.forward(np, weights, net.inputs(index, head), head)
    counts = [b - a for a, b in ranges]
    values = _merge(blocks, counts)
    starts = [row * block for (row, _), block in zip(plan.row_box, net.block(head), strict=True)]
    across = [
        slice(first - start, last - start)
        for (first, last), start in zip(plan.box[1:], starts[1:], strict=True)
    ]
    return np.nan_to_num(values[:, *across]), stripe[0] * net.block(head)[0]


def _merge(blocks: np.ndarray, counts: list[int]) -> np.ndarray:
    """(n, *block, channels) with n = prod(counts) to (counts[0] * block[0], ..., channels)."""
    dimensions, block = len(counts), blocks.shape[1:-1]
    split = blocks.reshape(*counts, *block, blocks.shape[-1])
    order = [
        axis
        for pair in zip(range(dimensions), range(dimensions, 2 * dimensions), strict=True)
        for axis in pair
    ]
    moved = split.transpose(*order, 2 * dimensions)
    return moved.reshape(*(n * b for n, b in zip(counts, block, strict=True)), blocks.shape[-1])


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
