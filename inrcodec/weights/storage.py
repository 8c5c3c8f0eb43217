"""Which tensors of a network a file stores, and how the rest follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inrcodec.nets import Net, TensorSpec
from inrcodec.weights.projection import Projection, generate


@dataclass(frozen=True)
class Direct:
    """Every tensor is stored. `group`: partitions per axis that are coded together."""

    group: tuple[int, ...] = ()

    def stored(self, net: Net) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        return net.tensors()

    def weights(self, net: Net, stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every tensor of the network, shaped, float32."""
        return {t.name: stored[t.name].reshape(t.shape) for t in net.tensors()}


@dataclass(frozen=True)
class Projected:
    """One latent code and the biases are stored; the matrices are its random projection (D'OH)."""

    projection: Projection

    def stored(self, net: Net) -> list[TensorSpec]:
        """The latent, then the biases in the network's order."""
        latent = TensorSpec("latent", (self.projection.latent,), 1.0)
        return [latent, *(t for t in net.tensors() if not t.is_matrix)]

    def weights(self, net: Net, stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every tensor of the network, shaped, float32."""
        matrices = generate(self.projection, net.tensors(), stored["latent"])
        biases = {t.name: stored[t.name] for t in net.tensors() if not t.is_matrix}
        return matrices | biases


Storage = Direct | Projected
