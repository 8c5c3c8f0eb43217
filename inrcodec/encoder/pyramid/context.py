"""The context model of nets/context.py in floats, for all latents at once, with gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from inrcodec.nets.pyramid import ORIENTATIONS, PHASES, Grid, Pyramid, cross_rows

_FLOOR = 0.1


class ContextModel:
    """log2 of the Laplace scale of every latent of a pyramid."""

    def __init__(self, net: Pyramid, device: torch.device) -> None:
        self.net, self.grids = net, net.grids()
        pairs = [(band, i) for band, _, _ in cross_rows(net) for i in range(band)]
        index = torch.tensor(pairs, dtype=torch.int64, device=device).reshape(-1, 2)
        self._rows, self._columns = index.unbind(1)

    def log_scales(
        self,
        weights: Mapping[str, Tensor],
        magnitudes: Sequence[Tensor],
        more: Sequence[Tensor | None] | None = None,
    ) -> Tensor:
        """Of latents whose magnitudes are given by grid, (4, bands, rows, columns): flat.

        `more`: energy that they are known by besides, by grid and of the same shape.
        """
        flat, coarser = [], None
        cells, same = self._cross(weights["cross"])
        extra = more or [None] * len(self.grids)
        for grid, values, past in zip(self.grids, magnitudes, extra, strict=True):
            energy = self._own(weights, grid, values)
            if past is not None:
                energy = energy + past
            if grid.level is not None:
                energy = energy + self._others(weights, grid, values, coarser, cells, same)
                coarser = joined(values)
            flat.append(self._scales(weights, grid, energy).reshape(-1))
        return torch.cat(flat)

    def _cross(self, cross: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of cells and of same positions: (bands, bands), zero but below the diagonal."""
        half, bands = cross.numel() // 2, self.net.bands
        squares = cross.square()
        whole = [torch.zeros(bands, bands, device=cross.device) for _ in range(2)]
        index = (self._rows, self._columns)
        return (
            whole[0].index_put(index, squares[:half]),
            whole[1].index_put(index, squares[half:]),
        )

    def _rows_of(self, tensor: Tensor, grid: Grid) -> Tensor:
        bands = self.net.bands
        return tensor[: grid.bands] if grid.level is not None else tensor[bands:]

    def _own(self, weights: Mapping[str, Tensor], grid: Grid, m: Tensor) -> Tensor:
        """Energy from neighbours in the same band: (4, bands, rows, columns)."""
        near = self._rows_of(weights["near"], grid).square()[:, :, None, None].unbind(1)
        m_0, m_1, m_2, _ = m.unbind(0)  # m[0] has zeros for all phases as its gradient
        down = _pair(m_0, -2, 1)
        phase_1 = near[0] * _pair(down, -1, 1)
        phase_2 = torch.addcmul(near[1] * _pair(m_0, -1, 1), near[2], _pair(m_1, -2, -1))
        phase_3 = torch.addcmul(near[3] * down, near[4], _pair(m_1, -1, -1))
        phase_3 = torch.addcmul(phase_3, near[5], _pair(_pair(m_2, -2, 1), -1, -1))
        return torch.stack([torch.zeros_like(m_0), phase_1, phase_2, phase_3])

    def _others(
        self,
        weights: Mapping[str, Tensor],
        grid: Grid,
        m: Tensor,
        coarser: Tensor | None,
        cells: Tensor,
        same: Tensor,
    ) -> Tensor:
        """Energy from other bands: (4, bands, rows, columns)."""
        n = grid.bands
        shared = cells[:n, :n] @ m.sum(0).reshape(n, -1)
        if coarser is not None:
            own = coarser[:n]
            both = torch.cat(
                [
                    x.reshape(-1, ORIENTATIONS, grid.rows * grid.columns)
                    for x in (own, sums_3x3(own))
                ],
                dim=1,
            )
            parents = weights["parents"][:n].square().reshape(-1, ORIENTATIONS, 2 * ORIENTATIONS)
            shared = shared + torch.bmm(parents, both).reshape(n, -1)
        at_place = same[:n, :n] @ m.reshape(4, n, -1)
        return (at_place + shared).reshape(m.shape)

    def _scales(self, weights: Mapping[str, Tensor], grid: Grid, energy: Tensor) -> Tensor:
        net = self.net
        phases = 4 * (net.bands + net.channels)
        offsets = self._rows_of(weights["offsets"][:phases].reshape(-1, 4), grid).T
        if grid.level is not None:
            levels = weights["offsets"][phases:].reshape(net.levels, net.bands)
            offsets = offsets + levels[grid.level, : grid.bands]
        slopes = self._rows_of(weights["slopes"], grid)[:, None, None]
        return slopes * torch.log2(energy + _FLOOR) + offsets[:, :, None, None]


def joined(phases: Tensor) -> Tensor:
    """(4, bands, rows, columns) to (bands, 2 rows, 2 columns)."""
    whole: Tensor = _Join.apply(phases)
    return whole


def split(whole: Tensor) -> Tensor:
    """(..., 2 rows, 2 columns) to (4, ..., rows, columns), phases in the order of PHASES."""
    return torch.stack([whole[..., row::2, column::2] for row, column in PHASES])


def join(phases: Tensor) -> Tensor:
    """The inverse of `split`."""
    *lead, rows, columns = phases.shape[1:]
    whole = phases.new_empty(*lead, 2 * rows, 2 * columns)
    for (row, column), values in zip(PHASES, phases, strict=True):
        whole[..., row::2, column::2] = values
    return whole


class _Join(Function):
    @staticmethod
    def forward(ctx: Any, phases: Tensor) -> Tensor:
        return join(phases)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return split(gradient)


def _pair(x: Tensor, axis: int, step: int) -> Tensor:
    """x[i] + x[i + step] along axis -1 or -2, zeros outside; step is 1 or -1."""
    total: Tensor = _Pair.apply(x, axis, step)
    return total


def sums_3x3(x: Tensor) -> Tensor:
    """Sums over 3x3 neighbourhoods, zeros outside."""
    total: Tensor = _Sums.apply(x)
    return total


def _add_shifted(target: Tensor, source: Tensor, axis: int, step: int) -> None:
    """target[i] += source[i + step]."""
    length = source.shape[axis] - 1
    low, high = target.narrow(axis, 0, length), source.narrow(axis, 1, length)
    if step < 0:
        low, high = target.narrow(axis, 1, length), source.narrow(axis, 0, length)
    low += high


class _Pair(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int, step: int) -> Tensor:
        ctx.axis, ctx.step = axis, step
        total = x.clone()
        _add_shifted(total, x, axis, step)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.clone()
        _add_shifted(total, gradient, ctx.axis, -ctx.step)
        return total, None, None


class _Sums(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _box(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _box(gradient)


def _box(x: Tensor) -> Tensor:
    for axis in (-1, -2):
        total = x.clone()
        _add_shifted(total, x, axis, 1)
        _add_shifted(total, x, axis, -1)
        x = total
    return x
