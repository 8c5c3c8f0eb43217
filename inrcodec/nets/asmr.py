"""ASMR: activation-sharing multi-resolution networks (Li et al., ICLR 2024).

A coordinate is written in a mixed radix, one digit per level (section 3.1); layer i adds a
modulation by digit i (section 3.2, eq. 1) and runs once per prefix of digits, not once per
sample (section 3.3, eq. 2):

    z_0 = x_0,   z_i = sin(w0 (W_i z_{i-1} + b_i + w0_modulator M_i x_i)),   v = W_out z + b_out

The last level is factorised, exactly. With a = w0 (W z + b) on the cells of the level before
and m = w0 w0_modulator M x on the positions inside a cell, sin(a + m) = sin a cos m + cos a sin m,
so the output is one matrix product and no tensor of samples x width is made:

    v = sin a @ (W_out cos m)^T + cos a @ (W_out sin m)^T + b_out

Counted from the middle of a cell, position k and its mirror image have modulations m and -m: the
two products p, q of one half of the positions give p + q there and p - q at the mirror images, so
the factorised form costs as many multiply-accumulates as the plain one.

Means over boxes of a cell's positions are as exact: those of cos m and sin m over a box stand for
one position. So 1/k of the size takes a part of the last level's work, where boxes tile cells.

A *row* is a prefix of digits 0..head; all samples below a row, its *block*, are evaluated
together and share the row's activations. `head` = 0 shares the most; `head` = levels - 2 makes
rows the cells of the last level, which can be taken at random when fitting.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inrcodec.nets.base import (
    Array,
    Namespace,
    TensorSpec,
    encoded_length,
    grid_index,
    input_bound,
    learned_scalars,
    output_tensors,
    positional_encoding,
    sine_bound,
    wave,
)


@dataclass(frozen=True)
class Asmr:
    """Sizes of an ASMR network.

    `bases`: one tuple per level with the base of each axis; the product over levels is the padded
    grid and must reach `shape` on every axis. There are levels - 1 sine layers. `means`: sides of
    the boxes whose means stand for samples, divisors of the last bases (None: each sample is its
    own).
    """

    shape: tuple[int, ...]
    channels: int
    width: int
    bases: tuple[tuple[int, ...], ...]
    w0_first: int = 30
    w0_hidden: int = 30
    w0_modulator: int = 1
    frequencies: int = 0
    learned: bool = False
    means: tuple[int, ...] | None = None

    @property
    def layers(self) -> int:
        """Number of sine layers."""
        return len(self.bases) - 1

    def modulated(self, level: int) -> bool:
        """Whether a level has a modulator: its digits are not all 0."""
        return max(self.bases[level]) > 1

    def layer_tensors(self, i: int) -> list[TensorSpec]:
        """Weights, bias and modulator of layer i = 1..layers."""
        dimensions = len(self.shape)
        w0 = self.w0_first if i == 1 else self.w0_hidden
        if i == 1:
            fan_in = encoded_length(dimensions, self.frequencies)
            bound = input_bound(dimensions, self.frequencies, w0)
        else:
            fan_in, bound = self.width, sine_bound(self.width, w0)
        specs = [
            TensorSpec(f"W{i}", (self.width, fan_in), bound),
            TensorSpec(f"b{i}", (self.width,), 1 / math.sqrt(fan_in)),
        ]
        if self.modulated(i):
            specs.append(TensorSpec(f"M{i}", (self.width, dimensions), 1 / dimensions))
        return specs

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        layers = [spec for i in range(1, self.layers + 1) for spec in self.layer_tensors(i)]
        layers += output_tensors(self.channels, self.width, self.w0_hidden)
        return [*layers, learned_scalars()] if self.learned else layers

    def heads(self) -> range:
        """Levels at which rows can be taken, from most shared to finest."""
        return range(self.layers)

    def rows(self, head: int) -> tuple[int, ...]:
        """Rows per axis: the product of bases 0..head (C_head in the paper)."""
        return _products(self.bases[: head + 1])

    def block(self, head: int) -> tuple[int, ...]:
        """Samples, or means of them, per row and axis: the product of what `tail` has."""
        return _products(self.tail(head))

    def tail(self, head: int) -> list[tuple[int, ...]]:
        """Bases after `head`; of the last level as many as there are means."""
        *before, last = self.bases[head + 1 :]
        means = self.means or (1,) * len(last)
        return [*before, tuple(b // side for b, side in zip(last, means, strict=True))]

    def inputs(self, index: np.ndarray, head: int) -> tuple[np.ndarray, ...]:
        """Normalised digits 0..head of rows `index` (..., D) int: float32, likewise, per level."""
        digits = []
        for level in range(head + 1):
            grid = np.asarray(_products(self.bases[level + 1 : head + 1]))  # G_i within the head
            bases = np.asarray(self.bases[level])
            digits.append(_normalise(index // grid % bases, bases))
        return tuple(digits)

    def macs(self, rows: int, head: int) -> int:
        """Multiply-accumulates by weights for `rows` rows, counted as the paper counts them.

        Layer i costs W_i on its points before upsampling and M_i on its digits; the output layer
        costs one product per sample, in the factorised form too.
        """
        total, points = 0, rows
        for i in range(1, self.layers + 1):
            matrices = {spec.name[0]: spec.size for spec in self.layer_tensors(i)}
            total += points * matrices["W"]
            digits = points if i <= head else math.prod(self.bases[i])
            total += digits * matrices.get("M", 0)
            points *= math.prod(self.bases[i]) if i > head else 1
        return total + points * self.width * self.channels

    def forward(
        self,
        xp: Namespace,
        weights: Mapping[str, Array],
        inputs: Sequence[Array],
        head: int,
    ) -> Array:
        """Values of the blocks of rows: digits (n, D) per level 0..head, or (tiles, n, D) with
        products tile by tile, to (n, *block(head), channels), all n of all tiles; nominal range
        0..1. Differentiable under torch."""
        first = inputs[0] * 2 - 1 if self.frequencies else inputs[0]
        z = positional_encoding(xp, first, self.frequencies)
        for i in range(1, self.layers):
            a = self._preactivation(z, weights, i)  # (..., points, d)
            if i <= head and self.modulated(i):
                a = a + self._modulation(weights, inputs[i], i)
            elif i > head and self.modulated(i):
                m = self._modulation(weights, self._digits(xp, i, a), i)  # (B, d)
                a = xp.reshape(a[..., None, :] + m, (*a.shape[:-2], -1, self.width))
            z = wave(xp, a, weights.get("s"))
        v = self._last_level(xp, z, weights)  # (..., cells, B, channels)
        return self._assemble(xp, v, head)

    def _preactivation(self, z: Array, weights: Mapping[str, Array], i: int) -> Array:
        w0 = self.w0_first if i == 1 else self.w0_hidden
        return z @ (w0 * weights[f"W{i}"]).T + w0 * weights[f"b{i}"]

    def _modulation(self, weights: Mapping[str, Array], digits: Array, i: int) -> Array:
        w0 = self.w0_first if i == 1 else self.w0_hidden
        return digits @ (w0 * self.w0_modulator * weights[f"M{i}"]).T

    def _digits(self, xp: Namespace, level: int, like: Array) -> Array:
        """All normalised digits of one level in row-major order: (prod B, D)."""
        bases = self.bases[level]
        index = grid_index((0,) * len(bases), bases)
        digits = _normalise(index, np.asarray(bases))
        return xp.asarray(digits, dtype=like.dtype, device=like.device)

    def _last_level(self, xp: Namespace, z: Array, weights: Mapping[str, Array]) -> Array:
        """The factorised last level: (..., cells, d) to (..., cells, B, channels)."""
        last, out, bias = self.layers, weights["Wout"], weights["bout"]  # (channels, d)
        a = self._preactivation(z, weights, last)
        scalars = weights.get("s")
        if not self.modulated(last):
            return (wave(xp, a, scalars) @ out.T + bias)[..., None, :]
        stretch = 1 if scalars is None else xp.exp(scalars[1])
        if scalars is not None:
            a = stretch * a + scalars[2]
            bias = bias + scalars[3] * xp.sum(out, axis=1)
            out = xp.exp(scalars[0]) * out
        digits = self._digits(xp, last, a)  # (B, D)
        if self.means:
            m = (self._modulation(weights, digits, last) * stretch)[:, None, :]  # (B, 1, d)
            even, odd = (self._meant(xp, f(m) * out[None, :, :]) for f in (xp.cos, xp.sin))
            v = xp.sin(a) @ even.T + xp.cos(a) @ odd.T
            return xp.reshape(v, (*a.shape[:-1], -1, self.channels)) + bias
        centre, count = digits[-1:, :] / 2, digits.shape[0]
        half = (count + 1) // 2
        a = a + self._modulation(weights, centre, last) * stretch
        m = self._modulation(weights, digits[:half] - centre, last)[:, None, :]  # (half, 1, d)
        m = m * stretch
        even, odd = (
            xp.reshape(f(m) * out[None, :, :], (-1, self.width)) for f in (xp.cos, xp.sin)
        )  # (half channels, d)
        shape = (*a.shape[:-1], half, self.channels)
        p = xp.reshape(xp.sin(a) @ even.T, shape) + bias
        q = xp.reshape(xp.cos(a) @ odd.T, shape)
        mirrored = xp.flip((p - q)[..., : count - half, :], axis=-2)
        return xp.concat([p + q, mirrored], axis=-2)

    def _meant(self, xp: Namespace, values: Array) -> Array:
        """Means over boxes of the last level's positions: (B, channels, d) to (boxes channels,
        d)."""
        assert self.means is not None
        sides = zip(self.tail(self.layers - 1)[0], self.means, strict=True)
        split = xp.reshape(values, (*[n for pair in sides for n in pair], *values.shape[1:]))
        within = tuple(range(1, 2 * len(self.means), 2))
        return xp.reshape(xp.mean(split, axis=within), (-1, self.width))

    def _assemble(self, xp: Namespace, v: Array, head: int) -> Array:
        """Order samples of a block by axis instead of by level: (n, *block, channels)."""
        tail = self.tail(head)
        dimensions = len(self.shape)
        split = xp.reshape(v, (-1, *[b for level in tail for b in level], self.channels))
        order = [
            1 + level * dimensions + axis
            for axis in range(dimensions)
            for level in range(len(tail))
        ]
        moved = xp.permute_dims(split, (0, *order, split.ndim - 1))
        return xp.reshape(moved, (-1, *self.block(head), self.channels))


def _products(levels: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(math.prod(axis) for axis in zip(*levels, strict=True)) if levels else (1,)


def _normalise(digits: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """Digits 0..B-1 to 0..1 per axis (0 where the base is 1), float32."""
    return (digits / np.maximum(bases - 1, 1)).astype(np.float32)
