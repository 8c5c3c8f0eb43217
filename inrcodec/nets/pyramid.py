"""Latent pyramid: integer grids at several resolutions, a wavelet and a small network.

The integers stand for wavelet coefficients of the picture in its own colour axes. Bands are
synthesised level by level; after each of the finest levels (`stages` of them) a small network
shared by all cells of 2x2 samples, which sees a cell's neighbours, corrects the result. Everything
but the integers is in a few small tensors:

    frame      colour axes (C, C), means (C), log2(step) / 16 of LL and of every level
    near       context weights of neighbours in the same band, LL's rows last
    parents    context weights of the coarser level's bands of the same channel, and of 3x3 sums
    cross      context weights of earlier bands of the same level: cells, then same positions
    offsets    scale offsets: phases of every band, of LL's, then (level, band)
    slopes     exponents of every band and of LL's
    K.s, W.s.1, b.s.1, ..., Wout.s   the cell network of stage s (cells.py); stage 0 is the finest

The literature's pyramids (Ladune et al. 2023, Kim et al. 2024) learn their upsampling from
nothing; starting from coefficients of a wavelet a fit needs a tenth of their steps.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inrcodec.nets.areas import Area, Box, extent, tiled
from inrcodec.nets.base import Array, TensorSpec
from inrcodec.nets.cells import CellNetwork

# Row and column parity of the phases in which a band is coded.
PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
NEIGHBOURS = 6
ORIENTATIONS = 3

# Bands around a box that its samples depend on: 2 for the wavelet, 1 for the network.
MARGIN = 3


@dataclass(frozen=True)
class Grid(Area):
    """Latents of one level: `bands` bands of 4 phases of rows x columns, from row `top` and column
    `left` of the phases on. `level` 0 is the finest; None is LL."""

    level: int | None
    bands: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(4, bands, rows, columns)."""
        return (4, self.bands, self.rows, self.columns)

    @property
    def size(self) -> int:
        """Number of latents."""
        return math.prod(self.shape)

    def under(self, finer: "Grid") -> tuple[slice, slice]:
        """Rows and columns of this grid's bands that the phases of the next finer one lie over."""
        top, left = finer.top - 2 * self.top, finer.left - 2 * self.left
        return slice(top, top + finer.rows), slice(left, left + finer.columns)


@dataclass(frozen=True)
class Pyramid:
    """Sizes of a pyramid. `colour_from`: finest level at which channels after the first have
    latents; `layers`: ReLU layers of `width` units in the finest cell network; `stages`: levels
    with a cell network, the coarser ones with one layer of `coarse_width` units; `mirrored`: units
    come in four flips. `box`: samples whose latents there are, all others being 0 (None: all there
    could be). `tile`: samples along the sides of the squares that are coded apart, a multiple of
    2^(levels + 1) (0: none are)."""

    shape: tuple[int, ...]
    channels: int
    width: int
    layers: int
    levels: int
    colour_from: int
    stages: int
    coarse_width: int
    box: Box | None = None
    tile: int = 0
    mirrored: bool = False

    @property
    def padded(self) -> tuple[int, int]:
        """Sides as they are coded: multiples of 2^(levels + 1)."""
        rows, columns = (-(-n >> (self.levels + 1)) << (self.levels + 1) for n in self.shape)
        return rows, columns

    @property
    def bands(self) -> int:
        """Bands of a level with all channels: 3 orientations of each channel."""
        return ORIENTATIONS * self.channels

    def band_boxes(self, box: Box) -> list[Box]:
        """What a box of samples needs of the bands of every level, the coarsest first."""
        boxes: list[Box] = []
        sides = self.padded
        for _ in range(self.levels):
            sides = (sides[0] // 2, sides[1] // 2)
            box = tuple(
                (max(0, a // 2 - MARGIN), min(n, -(-b // 2) + MARGIN))
                for (a, b), n in zip(box, sides, strict=True)
            )
            boxes.insert(0, box)
        return boxes

    def _coded_boxes(self) -> list[Box]:
        """Bands that have latents, level by level, the coarsest first."""
        if self.box is not None:
            return self.band_boxes(self.box)
        rows, columns = self.padded
        return [((0, rows >> i), (0, columns >> i)) for i in range(self.levels, 0, -1)]

    def grids(self) -> list[Grid]:
        """LL, then every level from the coarsest: the order of the file."""
        boxes = self._coded_boxes()
        grids = [_grid_over(boxes[0], None, self.channels)]
        for level, box in zip(range(self.levels - 1, -1, -1), boxes, strict=True):
            channels = self.channels if level >= self.colour_from else 1
            grids.append(_grid_over(box, level, ORIENTATIONS * channels))
        return grids

    def tiles(self) -> Iterator[list[Grid]]:
        """What each tile that has any latents has of every grid, row by row of tiles; `grids` as
        they are where none are coded apart."""
        grids = self.grids()
        if not self.tile:
            yield grids
            return
        side = self.tile >> (self.levels + 1)  # of its part of LL's phases
        yield from tiled(grids, side, [0, *range(self.levels)])

    @property
    def synthesised(self) -> int:
        """Samples of a channel that the finest latents give."""
        return 16 * self.grids()[-1].rows * self.grids()[-1].columns

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        c, bands = self.channels, self.bands
        specs = [
            TensorSpec("frame", (c * c + c + self.levels + 1,), 0.0),
            TensorSpec("near", (bands + c, NEIGHBOURS), 0.0, 0.6),
            TensorSpec("parents", (bands, 2 * ORIENTATIONS), 0.0, 0.25),
            TensorSpec("cross", (bands * (bands - 1),), 0.0, 0.2),
            TensorSpec("offsets", (4 * (bands + c) + self.levels * bands,), 0.0),
            TensorSpec("slopes", (bands + c,), 0.0, 0.75),
        ]
        return specs + [spec for s in range(self.stages) for spec in self.cells(s).tensors()]

    def cells(self, stage: int) -> CellNetwork:
        """The cell network of a stage."""
        layers, width = (self.layers, self.width) if stage == 0 else (1, self.coarse_width)
        return CellNetwork(stage, self.channels, layers, width, self.mirrored)

    def macs_per_sample(self) -> float:
        """Multiply-accumulates of network and contexts per sample, wavelet included."""
        wavelet = 16 * self.channels * 4 / 3
        cells = sum(self.cells(s).macs() / 4 ** (s + 1) for s in range(self.stages))
        contexts = NEIGHBOURS + 2 * ORIENTATIONS + 2 * self.bands
        return (
            wavelet + cells + contexts * sum(grid.size for grid in self.grids()) / self.synthesised
        )


def _grid_over(bands: Box, level: int | None, count: int) -> Grid:
    """The grid of phases over a box of bands."""
    return Grid(level, count, **extent(tuple((a // 2, -(-b // 2)) for a, b in bands)))


def frame_parts(net: Pyramid, frame: Array) -> tuple[Array, Array, Array]:
    """Colour axes (C, C), means (C,) and log2 of the steps (levels + 1,), LL first."""
    c = net.channels
    return frame[: c * c].reshape(c, c), frame[c * c : c * c + c], 16 * frame[c * c + c :]


def cross_rows(net: Pyramid) -> Iterator[tuple[int, int, int]]:
    """(band, first, last) of `cross`: the weights band has for bands 0..band-1; cells come
    first, same positions follow after the last band in the same order."""
    first = 0
    for band in range(net.bands):
        yield band, first, first + band
        first += band


def joined(phases: np.ndarray) -> np.ndarray:
    """Bands (n, 2 rows, 2 columns), float32, from their phases (4, n, rows, columns)."""
    _, count, rows, columns = phases.shape
    whole = np.empty((count, 2 * rows, 2 * columns), dtype=np.float32)
    for (row, column), values in zip(PHASES, phases, strict=True):
        whole[:, row::2, column::2] = values
    return whole
