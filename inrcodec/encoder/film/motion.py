"""nets/motion.py with gradients, and the search for motion that a fit starts from."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from inrcodec.nets.motion import HALF_WAY

_REACH = len(HALF_WAY)
# Samples that a vector can be off at the coarsest scale, then at the finer ones.
_FIRST_REACH, _REACH_AFTER = 4, 2
# What a correction of one sample costs, in mean absolute difference: flat places keep still.
_PENALTY = 0.006


def doubled(planes: Tensor) -> Tensor:
    """Planes (n, C, h, w) with samples half-way after each: (n, C, 2 h, 2 w)."""
    n, channels, rows, columns = planes.shape
    taps = [*reversed(HALF_WAY), *HALF_WAY]
    kernel = torch.tensor(taps, device=planes.device)
    flat = planes.reshape(n * channels, 1, rows, columns)
    padded = functional.pad(flat, (_REACH - 1, _REACH, 0, 0), mode="replicate")
    across = functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    flat = torch.stack([flat, across], dim=-1).view(n * channels, 1, rows, 2 * columns)
    padded = functional.pad(flat, (0, 0, _REACH - 1, _REACH), mode="replicate")
    down = functional.conv2d(padded, kernel.view(1, 1, -1, 1))
    return torch.stack([flat, down], dim=-2).view(n, channels, 2 * rows, 2 * columns)


def moved(double: Tensor, motion: Tensor) -> Tensor:
    """Samples of doubled planes (n, C, 2 h, 2 w) at places moved by `motion` (n, 2, h, w), rows
    and columns in samples: (n, C, h, w)."""
    rows, columns = motion.shape[2:]
    down = torch.arange(rows, device=motion.device)[:, None] + motion[:, 0]
    across = torch.arange(columns, device=motion.device) + motion[:, 1]
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
def matched(current: Tensor, reference: Tensor, block: int, reach: int = 16) -> Tensor:
    """Fields of motion (n, 2, h / block, w / block) from planes (n, 1, h, w) to references of the
    same shape, from coarse to fine, up to about `reach` times 8 samples.

    Around every vector small corrections are tried, at the finest scale down to a quarter of a
    sample, and the one with the least absolute differences in its block and around it is kept; a
    median over neighbours removes strays.
    """
    n, _, rows, columns = current.shape
    shape = (-(-rows // block), -(-columns // block))
    fields = current.new_zeros(n, 2, *shape)
    scale = 1
    while 2 * scale <= reach and min(rows, columns) >= 16 * scale:
        scale *= 2
    first = True
    while scale >= 1:
        planes = [functional.avg_pool2d(x, scale) if scale > 1 else x for x in (current, reference)]
        double = doubled(planes[1])
        for unit in (1.0,) if scale > 1 else (1.0, 0.5, 0.25):
            reached = (_FIRST_REACH if first else _REACH_AFTER) if unit == 1.0 else 1
            fields = _corrected(planes[0], double, fields, scale, unit, reached)
        first = False
        scale //= 2
    return fields


def _corrected(
    current: Tensor, double: Tensor, fields: Tensor, scale: int, unit: float, reach: int
) -> Tensor:
    """Fields after the best of the corrections of up to `reach` units of the scale's samples."""
    rows, columns = current.shape[2:]
    shape = (fields.shape[2], fields.shape[3])
    dense = functional.interpolate(fields / scale, size=(rows, columns), mode="bilinear")
    best = correction = None
    for shift in _shifts(reach):
        offset = current.new_tensor(shift).view(1, 2, 1, 1) * unit
        difference = (moved(double, dense + offset) - current).abs()
        cost = functional.interpolate(difference, size=shape, mode="area")
        around = functional.avg_pool2d(cost, 3, 1, 1, count_include_pad=False)
        cost = cost + 2 * around + _PENALTY * unit * math.hypot(*shift)
        if best is None or correction is None:
            best, correction = cost, offset.expand_as(fields)
            continue
        better = cost < best
        best = torch.where(better, cost, best)
        correction = torch.where(better, offset, correction)
    assert correction is not None
    return _median(fields + correction * scale)


def _shifts(reach: int) -> Iterator[tuple[float, float]]:
    span = range(-reach, reach + 1)
    yield from sorted(
        ((float(y), float(x)) for y in span for x in span), key=lambda s: math.hypot(*s)
    )


def _median(fields: Tensor) -> Tensor:
    """Medians over 3x3 neighbours."""
    padded = functional.pad(fields, (1, 1, 1, 1), mode="replicate")
    windows = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2)
    return windows.median(dim=-1).values
