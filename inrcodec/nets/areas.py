"""Rectangles of latents, and the squares that they are cut into where parts are coded apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Self, TypeVar

# First and last+1 row, first and last+1 column.
Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Area:
    """`rows` x `columns` places from row `top` and column `left` on."""

    rows: int
    columns: int
    top: int = 0
    left: int = 0

    @property
    def ends(self) -> Box:
        """First and last+1 row and column."""
        return (self.top, self.top + self.rows), (self.left, self.left + self.columns)

    @property
    def empty(self) -> bool:
        """Whether it has no places."""
        return not self.rows or not self.columns

    def within(self, other: "Area") -> Self:
        """What it has in common with another one, perhaps nothing."""
        pairs = zip(self.ends, other.ends, strict=True)
        (top, bottom), (left, right) = ((max(a, c), min(b, d)) for (a, b), (c, d) in pairs)
        rows, columns = max(bottom - top, 0), max(right - left, 0)
        return replace(self, rows=rows, columns=columns, top=top, left=left)

    def part(self, inner: "Area") -> tuple[slice, slice]:
        """Its rows and columns that one inside it has."""
        top, left = inner.top - self.top, inner.left - self.left
        return slice(top, top + inner.rows), slice(left, left + inner.columns)


_A = TypeVar("_A", bound=Area)


def extent(box: Box) -> dict[str, int]:
    """The fields of an area with these ends."""
    (top, bottom), (left, right) = box
    return {"rows": bottom - top, "columns": right - left, "top": top, "left": left}


def tiled(areas: Sequence[_A], side: int, octaves: Sequence[int]) -> Iterator[list[_A]]:
    """What each square that has a part of the first area has of all, row by row of squares.

    `side`: of the squares in the first area; in another they are so many `octaves` larger.
    """
    starts = [range(first // side * side, last, side) for first, last in areas[0].ends]
    for top, left in product(*starts):
        square = Area(rows=side, columns=side, top=top, left=left)
        yield [area.within(_enlarged(square, n)) for area, n in zip(areas, octaves, strict=True)]


def _enlarged(area: Area, octaves: int) -> Area:
    rows, columns, top, left = (
        n << octaves for n in (area.rows, area.columns, area.top, area.left)
    )
    return Area(rows=rows, columns=columns, top=top, left=left)
