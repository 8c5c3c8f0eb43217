"""SIREN: a coordinate network with sine activations (Sitzmann et al. 2020).

    z_1 = sin(w0_first (W_1 e(x) + b_1))
    z_i = sin(w0_hidden (W_i z_{i-1} + b_i))
    v   = W_out z + b_out

e is the identity or a positional encoding. A row of this network is one grid point. Sines can have
learned scalars (`base.wave`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inrcodec.nets.base import (
    Array,
    Namespace,
    TensorSpec,
    cell_centres,
    encoded_length,
    input_bound,
    learned_scalars,
    output_tensors,
    positional_encoding,
    sine_bound,
    sine_layer,
)


@dataclass(frozen=True)
class Siren:
    """Sizes of a SIREN. `shape`: grid; `layers`: sine layers; `frequencies`: 0 = no encoding."""

    shape: tuple[int, ...]
    channels: int
    width: int
    layers: int
    w0_first: int = 30
    w0_hidden: int = 30
    frequencies: int = 0
    learned: bool = False

    @property
    def input_length(self) -> int:
        """Length of an encoded coordinate."""
        return encoded_length(len(self.shape), self.frequencies)

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        dimensions = len(self.shape)
        specs: list[TensorSpec] = []
        for i in range(1, self.layers + 1):
            w0 = self.w0_first if i == 1 else self.w0_hidden
            fan_in = self.input_length if i == 1 else self.width
            bound = (
                input_bound(dimensions, self.frequencies, w0)
                if i == 1
                else sine_bound(self.width, w0)
            )
            specs += [
                TensorSpec(f"W{i}", (self.width, fan_in), bound),
                TensorSpec(f"b{i}", (self.width,), 1 / math.sqrt(fan_in)),
            ]
        specs += output_tensors(self.channels, self.width, self.w0_hidden)
        return [*specs, learned_scalars()] if self.learned else specs

    def heads(self) -> range:
        """Levels at which rows can be taken: a SIREN has only grid points."""
        return range(1)

    def rows(self, head: int = 0) -> tuple[int, ...]:
        """Rows per axis: the grid."""
        return self.shape

    def block(self, head: int = 0) -> tuple[int, ...]:
        """Grid points per row and axis: one."""
        return (1,) * len(self.shape)

    def inputs(self, index: np.ndarray, head: int = 0) -> tuple[np.ndarray]:
        """Coordinates of grid points `index` (..., D), or of places between them: cell centres in
        -1..1, float32."""
        return (cell_centres(index, self.shape),)

    def macs(self, rows: int, head: int = 0) -> int:
        """Multiply-accumulates by weights for `rows` rows."""
        return rows * sum(math.prod(t.shape) for t in self.tensors() if t.is_matrix)

    def forward(
        self,
        xp: Namespace,
        weights: Mapping[str, Array],
        inputs: Sequence[Array],
        head: int = 0,
    ) -> Array:
        """Values at coordinates: (n, D), or (tiles, n, D) with products tile by tile, to
        (n, 1, ..., 1, channels), all n of all tiles; nominal range 0..1."""
        z = positional_encoding(xp, inputs[0], self.frequencies)
        for i in range(1, self.layers + 1):
            w0 = self.w0_first if i == 1 else self.w0_hidden
            z = sine_layer(xp, z, w0 * weights[f"W{i}"], w0 * weights[f"b{i}"], weights.get("s"))
        v = z @ weights["Wout"].T + weights["bout"]
        return xp.reshape(v, (-1, *self.block(), self.channels))
