"""WIRE: complex Gabor wavelets as activations (Saragadam et al., CVPR 2023, section 3).

    s(z) = exp(j w0 z) exp(-|s0 z|^2),   the output is the real part

The first layer's weights are real, the others complex. Li et al. 2024, appendix C: w0 = s0 = 20,
4 layers of 212: 136.8 K parameters and 135.9 K MACs with every complex number counted once, three
complex layers above the first one.
"""

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Peer


class Wire(Peer):
    """`layers` wavelets, of which the first reads coordinates, and three more above it."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        width: int = 212,
        layers: int = 4,
        w0: float = 20.0,
        s0: float = 20.0,
    ) -> None:
        super().__init__(shape, channels)
        self.w0, self.s0 = w0, s0
        self.first = nn.Linear(len(shape), width)
        self.hidden = nn.ModuleList(
            nn.Linear(width, width, dtype=torch.complex64) for _ in range(layers - 1)
        )
        self.output = nn.Linear(width, channels, dtype=torch.complex64)

    def _wavelet(self, z: Tensor) -> Tensor:
        return torch.exp(1j * self.w0 * z - (self.s0 * z.abs()).square())

    def forward(self, *inputs: Tensor) -> Tensor:
        z = self._wavelet(self.first(inputs[0]))
        for linear in self.hidden:
            z = self._wavelet(linear(z))
        values: Tensor = self.output(z).real
        return values[:, None]
