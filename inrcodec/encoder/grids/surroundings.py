"""What contexts see of a plane of latents, gathered for some rows at once.

And the way back: what is found for each place that a context has is added to the gradient by the
latent that lies there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from inrcodec.nets.grids import NEIGHBOURS, PARENTS, STRIP, Plane

_LARGEST_LATENT = 127.0
_ABOVE, _BESIDE = 3, 3  # rows above, and places on both sides, that neighbours lie in
# Neighbours of the same row: the row, the first column, and how many there are.
_RUNS = [
    (row, columns[0], len(columns))
    for row, group in groupby(NEIGHBOURS, key=lambda place: place[0])
    for columns in [[column for _, column in group]]
]


@dataclass(frozen=True)
class Piece:
    """Rows of a strip of a plane, both even."""

    place: int  # of the plane, tile by tile
    strip: int
    first: int
    rows: int

    @property
    def at(self) -> slice:
        """The rows of the plane."""
        first = self.strip * STRIP + self.first
        return slice(first, first + self.rows)


class Surroundings:
    """A plane with even sides, in strips with zeros around each, and twice as large for the finer
    plane that it is the parent of; and the gradient of it."""

    def __init__(self, plane: Plane, values: Tensor, parent: bool, back: bool) -> None:
        self._plane = plane
        self.own = even(values.detach())
        self._seen = self.own.clamp(-_LARGEST_LATENT, _LARGEST_LATENT)
        rows, self.columns = self.own.shape
        strips = -(-rows // STRIP)
        self._strips = values.new_zeros(strips, STRIP + _ABOVE, self.columns + 2 * _BESIDE)
        full = torch.nn.functional.pad(self._seen, (0, 0, 0, strips * STRIP - rows))
        self._strips[:, _ABOVE:, _BESIDE:-_BESIDE] = full.view(strips, STRIP, self.columns)
        self._large = _large(self._seen) if parent else None
        if back:
            self._grad = torch.zeros_like(self.own)
            self._strips_grad = torch.zeros_like(self._strips)
            self._large_grad = torch.zeros_like(self._large) if self._large is not None else None

    def inside(self, piece: Piece) -> Tensor | None:
        """1 where there is a latent, flat; None if there is one everywhere."""
        if self.own.shape == self._plane.shape:
            return None
        mask = torch.zeros_like(self.own)
        mask[: self._plane.rows, : self._plane.columns] = 1
        return mask[piece.at].view(-1)

    # --- what lies where ---

    def neighbours(self, piece: Piece, out: Tensor) -> None:
        """Latents before those of a piece: (n, rows * columns)."""
        strip = self._strips[piece.strip]
        for number, (row, column, count) in _numbered(_RUNS):
            start = _ABOVE + row + piece.first, _BESIDE + column
            _gather(strip, start, 1, out[number : number + count], piece.rows)

    def parents(self, piece: Piece, out: Tensor) -> None:
        """3x3 of this plane around what lies over a piece of the finer one: (9, rows * columns)."""
        assert self._large is not None
        for i in range(3):
            _gather(self._large, (piece.at.start + 2 * i, 0), 2, out[3 * i : 3 * i + 3], piece.rows)

    def same(self, piece: Piece, out: Tensor) -> None:
        """This plane's latents at the places of a piece of another one: (rows * columns)."""
        out.copy_(self._seen[piece.at].view(-1))

    # --- and back ---

    def add_own(self, piece: Piece, gradient: Tensor) -> None:
        """For what the latents of a piece are themselves."""
        self._grad[piece.at] += gradient.view(piece.rows, -1)

    def add_neighbours(self, piece: Piece, gradient: Tensor) -> None:
        """For `neighbours`."""
        by_place = gradient.view(-1, piece.rows, self.columns)
        strip = self._strips_grad[piece.strip]
        for (row, column), slope in zip(NEIGHBOURS, by_place, strict=True):
            top, left = _ABOVE + row + piece.first, _BESIDE + column
            strip[top : top + piece.rows, left : left + self.columns] += slope

    def add_parents(self, piece: Piece, gradient: Tensor) -> None:
        """For `parents`."""
        assert self._large_grad is not None
        by_place = gradient.view(PARENTS, piece.rows, -1)
        columns = by_place.shape[2]
        for i, slope in enumerate(by_place):
            top, left = piece.at.start + 2 * (i // 3), 2 * (i % 3)
            self._large_grad[top : top + piece.rows, left : left + columns] += slope

    def gradient(self) -> Tensor:
        """By the plane's latents, all that was added."""
        total = self._grad
        strips = self._strips_grad[:, _ABOVE:, _BESIDE:-_BESIDE].reshape(-1, self.columns)
        total += strips[: len(total)]
        if self._large_grad is not None:
            total += _small(self._large_grad)
        return total[: self._plane.rows, : self._plane.columns]


def even(values: Tensor) -> Tensor:
    """A plane with even sides, zeros added."""
    rows, columns = values.shape
    return torch.nn.functional.pad(values, (0, columns % 2, 0, rows % 2))


def _large(values: Tensor) -> Tensor:
    """Every value four times, and a border of two zeros."""
    rows, columns = values.shape
    four = values[:, None, :, None].expand(rows, 2, columns, 2).reshape(2 * rows, 2 * columns)
    return torch.nn.functional.pad(four, (2, 2, 2, 2))


def _small(gradient: Tensor) -> Tensor:
    """Back from `_large`."""
    inner = gradient[2:-2, 2:-2]
    tall = inner[0::2] + inner[1::2]
    return tall[:, 0::2] + tall[:, 1::2]


def _numbered(runs: list[tuple[int, int, int]]) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Each run, and how many places are in those before it."""
    number = 0
    for run in runs:
        yield number, run
        number += run[2]


def _gather(source: Tensor, start: tuple[int, int], apart: int, out: Tensor, rows: int) -> None:
    """Rows from a place on, and from others so far to the right of one another: one copy."""
    columns, pitch = out.shape[1] // rows, source.stride(0)
    offset = source.storage_offset() + start[0] * pitch + start[1]
    shape, strides = (len(out), rows, columns), (apart, pitch, 1)
    out.view(shape).copy_(source.as_strided(shape, strides, offset))
