"""Groups of partitions: what is coded together, and which groups a file has."""

import math
from dataclasses import dataclass

import numpy as np

from inrcodec.nets.base import grid_index

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Groups:
    """A box of groups out of a grid of partitions; all in row-major order.

    `partitions`: of the whole grid, per axis; `group`: partitions of a group, fewer in the last
    ones; `first`, `kept`: first group, and number of groups.
    """

    partitions: tuple[int, ...]
    group: tuple[int, ...]
    first: tuple[int, ...]
    kept: tuple[int, ...]

    @property
    def box(self) -> Box:
        """First and last+1 partition per axis."""
        axes = zip(self.partitions, self.group, self.first, self.kept, strict=True)
        return tuple((f * g, min((f + k) * g, n)) for n, g, f, k in axes)

    @property
    def count(self) -> int:
        """Number of partitions."""
        return math.prod(last - first for first, last in self.box)

    def numbers(self, box: Box) -> np.ndarray:
        """Places of a box of partitions, all of them here, among those here: (n,) int64."""
        starts = [first for first, _ in self.box]
        index = grid_index(*zip(*box, strict=True)) - np.asarray(starts)
        sizes = [last - first for first, last in self.box]
        numbers: np.ndarray = np.ravel_multi_index(tuple(index.T), sizes)
        return numbers

    def boxes(self) -> list[Box]:
        """The partitions of each group."""
        firsts = grid_index(
            self.first, tuple(f + k for f, k in zip(self.first, self.kept, strict=True))
        )
        axes = list(zip(self.group, self.partitions, strict=True))
        return [
            tuple((f * g, min((f + 1) * g, n)) for f, (g, n) in zip(index, axes, strict=True))
            for index in firsts.tolist()
        ]

    def members(self) -> list[np.ndarray]:
        """For each group the places of its partitions among those here, (n,) int64."""
        return [self.numbers(box) for box in self.boxes()]


def all_groups(partitions: tuple[int, ...], group: tuple[int, ...]) -> Groups:
    """Every group of a grid of partitions."""
    kept = tuple(-(-n // g) for n, g in zip(partitions, group, strict=True))
    return Groups(partitions, group, (0,) * len(partitions), kept)
