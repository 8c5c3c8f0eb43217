"""The signal as places inside partitions: a step takes the same places of all of them."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.samples import in_epochs, squared_error
from inrcodec.nets.base import grid_index
from inrcodec.nets.local_global import LocalGlobal

_CHUNK_SAMPLES = 2**16
# Share of the places beside another partition that come twice in an epoch. There a network is held
# from one side only: squared errors are 1.21, 1.18 and 1.09 of those elsewhere without this in
# three pictures of benchmarks/seams.py.
_AGAIN = 0.3


class PartitionSamples:
    """What `Samples` is to other networks. A row is a place in a partition, of which there is one
    in each of the P partitions.

    `rows`: places. Targets are (P, rows, C) float32 in 0..1, the mask (P, rows, 1), 1 inside the
    signal, or None where partitions end with it. `count`: values inside. `binary`: the values are
    those of a mask. `chunk`: rows that memory holds.
    """

    head = 0

    def __init__(
        self, values: np.ndarray, net: LocalGlobal, device: torch.device, binary: bool = False
    ) -> None:
        """`values`: (*grid, C) float32 in 0..1."""
        self.device, self.binary, self.count = device, binary, values.size
        self.rows = math.prod(net.side)
        self.chunk = max(1, _CHUNK_SAMPLES // math.prod(net.partitions))
        self._targets = self._by_place(values, net, "edge")
        self._mask: Tensor | None = None
        if tuple(p * s for p, s in zip(net.partitions, net.side, strict=True)) != net.shape:
            inside = np.ones((*values.shape[:-1], 1), dtype=np.float32)
            self._mask = self._by_place(inside, net, "constant")
        within = grid_index((0,) * len(net.side), net.side)
        starts = grid_index((0,) * len(net.side), net.partitions) * np.asarray(net.side)
        self._borders = torch.from_numpy(_at_borders(within, net).nonzero()[0])
        self._local = torch.from_numpy(net.local_inputs(within)).to(device)
        # Coordinates in the grid are sums of one of the place and one of the partition.
        sizes = np.asarray(net.shape, dtype=np.float64)
        self._within = torch.from_numpy((2 * within + 1) / sizes - 1).to(device)
        self._starts = torch.from_numpy(2 * starts / sizes)[:, None, :].to(device)
        self.variance = float(values.reshape(-1, values.shape[-1]).var(axis=0).mean())

    def _by_place(self, values: np.ndarray, net: LocalGlobal, mode: str) -> Tensor:
        """(*grid, C) to (places, P, C), padded to whole partitions."""
        sides = [p * s for p, s in zip(net.partitions, net.side, strict=True)]
        padding = [(0, p - n) for p, n in zip(sides, values.shape, strict=False)]
        padded = np.pad(values, [*padding, (0, 0)], mode=mode)  # type: ignore[call-overload]
        axes = len(net.side)
        split = [n for pair in zip(net.partitions, net.side, strict=True) for n in pair]
        order = [*range(1, 2 * axes, 2), *range(0, 2 * axes, 2), 2 * axes]
        moved = padded.reshape(*split, values.shape[-1]).transpose(order)
        placed = np.ascontiguousarray(moved).reshape(self.rows, -1, values.shape[-1])
        return torch.from_numpy(placed).to(self.device)

    def batch(self, index: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor | None]:
        """Inputs of the network, targets and mask of some places (None: all)."""
        places = slice(None) if index is None else index
        whole = (self._starts + self._within[places]).float()
        targets = self._targets[places].transpose(0, 1)
        mask = None if self._mask is None else self._mask[places].transpose(0, 1)
        return [self._local[places], whole], targets, mask

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Tensor | None]:
        """Endless batches of places, some of those at borders more often than others."""

        def epoch() -> Tensor:
            again = torch.rand(len(self._borders), generator=generator) < _AGAIN
            return torch.cat([torch.arange(self.rows), self._borders[again]])

        return in_epochs(epoch, self.rows, batch, generator)

    def error(self, values: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
        """Mean squared error over what lies inside the signal."""
        return squared_error(values, targets, mask, self.binary)


def _at_borders(within: np.ndarray, net: LocalGlobal) -> np.ndarray:
    """Which places (m, D) are beside another partition: bool (m,)."""
    ends = (within == 0) | (within == np.asarray(net.side) - 1)
    beside: np.ndarray = (ends & (np.asarray(net.partitions) > 1)).any(axis=1)
    return beside
