"""The trainable side of a network: stored tensors as torch leaves, weights as functions of them."""

from collections.abc import Mapping

import array_api_compat.torch as xp
import numpy as np
import torch
from torch import Tensor

from inrcodec.nets import Asmr, LocalGlobal, Net
from inrcodec.weights.projection import project, random_matrix
from inrcodec.weights.storage import Projected, Storage

# A latent lies in +-1 while a sine layer's weights lie in +-sqrt(6 / width) / 30: a step of the
# same order relative to the range needs a factor on the learning rate. Kodak 15 at 0.3 bpp after
# 2,000 steps: 25.2 dB with 5, 26.1 with 15, 25.5 with 50 (benchmarks/planning.py).
_LATENT_RATE = 15.0
# The output layer of ASMR begins a tenth as large as it ends and holds up all others until it is
# there. Kodak 15 at 0.3 bpp: 19.9 dB after 400 steps with 1, 27.2 with 5, 27.6 with 20, 27.3 with
# 40; after 1,500 steps 0.1 dB more; carphone at 0.1 bpp after 400: 26.4 dB with 1, 30.1 with 20.
# Sounds lose 0.3 dB by it.
_OUTPUT_RATE = 20.0
# What all partitions share moves all of them at once.
_SHARED_RATE = 0.1


class Model:
    """Stored tensors of (net, storage) as leaves with gradients, started from `seed`."""

    def __init__(self, net: Net, storage: Storage, seed: int, device: torch.device) -> None:
        self.net, self.storage, self.device = net, storage, device
        self.specs = storage.stored(net)
        generator = torch.Generator().manual_seed(seed % 2**63)
        self.stored: dict[str, Tensor] = {}
        for spec in self.specs:
            start = torch.rand(spec.shape, generator=generator) * 2 - 1
            leaf = (start * spec.bound + spec.start).to(device)
            self.stored[spec.name] = leaf.requires_grad_()
        self._matrices = self._draw() if isinstance(storage, Projected) else {}

    def _draw(self) -> dict[str, Tensor]:
        assert isinstance(self.storage, Projected)
        matrices = [t for t in self.net.tensors() if t.is_matrix]
        return {
            spec.name: torch.from_numpy(random_matrix(self.storage.projection, layer, spec)).to(
                self.device
            )
            for layer, spec in enumerate(matrices)
        }

    @property
    def rates(self) -> list[float]:
        """Factor on the learning rate of each stored tensor."""
        if isinstance(self.net, LocalGlobal):
            return [1.0 if spec.stacked else _SHARED_RATE for spec in self.specs]
        factors = {"latent": _LATENT_RATE}
        if isinstance(self.net, Asmr) and len(self.net.shape) > 1:
            factors |= dict.fromkeys(("Wout", "bout"), _OUTPUT_RATE)
        return [factors.get(spec.name, 1.0) for spec in self.specs]

    @property
    def stacked(self) -> list[bool]:
        """Which stored tensors are stacks of tensors."""
        return [spec.stacked for spec in self.specs]

    def weights(self, stored: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Every tensor of the network from stored tensors (which may be quantised ones)."""
        if not isinstance(self.storage, Projected):
            return stored
        projection = self.storage.projection
        padding = projection.groups * projection.part - projection.latent
        padded = torch.nn.functional.pad(stored["latent"], (0, padding))
        parts = padded.reshape(projection.groups, projection.part)
        weights = dict(stored)
        for spec in self.net.tensors():
            if spec.is_matrix:
                scale = projection.scale(spec)
                weights[spec.name] = project(
                    xp, self._matrices[spec.name], parts, scale, spec.shape
                )
        return weights

    def forward(self, stored: Mapping[str, Tensor], inputs: list[Tensor], head: int) -> Tensor:
        """Values of rows: (n, *block, channels)."""
        return self.net.forward(xp, self.weights(stored), inputs, head)

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of the stored tensors, float32."""
        return {name: t.detach().cpu().numpy().copy() for name, t in self.stored.items()}

    @torch.no_grad()
    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the stored tensors from arrays of their shapes."""
        for name, leaf in self.stored.items():
            values = torch.from_numpy(np.ascontiguousarray(arrays[name], dtype=np.float32))
            leaf.copy_(values.reshape(leaf.shape))
