"""The picture of latent grids, with gradients by hand, in tiles that stay in cache.

Under autograd, with filters as in nets/grids.py, all of it takes three times as long. A tile's rows
follow one another in one line: a filter's shifts are steps along it, and what they reach over the
ends of rows is never read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from inrcodec.encoder.grids import doubling
from inrcodec.encoder.rounding import through_relu
from inrcodec.nets.grids import CONVOLUTIONS, GAIN, Grids, by_level

# Rows and columns of samples.
Tile = tuple[slice, slice]
# Of channels of a tile: a sum, and its gradient by them.
Loss = Callable[[Tensor, Tile], tuple[float, Tensor]]
Weights = Mapping[str, Tensor]
_TILE = (64, 192)
_STRIDE = 3  # how far apart in order tiles are one after another


def stacked(net: Grids, weights: Weights, planes: Sequence[Tensor]) -> Tensor:
    """Dequantised planes at the finest size, with borders, and ones: (P + 1, h + 4, w + 4)."""
    return doubling.stacked(weights["taps"], by_level(net, planes))


def backward(
    weights: Weights, stack: Tensor, loss: Loss, learn: Callable[[], Weights] | None = None
) -> tuple[float, Tensor]:
    """Sum of `loss` over tiles of channels, and its gradient by the stack; gradients by weights are
    accumulated in them. `learn`, called eight times, gives weights to go on with."""
    gradient, total, seen = torch.zeros_like(stack), 0.0, 0
    network = _Network(weights)
    samples = (stack.shape[1] - 2 * CONVOLUTIONS) * (stack.shape[2] - 2 * CONVOLUTIONS)
    for tile in tiles(stack):
        part = _Part(network, stack[_around(tile)])
        value, slope = loss(part.channels, tile)
        gradient[_around(tile)] += part.backward(slope)
        total, seen = total + value, seen + slope[0].numel()
        if learn is not None and 8 * seen >= samples:
            network.finish()
            network, seen = _Network(learn()), 0
    network.finish()
    if learn is not None and seen:
        learn()
    return total, gradient


@torch.no_grad()
def forward(weights: Weights, stack: Tensor) -> Tensor:
    """Channels (C, h, w) without gradients."""
    network = _Network(weights)
    rows, columns = (n - 2 * CONVOLUTIONS for n in stack.shape[1:])
    out = stack.new_empty(network.channels, rows, columns)
    for tile in tiles(stack):
        out[:, tile[0], tile[1]] = _Part(network, stack[_around(tile)]).channels
    return out


def tiles(stack: Tensor) -> list[Tile]:
    """All tiles, distant ones after one another."""
    ends = (n - 2 * CONVOLUTIONS for n in stack.shape[1:])
    down, right = (list(_cut(end, most)) for end, most in zip(ends, _TILE, strict=True))
    every = [(rows, columns) for rows in down for columns in right]
    return [tile for start in range(_STRIDE) for tile in every[start::_STRIDE]]


def _cut(end: int, most: int) -> Iterator[slice]:
    count = -(-end // most)
    for i in range(count):
        yield slice(i * end // count, (i + 1) * end // count)


def _around(tile: Tile) -> tuple[slice, slice, slice]:
    rows, columns = (slice(s.start, s.stop + 2 * CONVOLUTIONS) for s in tile)
    return slice(None), rows, columns


class _Network:
    """The weights as matrices, and what is known of the gradients by them.

    `first`: of planes and ones, the units of the layer and below them the channels; `last`: what
    units add to channels; `kernels`: (C, 9 C) and (C, 1) of each filter.
    """

    def __init__(self, weights: Weights) -> None:
        units = torch.cat([GAIN * weights["W.in"], weights["b.in"][:, None]], dim=1)
        direct = torch.cat([weights["skip"], weights["b.out"][:, None] / GAIN], dim=1)
        self._made = [torch.cat([units, direct]), weights["W.out"] / GAIN]
        for i in range(CONVOLUTIONS):
            self._made += [weights[f"K.{i}"], weights[f"k.{i}"][:, None]]
        self.channels, self.width = weights["W.out"].shape
        self.first, self.last, *filters = (matrix.detach() for matrix in self._made)
        self.kernels = list(zip(filters[::2], filters[1::2], strict=True))
        self._slopes = [torch.zeros_like(matrix) for matrix in self._made]

    def add(self, number: int, slope: Tensor) -> None:
        """A part of the gradient by a matrix, in the order of their list."""
        self._slopes[number] += slope

    def finish(self) -> None:
        """Gradients go to the weights."""
        torch.autograd.backward(self._made, self._slopes)


class _Part:
    """Channels of a tile, (C, rows, columns), from the stack around it."""

    def __init__(self, network: _Network, stack: Tensor) -> None:
        self._network, self._shape, self._pitch = network, stack.shape, stack.shape[2]
        self._flat = stack.reshape(len(stack), -1)
        out = network.first @ self._flat
        self._units, y = out[: network.width].relu_(), out[network.width :]
        y.addmm_(network.last, self._units)
        self._near: list[Tensor] = []
        self._changes: list[Tensor] = []
        for i in range(CONVOLUTIONS):
            y = self._filtered(y, i)
        self.channels = self._rows(y, CONVOLUTIONS)

    def _filtered(self, y: Tensor, i: int) -> Tensor:
        """After filter i: rows are two fewer, and two more values at their ends have no meaning."""
        kernel, bias = self._network.kernels[i]
        near, pitch = _near(y, self._pitch), self._pitch
        count = near.shape[1]
        change = torch.addmm(bias, kernel, near)
        if i < CONVOLUTIONS - 1:
            change.relu_()
        out = y.new_zeros(len(y), y.shape[1] - 2 * pitch)
        torch.add(y[:, pitch + 1 : pitch + 1 + count], change, out=out[:, :count])
        self._near.append(near)
        self._changes.append(change)
        return out

    def _rows(self, y: Tensor, filters: int) -> Tensor:
        """What has a meaning of a line after so many filters."""
        rows = y.view(len(y), -1, self._pitch)
        return rows[:, :, : self._pitch - 2 * filters]

    def backward(self, slope: Tensor) -> Tensor:
        """The gradient by the stack, from that by channels; that by weights is added to theirs."""
        network, width = self._network, self._network.width
        pitch, inside = self._pitch, len(slope[0]) * self._pitch
        y = slope.new_zeros(len(slope), inside)
        self._rows(y, CONVOLUTIONS).copy_(slope)
        for i in range(CONVOLUTIONS - 1, -1, -1):
            y = self._unfiltered(y, i)
        whole = y.new_empty(width + len(y), y.shape[1])
        whole[width:] = y
        torch.mm(network.last.T, y, out=whole[:width])
        through_relu(whole[:width], self._units)
        network.add(0, whole @ self._flat.T)
        network.add(1, y @ self._units.T)
        assert y.shape[1] == self._shape[1] * pitch
        return (network.first.T @ whole).view(self._shape)

    def _unfiltered(self, slope: Tensor, i: int) -> Tensor:
        """The gradient by what filter i reads."""
        near, change, pitch = self._near[i], self._changes[i], self._pitch
        count, channels = near.shape[1], len(slope)
        by_change = slope[:, :count]
        if i < CONVOLUTIONS - 1:
            by_change = through_relu(by_change.clone(), change)
        self._network.add(2 + 2 * i, by_change @ near.T)
        self._network.add(3 + 2 * i, by_change.sum(dim=1, keepdim=True))
        out = slope.new_zeros(channels, slope.shape[1] + 2 * pitch)
        out[:, pitch + 1 : pitch + 1 + count] = slope[:, :count]
        by_near = (self._network.kernels[i][0].T @ by_change).view(channels, 9, count)
        for k in range(9):
            start = k // 3 * pitch + k % 3
            out[:, start : start + count] += by_near[:, k]
        return out


def _near(y: Tensor, pitch: int) -> Tensor:
    """Of lines (C, n) all that 3x3 filters read: (9 C, n - 2 pitch - 2)."""
    count = y.shape[1] - 2 * pitch - 2
    shifted = y.as_strided((len(y), 3, 3, count), (y.stride(0), pitch, 1, 1), y.storage_offset())
    return shifted.reshape(9 * len(y), count)
