"""The signal as rows of a network: inputs, targets, and a mask over padding."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from inrcodec.nets import RowNet
from inrcodec.nets.base import grid_index

# How often a cell far from a mask's surface is drawn, next to one at it.
_FAR_WEIGHT = 0.15


class Samples:
    """All rows of a grid at one head.

    `inputs`: tensors (rows, ...) as `net.forward` takes them. `targets`: (rows, *block,
    channels) float32 in 0..1. `mask`: (rows, *block, 1), 1 inside the signal and 0 in the padding,
    or None without padding. `count`: values inside. `binary`: the values are those of a mask.
    `weights`: how often each row is drawn, or None for all alike. `chunk`: rows that memory holds.
    """

    chunk = 8192

    def __init__(
        self,
        values: np.ndarray,
        net: RowNet,
        head: int,
        device: torch.device,
        binary: bool = False,
    ) -> None:
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
        self.binary = binary
        self.weights = _surface_weights(self.targets, grid) if binary else None
        self.variance = float(self.targets.flatten(0, -2).var(dim=0, correction=0).mean())

    def batch(self, index: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor | None]:
        """Inputs, targets and mask of some rows (None: all)."""
        if index is None:
            return self.inputs, self.targets, self.mask
        mask = None if self.mask is None else self.mask[index]
        return [x[index] for x in self.inputs], self.targets[index], mask

    def batches(self, batch: int, generator: torch.Generator) -> Iterator[Tensor | None]:
        """Endless batches of row numbers."""
        if self.weights is None or batch >= self.rows:
            return shuffled(self.rows, batch, generator)
        return _drawn(self.weights, batch, generator)

    def error(self, values: Tensor, targets: Tensor, mask: Tensor | None) -> Tensor:
        """Mean squared error over what lies inside the signal."""
        return squared_error(values, targets, mask, self.binary)


def squared_error(values: Tensor, targets: Tensor, mask: Tensor | None, binary: bool) -> Tensor:
    """Mean squared error over what lies inside the signal.

    Of a binary one, a mask, only what is missing to 0 or 1 counts: beyond them a value is right as
    it is, and the network has nothing to learn away from the surface.
    """
    if binary:
        difference = torch.where(targets > 0.5, 1 - values, values).clamp_min(0)
    else:
        difference = values - targets
    error = difference.square()
    if mask is None:
        return error.mean()
    return (error * mask).sum() / (mask.sum() * values.shape[-1]).clamp(min=1)


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
    return in_epochs(lambda: torch.arange(rows), rows, batch, generator)


def in_epochs(
    epoch: Callable[[], Tensor], rows: int, batch: int, generator: torch.Generator
) -> Iterator[Tensor | None]:
    """`shuffled`, of the rows that `epoch` gives for each epoch, at least `rows` of them."""
    while batch >= rows:
        yield None
    while True:
        order = epoch()
        order = order[torch.randperm(len(order), generator=generator)]
        for first in range(0, len(order) - batch + 1, batch):
            yield order[first : first + batch]


def _drawn(weights: Tensor, batch: int, generator: torch.Generator) -> Iterator[Tensor | None]:
    """Endless batches of rows drawn by their weights, none twice in a batch."""
    while True:
        yield torch.multinomial(weights, batch, generator=generator)


def _surface_weights(targets: Tensor, grid: tuple[int, ...]) -> Tensor:
    """How often rows (n, *block, C) of a mask are drawn: those that the surface touches, and their
    neighbours, often, all others seldom (as occupancy networks sample near the surface)."""
    flat = targets.flatten(1)
    inside = flat.amax(1).reshape(grid).cpu().numpy() > 0.5
    outside = flat.amin(1).reshape(grid).cpu().numpy() < 0.5
    for axis in range(len(grid)):
        inside, outside = _dilated(inside, axis), _dilated(outside, axis)
    near = torch.from_numpy(inside & outside).reshape(-1)
    return torch.where(near, 1.0, _FAR_WEIGHT)


def _dilated(cells: np.ndarray, axis: int) -> np.ndarray:
    """Cells that are set, or have a neighbour along an axis that is."""
    wide = cells.copy()
    moved, wider = np.moveaxis(cells, axis, 0), np.moveaxis(wide, axis, 0)
    wider[1:] |= moved[:-1]
    wider[:-1] |= moved[1:]
    return wide
