"""The contexts of decoder/film_latents.py in floats, for all latents at once, with gradients."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inrcodec.encoder.film.synthesis import Grids
from inrcodec.encoder.pyramid.context import ContextModel, sums_3x3
from inrcodec.nets.film import Batch, Film


class FilmContexts:
    """log2 of the Laplace scale of every latent of a film."""

    def __init__(self, net: Film, device: torch.device) -> None:
        self.net = net
        counts = [(len(batch.frames), batch.fields) for batch in net.batches]
        self._pictures = [ContextModel(net.picture(n), device) for n, _ in counts]
        self._motions = [ContextModel(net.motion(n * fields or 1), device) for n, fields in counts]

    def log_scales(self, weights: Mapping[str, Tensor], values: Sequence[Grids]) -> Tensor:
        """Of latents with these values: flat, in file order."""
        moving = {
            name.removeprefix("motion."): tensor
            for name, tensor in weights.items()
            if name.startswith("motion.")
        }
        past: dict[int, list[Tensor]] = {}
        flat = []
        for number, (batch, grids) in enumerate(zip(self.net.batches, values, strict=True)):
            if batch.fields:
                magnitudes = [grid.abs() for grid in grids.motion]
                flat.append(self._motions[number].log_scales(moving, magnitudes))
            magnitudes = [grid.abs() for grid in grids.picture]
            more = self._more(weights["past"], batch, past) if batch.fields else None
            own = dict(weights) | {"offsets": self._offsets(weights, batch.level)}
            flat.append(self._pictures[number].log_scales(own, magnitudes, more))
            self._keep(batch, magnitudes, past)
        return torch.cat(flat)

    def _offsets(self, weights: Mapping[str, Tensor], level: int) -> Tensor:
        """Scale offsets of one class of frames."""
        net, picture = self.net, self.net.picture(1)
        more = weights["classes"].reshape(net.classes, -1)[level]
        levels = more[1:].flip(0).repeat_interleave(picture.bands)
        phases = [more.new_zeros(4 * picture.bands), more[:1].expand(4 * picture.channels)]
        return weights["offsets"] + torch.cat([*phases, levels])

    def _keep(self, batch: Batch, magnitudes: list[Tensor], past: dict[int, list[Tensor]]) -> None:
        count = len(batch.frames)
        by_frame = [values.chunk(count, dim=2) for values in magnitudes]
        for i, frame in enumerate(batch.frames):
            past[frame] = [parts[i] for parts in by_frame]

    def _more(
        self, past: Tensor, batch: Batch, kept: Mapping[int, list[Tensor]]
    ) -> list[Tensor | None]:
        """Energy from the frames that a batch is predicted from, by grid."""
        pairs = list(zip(batch.before, batch.after or batch.before, strict=True))
        energies: list[Tensor | None] = [None]
        for grid in range(1, self.net.levels + 1):
            total = torch.cat([kept[a][grid] + kept[b][grid] for a, b in pairs], dim=2)
            here, near = past.square()[: total.shape[1], :, None, None].unbind(1)
            energies.append(here * total + near * sums_3x3(total.sum(0)))
        return energies
