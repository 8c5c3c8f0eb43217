"""The context model of nets/spectrum_context.py in floats, for all latents at once, with
gradients."""

from collections.abc import Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor

from inrcodec.nets.spectrum import (
    BINS_BESIDE,
    FRAMES_BEFORE,
    PHASES,
    Spectrum,
    bin_regions,
)

_FLOOR = 0.1
# Places (frames back, bins beside) of the weights of `before` and `own`, by their columns.
_BEFORE = (
    ((1, 0),),
    ((1, 1),),
    ((1, 2),),
    ((1, 3), (1, 4), (1, 5), (1, 6)),
    ((2, 0),),
    ((2, 1),),
    ((3, 0), (4, 0)),
)
_OWN = ((1, 0, (0, 2)), (2, 1, (0, 1)), (2, 2, (0, 3)))  # phase, column, place


class ContextModel:
    """log2 of the Laplace scale of every latent of a spectrum."""

    def __init__(self, net: Spectrum, device: torch.device) -> None:
        self.net, self.device = net, device
        self._regions = torch.from_numpy(bin_regions(net.hop)).to(device)
        self._phase_of_bin = torch.tensor([0, 2, 1, 2], device=device).repeat(net.hop // 4)
        self._kernels = self._places()

    def _places(self) -> Tensor:
        """(phases, weights, rows, columns): where a weight of a phase stands in its kernel."""
        size = (FRAMES_BEFORE + 1, 2 * BINS_BESIDE + 1)
        places = torch.zeros(len(PHASES), len(_BEFORE) + len(_OWN), *size)
        for column, spots in enumerate(_BEFORE):
            for frames, bins in spots:
                for side in (-bins, bins):
                    places[:, column, FRAMES_BEFORE - frames, BINS_BESIDE + side] = 1
        for phase, column, (_, bins) in _OWN:
            for side in (-bins, bins):
                places[phase, len(_BEFORE) + column, FRAMES_BEFORE, BINS_BESIDE + side] = 1
        return places.to(self.device)

    def log_scales(self, weights: Mapping[str, Tensor], magnitudes: Tensor) -> Tensor:
        """Of latents with these magnitudes (C, F, hop): same shape."""
        energy = self._energy(weights, magnitudes)
        if self.net.channels > 1:
            energy = energy + self._from_channels(weights["cross"], magnitudes)
        c, phases = self.net.channels, len(PHASES)
        offsets = weights["offsets"][: phases * c].view(c, phases)[:, self._phase_of_bin]
        regions = weights["offsets"][phases * c :].view(c, -1)[:, self._regions]
        slopes = weights["slopes"].view(c, phases)[:, self._phase_of_bin]
        logs = torch.log2(energy + _FLOOR)
        return torch.addcmul((offsets + regions)[:, None], slopes[:, None], logs)

    def _energy(self, weights: Mapping[str, Tensor], magnitudes: Tensor) -> Tensor:
        """From the same channel: (C, F, hop)."""
        c, phases = self.net.channels, len(PHASES)
        before = weights["before"].square().view(c, phases, -1)
        own = weights["own"].square()[:, None].expand(c, phases, -1)
        kernels = torch.einsum("cpw,pwxy->cpxy", torch.cat([before, own], dim=2), self._kernels)
        padded = functional.pad(magnitudes, (BINS_BESIDE, BINS_BESIDE, FRAMES_BEFORE, 0))
        kernels = kernels.reshape(c * phases, 1, *self._kernels.shape[2:])
        energies = functional.conv2d(padded[None], kernels, groups=c)
        return self._by_phase(energies.view(c, phases, *magnitudes.shape[1:]))

    def _by_phase(self, energies: Tensor) -> Tensor:
        """(C, phases, F, hop) to (C, F, hop): every bin from its own phase."""
        c, phases, frames, hop = energies.shape
        fours = energies.view(c, phases, frames, hop // 4, 4)
        first, second, odd = fours.unbind(1)
        chosen = torch.stack([first[..., 0], odd[..., 1], second[..., 2], odd[..., 3]], dim=-1)
        return chosen.view(c, frames, hop)

    def _from_channels(self, cross: Tensor, magnitudes: Tensor) -> Tensor:
        """From the channels before in the same frame: (C, F, hop)."""
        c, phases = self.net.channels, len(PHASES)
        sums = magnitudes.cumsum(0)[:-1]
        beside = functional.pad(sums, (1, 1))
        beside = beside[..., :-2] + beside[..., 2:]
        weights = cross.square().view(c - 1, phases, 2)[:, self._phase_of_bin][:, None]
        energy = weights[..., 0] * sums + weights[..., 1] * beside
        return torch.cat([torch.zeros_like(energy[:1]), energy])
