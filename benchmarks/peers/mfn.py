"""MFN: a multiplicative filter network, FourierNet (Fathony et al., ICLR 2021, section 3.1).

    z_1 = g_1(x),   z_{i+1} = (W_i z_i + b_i) * g_{i+1}(x),   g_i(x) = sin(w_i x + p_i)

Li et al. 2024, appendix C: input scale 256, weight scale 1, 4 layers of 256: three filters and two
linear layers under the output, 134.7 K parameters, 133.4 K MACs.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Peer


class Mfn(Peer):
    """`layers` counts the output layer, as the paper does."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        width: int = 256,
        layers: int = 4,
        input_scale: float = 256.0,
        weight_scale: float = 1.0,
    ) -> None:
        super().__init__(shape, channels)
        filters = layers - 1
        self.filters = nn.ModuleList(nn.Linear(len(shape), width) for _ in range(filters))
        self.linears = nn.ModuleList(nn.Linear(width, width) for _ in range(filters - 1))
        self.output = nn.Linear(width, channels)
        for part in self.filters:
            assert isinstance(part, nn.Linear)
            part.weight.data *= input_scale / math.sqrt(filters)
            nn.init.uniform_(part.bias, -math.pi, math.pi)
        for part in self.linears:
            assert isinstance(part, nn.Linear)
            bound = math.sqrt(weight_scale / width)
            nn.init.uniform_(part.weight, -bound, bound)

    def forward(self, *inputs: Any) -> Tensor:
        x = inputs[0]
        z = torch.sin(self.filters[0](x))
        for linear, part in zip(self.linears, list(self.filters)[1:], strict=True):
            z = linear(z) * torch.sin(part(x))
        values: Tensor = self.output(z)
        return values[:, None]
