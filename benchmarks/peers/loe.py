"""LoE: levels of experts, layers whose weights depend on position (Hao et al., NeurIPS 2022,
section 3).

Layer i has a tile of weight matrices that repeats over the signal: with bases B_0..B_{L-2} an axis,
whose product is its length, a sample takes the matrix of its i-th digit, from coarse to fine. A
bias is shared by a layer's matrices, the output layer by all samples. Li et al. 2024, appendix B:
8 frequencies, bases [8, 8, 8] on both axes, width 24: 126.0 K parameters, 1.99 K MACs. Its authors
published no code; the activation is ReLU here.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Groups, Peer, encoded, uniform


class Loe(Peer):
    """`bases`: one tuple per tiled layer with the base of each axis."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        bases: tuple[tuple[int, ...], ...],
        width: int = 24,
        frequencies: int = 8,
    ) -> None:
        super().__init__(shape, channels)
        self.bases, self.frequencies = bases, frequencies
        widths = [len(shape) * (1 + 2 * frequencies), *[width] * len(bases)]
        self.weights = nn.ParameterList(
            uniform(math.prod(level), a, b, bound=math.sqrt(6 / a))  # He et al. 2015, for ReLU
            for level, a, b in zip(bases, widths[:-1], widths[1:], strict=True)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in bases)
        self.output = nn.Linear(width, channels)

    @property
    def macs(self) -> float:
        tiled = sum(weight[0].numel() for weight in self.weights)
        return float(tiled + self.output.weight.numel())

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        pairs = zip(self.tiles(rows), self.bases, strict=True)
        groups = [Groups(tile, math.prod(level)) for tile, level in pairs]
        return encoded(self.centred(rows), self.frequencies), *groups

    def tiles(self, rows: Tensor) -> list[Tensor]:
        """Number of the matrix that each sample takes in each layer: (n,) per layer."""
        index, found = self.index(rows), []
        for level, bases in enumerate(self.bases):
            tile = torch.zeros_like(rows)
            for axis, base in enumerate(bases):
                grid = math.prod(level[axis] for level in self.bases[level + 1 :])
                tile = tile * base + index[:, axis] // grid % base
            found.append(tile)
        return found

    def forward(self, *inputs: Any) -> Tensor:
        z, *groups = inputs
        for group, weight, bias in zip(groups, self.weights, self.biases, strict=True):
            z = torch.relu(group.product(z, weight) + bias)
        values: Tensor = self.output(z)
        return values[:, None]
