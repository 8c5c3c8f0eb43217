"""Instant-NGP: a multi-resolution hash encoding under a small ReLU network (Mueller et al., ACM
Transactions on Graphics 41(4), 2022, section 3).

Level l is a grid of floor(base x growth^l) cells an axis whose corners hold features, in a table of
at most 2^16 entries; a sample reads all levels, linear between corners. Where a level has more
corners than entries, they share them by the hash of eq. 4. In one to three dimensions. Li et al.
2024, appendix D, sound: 7 levels of 2 features from 125 to 8,000, one hidden layer of 64: 32.9 K
parameters, 1.0 K MACs (without interpolation).
"""

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Peer, uniform

_PRIMES = (1, 2654435761, 805459861)


class Ngp(Peer):
    """`base`, `finest`: cells of the coarsest and the finest level; `layers` counts the output."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        levels: int,
        base: int,
        finest: int,
        features: int = 2,
        entries: int = 2**16,
        width: int = 64,
        layers: int = 2,
    ) -> None:
        super().__init__(shape, channels)
        growth = (finest / base) ** (1 / max(levels - 1, 1))
        self.cells = [math.floor(base * growth**level + 1e-6) for level in range(levels)]
        sizes = [min((cells + 1) ** len(shape), entries) for cells in self.cells]
        self.tables = nn.ParameterList(uniform(size, features, bound=1e-4) for size in sizes)
        widths = [levels * features, *[width] * (layers - 1)]
        hidden = [
            part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())
        ]
        self.network = nn.Sequential(*hidden, nn.Linear(width, channels))

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        x = (self.centred(rows) + 1) / 2
        return tuple(self._corners(x, level) for level in range(len(self.cells)))

    def _corners(self, x: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Entries of a level's 2^D corners around each sample and their weights: (n, 2^D)."""
        cells, dimensions = self.cells[level], x.shape[1]
        scaled = x * cells
        low = scaled.floor().clamp(max=cells - 1)
        fraction = scaled - low
        places, weights = [], []
        for corner in itertools.product((0, 1), repeat=dimensions):
            offset = torch.tensor(corner, device=x.device)
            places.append(self._entry(low.long() + offset, level))
            weights.append(torch.where(offset == 1, fraction, 1 - fraction).prod(dim=1))
        return torch.stack(places, dim=1), torch.stack(weights, dim=1)

    def _entry(self, corner: Tensor, level: int) -> Tensor:
        """Where the features of grid corners (n, D) are: in order, or by the hash."""
        side, size = self.cells[level] + 1, len(self.tables[level])
        entry = torch.zeros_like(corner[:, 0])
        dense = side ** corner.shape[1] <= size
        for axis in range(corner.shape[1]):
            part = corner[:, axis]
            entry = entry * side + part if dense else entry ^ (part * _PRIMES[axis])
        return entry if dense else entry % size

    def forward(self, *inputs: Any) -> Tensor:
        features = [
            (table[places] * weights[..., None]).sum(dim=1)  # (n, features)
            for table, (places, weights) in zip(self.tables, inputs, strict=True)
        ]
        values: Tensor = self.network(torch.cat(features, dim=1))
        return values[:, None]
