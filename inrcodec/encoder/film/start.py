"""What the fit of a film starts from: motion by search, coefficients by coding once, plainly."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inrcodec.encoder.film.motion import doubled, matched
from inrcodec.encoder.film.synthesis import Grids, Planes, Synthesis
from inrcodec.encoder.latent_job import static_bits
from inrcodec.encoder.optimiser import Adam
from inrcodec.encoder.pyramid.synthesis import analysed
from inrcodec.nets.film import Batch, Film

# Updates of the fields before a fit: least and most of them, so many for each of its steps, and
# their rate.
_UPDATES, _MOST_UPDATES, _UPDATES_A_STEP, _RATE = 40, 160, 0.5, 0.6
# Squared error that better motion saves here, of which coefficients would have had to pay: about.
_WORTH = 0.1
# Octaves by which frames of a class have finer steps than the mean: others lean on them.
_LEANING = (-0.35, -0.3, 0.0, 0.1, 0.2, 0.3)
# What a vector that is off by its step changes samples by, in their steps: root mean square.
_MOTION_ERROR = 0.34
# Finest and coarsest step of motion, in samples, and the step of shares where that of the
# coefficients is one.
_MOTION_STEPS, _SHARE_STEP = (1 / 256, 4.0), 1.8
# Bits of motion over those of pictures where both are coded plainly: contexts save less of them,
# and fits can lower them less.
MOTION_WEIGHT = 2.0
# By how much coefficients are drawn towards zero before they are rounded, in steps: few ones are
# worth their bits.
_DEAD = 0.25
# Steps, in octaves, at which the size of plain coding is known.
_OCTAVES = np.arange(-12.0, 1.5, 0.5)
# Frames from one to the next in which this is counted.
_SPARSE = 3
# Shares of a time limit after which motion is no longer searched for, and no longer refined.
_SEARCHING, _REFINING = 0.4, 0.6

# Whether so large a share of the time is over.
Late = Callable[[float], bool]


def never(share: float) -> bool:
    """There is time for everything."""
    return False


class Start:
    """Motion of a film's frames, found in the originals, and what prediction along it leaves."""

    def __init__(self, net: Film, planes: Planes, late: Late = never) -> None:
        """`planes`: all frames in the film's own axes, padded. They are not kept. `late`: how much
        time motion may take; what is not found by then is as it was at a coarser scale, or none."""
        self._late = late
        self.net, self.sharpness = net, sharpness(planes)
        self._synthesis = Synthesis(net, planes[0].device)
        self._fields = [
            searched(planes, batch, net.block, late) if batch.fields else None
            for batch in net.batches
        ]
        self._bits, self._errors = self._plain(planes)

    @torch.no_grad()
    def _plain(self, originals: Planes) -> tuple[np.ndarray, np.ndarray]:
        """Bits and squared error of plain coding at every step of _OCTAVES, about; bits of motion
        count more, for a fit cannot lower them as much."""
        bits, errors = np.zeros(len(_OCTAVES)), np.zeros(len(_OCTAVES))
        for whole, fields in zip(self.net.batches, self._fields, strict=True):
            some = (part[::_SPARSE] for part in (whole.frames, whole.before, whole.after))
            batch = Batch(whole.level, *some)
            planes = frames_of(originals, batch.frames)
            if fields is not None:
                kept = all_doubled(originals, batch.references)
                predicted = self._synthesis.predicted(batch, fields[::_SPARSE], kept)
                planes = [a - b for a, b in zip(planes, predicted, strict=True)]
            share = len(whole.frames) / len(batch.frames)
            grids = analysed(self.net.picture(len(batch.frames)), planes)
            for i, octave in enumerate(_OCTAVES):
                if fields is not None:
                    first = first_steps(self.net, 2.0**octave, self.sharpness)
                    weights = {"steps": first.to(fields.device)}
                    motion = self._synthesis.motion_latents(weights, batch, fields[::_SPARSE])
                    bits[i] += share * MOTION_WEIGHT * plain_bits(motion)
                for grid in grids:
                    steps = grid.reshape(4, grid.shape[1], -1) / 2.0**octave
                    bits[i] += share * static_bits(steps)
                    errors[i] += share * float((steps - steps.round()).square().sum()) * 4.0**octave
        return bits, errors

    def bits(self, step: float) -> float:
        """About the size of all frames at a step."""
        return float(2 ** np.interp(math.log2(step), _OCTAVES, np.log2(self._bits + 1)))

    def error(self, step: float) -> float:
        """About the squared error of all frames at a step."""
        return float(2 ** np.interp(math.log2(step), _OCTAVES, np.log2(self._errors + 1e-12)))

    def latents(
        self, originals: Planes, weights: Mapping[str, Tensor], lagrange: float, steps: int
    ) -> list[Grids]:
        """Latents of every batch, not rounded, each predicted from frames that are, for a fit of so
        many steps; `originals`: the same planes as before."""
        with torch.no_grad():
            weights = {name: tensor.detach() for name, tensor in weights.items()}
        updates = min(_UPDATES + int(_UPDATES_A_STEP * steps), _MOST_UPDATES)
        kept: dict[int, Planes] = {}
        latents = []
        for number, batch in enumerate(self.net.batches):
            planes = frames_of(originals, batch.frames)
            motion: list[Tensor] = []
            predicted = [torch.zeros_like(plane) for plane in planes]
            fields = self._fields[number]
            if fields is not None:
                motion = refined(
                    self._synthesis,
                    originals,
                    batch,
                    fields,
                    weights,
                    lagrange,
                    updates,
                    self._late,
                )
                rounded = [grid.round() for grid in motion]
                with torch.no_grad():
                    found = self._synthesis.fields(weights, batch, rounded)
                    predicted = self._synthesis.predicted(batch, found, kept)
            with torch.no_grad():
                left = [a - b for a, b in zip(planes, predicted, strict=True)]
                picture = self._synthesis.coefficients(weights, batch, left)
                picture = [drawn_in(grid) for grid in picture]
                coded = [grid.round() for grid in picture]
                decoded = self._synthesis.pictures(weights, batch, coded)
                decoded = [a + b for a, b in zip(decoded, predicted, strict=True)]
                self._synthesis.keep(batch, decoded, kept)
            latents.append(Grids(motion, picture))
        return latents


def sharpness(planes: Planes) -> float:
    """Root mean square of how the first plane changes from a sample to the next."""
    luma = planes[0][:, :1]
    squares = [luma.diff(dim=axis).square().mean() for axis in (2, 3)]
    return math.sqrt(float(sum(squares)) / 2)


def first_steps(net: Film, step: float, sharpness: float) -> Tensor:
    """The tensor `steps` for coefficients in steps of about `step`: motion's are such that the
    samples of frames as sharp as this bear them."""
    leaning = torch.tensor([_LEANING[min(i, len(_LEANING) - 1)] for i in range(net.classes)])
    steps = (math.log2(step) + leaning)[:, None].expand(-1, net.levels + 1).reshape(-1)
    finest, coarsest = _MOTION_STEPS
    motion = min(max(_MOTION_ERROR * step / max(sharpness, 1e-9), finest), coarsest)
    return torch.cat([steps, torch.tensor([motion, _SHARE_STEP * step]).log2()]) / 16


def searched(planes: Planes, batch: Batch, block: int, late: Late = never) -> Tensor:
    """Fields of motion of a batch, (n, fields, h, w), by search in the originals."""
    luma = planes[0][:, :1]
    fields = [
        matched(luma[list(batch.frames)], luma[list(refs)], block, partial(late, _SEARCHING))
        for refs in (batch.before, batch.after)
        if refs
    ]
    if batch.fields > 2:
        first, second = fields
        none = torch.zeros_like(first[:, :1])
        fields = [(first - second) / 2, (first + second) / 2, none]
    return torch.cat(fields, dim=1)


def refined(
    synthesis: Synthesis,
    originals: Planes,
    batch: Batch,
    fields: Tensor,
    weights: Mapping[str, Tensor],
    lagrange: float,
    updates: int = _UPDATES,
    late: Late = never,
) -> list[Tensor]:
    """Latents, not rounded, of a batch's motion after a few updates of its fields towards less
    error and fewer bits; with chroma apart, of luma alone, which is as good."""
    grids = synthesis.motion_latents(weights, batch, fields)
    leaves = [grid.clone().requires_grad_() for grid in grids]
    optimiser = Adam(leaves)
    planes = frames_of(originals[:1], batch.frames)
    kept = all_doubled(originals[:1], batch.references)
    for update in range(updates):
        if late(_REFINING):
            break
        optimiser.clear()
        moved = synthesis.predicted(batch, synthesis.fields(weights, batch, leaves), kept)
        error = sum((a - b).square().sum() for a, b in zip(planes, moved, strict=True))
        bits = sum(torch.log2(1 + 2 * leaf.abs()).sum() for leaf in leaves)
        (_WORTH / lagrange * error + bits).backward()  # type: ignore[union-attr]
        optimiser.step(_RATE * (1.05 - update / updates))
    return [leaf.detach() for leaf in leaves]


def drawn_in(grid: Tensor) -> Tensor:
    """Coefficients in steps, nearer to zero."""
    return grid.sign() * (grid.abs() - _DEAD).clamp_min(0)


def plain_bits(grids: Sequence[Tensor]) -> float:
    """About the size of coding grids of latents, (4, bands, rows, columns), by themselves."""
    return sum(static_bits(grid.reshape(*grid.shape[:2], -1)) for grid in grids)


def frames_of(planes: Planes, numbers: Sequence[int]) -> Planes:
    """Planes of some frames."""
    return [plane[list(numbers)] for plane in planes]


def all_doubled(planes: Planes, frames: set[int]) -> dict[int, Planes]:
    """Doubled planes of some frames, by frame."""
    return {f: [doubled(plane[f : f + 1]) for plane in planes] for f in frames}


def padded(planes: Planes, net: Film) -> Planes:
    """Planes with their last rows and columns repeated up to the sides that are coded."""
    height, width = net.padded
    sides = [(height, width), (height // 2, width // 2)]
    return [
        functional.pad(
            plane, (0, columns - plane.shape[3], 0, rows - plane.shape[2]), mode="replicate"
        )
        for plane, (rows, columns) in zip(planes, sides, strict=False)
    ]
