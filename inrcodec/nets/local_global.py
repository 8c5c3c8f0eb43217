"""Local-Global: a small network for each partition, and one that sees the whole (Ashkenazi and
Treister 2024, "Towards Croppable Implicit Neural Representations", section 3).

The grid is cut into boxes of equal sides, the partitions. With x the coordinates of a point in its
partition and X those in the whole grid:

    L_1 = sin(w0_first (W_1 x + b_1)),        G_1 = sin(w0_global (U_1 X + h_1))
    L_i = sin(w0_hidden (W_i z_{i-1} + b_i)), G_i = sin(w0_hidden (U_i G_{i-1} + h_i))
    z_i = Merge(L_i, G_i) = sin(w0_hidden (V L_i + Y G_i + c))
    v   = W_out z_n + b_out

or, merged once, z_i = L_i for all layers but the last.

Every partition has its own W, b, W_out and b_out; U, h, V, Y and c are shared, those of Merge by
all layers too. A partition can be dropped with its own weights and nothing else changes. [V, Y] is
the paper's one matrix on the concatenation of L_i and G_i.

In the paper local networks see X as well. x is X less a shift that b_1 holds, times a factor that
w0_first holds: the same functions, from a start that does not depend on how many partitions there
are (Kodak 04, 256x256 of it, 32x32 each: 28.1 dB against 27.7 after 200 steps).
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
    output_tensors,
    sine_bound,
    wave,
)

# Share of the variance of what Merge starts from that is of local features. With the paper's start
# it is their share of all features, a seventh to a third, and after four layers little of what is
# local is left: Bach, 32 partitions, 200 steps: 33.7 dB instead of 32.4; pictures gain 0.1 dB.
_LOCAL_START = 0.95


@dataclass(frozen=True)
class LocalGlobal:
    """Sizes of a Local-Global network.

    `side`: grid points of a partition per axis; the last ones can reach over the grid's end.
    `width`, `global_width`: units of each layer; `layers`: of both networks. `learned`: whether
    local, global and merge layers each have four learned scalars (INCODE). `merged_once`: whether
    the features merge after the last layer alone.
    """

    shape: tuple[int, ...]
    channels: int
    width: int
    layers: int
    global_width: int
    side: tuple[int, ...]
    w0_first: int = 10
    w0_hidden: int = 30
    w0_global: int = 30
    learned: bool = False
    merged_once: bool = False

    @property
    def partitions(self) -> tuple[int, ...]:
        """Partitions per axis."""
        return tuple(-(-n // s) for n, s in zip(self.shape, self.side, strict=True))

    def shared_tensors(self) -> list[TensorSpec]:
        """Tensors of the global network and of Merge, in file order."""
        width = self.global_width
        specs = self._sine_layers("U", "h", width)
        own, other = (math.sqrt(share) for share in (_LOCAL_START, 1 - _LOCAL_START))
        specs += [
            TensorSpec("V", (self.width, self.width), own * sine_bound(self.width, self.w0_hidden)),
            TensorSpec("Y", (self.width, width), other * sine_bound(width, self.w0_hidden)),
            TensorSpec("c", (self.width,), 1 / math.sqrt(self.width + width)),
        ]
        return [*specs, TensorSpec("s", (12,), 0.0)] if self.learned else specs

    def local_tensors(self, count: int | None = None) -> list[TensorSpec]:
        """Tensors that every partition has of its own, in file order; axis 0 counts partitions,
        of which there are `count` (None: all)."""
        specs = self._sine_layers("W", "b", self.width)
        specs += output_tensors(self.channels, self.width, self.w0_hidden)
        count = math.prod(self.partitions) if count is None else count
        return [
            TensorSpec(t.name, (count, *t.shape), t.bound, t.start, stacked=True) for t in specs
        ]

    def _sine_layers(self, matrix: str, bias: str, width: int) -> list[TensorSpec]:
        """Tensors of the sine layers of a network of this width."""
        dimensions = len(self.shape)
        specs: list[TensorSpec] = []
        for i in range(1, self.layers + 1):
            fan_in = dimensions if i == 1 else width
            bound = 1 / dimensions if i == 1 else sine_bound(width, self.w0_hidden)
            specs += [
                TensorSpec(f"{matrix}{i}", (width, fan_in), bound),
                TensorSpec(f"{bias}{i}", (width,), 1 / math.sqrt(fan_in)),
            ]
        return specs

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        return self.shared_tensors() + self.local_tensors()

    def heads(self) -> range:
        """Levels at which rows can be taken: a row is a partition."""
        return range(1)

    def rows(self, head: int = 0) -> tuple[int, ...]:
        """Rows per axis: the partitions."""
        return self.partitions

    def block(self, head: int = 0) -> tuple[int, ...]:
        """Grid points per row and axis: those of a partition."""
        return self.side

    def local_inputs(self, within: np.ndarray) -> np.ndarray:
        """Coordinates in a partition of its points `within` (..., m, D), or of places between them:
        centres of cells in -1..1, float32."""
        return cell_centres(within, self.side)

    def global_inputs(self, index: np.ndarray) -> np.ndarray:
        """Coordinates in the grid of points `index` (..., D), float32; above 1 in the part of a
        partition that reaches over the end."""
        return cell_centres(index, self.shape)

    def macs(self, rows: int, head: int = 0) -> int:
        """Multiply-accumulates by weights for `rows` partitions."""
        weights = sum(math.prod(t.shape[1:]) for t in self.local_tensors() if len(t.shape) == 3)
        shared = {t.name: t.size for t in self.shared_tensors()}
        weights += sum(size for name, size in shared.items() if name[0] == "U")
        merges = (1 if self.merged_once else self.layers) * (shared["V"] + shared["Y"])
        return rows * math.prod(self.side) * (weights + merges)

    def forward(
        self,
        xp: Namespace,
        weights: Mapping[str, Array],
        inputs: Sequence[Array],
        head: int = 0,
    ) -> Array:
        """Values at m points of each of P partitions: (P, m, channels), nominal range 0..1.

        `weights`: local ones of these P partitions. `inputs`: coordinates in a partition (m, D),
        the same for all, or (P, m, D), and in the grid (P, m, D). Every product is made partition
        by partition, so that a partition's values do not depend on which others there are.
        """
        z, g = inputs  # (m, D), (P, m, D)
        scalars = weights["s"] if self.learned else None
        local, wide, merge = (None if scalars is None else scalars[i : i + 4] for i in (0, 4, 8))
        own, other = (self.w0_hidden * weights[name].T for name in ("V", "Y"))
        for i in range(1, self.layers + 1):
            z = self.local_layer(xp, weights, i, z, local)  # (P, m, d)
            w0_global = self.w0_global if i == 1 else self.w0_hidden
            matrix = w0_global * weights[f"U{i}"]
            g = wave(xp, g @ matrix.T + w0_global * weights[f"h{i}"], wide)  # (P, m, global d)
            if i == self.layers or not self.merged_once:
                merged = z @ own + g @ other + self.w0_hidden * weights["c"]
                z = wave(xp, merged, merge)  # (P, m, d)
        return self.local_output(xp, weights, z)

    def local_layer(
        self,
        xp: Namespace,
        weights: Mapping[str, Array],
        i: int,
        z: Array,
        scalars: Array | None,
    ) -> Array:
        """Layer i of the local networks: (m, D) or (P, m, d) to (P, m, d)."""
        w0 = self.w0_first if i == 1 else self.w0_hidden
        bias = w0 * weights[f"b{i}"][:, None, :]
        return wave(xp, z @ (w0 * _turned(xp, weights[f"W{i}"])) + bias, scalars)

    def local_output(self, xp: Namespace, weights: Mapping[str, Array], z: Array) -> Array:
        """The last layer of the local networks: (P, m, d) to (P, m, channels)."""
        return z @ _turned(xp, weights["Wout"]) + weights["bout"][:, None, :]


def _turned(xp: Namespace, matrices: Array) -> Array:
    """The transpose of every matrix: (P, a, b) to (P, b, a)."""
    return xp.permute_dims(matrices, (0, 2, 1))
