"""The picture of latent grids, with gradients, in stripes that stay in cache."""

from collections.abc import Callable, Mapping, Sequence

import array_api_compat.torch as xp
import torch
from torch import Tensor

from inrcodec.encoder.grids.doubling import doubled
from inrcodec.nets.grids import CONVOLUTIONS, Grids, by_level, synthesised

# Of channels from a first to a last row: a sum, and its gradient by them.
Loss = Callable[[Tensor, int, int], tuple[float, Tensor]]
Weights = Mapping[str, Tensor]
_STRIPE_SAMPLES = 16384
_STRIDE = 3  # how far apart in order stripes are one after another


def stacked(net: Grids, weights: Weights, planes: Sequence[Tensor]) -> Tensor:
    """Dequantised planes at the finest size, with borders: (P, h + 4, w + 4)."""
    stack: Tensor | None = None
    for i, own in enumerate(by_level(net, planes)):
        joining = [plane[None] for plane in own]
        if stack is not None:
            rows, columns = own[0].shape
            larger = doubled(stack, weights["taps"][i - 1])
            joining.insert(0, larger[:, :rows, :columns])
        stack = torch.cat(joining)
    assert stack is not None
    return torch.nn.functional.pad(stack[None], (CONVOLUTIONS,) * 4, mode="replicate")[0]


def backward(
    weights: Weights, stack: Tensor, loss: Loss, learn: Callable[[], Weights] | None = None
) -> tuple[float, Tensor]:
    """Sum of `loss` over stripes of channels, and its gradient by the stack; gradients by weights
    are accumulated in them. `learn`, called eight times, gives weights to go on with."""
    gradient, total, seen = torch.zeros_like(stack), 0.0, 0
    for first, last in stripes(stack):
        rows = slice(first, last + 2 * CONVOLUTIONS)
        part = stack[:, rows].detach().requires_grad_()
        channels = synthesised(xp, weights, part)
        value, slope = loss(channels.detach(), first, last)
        channels.backward(slope)
        assert part.grad is not None
        gradient[:, rows] += part.grad
        total, seen = total + value, seen + last - first
        if learn is not None and 8 * seen >= stack.shape[1] - 2 * CONVOLUTIONS:
            weights, seen = learn(), 0
    if learn is not None and seen:
        learn()
    return total, gradient


@torch.no_grad()
def forward(weights: Weights, stack: Tensor) -> Tensor:
    """Channels (C, h, w) without gradients."""
    parts = [
        synthesised(xp, weights, stack[:, first : last + 2 * CONVOLUTIONS])
        for first, last in sorted(stripes(stack))
    ]
    return torch.cat(parts, dim=1)


def stripes(stack: Tensor) -> list[tuple[int, int]]:
    """First and last row of every stripe, distant ones after one another."""
    rows, columns = (n - 2 * CONVOLUTIONS for n in stack.shape[1:])
    height = max(1, _STRIPE_SAMPLES // columns)
    pairs = [(first, min(first + height, rows)) for first in range(0, rows, height)]
    return [pair for start in range(_STRIDE) for pair in pairs[start::_STRIDE]]
