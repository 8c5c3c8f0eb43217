"""nets/motion.py with gradients, and the search for motion that a fit starts from."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from inrcodec.nets.motion import HALF_WAY

_REACH = len(HALF_WAY)
# Scales of the search, and samples that a vector can be off at the first and at the others.
_COARSEST = 16
_FIRST_REACH, _REACH_AFTER = 8, 1
# Corrections at the finest scale, in samples.
_UNITS = (1.0, 0.5, 0.25)
# Weight of a block's surroundings; what an octave of being unlike its neighbours costs a vector,
# in mean absolute difference.
_AROUND, _UNLIKE = 1.0, 0.002


def doubled(planes: Tensor) -> Tensor:
    """Planes (n, C, h, w) with samples half-way after each: (n, C, 2 h, 2 w)."""
    for axis in (3, 2):
        planes = torch.stack([planes, _HalfWay.apply(planes, axis)], dim=axis + 1)
        planes = planes.flatten(axis, axis + 1)
    return planes


class _HalfWay(Function):
    """Samples half-way after each along an axis. Convolutions of the library take twice as long,
    and their gradients five times."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, axis: int) -> Tensor:
        ctx.axis, size = axis, planes.shape[axis]
        first, last = planes.narrow(axis, 0, 1), planes.narrow(axis, size - 1, 1)
        padded = torch.cat([*[first] * (_REACH - 1), planes, *[last] * _REACH], dim=axis)
        total = torch.zeros_like(planes)
        for place, tap in _taps():
            total.add_(padded.narrow(axis, place, size), alpha=tap)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        axis, size = ctx.axis, gradient.shape[ctx.axis]
        shape = list(gradient.shape)
        shape[axis] += 2 * _REACH - 1
        padded = gradient.new_zeros(shape)
        for place, tap in _taps():
            padded.narrow(axis, place, size).add_(gradient, alpha=tap)
        total = padded.narrow(axis, _REACH - 1, size).clone()
        before, after = (
            padded.narrow(axis, 0, _REACH - 1),
            padded.narrow(axis, size + _REACH - 1, _REACH),
        )
        total.narrow(axis, 0, 1).add_(before.sum(axis, keepdim=True))
        total.narrow(axis, size - 1, 1).add_(after.sum(axis, keepdim=True))
        return total, None


def _taps() -> Iterator[tuple[int, float]]:
    """Places among the samples of the filter, and their weights."""
    return enumerate((*reversed(HALF_WAY), *HALF_WAY))


def moved(double: Tensor, motion: Tensor) -> Tensor:
    """Samples of doubled planes (n, C, 2 h, 2 w) at places moved by `motion` (n, 2, h, w), rows
    and columns in samples: (n, C, h, w)."""
    rows, columns = motion.shape[2:]
    down, across = motion.unbind(1)
    down = torch.arange(rows, device=motion.device)[:, None] + down
    across = torch.arange(columns, device=motion.device) + across
    # grid_sample counts from -1 to 1, last index included.
    places = [
        across * (4 / (2 * columns - 1)) - 1,
        down * (4 / (2 * rows - 1)) - 1,
    ]
    return functional.grid_sample(
        double,
        torch.stack(places, dim=-1),
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )


@torch.no_grad()
def matched(
    current: Tensor, reference: Tensor, block: int, stop: Callable[[], bool] = lambda: False
) -> Tensor:
    """Fields of motion (n, 2, h / block, w / block) from planes (n, 1, h, w) to references of the
    same shape, from coarse to fine, of up to about 140 samples.

    Around every vector small corrections are tried, at the finest scale down to a quarter of a
    sample, then the vectors of its neighbours. That with the least absolute differences in its
    block and around it is kept, where being unlike its neighbours costs as much as some of them.
    `stop` is asked before every scale: what was found by then is as good as it gets.
    """
    rows, columns = current.shape[2:]
    shape = (-(-rows // block), -(-columns // block))
    fields = current.new_zeros(len(current), 2, *shape)
    coarsest = min(_COARSEST, max(1, min(rows, columns) // 16))
    scale = 2 ** (coarsest.bit_length() - 1)
    reach = _FIRST_REACH
    while scale >= 1 and not stop():
        planes = [functional.avg_pool2d(x, scale) if scale > 1 else x for x in (current, reference)]
        costs = _Costs(planes[0], doubled(planes[1]), scale)
        for unit in (1.0,) if scale > 1 else _UNITS:
            offsets = [current.new_tensor(shift) * unit * scale for shift in _shifts(reach)]
            tried = (fields + offset.view(1, 2, 1, 1) for offset in offsets)
            fields = _best(costs, fields, tried)
            reach = 1
        fields = _best(costs, fields, _neighbours(fields))
        reach = _REACH_AFTER
        scale //= 2
    return fields


class _Costs:
    """What vectors cost at one scale."""

    def __init__(self, current: Tensor, double: Tensor, scale: int) -> None:
        self._current, self._double, self._scale = current, double, scale

    def __call__(self, fields: Tensor, expected: Tensor) -> Tensor:
        """Of every vector, where `expected` ones cost nothing by themselves: (n, 1, h, w)."""
        dense = functional.interpolate(
            fields / self._scale, size=self._current.shape[2:], mode="bilinear"
        )
        difference = (moved(self._double, dense) - self._current).abs()
        own = functional.interpolate(difference, size=fields.shape[2:], mode="area")
        around = functional.avg_pool2d(own, 3, 1, 1, count_include_pad=False)
        unlike = (fields - expected).norm(dim=1, keepdim=True)
        return (own + _AROUND * around) / (1 + _AROUND) + _UNLIKE * torch.log2(1 + unlike)


def _best(costs: _Costs, fields: Tensor, tried: Iterable[Tensor]) -> Tensor:
    """Of the fields and the tried ones, at every place the vector that costs least."""
    expected = _median(fields)
    least = costs(fields, expected)
    for other in tried:
        cost = costs(other, expected)
        fields = torch.where(cost < least, other, fields)
        least = torch.minimum(cost, least)
    return fields


def _neighbours(fields: Tensor) -> Iterator[Tensor]:
    """Every vector's median, its neighbours' vectors, and none."""
    yield _median(fields)
    padded = functional.pad(fields, (1, 1, 1, 1), mode="replicate")
    rows, columns = fields.shape[2:]
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        yield padded[:, :, y : y + rows, x : x + columns]
    yield torch.zeros_like(fields)


def _shifts(reach: int) -> Iterator[tuple[float, float]]:
    span = range(-reach, reach + 1)
    yield from ((float(y), float(x)) for y in span for x in span if y or x)


def _median(fields: Tensor) -> Tensor:
    """Medians over 3x3 neighbours."""
    padded = functional.pad(fields, (1, 1, 1, 1), mode="replicate")
    windows = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2)
    return windows.median(dim=-1).values
