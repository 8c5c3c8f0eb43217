"""What the fit of a film starts from: motion by search, coefficients by coding once, plainly."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inrcodec.encoder.film.motion import doubled, matched
from inrcodec.encoder.film.synthesis import Grids, Planes, Synthesis, analysed
from inrcodec.encoder.latent_job import static_bits
from inrcodec.encoder.optimiser import Adam
from inrcodec.nets.film import Batch, Film

# The search's own share of the work: updates of the fields before the fit, and their rate.
_UPDATES, _RATE = 40, 0.3
# Squared error that better motion saves here, of which coefficients would have had to pay: about.
_WORTH = 0.05
# By how much coefficients are drawn towards zero before they are rounded, in steps: few ones are
# worth their bits.
_DEAD = 0.25
# Steps, in octaves, at which the size of plain coding is known.
_OCTAVES = np.arange(-12.0, 1.5, 0.5)
# Frames from one to the next in which this is counted.
_SPARSE = 3


class Start:
    """Motion of a film's frames, found in the originals, and what prediction along it leaves."""

    def __init__(self, net: Film, planes: Planes) -> None:
        """`planes`: all frames in the film's own axes, padded. They are not kept."""
        self.net = net
        self._synthesis = Synthesis(net, planes[0].device)
        self._fields = self._matched(planes[0][:, :1])
        self._bits, self._errors = self._plain(planes)

    def _matched(self, luma: Tensor) -> list[Tensor | None]:
        found: list[Tensor | None] = []
        for batch in self.net.batches:
            if not batch.fields:
                found.append(None)
                continue
            sides = [refs for refs in (batch.before, batch.after) if refs]
            fields = [
                matched(luma[list(batch.frames)], luma[list(refs)], self.net.block)
                for refs in sides
            ]
            if batch.fields > 2:
                first, second = fields
                none = torch.zeros_like(first[:, :1])
                fields = [(first - second) / 2, (first + second) / 2, none]
            found.append(torch.cat(fields, dim=1))
        return found

    @torch.no_grad()
    def _plain(self, originals: Planes) -> tuple[np.ndarray, np.ndarray]:
        """Bits and squared error of plain coding at every step of _OCTAVES, about."""
        bits, errors = np.zeros(len(_OCTAVES)), np.zeros(len(_OCTAVES))
        for whole, fields in zip(self.net.batches, self._fields, strict=True):
            some = (part[::_SPARSE] for part in (whole.frames, whole.before, whole.after))
            batch = Batch(whole.level, *some)
            planes = frames_of(originals, batch.frames)
            if fields is not None:
                kept = _doubled(originals, batch.references)
                predicted = self._synthesis.predicted(batch, fields[::_SPARSE], kept)
                planes = [a - b for a, b in zip(planes, predicted, strict=True)]
            share = len(whole.frames) / len(batch.frames)
            grids = analysed(self.net.picture(len(batch.frames)), planes)
            for i, octave in enumerate(_OCTAVES):
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
        self, originals: Planes, weights: Mapping[str, Tensor], lagrange: float
    ) -> list[Grids]:
        """Latents of every batch, not rounded, each predicted from frames that are; `originals`:
        the same planes as before."""
        with torch.no_grad():
            weights = {name: tensor.detach() for name, tensor in weights.items()}
        kept: dict[int, Planes] = {}
        latents = []
        for number, batch in enumerate(self.net.batches):
            planes = frames_of(originals, batch.frames)
            motion: list[Tensor] = []
            predicted = [torch.zeros_like(plane) for plane in planes]
            if batch.fields:
                motion = self._refined(originals, number, weights, lagrange)
                rounded = [grid.round() for grid in motion]
                with torch.no_grad():
                    fields = self._synthesis.fields(weights, batch, rounded)
                    predicted = self._synthesis.predicted(batch, fields, kept)
            with torch.no_grad():
                left = [a - b for a, b in zip(planes, predicted, strict=True)]
                picture = self._synthesis.coefficients(weights, batch, left)
                picture = [g.sign() * (g.abs() - _DEAD).clamp_min(0) for g in picture]
                coded = [grid.round() for grid in picture]
                found = self._synthesis.pictures(weights, batch, coded)
                found = [a + b for a, b in zip(found, predicted, strict=True)]
                self._synthesis.keep(batch, found, kept)
            latents.append(Grids(motion, picture))
        return latents

    def _refined(
        self, originals: Planes, number: int, weights: Mapping[str, Tensor], lagrange: float
    ) -> list[Tensor]:
        """Latents of a batch's motion after a few updates towards less error and fewer bits; with
        chroma apart, of luma alone, which is as good."""
        batch, fields = self.net.batches[number], self._fields[number]
        assert fields is not None
        grids = self._synthesis.motion_latents(weights, batch, fields)
        leaves = [grid.clone().requires_grad_() for grid in grids]
        optimiser = Adam(leaves)
        planes = frames_of(originals[:1], batch.frames)
        kept = _doubled(originals[:1], batch.references)
        for update in range(_UPDATES):
            optimiser.clear()
            moved = self._synthesis.predicted(
                batch, self._synthesis.fields(weights, batch, leaves), kept
            )
            error = sum((a - b).square().sum() for a, b in zip(planes, moved, strict=True))
            bits = sum(torch.log2(1 + 2 * leaf.abs()).sum() for leaf in leaves)
            (_WORTH / lagrange * error + bits).backward()  # type: ignore[union-attr]
            optimiser.step(_RATE * (1.05 - update / _UPDATES))
        return [leaf.detach() for leaf in leaves]


def frames_of(planes: Planes, numbers: Sequence[int]) -> Planes:
    """Planes of some frames."""
    return [plane[list(numbers)] for plane in planes]


def _doubled(planes: Planes, frames: set[int]) -> dict[int, Planes]:
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
