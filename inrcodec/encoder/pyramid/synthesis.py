"""The picture of a pyramid's latents, with gradients, in stripes that stay in cache."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import array_api_compat.torch as xp
import torch
from torch import Tensor
from torch.autograd import Function

from inrcodec.encoder.pyramid.context import join, joined, split
from inrcodec.nets import wavelet
from inrcodec.nets.cells import CellNetwork, corrections
from inrcodec.nets.pyramid import ORIENTATIONS, Pyramid

# Of cells from a first to a last row: a sum, and its gradient by the cells.
Loss = Callable[[Tensor, int, int], tuple[float, Tensor]]
# Cells of a stripe at most, stripes at least, and how far apart in order those one after another.
_STRIPE_CELLS = 8192
_LEAST_STRIPES = 16
_STRIDE = 5


class Synthesis:
    """From dequantised coefficients by grid to cells of the finest level."""

    def __init__(self, net: Pyramid) -> None:
        self.net = net

    def low_cells(self, weights: Mapping[str, Tensor], coefficients: Sequence[Tensor]) -> Tensor:
        """Cells (4 C, h, w) of the finest level before its network."""
        low = joined(coefficients[0])
        for i, level in enumerate(range(self.net.levels - 1, -1, -1)):
            parts = Level.apply(low, coefficients[i + 1])
            if level == 0:
                break
            if level < self.net.stages:
                parts = parts + self._correction(weights, level, parts)
            low = Interleave.apply(parts)
        cells: Tensor = parts.reshape(-1, *parts.shape[2:])
        return cells

    def _correction(self, weights: Mapping[str, Tensor], stage: int, parts: Tensor) -> Tensor:
        padded = _bordered(parts.reshape(-1, *parts.shape[2:]))
        return self._corrections(weights, stage, padded).reshape(parts.shape)

    def _corrections(self, weights: Mapping[str, Tensor], stage: int, padded: Tensor) -> Tensor:
        """What a stage adds to cells: (4 C, h + 2, w + 2) with borders to (4 C, h, w)."""
        network = self.net.cells(stage)
        readings = Readings.apply(padded, network)
        change: Tensor = corrections(xp, network.matrices(xp, weights), readings)
        return change.reshape(-1, padded.shape[1] - 2, padded.shape[2] - 2)

    def backward(
        self,
        weights: Mapping[str, Tensor],
        cells: Tensor,
        loss: Loss,
        learn: Callable[[], Mapping[str, Tensor]] | None = None,
    ) -> tuple[float, Tensor]:
        """Sum of `loss` over stripes of the finest cells after their network, and its gradient by
        cells before it; gradients by weights are accumulated in them.

        `learn`, called after every stripe, gives the weights for the next one.
        """
        padded = _bordered(cells)
        gradient = torch.zeros_like(padded)
        total = 0.0
        for first, last in self.stripes(cells):
            seen = padded[:, first : last + 2].detach().requires_grad_()
            change = self._finest(weights, seen)
            value, slope = loss(cells[:, first:last] + change.detach(), first, last)
            gradient[:, first + 1 : last + 1, 1:-1] += slope
            if change.requires_grad:
                change.backward(slope)
                assert seen.grad is not None
                gradient[:, first : last + 2] += seen.grad
            total += value
            if learn is not None:
                weights = learn()
        return total, _fold_border(gradient)

    def _finest(self, weights: Mapping[str, Tensor], padded: Tensor) -> Tensor:
        if self.net.stages == 0:
            return torch.zeros((), device=padded.device)
        return self._corrections(weights, 0, padded)

    def stripes(self, cells: Tensor) -> list[tuple[int, int]]:
        """First and last row of every stripe, distant ones after one another."""
        rows, columns = cells.shape[1:]
        height = max(2, min(_STRIPE_CELLS // columns, rows // _LEAST_STRIPES))
        pairs = [(first, min(first + height, rows)) for first in range(0, rows, height)]
        return [pair for start in range(_STRIDE) for pair in pairs[start::_STRIDE]]

    @torch.no_grad()
    def forward(self, weights: Mapping[str, Tensor], cells: Tensor) -> Tensor:
        """Finest cells (4 C, h, w) without gradients."""
        padded = _bordered(cells)
        parts = [
            cells[:, first:last] + self._finest(weights, padded[:, first : last + 2])
            for first, last in sorted(self.stripes(cells))
        ]
        return torch.cat(parts, dim=1)


def _bordered(cells: Tensor) -> Tensor:
    """Cells with copies of the nearest ones around them."""
    return torch.nn.functional.pad(cells[None], (1, 1, 1, 1), mode="replicate")[0]


def _fold_border(padded: Tensor) -> Tensor:
    """Gradient by cells from the gradient by replicated borders."""
    padded[:, 1] += padded[:, 0]
    padded[:, -2] += padded[:, -1]
    padded[:, :, 1] += padded[:, :, 0]
    padded[:, :, -2] += padded[:, :, -1]
    return padded[:, 1:-1, 1:-1].contiguous()


def analysed(net: Pyramid, planes: Sequence[Tensor]) -> list[Tensor]:
    """Wavelet coefficients by grid of n planes under one another, (n, C, H, W) of padded sides, or
    of the first channel and of others of half its sides."""
    grids: list[Tensor] = []
    low = _by_channel(planes[0])
    for grid in reversed(net.grids()[1:]):
        parts = [part.contiguous() for part in wavelet.deinterleaved(low)]
        wavelet.analyse_plane(parts)
        count = planes[0].shape[0]
        channels = grid.bands // ORIENTATIONS
        details = torch.stack([p.view(-1, count, *p.shape[1:]) for p in parts[1:]], dim=1)
        tall = details[:channels].reshape(grid.bands, -1, details.shape[-1])
        grids.insert(0, split(tall))
        low = parts[0]
        if len(planes) > 1 and grid.level == 0:
            low = torch.cat([low, _by_channel(planes[1])])
    tall = low.reshape(net.channels, -1, low.shape[-1])
    return [split(tall), *grids]


def _by_channel(planes: Tensor) -> Tensor:
    """(n, C, h, w) to (C n, h, w)."""
    return planes.transpose(0, 1).reshape(-1, *planes.shape[2:])


class Level(Function):
    """One level's samples (C, 4, h, w) from its low band (C, h, w) and details by phase."""

    @staticmethod
    def forward(ctx: Any, low: Tensor, details: Tensor) -> Tensor:
        channels, ctx.bands = low.shape[0], details.shape[1]
        parts = low.new_zeros(channels, 4, *low.shape[1:])
        parts[:, 0] = low
        whole = join(details)
        parts[: ctx.bands // 3, 1:] = whole.reshape(-1, 3, *whole.shape[1:])
        wavelet.synthesise_plane(list(parts.unbind(1)))
        return parts

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        parts = gradient.clone()
        wavelet.synthesise_plane_adjoint(list(parts.unbind(1)))
        details = parts[: ctx.bands // 3, 1:].reshape(ctx.bands, *parts.shape[2:])
        return parts[:, 0].contiguous(), split(details)


class Readings(Function):
    """What a cell network reads, in one piece for autograd."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor, network: CellNetwork) -> Tensor:
        ctx.network, ctx.shape = network, cells.shape
        readings: Tensor = network.readings(xp, cells)
        return readings

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.network.readings_adjoint(xp, gradient, ctx.shape), None


class Interleave(Function):
    @staticmethod
    def forward(ctx: Any, parts: Tensor) -> Tensor:
        channels, _, rows, columns = parts.shape
        whole = parts.new_empty(channels, 2 * rows, 2 * columns)
        wavelet.interleave(list(parts.unbind(1)), whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return torch.stack(wavelet.deinterleaved(gradient), dim=1)
