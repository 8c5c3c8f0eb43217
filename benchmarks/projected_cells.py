"""D'OH for the finest cell network of a pyramid: an experiment of benchmarks/planning.py.

Gordon et al. 2024, eq. 2, with the start kept: W = W_0 + Q z, where W_0 and Q follow from seeds and
z is a latent shorter than W. The file still has the network's tensors, so that it can be decoded;
what a latent would save of them is known without: 5 to 6 bits for each number less.
"""

import math
from collections.abc import Mapping

import array_api_compat.torch as xp
import torch
from torch import Tensor

from inrcodec.encoder.optimiser import Adam
from inrcodec.encoder.pyramid.cells import StripeLearner
from inrcodec.nets.base import TensorSpec
from inrcodec.weights.projection import Projection, project, random_matrix

_GROUPS = 8
_RATE, _MOMENTUM, _DECAY = 0.02, 0.95, 0.99


class ProjectedLearner(StripeLearner):
    """A learner whose matrices move in the span of a projection; vectors move freely."""

    def __init__(self, tensors: Mapping[str, Tensor], share: float) -> None:
        """`share`: of the numbers of all matrices, those of the latent."""
        super().__init__(tensors)
        self._starts = {n: t.detach().clone() for n, t in tensors.items() if t.dim() > 1}
        latent = round(share * sum(start.numel() for start in self._starts.values()))
        self._projection = Projection(latent, _GROUPS, 0)
        specs = [TensorSpec(n, tuple(s.shape), 1.0) for n, s in self._starts.items()]
        self._drawn = {
            spec.name: torch.from_numpy(random_matrix(self._projection, layer, spec))
            for layer, spec in enumerate(specs)
        }
        self._latent = torch.zeros(_GROUPS * self._projection.part, requires_grad=True)
        free = [t for n, t in tensors.items() if n not in self._starts]
        self._adam = Adam([self._latent, *free], momentum=_MOMENTUM, decay=_DECAY)

    def learn(self, rate: float) -> Mapping[str, Tensor]:
        """As StripeLearner.learn, through the latent."""
        made = self._generated()
        gradients = [self._used[name].grad for name in made]
        torch.autograd.backward(list(made.values()), gradients)
        for name, tensor in self._tensors.items():
            tensor.grad = None if name in made else self._used[name].grad
        self._adam.step(_RATE * rate)
        self._adam.clear()
        with torch.no_grad():
            for name, values in self._generated().items():
                self._tensors[name].copy_(values)
        return self.current()

    def _generated(self) -> dict[str, Tensor]:
        parts = self._latent.reshape(_GROUPS, self._projection.part)
        scale = 1 / math.sqrt(21845 * self._projection.part)  # entries have this variance
        return {
            name: start + project(xp, self._drawn[name], parts, scale, tuple(start.shape))
            for name, start in self._starts.items()
        }
