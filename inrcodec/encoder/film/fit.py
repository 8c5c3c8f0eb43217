"""The fit of a film: the latents of all frames together, through every prediction.

An error of a frame counts in all frames that are predicted from it, and so does a bit spent on it:
gradients say what closed encoders have to guess at (x264 calls it macroblock tree).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from inrcodec.decoder.film_latents import Integers
from inrcodec.encoder.film.context import FilmContexts
from inrcodec.encoder.film.start import Start, first_steps, frames_of
from inrcodec.encoder.film.synthesis import Grids, Planes, Synthesis
from inrcodec.encoder.latent_fit import LatentFit, Weights
from inrcodec.encoder.rate import Grid
from inrcodec.nets.film import Film, steps_of
from inrcodec.nets.pyramid import Grid as LatentGrid

_STEP_RATE = 0.001
# One step in octaves of the stored steps, and of the stored colours.
_FINE, _FINE_COLOURS = 2.0**-10, 2.0**-12
# Zeros in the place of vectors spoil whole blocks, and a one more or less in a frame spoils all
# that were fitted to what is predicted from it: ones there are wanted so many times as much as they
# are large, zeros so many times less.
_VECTOR_WORTH = _OTHERS_LEAN = 64.0
# Octaves by which steps of pictures can rise before those of motion do.
_LAG = 0.5
_NOT_CONTEXTS = ("colours", "steps")


class FilmFit(LatentFit):
    """One fit of a film to its frames: `planes`, in the film's own axes, padded."""

    ratio = 0.25
    closing = 0.5  # what changes afterwards spoils all that leans on it

    def __init__(
        self,
        planes: Planes,
        start: Start,
        colours: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        steps: int,
    ) -> None:
        """For about so many steps: the motion before them takes a share of their time."""
        net, device = start.net, planes[0].device
        self.net, self._planes = net, planes
        self._context_model, self._synthesis = FilmContexts(net, device), Synthesis(net, device)
        self._masks = [mask.to(device) for mask in _masks(net)]
        generator = torch.Generator().manual_seed(seed % 2**63)
        weights = _first_weights(start, colours, step, generator, device)
        latents = start.latents(planes, weights, self.ratio * step**2, steps)
        self._grids = [_grids(net, number) for number in range(len(net.batches))]
        self.weights = weights
        self._motion_octaves = math.log2(self.step) + _LAG
        self._sizes = [math.prod(s) for kinds in self._grids for kind in kinds for s in kind]
        super().__init__(
            latents=torch.cat([grid.reshape(-1) for each in latents for grid in each.all()]),
            weights=weights,
            contexts=[name for name in weights if name not in _NOT_CONTEXTS],
            rates={"steps": _STEP_RATE},
            least_step=least_step,
            samples=sum(_count(net, i) for i in range(len(self._planes))),
            generator=generator,
        )

    # --- steps and contexts ---

    @property
    def step(self) -> float:
        """The geometric mean of the steps of all classes in use."""
        steps = steps_of(self.net, self.weights["steps"].detach())[0]
        return 2 ** float(steps[sorted({batch.level for batch in self.net.batches})].mean())

    def _multiply_steps(self, octaves: float) -> None:
        self.weights["steps"][:-2] += octaves / 16
        if self.grids is not None:  # the grid lies closely around the steps: it goes with them
            self._round_to(self.grids, steps=_fine(self.arrays()["steps"], _FINE))
        elif (more := math.log2(self.step) - self._motion_octaves) > 0:
            self._coarsen_motion(more)

    def _multiply_latents(self, factor: float) -> None:
        """Those of pictures: motion that is rounded anew moves every frame after it."""
        for grids in self._parts(self.latents):
            for grid in grids.picture:
                grid *= factor

    def _coarsen_motion(self, octaves: float) -> None:
        """Multiply motion's steps, where those of pictures have become much coarser than planned:
        else hardly a bit would be left for pictures at low rates."""
        self.weights["steps"][-2:] += octaves / 16
        self._motion_octaves += octaves
        for grids in self._parts(self.latents):
            for grid in grids.motion:
                grid *= 2**-octaves

    def _log_scales(self, weights: Weights, values: Tensor) -> Tensor:
        return self._context_model.log_scales(weights, self._parts(values))

    def _parts(self, flat: Tensor) -> list[Grids]:
        """Latents, or what belongs to each, by batch and grid."""
        pieces = iter(flat.split(self._sizes))
        return [
            Grids([next(pieces).view(s) for s in motion], [next(pieces).view(s) for s in picture])
            for motion, picture in self._grids
        ]

    # --- the error ---

    def _error(self, weights: Weights, values: Tensor) -> Tensor:
        return torch.stack(self._errors(weights, values)).sum()

    def _errors(self, weights: Weights, values: Tensor) -> list[Tensor]:
        """Squared error of each plane."""
        totals = [torch.zeros((), device=self.device) for _ in self._planes]
        for batch, planes in self._synthesis.batches(weights, self._parts(values)):
            for i, plane in enumerate(planes):
                difference = (plane - self._planes[i][list(batch.frames)]) * self._masks[i]
                totals[i] = totals[i] + difference.square().sum()
        return totals

    def wanted(self) -> Tensor:
        """The coefficients that each frame has beside its prediction from frames as they are;
        vectors, and what other frames are predicted from, where they are and far from changing.

        A latent that was rounded away is often not wanted any more: the rest was fitted around it.
        """
        wanted, now = self._recoded(lambda now, wanted: now)
        every = zip(self.net.batches, self._parts(wanted), self._parts(now), strict=True)
        for batch, parts, lasting in every:
            if self.net.referenced & {*batch.frames}:
                for grid, values in zip(parts.picture, lasting.picture, strict=True):
                    grid *= torch.where(values != 0, _OTHERS_LEAN, 1 / _OTHERS_LEAN)
        return wanted

    @torch.no_grad()
    def recode(self) -> None:
        """Round what is wanted of each frame, from the first to the last: the error falls to that
        of the rounding, and bits rise."""
        self.latents.copy_(self._recoded(lambda now, wanted: wanted.round())[1])

    @torch.no_grad()
    def _recoded(self, chosen: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """What is wanted, and latents chosen from those there are and those wanted; each batch is
        predicted from what was chosen before."""
        weights, maker = self.held(), self._synthesis
        kept: dict[int, Planes] = {}
        every: list[Tensor] = []
        after: list[Tensor] = []
        parts = zip(self.net.batches, self._parts(self._rounded()), strict=True)
        for batch, grids in parts:
            planes = frames_of(self._planes, batch.frames)
            predicted = [torch.zeros_like(plane) for plane in planes]
            if batch.fields:
                fields = maker.fields(weights, batch, grids.motion)
                predicted = maker.predicted(batch, fields, kept)
            left = [a - b for a, b in zip(planes, predicted, strict=True)]
            wanted = maker.coefficients(weights, batch, left)
            picture = [chosen(*pair) for pair in zip(grids.picture, wanted, strict=True)]
            found = maker.pictures(weights, batch, picture)
            maker.keep(batch, [a + b for a, b in zip(found, predicted, strict=True)], kept)
            every += [*(_VECTOR_WORTH * grid for grid in grids.motion), *wanted]
            after += [*grids.motion, *picture]
        flat, new = (torch.cat([grid.reshape(-1) for grid in each]) for each in (every, after))
        return flat, new

    # --- tensors on grids, and results ---

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        super().use_grids()
        assert self.grids is not None
        arrays = self.arrays()
        fixed = {"steps": _fine(arrays["steps"], _FINE)}
        fixed["colours"] = _fine(arrays["colours"], _FINE_COLOURS)
        self._round_to(self.grids, **fixed)

    def integers(self) -> list[Integers]:
        """Latents by batch and grid, as the file would hold them."""
        return [
            Integers([g.numpy() for g in each.motion], [g.numpy() for g in each.picture])
            for each in self._parts(self._integers())
        ]


def _first_weights(
    start: Start,
    colours: np.ndarray,
    step: float,
    generator: torch.Generator,
    device: torch.device,
) -> dict[str, Tensor]:
    """Leaves in file order: colours and steps, all else at random."""
    known = {
        "colours": torch.from_numpy(colours),
        "steps": first_steps(start.net, step, start.sharpness),
    }
    weights = {}
    for spec in start.net.tensors():
        values = torch.rand(spec.shape, generator=generator) * 2 - 1
        values = known.get(spec.name, values * spec.bound + spec.start)
        weights[spec.name] = values.clone().to(device).requires_grad_()
    return weights


def _grids(net: Film, number: int) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Shapes of the grids of a batch: of motion, of pictures."""
    batch = net.batches[number]
    count = len(batch.frames)
    motion: Sequence[LatentGrid] = ()
    if batch.fields:
        motion = net.motion(count * batch.fields).grids()
    return [grid.shape for grid in motion], [grid.shape for grid in net.picture(count).grids()]


def _sides(net: Film, plane: int) -> tuple[int, int]:
    """Rows and columns of the samples of a plane."""
    rows, columns = net.shape[1:]
    return (-(-rows // 2), -(-columns // 2)) if plane else (rows, columns)


def _count(net: Film, plane: int) -> int:
    """Samples of a plane in all frames."""
    channels = (1, net.channels - 1)[plane] if net.halved else net.channels
    return net.shape[0] * channels * math.prod(_sides(net, plane))


def _masks(net: Film) -> list[Tensor]:
    """1 where a plane's sample is inside the picture, 0 in the padding."""
    masks = []
    for plane in range(2 if net.halved else 1):
        height, width = (side >> plane for side in net.padded)
        mask = torch.zeros(height, width)
        rows, columns = _sides(net, plane)
        mask[:rows, :columns] = 1
        masks.append(mask)
    return masks


def _fine(values: np.ndarray, step: float) -> Grid:
    """A grid over all values, in steps of about `step`."""
    low, high = float(np.float16(values.min() - step)), float(np.float16(values.max() + step))
    return Grid(max(2, math.ceil((high - low) / step)), low, high)
