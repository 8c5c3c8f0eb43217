"""KiloNeRF: a tiny ReLU network in every cell of a grid (Reiser et al., ICCV 2021, section 3.1).

The network of a sample's cell reads the encoded coordinates of the whole signal, 1 + 2 F numbers an
axis. Li et al. 2024, appendices A, B and D: 16 x 16 cells of width 16 and 10 frequencies for
Cameraman (250 K parameters), 4 cells of width 48 and 12 frequencies for sound (33.4 K).
"""

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Groups, Peer, encoded, uniform


class KiloNerf(Peer):
    """`grid`: cells of each axis; `layers` counts the output layer, as the paper does."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        grid: tuple[int, ...],
        width: int,
        layers: int,
        frequencies: int,
    ) -> None:
        super().__init__(shape, channels)
        self.grid, self.frequencies = grid, frequencies
        widths = [len(shape) * (1 + 2 * frequencies), *[width] * (layers - 1), channels]
        cells, pairs = math.prod(grid), list(itertools.pairwise(widths))
        bounds = [1 / math.sqrt(a) for a, _ in pairs]  # torch's own for linear layers
        self.weights = nn.ParameterList(
            uniform(cells, a, b, bound=bound) for (a, b), bound in zip(pairs, bounds, strict=True)
        )
        self.biases = nn.ParameterList(
            uniform(cells, b, bound=bound) for (_, b), bound in zip(pairs, bounds, strict=True)
        )

    @property
    def macs(self) -> float:
        return float(sum(weight[0].numel() for weight in self.weights))

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        index, cell = self.index(rows), torch.zeros_like(rows)
        for axis, (cells, size) in enumerate(zip(self.grid, self.shape, strict=True)):
            cell = cell * cells + index[:, axis] * cells // size
        x = encoded(self.centred(rows), self.frequencies)
        return x, Groups(cell, math.prod(self.grid))

    def forward(self, *inputs: Any) -> Tensor:
        x, groups = inputs
        z = x[groups.places]  # (cells, most, inputs)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = torch.baddbmm(bias[:, None], z, weight)
            z = torch.relu(z) if i < len(self.weights) - 1 else z
        values: Tensor = z.reshape(-1, self.channels)[groups.back]
        return values[:, None]
