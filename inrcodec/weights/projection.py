"""D'OH: the weights of a network as a fixed random projection of one latent code.

Gordon et al. 2024, section 2.4 and eq. 2: W_l = reshape(Q_l z). Here Q_l is block-sparse: the
latent is cut into `groups` equal parts, and weight i of a layer is a dense random combination of
part i mod groups, so every part reaches every layer and the cost falls by the number of groups
(one group is the paper's dense Q_l). Entries come from Philox 4x64-10, keyed by (seed, layer),
and are part of the format: bitstream_spec.md, "Random projection".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inrcodec.nets.base import Array, Namespace, TensorSpec

# Entries drawn at a time: 8 MiB as float32, so that a decoder's memory stays small.
_CHUNK_ENTRIES = 2**21


@dataclass(frozen=True)
class Projection:
    """Sizes of a random projection. `latent`: number of latents; `seed`: 0..2^64-1."""

    latent: int
    groups: int
    seed: int

    @property
    def part(self) -> int:
        """Latents in one group; the last group is padded with zeros."""
        return -(-self.latent // self.groups)

    def rows(self, spec: TensorSpec) -> int:
        """Rows of one group's matrix for a tensor."""
        return -(-spec.size // self.groups)

    def scale(self, spec: TensorSpec) -> float:
        """Factor on the integer entries that gives the tensor its own starting variance.

        Eq. 3: Var(Q) = Var(W) / (n Var(z)), with Var(W) = bound^2 / 3, entries of variance
        21845 and latents uniform in +-1. A float32 value.
        """
        return float(np.float32(spec.bound * math.sqrt(3) / math.sqrt(65535 * self.part)))

    def entries(self, tensors: Sequence[TensorSpec]) -> int:
        """Random entries drawn to generate all weight matrices."""
        return sum(self.rows(t) for t in tensors if t.is_matrix) * self.groups * self.part


class EntryStream:
    """The random entries of one weight matrix, in file order: odd integers in -255..255."""

    def __init__(self, projection: Projection, layer: int) -> None:
        key = np.array([projection.seed, layer], dtype=np.uint64)
        self._bits = np.random.Philox(key=key)

    def read(self, count: int) -> np.ndarray:
        """The next `count` entries as float32; a multiple of 8 unless it is the last read."""
        words = np.asarray(self._bits.random_raw(-(-count // 8)), dtype="<u8")
        return words.view(np.uint8)[:count].astype(np.float32) * 2 - 255


def random_matrix(projection: Projection, layer: int, spec: TensorSpec) -> np.ndarray:
    """All entries of weight matrix number `layer`: (rows, groups, part) float32 integers."""
    shape = (projection.rows(spec), projection.groups, projection.part)
    return EntryStream(projection, layer).read(math.prod(shape)).reshape(shape)


def project(
    xp: Namespace, matrix: Array, latent: Array, scale: float, shape: tuple[int, ...]
) -> Array:
    """One tensor's weights from its entries (rows, groups, part) and the latent (groups, part).

    Weight i lies in row i // groups of group i mod groups. Differentiable in the latent.
    """
    products = xp.matmul(xp.permute_dims(matrix, (1, 0, 2)), latent[:, :, None])[:, :, 0]
    flat = xp.reshape(products.T, (-1,))[: math.prod(shape)]
    return xp.reshape(flat * scale, shape)


def generate(
    projection: Projection, tensors: Sequence[TensorSpec], latent: np.ndarray
) -> dict[str, np.ndarray]:
    """All weight matrices of a network from a latent (n,) float32, in bounded memory."""
    padded = np.zeros(projection.groups * projection.part, dtype=np.float32)
    padded[: projection.latent] = latent
    parts = padded.reshape(projection.groups, projection.part)
    matrices = [t for t in tensors if t.is_matrix]
    return {
        spec.name: _generate_one(projection, layer, spec, parts)
        for layer, spec in enumerate(matrices)
    }


def _generate_one(
    projection: Projection, layer: int, spec: TensorSpec, parts: np.ndarray
) -> np.ndarray:
    stream = EntryStream(projection, layer)
    width = projection.groups * projection.part
    # A row need not end on a word of eight entries; a multiple of eight rows always does.
    step = max(8, _CHUNK_ENTRIES // width // 8 * 8)
    flat = []
    for first in range(0, projection.rows(spec), step):
        rows = min(step, projection.rows(spec) - first)
        matrix = stream.read(rows * width).reshape(rows, projection.groups, projection.part)
        flat.append(project(np, matrix, parts, projection.scale(spec), (rows * projection.groups,)))
    return np.concatenate(flat)[: spec.size].reshape(spec.shape)


def solve(
    projection: Projection, tensors: Sequence[TensorSpec], weights: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Latent whose projection comes nearest to given weights (D'OH, algorithm 1): (n,) float32.

    Least squares over the stacked layers, z = pinv(stack Q) vec(W), one system per group.
    Each layer is divided by its scale so that a layer with small weights counts as much.
    """
    matrices = [t for t in tensors if t.is_matrix]
    drawn = [random_matrix(projection, layer, spec) for layer, spec in enumerate(matrices)]
    latent = np.zeros((projection.groups, projection.part))
    for group in range(projection.groups):
        columns = min(projection.part, projection.latent - group * projection.part)
        if columns <= 0:
            break
        left, right = [], []
        for spec, rows in zip(matrices, drawn, strict=True):
            values = weights[spec.name].reshape(-1)[group :: projection.groups]
            left.append(rows[: values.size, group, :columns].astype(np.float64))
            right.append(values / projection.scale(spec))
        solution = np.linalg.lstsq(np.concatenate(left), np.concatenate(right), rcond=None)[0]
        latent[group, :columns] = solution
    return latent.reshape(-1)[: projection.latent].astype(np.float32)
