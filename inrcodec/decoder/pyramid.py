"""The samples of a latent pyramid, from its integers."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.decoder.colour import coloured
from inrcodec.decoder.evaluate import box_means
from inrcodec.nets import wavelet
from inrcodec.nets.areas import Box
from inrcodec.nets.cells import corrections
from inrcodec.nets.pyramid import (
    ORIENTATIONS,
    Grid,
    Pyramid,
    frame_parts,
    joined,
)

Weights = Mapping[str, np.ndarray]
# Rows and columns of cells that the network takes at a time: its 9 taps of every input stay within
# 1 MiB. BLAS sums in an order that depends on a cell's place among others and on their number: in
# tiles that lie where they lie in the whole picture, a part has exactly the samples of the whole.
_TILE = (32, 64)


def omitted_levels(net: Pyramid, factor: int) -> int:
    """Finest levels that a draft of 1/factor the size does without.

    Their details are at most half a box wide and average out in it; what their networks correct
    does not, and is missing.
    """
    return min(max(factor.bit_length() - 2, 0), net.levels)


def synthesise(
    net: Pyramid, weights: Weights, latents: list[np.ndarray], box: Box, factor: int = 1
) -> np.ndarray:
    """Samples of a box ((top, bottom), (left, right)): float32 (h, w, C), nominal range 0..1.

    With a `factor` means of factor x factor boxes, from `latents` without `omitted_levels`. In a
    file made to harm samples can be infinite or not numbers; nothing is said about that.
    """
    with np.errstate(all="ignore"):
        return _synthesise(net, weights, latents, box, factor)


def _synthesise(
    net: Pyramid, weights: Weights, latents: list[np.ndarray], box: Box, factor: int
) -> np.ndarray:
    axes, means, steps = frame_parts(net, weights["frame"])
    scales = np.exp2(steps.astype(np.float64)).astype(np.float32)
    boxes = [*net.band_boxes(box), box]
    grids = net.grids()
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        low = _crop(joined(latents[0]) * scales[0], _inside(boxes[0], grids[0]))
        for i in range(len(latents) - 1):
            level = net.levels - 1 - i
            bands = _inside(boxes[i], grids[i + 1])
            parts = _level(net, low, latents[i + 1], scales[i + 1], bands, pool)
            if level < net.stages:
                _correct(net, weights, level, parts, boxes[i], pool)
            low = _crop(_interleaved(parts), _within(boxes[i + 1], boxes[i]))
        for axis in (0, 1):
            sides = [sides[axis] for sides in boxes[len(latents) - 1 :]]
            low = box_means(_smooth(low, axis + 1, sides), axis + 1, factor)
        return coloured(low, axes.astype(np.float32), means.astype(np.float32), pool)


def _smooth(low: np.ndarray, axis: int, sides: list[tuple[int, int]]) -> np.ndarray:
    """Samples along an axis from a low band without details, through the levels that are left
    out. `sides`: first and last+1 of what is needed, from the low band to the samples."""
    for (start, _), (first, last) in pairwise(sides):
        parts = [low.copy(), np.zeros_like(low)]
        wavelet.synthesise(parts[0], parts[1], axis - 3)
        whole = np.stack(parts, axis=axis + 1)
        low = whole.reshape(*low.shape[:axis], -1, *low.shape[axis + 1 :])
        keep = slice(first - 2 * start, last - 2 * start)
        low = low[(slice(None),) * axis + (keep,)]
    return low


def _inside(box: Box, grid: Grid) -> Box:
    """A box of bands, counted from the first that a grid has latents for."""
    return tuple(
        (a - 2 * first, b - 2 * first)
        for (a, b), first in zip(box, (grid.top, grid.left), strict=True)
    )


def _within(box: Box, bands: Box) -> Box:
    """A box of samples, counted from the first sample that a box of bands gives."""
    return tuple(
        (a - 2 * start, b - 2 * start) for (a, b), (start, _) in zip(box, bands, strict=True)
    )


def _crop(planes: np.ndarray, box: Box) -> np.ndarray:
    (top, bottom), (left, right) = box
    return planes[:, top:bottom, left:right]


def _interleaved(parts: np.ndarray) -> np.ndarray:
    """(C, 4, h, w), parts 00, 01, 10, 11, to (C, 2 h, 2 w)."""
    channels, _, rows, columns = parts.shape
    whole = np.empty((channels, 2 * rows, 2 * columns), dtype=np.float32)
    wavelet.interleave([parts[:, part] for part in range(4)], whole)
    return whole


def _level(
    net: Pyramid,
    low: np.ndarray,
    latents: np.ndarray,
    scale: np.float32,
    box: Box,
    pool: ThreadPoolExecutor,
) -> np.ndarray:
    """Samples of one level from its low band and latents: (C, 4, h, w), parts 00, 01, 10, 11."""
    parts = np.zeros((net.channels, 4, *low.shape[1:]), dtype=np.float32)

    @np.errstate(all="ignore")  # each thread has its own
    def channel(c: int) -> None:
        parts[c, 0] = low[c]
        if ORIENTATIONS * c < latents.shape[1]:
            bands = latents[:, ORIENTATIONS * c : ORIENTATIONS * (c + 1)]
            parts[c, 1:] = _crop(joined(bands), box) * scale
        wavelet.synthesise_plane(list(parts[c]))

    list(pool.map(channel, range(net.channels)))
    return parts


def _correct(
    net: Pyramid,
    weights: Weights,
    stage: int,
    parts: np.ndarray,
    box: Box,
    pool: ThreadPoolExecutor,
) -> None:
    """Add a stage's cell network to its level's samples, in place. `box`: where the cells lie."""
    network = net.cells(stage)
    layers = network.matrices(np, weights)
    cells = parts.reshape(-1, *parts.shape[2:])
    padded = _in_tiles(cells, box)
    (top, bottom), (left, right) = box
    height, width = _TILE
    first = (top // height * height, left // width * width)

    @np.errstate(all="ignore")
    def tile(corner: tuple[int, int]) -> None:
        y, x = corner
        seen = padded[:, y - first[0] :, x - first[1] :][:, : height + 2, : width + 2]
        change = corrections(np, layers, network.readings(np, seen)).reshape(-1, height, width)
        rows, columns = (
            (max(y, top), min(y + height, bottom)),
            (max(x, left), min(x + width, right)),
        )
        target = cells[:, rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
        source = change[:, rows[0] - y : rows[1] - y, columns[0] - x : columns[1] - x]
        target += source

    list(pool.map(tile, product(range(first[0], bottom, height), range(first[1], right, width))))


def _in_tiles(cells: np.ndarray, box: Box) -> np.ndarray:
    """The cells of a box in whole tiles, with a border of one: copies of the nearest cells around
    the box, zeros farther off."""
    bordered = np.pad(cells, ((0, 0), (1, 1), (1, 1)), mode="edge")
    spare = [(a % side, -b % side) for (a, b), side in zip(box, _TILE, strict=True)]
    return np.pad(bordered, ((0, 0), *spare))
