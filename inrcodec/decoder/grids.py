"""The samples of latent grids, from their integers."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.decoder.colour import coloured
from inrcodec.nets.areas import Box
from inrcodec.nets.grids import CONVOLUTIONS, Grids, by_level, cropped, doubled, synthesised

Weights = Mapping[str, np.ndarray]
# Rows and columns that the network takes at a time. BLAS sums in an order that depends on a
# sample's place among others and on their number: in tiles that lie where they lie in the whole
# picture, a part has exactly the samples of the whole.
_TILE = (32, 128)
# Rows and columns that all planes are doubled for at once: multiples of a tile's.
_BLOCK = (64, 1024)


def omitted_levels(net: Grids, factor: int) -> int:
    """Finest levels that a draft of 1/factor the size does without."""
    return min((factor & -factor).bit_length() - 1, net.levels)


def synthesise(
    net: Grids, weights: Weights, latents: Sequence[np.ndarray], box: Box, omitted: int = 0
) -> np.ndarray:
    """Samples of a box ((top, bottom), (left, right)): float32 (h, w, C), nominal range 0..1.

    Without the `omitted` finest levels, the box is one of samples 2^omitted as far apart. In a file
    made to harm samples can be infinite or not numbers; nothing is said about that.
    """
    axes, means, _ = net.frame_parts(weights["frame"])
    sides = [last - first for first, last in box]
    planes = np.empty((net.channels, *sides), dtype=np.float32)

    @np.errstate(all="ignore")
    def block(part: Box) -> None:
        boxes = net.level_boxes(part, omitted)
        stack = _stack(net, weights, latents, boxes, omitted)
        out = cropped(planes, part, box)
        _evaluate(weights, stack, boxes[0], part, net.sides(omitted), out)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, _blocks(box)))
        return coloured(planes, axes.astype(np.float32), means.astype(np.float32), pool)


def _blocks(box: Box) -> Iterator[Box]:
    """The blocks that a box meets, and what they have of it."""
    ranges = [
        [(max(a, first), min(a + side, last)) for a in range(first // side * side, last, side)]
        for (first, last), side in zip(box, _BLOCK, strict=True)
    ]
    yield from product(*ranges)


def _stack(
    net: Grids, weights: Weights, latents: Sequence[np.ndarray], boxes: list[Box], omitted: int
) -> np.ndarray:
    """All planes at one size: (P, rows, columns), those that are omitted zero. `boxes`: of levels
    from the finest that is not."""
    steps = np.exp2(net.frame_parts(weights["frame"])[2].astype(np.float64)).astype(np.float32)
    planes = net.planes()[: len(latents)]
    scaled = [
        np.ascontiguousarray(part * step, dtype=np.float32)
        for plane, values, step in zip(planes, latents, steps, strict=False)
        for part in [cropped(values, boxes[plane.level - omitted], plane.ends)]
    ]
    stack: np.ndarray | None = None
    coarser: Box = ()
    for i, (own, box) in enumerate(zip(_padded(net, scaled), reversed(boxes), strict=False)):
        joining = [plane[None] for plane in own]
        if stack is not None:
            larger = doubled(np, stack, weights["taps"][i - 1].astype(np.float32))
            covers = tuple((2 * first, 0) for first, _ in coarser)
            joining.insert(0, cropped(larger, box, covers))
        stack, coarser = np.concatenate(joining), box
    assert stack is not None
    missing = net.count - len(stack)
    return np.concatenate([stack, np.zeros((missing, *stack.shape[1:]), dtype=np.float32)])


def _padded(net: Grids, planes: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Planes by level, from the coarsest, none where there are none yet."""
    empty = np.zeros((0, 0), dtype=np.float32)
    return by_level(net, [*planes, *[empty] * (net.count - len(planes))])


def _evaluate(
    weights: Weights,
    stack: np.ndarray,
    covers: Box,
    box: Box,
    sides: tuple[int, int],
    out: np.ndarray,
) -> None:
    """Channels of a box, from planes that cover another around it, to `out` (C, h, w), tile by
    tile."""
    height, width = _TILE
    (top, bottom), (left, right) = box
    first = (top // height * height, left // width * width)
    padded = _in_tiles(stack, covers, box, first, sides)
    corners = product(range(first[0], bottom, height), range(first[1], right, width))
    for y, x in corners:
        rows = slice(y - first[0], y - first[0] + height + 2 * CONVOLUTIONS)
        columns = slice(x - first[1], x - first[1] + width + 2 * CONVOLUTIONS)
        values = synthesised(np, weights, np.ascontiguousarray(padded[:, rows, columns]))
        ends = (max(y, top), min(y + height, bottom)), (max(x, left), min(x + width, right))
        out[:, ends[0][0] - top : ends[0][1] - top, ends[1][0] - left : ends[1][1] - left] = (
            cropped(values, ends, ((y, 0), (x, 0)))
        )


def _in_tiles(
    stack: np.ndarray, covers: Box, box: Box, first: tuple[int, int], sides: tuple[int, int]
) -> np.ndarray:
    """The planes of a box in whole tiles with borders: copies of the nearest samples outside the
    picture, zeros farther off."""
    edges, spare = [], []
    for (a, b), (_, last), start, side, size in zip(covers, box, first, _TILE, sides, strict=True):
        low, high = (CONVOLUTIONS if a == 0 else 0), (CONVOLUTIONS if b == size else 0)
        edges.append((low, high))
        begin, end = a - low, b + high
        wanted = start - CONVOLUTIONS, start + -(-(last - start) // side) * side + CONVOLUTIONS
        spare.append((begin - wanted[0], wanted[1] - end))
    bordered = np.pad(stack, ((0, 0), *edges), mode="edge")
    for axis, (before, after) in enumerate(spare):
        keep = slice(max(-before, 0), bordered.shape[axis + 1] - max(-after, 0))
        bordered = bordered[(slice(None),) * (axis + 1) + (keep,)]
    return np.pad(bordered, ((0, 0), *[(max(a, 0), max(b, 0)) for a, b in spare]))
