"""ASMR evaluated in the order the paper gives (Li et al., ICLR 2024, section 3.3, eq. 2).

    z_i = sin(w0 (U(W_i z_{i-1} + b_i, B_i) + R(M_i x_i, C_{i-1}))),   v = W_out z + b_out

U is nearest-neighbour upsampling, R replication as tiles, and the sine runs over every position
of a level: at the last one over all N samples x width. U and R are written as one broadcast and
one copy for all axes, which is what einops makes of them. Kept for timing against
inrcodec.nets.Asmr and for checking it; nothing else uses it.
"""

from collections.abc import Mapping

import numpy as np

from inrcodec.nets.asmr import Asmr
from inrcodec.nets.base import Array, Namespace, grid_index


def published_forward(xp: Namespace, net: Asmr, weights: Mapping[str, Array]) -> Array:
    """Values of the whole padded grid: (prod of bases per axis, ..., channels).

    `weights` as for Asmr.forward, float32, all modulators present. Differentiable under torch.
    """
    like = weights["Wout"]
    z = _digits(xp, net, 0, like)  # (B_0, ..., D)
    for i in range(1, net.layers + 1):
        w0 = net.w0_first if i == 1 else net.w0_hidden
        a = z @ weights[f"W{i}"].T + weights[f"b{i}"]  # (C_{i-1}, ..., d)
        m = net.w0_modulator * (_digits(xp, net, i, like) @ weights[f"M{i}"].T)  # (B_i, ..., d)
        z = xp.sin(w0 * (upsample(xp, a, net.bases[i]) + tile(xp, m, a.shape[:-1])))
    return z @ weights["Wout"].T + weights["bout"]


def upsample(xp: Namespace, x: Array, factors: tuple[int, ...]) -> Array:
    """U: every cell of (n_0, n_1, ..., d) repeated `factors` times along each axis."""
    pairs = list(zip(x.shape[:-1], factors, strict=True))
    split = xp.reshape(x, (*[n for pair in pairs for n in (pair[0], 1)], x.shape[-1]))
    return _copied(xp, split, pairs)


def tile(xp: Namespace, x: Array, factors: tuple[int, ...]) -> Array:
    """R: the whole of (n_0, n_1, ..., d) laid `factors` times side by side along each axis."""
    pairs = list(zip(factors, x.shape[:-1], strict=True))
    split = xp.reshape(x, (*[n for pair in pairs for n in (1, pair[1])], x.shape[-1]))
    return _copied(xp, split, pairs)


def _copied(xp: Namespace, split: Array, pairs: list[tuple[int, int]]) -> Array:
    """Broadcast axes of length 1 to `pairs` of (outer, inner) lengths, and merge each pair."""
    full = xp.broadcast_to(split, (*[n for pair in pairs for n in pair], split.shape[-1]))
    return xp.reshape(full, (*[outer * inner for outer, inner in pairs], split.shape[-1]))


def _digits(xp: Namespace, net: Asmr, level: int, like: Array) -> Array:
    """Digits of a level, 0..1 per axis (0 where the base is 1): (*bases, D) float32."""
    bases = net.bases[level]
    index = grid_index((0,) * len(bases), bases)
    digits = (index / np.maximum(np.asarray(bases) - 1, 1)).astype(np.float32)
    return xp.asarray(digits.reshape(*bases, len(bases)), device=like.device)
