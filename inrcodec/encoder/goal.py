"""Bringing rounded latents to a budget or a quality at the end of a fit, one by one."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from inrcodec.encoder.latent_fit import LatentFit
from inrcodec.errors import RateError

# Shares of a budget: what a fit aims at, and what is full enough.
AIM, _LEAST_FILL = 0.996, 0.99
_ROUNDS = 10
_BITS_OF_ONE = 7.0
# Files with less of the budget than this at the finest step have used what they can.
_WORTH_FILLING = 0.9
# How far above its budget a size may be for zeros alone to mend it.
_REACH = 1.1
# The rate falls with about this power of lambda.
ELASTICITY = 0.6
TOLERANCE_DB = 0.2
_DAMPING = 0.7


def meet_budget(
    fitted: LatentFit,
    size_of: Callable[[], int],
    budget: int,
    stop: Callable[[], bool],
    what: str = "the file",
) -> None:
    """Change ones and zeros until the file is between 99 % of the budget and all of it.

    `size_of` codes the file, or the part of one that `what` names in an error. Raises RateError if
    not even zeros fit.
    """
    size, bits_of_one = _approach(fitted, size_of, budget, stop), _BITS_OF_ONE
    most = fitted.latents.numel()
    for _ in range(_ROUNDS):
        full = size < _WORTH_FILLING * budget and fitted.finest
        if _LEAST_FILL * budget <= size <= budget or full:
            return
        bits = 8 * (size - AIM * budget)
        count = min(max(1, round(abs(bits) / bits_of_one)), most)
        kept = fitted.latents.detach().clone()
        changed = _drop(fitted, count) if bits > 0 else _add(fitted, count)
        if not changed:
            break
        before, size = size, size_of()
        # A one among large neighbours costs hardly more than a zero there, others cost much more.
        bits_of_one = max(8 * abs(before - size) / changed, 0.5)
        if bits > 0 and size > before:  # here zeros cost more than ones
            fitted.latents.data.copy_(kept)
            if not _coarsen(fitted, (before / (AIM * budget)) ** (1 / ELASTICITY)):
                break
            fitted.refit_contexts()
            size, bits_of_one = size_of(), _BITS_OF_ONE
            continue
        too_few = bits > 0 and changed > 1 and size < _LEAST_FILL * budget
        if too_few or (bits < 0 and size > budget):
            # Not ones for zeros that were ones before: fewer of the same.
            fitted.latents.data.copy_(kept)
            size = before
            if changed == 1:
                return
    if size > budget:
        _empty(fitted, size_of, size, budget, bits_of_one, what)


def _empty(
    fitted: LatentFit,
    size_of: Callable[[], int],
    size: int,
    budget: int,
    bits_of_one: float,
    what: str,
) -> None:
    """Zeros, then coarser steps, whatever they cost in quality, until the budget is met. Raises
    RateError if not even zeros fit."""
    while size > budget:
        if not _drop(fitted, math.ceil(8 * (size - budget) / bits_of_one)):
            empty = not fitted.latents.detach().round().any()
            if not _coarsen(fitted, 2.0):  # a film's motion has steps of its own
                fitted.latents.detach().mul_(0.5)
            fitted.refit_contexts()
            if empty and (size := size_of()) > budget:
                raise RateError(
                    f"{what} takes at least {size} bytes, the budget for it is {budget}"
                )
        size = size_of()


def _approach(
    fitted: LatentFit, size_of: Callable[[], int], budget: int, stop: Callable[[], bool]
) -> int:
    """Coarser steps until ones and zeros can do the rest, as after a short fit; the size.

    Never finer ones: where latents gather just below a half, a little means three times the
    size.
    """
    for _ in range(4 * _ROUNDS):
        excess = (size := size_of()) / (AIM * budget)
        if excess <= _REACH or stop():
            break
        if not _coarsen(fitted, excess ** (1 / ELASTICITY)):
            break
        fitted.refit_contexts()  # under those of before, zeros cost too much
    return size


def meet_quality(fitted: LatentFit, excess_db: Callable[[], float]) -> None:
    """Change ones and zeros until the quality is at most 0.2 dB above the target.

    `excess_db` decodes the file: dB above the target. How many to change follows from what the
    last ones brought; never many at once, for the next bring more, and zeros do not come back.
    """
    excess, by_one = excess_db(), 0.0
    for _ in range(2 * _ROUNDS):
        if 0 <= excess <= TOLERANCE_DB:
            return
        most = max(1, len(_ones(fitted.latents)) // 20)
        away = _DAMPING * abs(excess - TOLERANCE_DB / 2)
        count = round(away / by_one) if by_one > 0 else most // 2
        count = min(max(1, count), most)
        kept = fitted.latents.detach().clone()
        changed = _drop(fitted, count) if excess > 0 else _add(fitted, count)
        if not changed:
            return
        before, excess = excess, excess_db()
        if excess <= before < 0:  # ones that bring nothing: more of them would not either
            fitted.latents.data.copy_(kept)
            return
        by_one = abs(before - excess) / changed


@torch.no_grad()
def _drop(fitted: LatentFit, count: int) -> int:
    """Make zeros of the `count` ones that are wanted the smallest, or what the fit has in their
    place; how many there were."""
    saved = fitted.saved(count)
    if saved is not None:
        return saved
    flat, wanted = fitted.latents.view(-1), fitted.wanted().reshape(-1)
    ones = _ones(flat)
    order = wanted[ones].abs().argsort()[:count]
    flat[ones[order]] = 0
    return len(order)


@torch.no_grad()
def _add(fitted: LatentFit, count: int) -> int:
    """Make ones of the `count` zeros that are wanted the largest; how many there were."""
    flat, wanted = fitted.latents.view(-1), fitted.wanted().reshape(-1)
    zeros = (flat.round() == 0).nonzero()[:, 0]
    order = wanted[zeros].abs().argsort(descending=True)[:count]
    chosen = zeros[order]
    flat[chosen] = wanted[chosen].sign() * 0.51
    return len(order)


@torch.no_grad()
def _coarsen(fitted: LatentFit, factor: float) -> bool:
    """Coarser steps; whether they changed any latent."""
    before = fitted.latents.round()
    fitted.follow(factor)
    return not torch.equal(before, fitted.latents.round())


def _ones(latents: Tensor) -> Tensor:
    """Places of latents that round to 1 or -1, in the flat tensor."""
    return (latents.detach().view(-1).round().abs() == 1).nonzero()[:, 0]
