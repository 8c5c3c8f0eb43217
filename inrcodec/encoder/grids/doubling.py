"""Planes at twice the size as in nets/grids.py, level by level, with gradients: a few planes at a
time, so that they stay in cache. The general form, under autograd, takes three times as long."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from inrcodec.nets.grids import CONVOLUTIONS, TAPS

_EDGE = TAPS // 2
_TOGETHER = 1 << 15  # values of planes that are doubled at once


def stacked(taps: Tensor, levels: Sequence[Sequence[Tensor]]) -> Tensor:
    """All planes at the finest size, borders included, and one of ones: (P + 1, h + 4, w + 4).

    `levels`: planes (rows, columns), level by level from the coarsest; `taps`: (levels - 1, 4).
    """
    counts = [len(level) for level in levels]
    stack: Tensor = _Stacked.apply(taps, counts, *(plane for level in levels for plane in level))
    return stack


class _Stacked(Function):
    @staticmethod
    def forward(ctx: Any, taps: Tensor, counts: Sequence[int], *planes: Tensor) -> Tensor:
        learn = ctx.needs_input_grad[0]
        ctx.counts, ctx.taps, ctx.doublings = counts, taps.shape, []
        inner = whole = planes[0][:0]
        first = 0
        for i, count in enumerate(counts):
            own = planes[first : first + count]
            below, first = inner, first + count
            whole, inner = _room(own[0], first, i == len(counts) - 1)
            if i:
                doubling = _Doubling(taps[i - 1].tolist(), below, learn)
                doubling.forward(inner[: first - count])
                ctx.doublings.append(doubling)
            for plane, target in zip(own, inner[first - count :], strict=False):
                target.copy_(plane)
        _fill_borders(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        # Nothing else holds the gradient of a stack, which is large.
        slopes = _folded(gradient)[: sum(ctx.counts)]
        found: list[Tensor] = []
        by_taps = gradient.new_zeros(ctx.taps) if ctx.needs_input_grad[0] else None
        for i in range(len(ctx.counts) - 1, -1, -1):
            below = len(slopes) - ctx.counts[i]
            found = [*slopes[below:], *found]
            if i:
                factors = by_taps[i - 1] if by_taps is not None else None
                slopes = ctx.doublings[i - 1].backward(slopes[:below], factors)
        return by_taps, None, *found


def _room(plane: Tensor, count: int, last: bool) -> tuple[Tensor, Tensor]:
    """Where so many planes of one level go, with room for borders and for ones in the last."""
    rows, columns = plane.shape
    edge = CONVOLUTIONS if last else 0
    whole = plane.new_empty(count + last, rows + 2 * edge, columns + 2 * edge)
    return whole, whole[:, edge : edge + rows, edge : edge + columns]


def _fill_borders(whole: Tensor) -> None:
    """Copies of the outermost values around planes, and ones in the last."""
    edge = CONVOLUTIONS
    for axis in (1, 2):
        size = whole.shape[axis]
        whole.narrow(axis, 0, edge).copy_(whole.narrow(axis, edge, 1).expand(*_grown(whole, axis)))
        last = whole.narrow(axis, size - edge - 1, 1)
        whole.narrow(axis, size - edge, edge).copy_(last.expand(*_grown(whole, axis)))
    whole[-1] = 1.0


def _grown(whole: Tensor, axis: int) -> list[int]:
    return [CONVOLUTIONS if i == axis else n for i, n in enumerate(whole.shape)]


def _folded(gradient: Tensor) -> Tensor:
    """Gradients of borders added to what they are copies of, in place; those inside."""
    edge = CONVOLUTIONS
    for axis in (2, 1):
        size = gradient.shape[axis]
        ends = ((0, edge), (size - edge, size - edge - 1))
        for start, target in ends:
            border = gradient.narrow(axis, start, edge).sum(axis, keepdim=True)
            gradient.narrow(axis, target, 1).add_(border)
    return gradient[:, edge:-edge, edge:-edge]


class _Doubling:
    """Planes (P, h, w) at twice the size, and what that takes backwards."""

    def __init__(self, taps: list[float], planes: Tensor, learn: bool) -> None:
        self._taps, self._planes = taps, planes
        self._together = max(1, _TOGETHER // planes[0].numel())
        self._tall: list[Tensor] | None = [] if learn else None

    def _parts(self) -> Iterator[slice]:
        for first in range(0, len(self._planes), self._together):
            yield slice(first, first + self._together)

    def forward(self, out: Tensor) -> None:
        """To `out` (P, H, W), which has one row or column less where they are odd."""
        for part in self._parts():
            source = self._planes[part]
            tall = source.new_empty(len(source), out.shape[1], source.shape[2])
            _double(source, self._taps, 1, tall)
            _double(tall, self._taps, 2, out[part])
            if self._tall is not None:
                self._tall.append(tall)

    def backward(self, gradient: Tensor, by_taps: Tensor | None) -> Tensor:
        """The gradient by planes; that by taps is added to `by_taps` (4,)."""
        result = self._planes.new_empty(self._planes.shape)
        for i, part in enumerate(self._parts()):
            source, slope = self._planes[part], gradient[part]
            inner = source.new_empty(len(source), slope.shape[1], source.shape[2])
            _adjoint(slope, self._taps, 2, inner)
            _adjoint(inner, self._taps, 1, result[part])
            if by_taps is not None:
                assert self._tall is not None
                _add_by_taps(self._tall[i], slope, 2, by_taps)
                _add_by_taps(source, inner, 1, by_taps)
        return result


def _long(x: Tensor, axis: int) -> Tensor:
    """With two copies of the first and of the last values at the ends."""
    size = x.shape[axis]
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, size - 1, 1)
    return torch.cat([first, first, x, last, last], dim=axis)


def _double(x: Tensor, taps: list[float], axis: int, out: Tensor) -> None:
    long = _long(x, axis)
    for odd in (0, 1):
        target, order = _phase(out, axis, odd), taps[::-1] if odd else taps
        size = target.shape[axis]
        total = long.narrow(axis, odd, size) * order[0]
        for k in range(1, TAPS):
            total.add_(long.narrow(axis, k + odd, size), alpha=order[k])
        target.copy_(total)


def _adjoint(gradient: Tensor, taps: list[float], axis: int, out: Tensor) -> None:
    size = out.shape[axis]
    shape = list(out.shape)
    shape[axis] += 2 * _EDGE
    total = out.new_zeros(shape)
    for odd in (0, 1):
        slope = _phase(gradient, axis, odd).contiguous()
        order = taps[::-1] if odd else taps
        for k in range(TAPS):
            total.narrow(axis, k + odd, slope.shape[axis]).add_(slope, alpha=order[k])
    out.copy_(total.narrow(axis, _EDGE, size))
    out.narrow(axis, 0, 1).add_(total.narrow(axis, 0, _EDGE).sum(axis, keepdim=True))
    end = total.narrow(axis, _EDGE + size, _EDGE).sum(axis, keepdim=True)
    out.narrow(axis, size - 1, 1).add_(end)


def _add_by_taps(x: Tensor, gradient: Tensor, axis: int, by_taps: Tensor) -> None:
    long = _long(x, axis)
    for odd in (0, 1):
        slope = _phase(gradient, axis, odd)
        for k in range(TAPS):
            number = TAPS - 1 - k if odd else k
            by_taps[number] += torch.sum(slope * long.narrow(axis, k + odd, slope.shape[axis]))


def _phase(x: Tensor, axis: int, odd: int) -> Tensor:
    return x[:, odd::2] if axis == 1 else x[:, :, odd::2]
