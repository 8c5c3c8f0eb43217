"""Planes of latents, most of which are 0: where they are not, and sums of what is around.

A plane is a vector with a border of one number on every side, so that neighbours of a place are
constants away. What is added to the border is of no account.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

_BORDER = 1
_MOST = 1 << 21  # numbers that are added in one go, to bound memory


class Marks(NamedTuple):
    """Magnitudes of a plane that are not 0: their places in its vector (int64), which may repeat
    and lie in any order, and float64."""

    places: np.ndarray
    sizes: np.ndarray


class Term(NamedTuple):
    """What marks add, by a weight, to the places this far from theirs."""

    weight: float
    marks: Marks
    off: int = 0


@dataclass(frozen=True)
class Layout:
    """Vectors of planes of `rows` x `columns`."""

    rows: int
    columns: int

    @property
    def width(self) -> int:
        """How far apart rows are."""
        return self.columns + 2 * _BORDER

    def places(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Places of rows and columns, which may be one outside."""
        return (rows + _BORDER) * self.width + columns + _BORDER

    def reaches(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Whether rows and columns have a place: bool."""
        inside: np.ndarray = (rows >= -1) & (rows <= self.rows)
        inside &= (columns >= -1) & (columns <= self.columns)
        return inside

    def whereabouts(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of places."""
        rows, columns = np.divmod(places, self.width)
        return rows - _BORDER, columns - _BORDER

    def off(self, down: int, right: int) -> int:
        """How far a neighbour's place is."""
        return down * self.width + right

    def marks(self, values: np.ndarray) -> Marks:
        """Magnitudes of integers (rows, columns), by rising places."""
        values = values.ravel()
        numbers = np.flatnonzero(values != 0)  # a fifth of the time that integers take
        places = numbers + numbers // max(1, self.columns) * (2 * _BORDER)
        places += _BORDER * (self.width + 1)
        return Marks(places, np.abs(values[numbers].astype(np.float64)))

    def sums(self, terms: Iterable[Term]) -> np.ndarray:
        """A vector, float64: the sum of some terms; exact if all partial sums are integers below
        2^53."""
        size, total = (self.rows + 2 * _BORDER) * self.width, None
        for some in _batches(terms):
            places = np.concatenate([term.marks.places + term.off for term in some])
            sizes = np.concatenate([term.weight * term.marks.sizes for term in some])
            part: np.ndarray = np.bincount(places, weights=sizes, minlength=size)
            if total is None:
                total = part
            else:
                total += part
        return np.zeros(size) if total is None else total

    def sums_3x3(self, vector: np.ndarray) -> np.ndarray:
        """Sums over 3x3 neighbourhoods."""
        for step in (1, self.width):
            total = vector.copy()
            total[step:] += vector[:-step]
            total[:-step] += vector[step:]
            vector = total
        return vector

    def by_rows(self, marks: Marks, height: int) -> list[Marks]:
        """Marks of as many rows at a time, given by rising places."""
        ends = (np.arange(0, self.rows + 1, height) + _BORDER) * self.width
        return [
            Marks(marks.places[a:b], marks.sizes[a:b])
            for a, b in pairwise(np.searchsorted(marks.places, ends).tolist())
        ]

    def plane(self, vector: np.ndarray) -> np.ndarray:
        """A view of what is not border: (rows, columns)."""
        whole = vector.reshape(self.rows + 2 * _BORDER, self.width)
        return whole[_BORDER:-_BORDER, _BORDER:-_BORDER]


def united(marks: Sequence[Marks]) -> Marks:
    """The marks of all."""
    return Marks(*(np.concatenate(parts) for parts in zip(*marks, strict=True)))


def _batches(terms: Iterable[Term]) -> Iterator[list[Term]]:
    """Terms that have marks, few enough at a time to bound memory."""
    some, count = list[Term](), 0
    for term in terms:
        if len(term.marks.places):
            some.append(term)
            count += len(term.marks.places)
        if count > _MOST:
            yield some
            some, count = [], 0
    if some:
        yield some
