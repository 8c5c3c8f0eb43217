"""The signal as rows of a network: inputs, targets, and a mask over padding."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inrcodec.nets import Net
from inrcodec.nets.base import grid_index


class Samples:
    """All rows of a grid at one head.

    `inputs`: tensors (rows, ...) as `net.forward` takes them. `targets`: (rows, *block,
    channels) float32 in 0..1. `mask`: (rows, *block, 1), 1 inside the signal and 0 in the padding,
    or None without padding. `count`: values inside.
    """

    def __init__(self, values: np.ndarray, net: Net, head: int, device: torch.device) -> None:
        """`values`: (*grid, C) float32 in 0..1, at most as large as the network's grid."""
        grid, block = net.rows(head), net.block(head)
        index = grid_index((0,) * len(grid), grid)
        self.head, self.rows = head, len(index)
        self.inputs = [torch.from_numpy(x).to(device) for x in net.inputs(index, head)]
        self.targets = torch.from_numpy(_blocks(values, grid, block, mode="edge")).to(device)
        self.mask: Tensor | None = None
        shape = values.shape[:-1]
        if tuple(g * b for g, b in zip(grid, block, strict=True)) != shape:
            inside = np.ones((*shape, 1), dtype=np.float32)
            self.mask = torch.from_numpy(_blocks(inside, grid, block, mode="constant")).to(device)
        self.count = values.size
        self.variance = float(self.targets.flatten(0, -2).var(dim=0, correction=0).mean())

    def batch(self, index: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor | None]:
        """Inputs, targets and mask of some rows (None: all)."""
        if index is None:
            return self.inputs, self.targets, self.mask
        mask = None if self.mask is None else self.mask[index]
        return [x[index] for x in self.inputs], self.targets[index], mask


def _blocks(
    samples: np.ndarray, grid: tuple[int, ...], block: tuple[int, ...], mode: str
) -> np.ndarray:
    """(N_0, N_1, .., C) to (rows, *block, C), padded to grid * block."""
    padded_shape = [g * b for g, b in zip(grid, block, strict=True)]
    padding = [(0, p - n) for p, n in zip(padded_shape, samples.shape, strict=False)]
    padded = np.pad(samples, [*padding, (0, 0)], mode=mode)  # type: ignore[call-overload]
    dimensions = len(grid)
    split = [n for pair in zip(grid, block, strict=True) for n in pair]
    order = [*range(0, 2 * dimensions, 2), *range(1, 2 * dimensions, 2), 2 * dimensions]
    blocks = padded.reshape(*split, samples.shape[-1]).transpose(order)
    return np.ascontiguousarray(blocks).reshape(-1, *block, samples.shape[-1])


def shuffled(rows: int, batch: int, generator: torch.Generator) -> Iterator[Tensor | None]:
    """Endless batches of row numbers, each epoch a new order; None where a batch is all rows."""
    if batch >= rows:
        while True:
            yield None
    while True:
        order = torch.randperm(rows, generator=generator)
        for first in range(0, rows - batch + 1, batch):
            yield order[first : first + batch]


def squared_error(values: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
    """Mean squared error over what lies inside the signal."""
    error = (values - targets).square()
    if mask is None:
        return error.mean()
    return (error * mask).sum() / (mask.sum() * values.shape[-1]).clamp(min=1)
