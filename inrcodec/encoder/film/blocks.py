"""How far apart the vectors of a film's motion are: tried on a few of its frames."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from inrcodec.encoder.film.fit import FilmFit
from inrcodec.encoder.film.start import (
    MOTION_WEIGHT,
    Late,
    all_doubled,
    drawn_in,
    first_steps,
    frames_of,
    never,
    plain_bits,
    refined,
    searched,
    sharpness,
)
from inrcodec.encoder.film.synthesis import Planes, Synthesis
from inrcodec.nets.film import Batch, Film

_BLOCKS = (8, 16, 32, 64)
_LEAST_VECTORS = 4  # along the shorter side, where there is a choice
# What a finer block may cost of a coarser one's (trials predict from frames as they were, which
# flatters fine motion), and a coarser one of a finer one's: of two as good, fits make more of the
# finer.
_FINER, _COARSER = 0.8, 0.95


def best_block(first: int, side: int, cost: Callable[[int], float]) -> int:
    """Samples from one vector to the next, of those near `first` that cost least, for frames whose
    shorter side this is."""
    known = cache(cost)
    allowed = [block for block in _BLOCKS if block * _LEAST_VECTORS <= side]
    best = first
    while 2 * best in allowed and known(2 * best) < _COARSER * known(best):
        best *= 2
    while best // 2 in allowed and known(best // 2) < _FINER * known(best):
        best //= 2
    return best


@torch.no_grad()
def trial_cost(net: Film, planes: Planes, step: float, late: Late = never) -> float:
    """Bits of predicted frames coded plainly at a step, and what their error is worth in bits,
    about: of one frame of each batch, in place of all. `planes`: as for a fit of the film."""
    maker = Synthesis(net, planes[0].device)
    weights = {"steps": first_steps(net, step, sharpness(planes)).to(planes[0].device)}
    return sum(
        len(batch.frames) * _frame_cost(maker, planes, _middle(batch), weights, step, late)
        for batch in net.batches
        if batch.fields
    )


def _middle(batch: Batch) -> Batch:
    """The frame in the middle of a batch."""
    one = slice(len(batch.frames) // 2, len(batch.frames) // 2 + 1)
    return Batch(batch.level, batch.frames[one], batch.before[one], batch.after[one])


def _frame_cost(
    maker: Synthesis,
    planes: Planes,
    batch: Batch,
    weights: dict[str, Tensor],
    step: float,
    late: Late,
) -> float:
    fields = searched(planes, batch, maker.net.block, late)
    with torch.enable_grad():
        lagrange = FilmFit.ratio * step**2
        latents = refined(maker, planes, batch, fields, weights, lagrange, late=late)
    motion = [grid.round() for grid in latents]
    kept = all_doubled(planes, batch.references)
    predicted = maker.predicted(batch, maker.fields(weights, batch, motion), kept)
    left = [a - b for a, b in zip(frames_of(planes, batch.frames), predicted, strict=True)]
    wanted = maker.coefficients(weights, batch, left)
    coded = [drawn_in(grid).round() for grid in wanted]
    error = sum(float((a - b).square().sum()) for a, b in zip(wanted, coded, strict=True))
    return MOTION_WEIGHT * plain_bits(motion) + plain_bits(coded) + error / FilmFit.ratio
