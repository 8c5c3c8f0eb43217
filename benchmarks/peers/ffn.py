"""FFN: a ReLU network over Gaussian Fourier features (Tancik et al., NeurIPS 2020, section 6.1).

    e(x) = [cos(2 pi B x), sin(2 pi B x)],   B ~ N(0, sigma^2), not trained

Li et al. 2024, appendix C: 128 frequencies, sigma 10, two hidden layers of 256: 132.4 K parameters,
131.8 K MACs (B is in neither).
"""

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.base import Peer


class Ffn(Peer):
    """`embedding` frequencies; `layers` counts the output layer, as the paper does."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int,
        embedding: int = 128,
        sigma: float = 10.0,
        width: int = 256,
        layers: int = 3,
    ) -> None:
        super().__init__(shape, channels)
        self.register_buffer("frequencies", torch.randn(embedding, len(shape)) * sigma)
        widths = [2 * embedding, *[width] * (layers - 1)]
        hidden = [
            part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())
        ]
        self.network = nn.Sequential(*hidden, nn.Linear(width, channels))

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        x = (self.centred(rows) + 1) / 2  # 0..1
        angles = 2 * math.pi * x @ self.frequencies.T  # type: ignore[operator]
        return (torch.cat([torch.cos(angles), torch.sin(angles)], dim=1),)

    def forward(self, *inputs: Any) -> Tensor:
        values: Tensor = self.network(inputs[0])
        return values[:, None]
