"""What every peer is: values at points of a grid, and what a value costs."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from inrcodec.nets.base import positional_encoding


class Peer(nn.Module):
    """A network over a grid. Rows are what a step may take at random: here single samples."""

    block = 1  # samples of a row
    chunk = 2**15  # rows to evaluate together where memory counts

    def __init__(self, shape: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.shape, self.channels = shape, channels

    @property
    def rows(self) -> int:
        """Rows of the whole grid."""
        return prod(self.shape)

    @property
    def size(self) -> int:
        """Parameters; a complex one counts once, as in the paper."""
        return sum(p.numel() for p in self.parameters())

    @property
    def macs(self) -> float:
        """Multiply-accumulates by weights for one sample."""
        return float(sum(m.weight.numel() for m in self.modules() if isinstance(m, nn.Linear)))

    def samples(self, rows: Tensor) -> Tensor:
        """Places of the rows' samples in the flattened grid: (n,) to (n, block)."""
        return rows[:, None]

    def index(self, rows: Tensor) -> Tensor:
        """Integer coordinates: (n,) to (n, D)."""
        return torch.stack(torch.unravel_index(rows, self.shape), dim=1)

    def centred(self, rows: Tensor) -> Tensor:
        """Middles of cells in -1..1: (n,) to (n, D)."""
        sizes = torch.tensor(self.shape, device=rows.device)
        return (2 * self.index(rows) + 1) / sizes - 1

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        """What `forward` takes for some rows; computed once where a fit takes all of them."""
        return (self.centred(rows),)

    def forward(self, *inputs: Any) -> Tensor:
        """Values of the rows: (n, block, channels)."""
        raise NotImplementedError


def encoded(x: Tensor, frequencies: int) -> Tensor:
    """Coordinates in -1..1 and their Fourier features (n, D (1 + 2 F)), as the codec has them."""
    import array_api_compat.torch as xp

    features: Tensor = positional_encoding(xp, x, frequencies)
    return features


class Groups:
    """Samples by the cell they fall into, so that each cell's weights are one batched product.

    `places`: (cells, most) numbers of samples, cells with fewer filled up with the last sample;
    `back`: where each sample is among them.
    """

    def __init__(self, cell: Tensor, cells: int) -> None:
        counts = torch.bincount(cell, minlength=cells)
        order = torch.argsort(cell, stable=True)
        starts = torch.cumsum(counts, 0) - counts
        most = int(counts.max())
        slot = torch.arange(len(cell), device=cell.device) - starts[cell[order]]
        self.places = torch.full((cells, most), len(cell) - 1, device=cell.device)
        self.places[cell[order], slot] = order
        self.back = torch.empty_like(order)
        self.back[order] = cell[order] * most + slot

    def product(self, z: Tensor, weight: Tensor) -> Tensor:
        """z (n, inputs) by each sample's weight (cells, inputs, outputs): (n, outputs)."""
        grouped = torch.bmm(z[self.places], weight)  # (cells, most, outputs)
        return grouped.reshape(-1, weight.shape[-1])[self.back]


def uniform(*shape: int, bound: float) -> nn.Parameter:
    """A parameter uniform in +- bound."""
    return nn.Parameter((torch.rand(shape) * 2 - 1) * bound)
