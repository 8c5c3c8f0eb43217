"""The frames of a film's latents, with gradients: decoder/film.py in torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inrcodec.encoder.film.motion import doubled, moved
from inrcodec.encoder.pyramid.context import joined
from inrcodec.encoder.pyramid.synthesis import Interleave, Level, analysed
from inrcodec.nets.film import Batch, Film, steps_of
from inrcodec.nets.motion import interpolation
from inrcodec.nets.pyramid import ORIENTATIONS, Pyramid

Planes = list[Tensor]  # all channels (n, C, H, W), or the first, and the halved ones (n, 2, h, w)


@dataclass(frozen=True)
class Grids:
    """Values of a batch by grid, each (4, bands, rows, columns); `motion` [] without motion."""

    motion: list[Tensor]
    picture: list[Tensor]

    def all(self) -> list[Tensor]:
        """Motion first, in file order."""
        return [*self.motion, *self.picture]


@dataclass(frozen=True)
class _Dense:
    """From fields (n, fields, h, w) to a value for each sample, by matrices for either side."""

    down: Tensor
    across: Tensor

    def __call__(self, fields: Tensor) -> Tensor:
        return self.down @ fields @ self.across.T


class Synthesis:
    """From latents to frames, batch after batch."""

    def __init__(self, net: Film, device: torch.device) -> None:
        self.net = net
        down, across = (
            torch.from_numpy(interpolation(side, net.block, vectors)).to(device)
            for side, vectors in zip(net.padded, net.vectors, strict=True)
        )
        self._dense = [_Dense(down, across)]
        if net.halved:
            self._dense.append(_Dense(_means_of_two(down), _means_of_two(across)))

    def batches(
        self, weights: Mapping[str, Tensor], values: Sequence[Grids]
    ) -> Iterator[tuple[Batch, Planes]]:
        """Batches and their decoded planes, in the film's own axes."""
        kept: dict[int, Planes] = {}
        for batch, grids in zip(self.net.batches, values, strict=True):
            planes = self.pictures(weights, batch, grids.picture)
            if batch.fields:
                fields = self.fields(weights, batch, grids.motion)
                predicted = self.predicted(batch, fields, kept)
                planes = [a + b for a, b in zip(planes, predicted, strict=True)]
            self.keep(batch, planes, kept)
            yield batch, planes

    def keep(self, batch: Batch, planes: Planes, kept: dict[int, Planes]) -> None:
        """Double the frames of a batch that others are predicted from."""
        by_frame = zip(*(plane.split(1) for plane in planes), strict=True)
        for frame, own in zip(batch.frames, by_frame, strict=True):
            if frame in self.net.referenced:
                kept[frame] = [doubled(plane) for plane in own]

    def pictures(self, weights: Mapping[str, Tensor], batch: Batch, grids: list[Tensor]) -> Planes:
        """What predictions leave of a batch, from latents."""
        steps = torch.exp2(steps_of(self.net, weights["steps"])[0][batch.level])
        count = len(batch.frames)
        values = [grid * step for grid, step in zip(grids, steps, strict=True)]
        return synthesised(self.net.picture(count), values, count, self.net.halved)

    def unit(self, weights: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """Steps of the fields of a batch: (fields, 1, 1)."""
        motion, share = torch.exp2(steps_of(self.net, weights["steps"])[1])
        return torch.stack([motion] * 4 + [share])[: batch.fields, None, None]

    def fields(self, weights: Mapping[str, Tensor], batch: Batch, grids: list[Tensor]) -> Tensor:
        """Fields of motion in samples and shares, (n, fields, h, w), from latents."""
        count = len(batch.frames) * batch.fields
        (fields,) = synthesised(self.net.motion(count), grids, count, False)
        rows, columns = self.net.vectors
        fields = fields[:, 0, :rows, :columns].reshape(-1, batch.fields, rows, columns)
        return fields * self.unit(weights, batch)

    def motion_latents(
        self, weights: Mapping[str, Tensor], batch: Batch, fields: Tensor
    ) -> list[Tensor]:
        """Latents, not rounded, of fields: the inverse of `fields`."""
        count = len(batch.frames) * batch.fields
        planes = (fields / self.unit(weights, batch)).reshape(count, 1, *fields.shape[2:])
        rows, columns = self.net.padded_vectors
        borders = (0, columns - planes.shape[3], 0, rows - planes.shape[2])
        planes = functional.pad(planes, borders, mode="replicate")
        return analysed(self.net.motion(count), [planes])

    def coefficients(
        self, weights: Mapping[str, Tensor], batch: Batch, planes: Planes
    ) -> list[Tensor]:
        """Latents, not rounded, of planes: the inverse of `pictures`."""
        steps = torch.exp2(steps_of(self.net, weights["steps"])[0][batch.level])
        grids = analysed(self.net.picture(len(batch.frames)), planes)
        return [grid / step for grid, step in zip(grids, steps, strict=True)]

    def predicted(self, batch: Batch, fields: Tensor, kept: Mapping[int, Planes]) -> Planes:
        """Predictions of a batch from doubled frames, of as many planes as these have."""
        half = torch.tensor([0.5] * 4 + [1.0], device=fields.device)[: batch.fields, None, None]
        every = [fields, fields * half]
        dense = self._dense[: len(kept[batch.before[0]])]
        return [self._prediction(batch, to(every[i]), kept, i) for i, to in enumerate(dense)]

    def _prediction(
        self, batch: Batch, dense: Tensor, kept: Mapping[int, Planes], number: int
    ) -> Tensor:
        before = torch.cat([kept[f][number] for f in batch.before])
        if not batch.after:
            return moved(before, dense)
        after = torch.cat([kept[f][number] for f in batch.after])
        through, middle, share = dense.split((2, 2, 1), dim=1)
        first, second = moved(before, middle + through), moved(after, middle - through)
        return second + (share + 0.5).clamp(0, 1) * (first - second)


def _means_of_two(matrix: Tensor) -> Tensor:
    """For samples that lie between two: what the mean of both is."""
    return (matrix[0::2] + matrix[1::2]) / 2


def synthesised(net: Pyramid, grids: Sequence[Tensor], count: int, halved: bool) -> Planes:
    """Planes from coefficients of every grid of `count` planes under one another."""
    low = _low(grids[0], count)  # (C n, h, w)
    for i, level in enumerate(range(net.levels - 1, -1, -1)):
        details = _details(grids[i + 1], count)
        if level == 0 and halved:
            first, rest = low.split((count, len(low) - count))
            first = Interleave.apply(Level.apply(first, details))
            return [_by_frame(first, count), _by_frame(rest, count)]
        low = Interleave.apply(Level.apply(low, details))
    return [_by_frame(low, count)]


def _low(grid: Tensor, count: int) -> Tensor:
    """(4, C, n r, c) to planes (C n, 2 r, 2 c)."""
    phases, channels, rows, columns = grid.shape
    return joined(grid.reshape(phases, channels * count, rows // count, columns))


def _details(grid: Tensor, count: int) -> Tensor:
    """(4, 3 C, n r, c) to (4, 3 C n, r, c), the three bands of a plane next to one another."""
    phases, bands, rows, columns = grid.shape
    parted = grid.reshape(phases, -1, ORIENTATIONS, count, rows // count, columns)
    return parted.transpose(2, 3).reshape(phases, bands * count, rows // count, columns)


def _by_frame(planes: Tensor, count: int) -> Tensor:
    """(C n, h, w) to (n, C, h, w)."""
    return planes.reshape(-1, count, *planes.shape[1:]).transpose(0, 1)
