"""What every network has: named tensors, rows of its grid, and a positional encoding."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# An array namespace (numpy, or torch through array-api-compat) and its arrays. Both are `Any`
# on purpose: the same forward pass runs under either.
Namespace = Any
Array = Any


@dataclass(frozen=True)
class TensorSpec:
    """One stored tensor of a network; it starts uniform in start +- bound. `stacked`: axis 0 counts
    tensors of one kind, such as those of all partitions."""

    name: str
    shape: tuple[int, ...]
    bound: float
    start: float = 0.0
    stacked: bool = False

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def is_matrix(self) -> bool:
        """Whether a random projection generates this tensor (biases are always stored)."""
        return len(self.shape) == 2 and not self.stacked


def wave(xp: Namespace, x: Array, scalars: Array | None) -> Array:
    """sin x, or with learned scalars (4,) e^s_0 sin(e^s_1 x + s_2) + s_3 (INCODE, Kazerouni et al.
    2024, eq. 4, whose a and b are exponents). NumPy reuses the memory of x: fresh pages for three
    arrays a layer would cost a third of the time."""
    if scalars is not None:
        x = xp.exp(scalars[1]) * x + scalars[2]
    y = xp.sin(x, out=x) if xp is np else xp.sin(x)
    return y if scalars is None else xp.exp(scalars[0]) * y + scalars[3]


def rectified(xp: Namespace, x: Array, bias: Array) -> Array:
    """max(x + bias, 0). NumPy reuses the memory of x, as in `wave`; torch's own function has the
    fastest gradient."""
    if xp is not np:
        return xp.relu(x + bias)
    x += bias
    return np.maximum(x, 0, out=x)


def sine_layer(
    xp: Namespace, z: Array, matrix: Array, bias: Array, scalars: Array | None = None
) -> Array:
    """The wave of z W^T + b: (..., inputs) to (..., outputs)."""
    product = z @ matrix.T
    product += bias
    return wave(xp, product, scalars)


def learned_scalars() -> TensorSpec:
    """The four scalars of `wave`, which start as a plain sine."""
    return TensorSpec("s", (4,), 0.0)


def encoded_length(dimensions: int, frequencies: int) -> int:
    """Length of an encoded coordinate: D (1 + 2 F)."""
    return dimensions * (1 + 2 * frequencies)


def positional_encoding(xp: Namespace, x: Array, frequencies: int) -> Array:
    """Coordinates and their Fourier features (Mildenhall et al. 2020, eq. 4).

    x: (..., D) float32 in -1..1. Returns (..., D (1 + 2 F)): x, all sines ordered
    (coordinate, frequency), all cosines in the same order; frequency k is pi * 2^k.
    """
    if frequencies == 0:
        return x
    octaves = [math.pi * 2.0**k for k in range(frequencies)]
    factors = xp.asarray(octaves, dtype=x.dtype, device=x.device)
    angles = xp.reshape(x[..., None] * factors, (*x.shape[:-1], -1))  # (..., D F)
    return xp.concat([x, xp.sin(angles), xp.cos(angles)], axis=-1)


def cell_centres(index: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Coordinates of places `index` (..., D) in samples: centres of cells in -1..1, float32."""
    return ((2 * index + 1) / np.asarray(sizes, dtype=np.float64) - 1).astype(np.float32)


def grid_index(start: tuple[int, ...], stop: tuple[int, ...]) -> np.ndarray:
    """Integer coordinates of the box start..stop in row-major order: (n, D) int64."""
    axes = [np.arange(a, b) for a, b in zip(start, stop, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def sine_bound(width: int, w0: int) -> float:
    """Half range of a layer that reads `width` sines (Sitzmann et al. 2020, theorem 1.8)."""
    return math.sqrt(6 / width) / w0


def input_bound(dimensions: int, frequencies: int, w0: int) -> float:
    """Half range of the first layer: 1/D for plain coordinates, a sine layer's for encoded ones."""
    if frequencies == 0:
        return 1 / dimensions
    return sine_bound(encoded_length(dimensions, frequencies), w0)


def output_tensors(channels: int, width: int, w0_hidden: int) -> list[TensorSpec]:
    """The linear output layer; its bias starts at the middle of the range (D'OH, 2.5.1)."""
    return [
        TensorSpec("Wout", (channels, width), sine_bound(width, w0_hidden)),
        TensorSpec("bout", (channels,), 0.0, start=0.5),
    ]
