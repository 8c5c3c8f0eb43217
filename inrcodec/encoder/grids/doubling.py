"""Planes at twice the size as in nets/grids.py, with gradients, plane by plane so that each
stays in cache: the general form, under autograd, takes three times as long."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from inrcodec.nets.grids import TAPS

_EDGE = TAPS // 2


def doubled(planes: Tensor, taps: Tensor) -> Tensor:
    """(P, h, w) to (P, 2 h, 2 w)."""
    larger: Tensor = _Doubled.apply(planes, taps)
    return larger


class _Doubled(Function):
    @staticmethod
    def forward(ctx: Any, planes: Tensor, taps: Tensor) -> Tensor:
        count, rows, columns = planes.shape
        tall = planes.new_empty(count, 2 * rows, columns)
        larger = planes.new_empty(count, 2 * rows, 2 * columns)
        factors = taps.tolist()
        for source, middle, target in zip(planes, tall, larger, strict=True):
            _double(source, factors, 0, middle)
            _double(middle, factors, 1, target)
        ctx.save_for_backward(planes, tall, taps)
        return larger

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        planes, tall, taps = ctx.saved_tensors
        factors = taps.tolist()
        by_planes, by_taps = torch.empty_like(planes), torch.zeros_like(taps)
        for source, middle, slope, target in zip(planes, tall, gradient, by_planes, strict=True):
            inner = torch.empty_like(middle)
            _adjoint(middle, slope, factors, 1, inner, by_taps)
            _adjoint(source, inner, factors, 0, target, by_taps)
        return by_planes, by_taps


def _long(x: Tensor, axis: int) -> Tensor:
    """With two copies of the first and of the last values at the ends."""
    size = x.shape[axis]
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, size - 1, 1)
    return torch.cat([first, first, x, last, last], dim=axis)


def _double(x: Tensor, taps: list[float], axis: int, out: Tensor) -> None:
    size, long = x.shape[axis], _long(x, axis)
    for odd in (0, 1):
        order = taps[::-1] if odd else taps
        total = long.narrow(axis, odd, size) * order[0]
        for k in range(1, TAPS):
            total.add_(long.narrow(axis, k + odd, size), alpha=order[k])
        _phase(out, axis, odd).copy_(total)


def _adjoint(
    x: Tensor, gradient: Tensor, taps: list[float], axis: int, out: Tensor, by_taps: Tensor
) -> None:
    size, long = x.shape[axis], _long(x, axis)
    total = torch.zeros_like(long)
    for odd in (0, 1):
        slope = _phase(gradient, axis, odd).contiguous()
        for k in range(TAPS):
            number = TAPS - 1 - k if odd else k
            total.narrow(axis, k + odd, size).add_(slope, alpha=taps[number])
            by_taps[number] += torch.sum(slope * long.narrow(axis, k + odd, size))
    out.copy_(total.narrow(axis, _EDGE, size))
    out.narrow(axis, 0, 1).add_(total.narrow(axis, 0, _EDGE).sum(axis, keepdim=True))
    end = total.narrow(axis, _EDGE + size, _EDGE).sum(axis, keepdim=True)
    out.narrow(axis, size - 1, 1).add_(end)


def _phase(x: Tensor, axis: int, odd: int) -> Tensor:
    return x[odd::2] if axis == 0 else x[:, odd::2]
