"""SIREN and ASMR as the codec has them (inrcodec/nets), where the other peers are fitted.

A row of ASMR is a cell of its last level, all rows together are evaluated with shared activations.
"""

import math
from typing import Any

import array_api_compat.torch as xp
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.base import Peer
from inrcodec.encoder.model import Model
from inrcodec.nets.asmr import Asmr
from inrcodec.nets.base import grid_index
from inrcodec.nets.siren import Siren
from inrcodec.weights.storage import Direct


class OfCodec(Peer):
    """A network of the codec's; the output bias starts at `middle` of the samples."""

    def __init__(self, net: Asmr | Siren, seed: int = 0, middle: float = 0.5) -> None:
        super().__init__(net.shape, net.channels)
        self.net, self.head = net, net.heads()[-1]
        model = Model(net, Direct(), seed, torch.device("cpu"))
        tensors = {name: nn.Parameter(leaf) for name, leaf in model.stored.items()}
        self.tensors: Any = nn.ParameterDict(tensors)  # a mapping, though not by its type
        nn.init.constant_(self.tensors["bout"], middle)
        self.block = math.prod(net.block(self.head))
        if isinstance(net, Asmr):
            self.chunk = self.rows  # only all of them share activations
        # Samples of the padded grid are numbered as those of the grid; the padded ones are the
        # nearest sample's.
        self._last = torch.tensor(self.shape) - 1

    @property
    def rows(self) -> int:
        return math.prod(self.net.rows(self.head))

    @property
    def macs(self) -> float:
        count = math.prod(self.net.rows(0))
        return self.net.macs(count, 0) / math.prod(self.shape)

    def samples(self, rows: Tensor) -> Tensor:
        sides = torch.tensor(self.net.block(self.head))
        first = torch.stack(torch.unravel_index(rows.cpu(), self.net.rows(self.head)), 1) * sides
        inside = torch.from_numpy(grid_index((0,) * len(sides), tuple(sides.tolist())))
        place = torch.minimum(first[:, None] + inside, self._last)  # (n, block, D)
        flat = np.ravel_multi_index(tuple(place.numpy().transpose(2, 0, 1)), self.shape)
        return torch.from_numpy(flat).to(rows.device)

    def inputs(self, rows: Tensor) -> tuple[Any, ...]:
        """Digits of rows at the head that suits: 0 for all of them in order."""
        whole = len(rows) == self.rows
        head = 0 if whole else self.head
        counts = self.net.rows(head)
        chosen = np.arange(math.prod(counts)) if whole else rows.cpu().numpy()
        index = np.stack(np.unravel_index(chosen, counts), axis=1)
        digits = self.net.inputs(index, head)
        return head, [torch.from_numpy(x).to(rows.device) for x in digits]

    def forward(self, *inputs: Any) -> Tensor:
        head, digits = inputs
        values = self.net.forward(xp, self.tensors, digits, head)
        if head != self.head:
            values = self._as_rows(values, head)
        return values.reshape(-1, self.block, self.channels)

    def _as_rows(self, values: Tensor, head: int) -> Tensor:
        """Blocks of a coarse head, (rows, *block, C), as those of the finest, in its order."""
        dimensions = len(self.shape)
        coarse, fine = self.net.rows(head), self.net.block(self.head)
        per_row = [b // f for b, f in zip(self.net.block(head), fine, strict=True)]
        split = values.reshape(
            *coarse, *[n for p, f in zip(per_row, fine, strict=True) for n in (p, f)], -1
        )
        order = [a for d in range(dimensions) for a in (d, dimensions + 2 * d)]
        order += [dimensions + 2 * d + 1 for d in range(dimensions)] + [3 * dimensions]
        return split.permute(order)
