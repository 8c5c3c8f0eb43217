"""The finest cell network learns stripe by stripe: many updates in each step of the latents.

One step of everything takes the time of one pass over the picture, and a network of a thousand
numbers needs far fewer samples than that to know where to go. With SOAP and an update after every
stripe, 240 steps end 0.3 dB higher than with one Adam update a step (mean of four Kodak pictures
at 0.3 bpp; benchmarks/planning.py).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from inrcodec.encoder.fit import Rounder
from inrcodec.encoder.optimiser import Soap
from inrcodec.encoder.rate import Grid

_RATE, _MOMENTUM, _DECAY, _REFRESH = 0.02, 0.95, 0.99, 20


class StripeLearner:
    """Tensors (leaves) that are updated after every stripe, as they are or on grids."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = dict(tensors)
        self._rounder: Rounder | None = None
        self._used: dict[str, Tensor] = {}
        self._optimiser = Soap(
            list(self._tensors.values()),
            [_RATE] * len(self._tensors),
            momentum=_MOMENTUM,
            decay=_DECAY,
            refresh=_REFRESH,
        )

    def use_grids(self, grids: Sequence[Grid]) -> None:
        """From now on a stripe sees the tensors rounded to these grids."""
        if self._tensors:
            self._rounder = Rounder(list(self._tensors.values()), grids)

    def current(self) -> Mapping[str, Tensor]:
        """Leaves for the next stripe; `learn` reads their gradients."""
        values = list(self._tensors.values())
        if self._rounder is not None:
            with torch.no_grad():
                values = self._rounder(values)
        self._used = {
            name: value.detach().requires_grad_()
            for name, value in zip(self._tensors, values, strict=True)
        }
        return self._used

    @property
    def current_leaves(self) -> Mapping[str, Tensor]:
        """The leaves last given."""
        return self._used

    def learn(self, rate: float) -> Mapping[str, Tensor]:
        """One update by the gradients of the leaves last given; new leaves."""
        for name, tensor in self._tensors.items():
            tensor.grad = self._used[name].grad
        self._optimiser.step(rate)
        for tensor in self._tensors.values():
            tensor.grad = None
        return self.current()
