"""The networks that correct cells of 2x2 samples of a latent pyramid.

A network reads every input at its own place and through two 3x3 filters of it, and has ReLU layers
and a linear one. Its filters are folded into the first layer, so that it is a row of matrix
products over all cells.

What a picture needs corrected does not depend on left and right, or on above and below: in a
mirrored network every unit comes in four orientations, which share its weights and see cells
flipped neither way, across, down or both, so that a flipped picture gives the flipped correction
(group-equivariant convolutions: Cohen and Welling 2016). Four times as many units come at the same
size. Orientation g is 2 * (flipped down) + (flipped across).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from inrcodec.nets.base import Array, Namespace, TensorSpec

ORIENTATIONS = 4
FILTERS = 2  # of each input
TAPS = 9
_PARTS = 4  # samples of a cell in a channel
# What one network reads of a sample: its own place, and through its filters.
_READINGS = 1 + FILTERS

# A matrix and what is added to its products; the last layer adds nothing.
Layers = list[tuple[Array, Array | None]]


@dataclass(frozen=True)
class CellNetwork:
    """Sizes of one network: `layers` ReLU layers of `width` units, in four orientations each where
    it is `mirrored`. `stage` is in its tensors' names."""

    stage: int
    channels: int
    layers: int
    width: int
    mirrored: bool

    @property
    def _turns(self) -> range:
        """The orientations that units come in."""
        return range(ORIENTATIONS if self.mirrored else 1)

    @property
    def _units(self) -> int:
        """Units of a layer, in all orientations."""
        return self.width * len(self._turns)

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        stage, inputs = self.stage, _PARTS * self.channels
        filtered = self.channels if self.mirrored else inputs
        specs = [TensorSpec(f"K.{stage}", (FILTERS * filtered, TAPS), 0.35)]
        fan_in = _READINGS * inputs
        for i in range(1, self.layers + 1):
            bound = (6 / fan_in) ** 0.5
            specs.append(TensorSpec(f"W.{stage}.{i}", (self.width, fan_in), bound))
            specs.append(TensorSpec(f"b.{stage}.{i}", (self.width,), 0.0))
            fan_in = self._units
        return [*specs, TensorSpec(f"Wout.{stage}", (inputs, self.width), 0.0)]

    def macs(self) -> int:
        """Multiply-accumulates of a cell."""
        inputs, units = _PARTS * self.channels, self._units
        return (TAPS * inputs + (self.layers - 1) * units + inputs) * units

    def matrices(self, xp: Namespace, weights: Mapping[str, Array]) -> Layers:
        """All layers, the first (units, 9 inputs) with its taps one after another."""
        layers: Layers = [(self._first_matrix(xp, weights), self._biases(xp, weights, 1))]
        for i in range(2, self.layers + 1):
            inner = weights[f"W.{self.stage}.{i}"]
            layers.append((self._between(xp, inner), self._biases(xp, weights, i)))
        last = weights[f"Wout.{self.stage}"]
        return [*layers, (xp.concat(self._all_turned(xp, last, 0), axis=1), None)]

    def _biases(self, xp: Namespace, weights: Mapping[str, Array], layer: int) -> Array:
        biases = weights[f"b.{self.stage}.{layer}"]
        return xp.concat([biases] * len(self._turns), axis=0)

    def _between(self, xp: Namespace, inner: Array) -> Array:
        """A matrix from all units to all units: what orientation g takes from orientation k lies
        at their difference, g xor k."""
        parts = [inner[:, g * self.width : (g + 1) * self.width] for g in self._turns]
        rows = [xp.concat([parts[g ^ k] for k in self._turns], axis=1) for g in self._turns]
        return xp.concat(rows, axis=0)

    def _first_matrix(self, xp: Namespace, weights: Mapping[str, Array]) -> Array:
        """Places and filters of all inputs as weights of their nine taps."""
        first, inputs = weights[f"W.{self.stage}.1"], _PARTS * self.channels
        place, rest = first[:, :inputs], xp.reshape(first[:, inputs:], (-1, inputs, FILTERS))
        # Flips put samples in one another's place, with their filters.
        place = xp.concat(self._all_turned(xp, place, 1), axis=0)
        rest = xp.concat(self._all_turned(xp, rest, 1), axis=0)
        taps = xp.sum(rest[:, :, :, None] * self._filters(xp, weights)[None], axis=2)
        by_tap = [taps[:, :, t] + place if t == TAPS // 2 else taps[:, :, t] for t in range(TAPS)]
        return xp.concat(by_tap, axis=1)

    def _filters(self, xp: Namespace, weights: Mapping[str, Array]) -> Array:
        """Filters of every input, (4 C, 2, 9); those of a mirrored network are stored for the first
        sample of a cell and flipped for the others."""
        stored = xp.reshape(weights[f"K.{self.stage}"], (self.channels, -1, FILTERS, 3, 3))
        filters = xp.concat([_flipped(xp, stored, 3, g) for g in self._turns], axis=1)
        return xp.reshape(filters, (-1, FILTERS, TAPS))

    def _all_turned(self, xp: Namespace, x: Array, axis: int) -> list[Array]:
        """An array with the samples of a cell along an axis, (4 C), as each orientation sees it."""
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        cells = xp.reshape(x, (*before, self.channels, 2, 2, *after))
        return [xp.reshape(_flipped(xp, cells, axis + 1, g), x.shape) for g in self._turns]


def _flipped(xp: Namespace, x: Array, axis: int, orientation: int) -> Array:
    """An array with rows (at an axis), columns (at the next), or both in reverse."""
    axes = [axis] * (orientation >> 1) + [axis + 1] * (orientation & 1)
    return xp.flip(x, axis=tuple(axes)) if axes else x


def corrections(xp: Namespace, layers: Layers, cells: Array) -> Array:
    """What a network gives for cells: (4 C, h + 2, w + 2), borders included, to (4 C, h, w).

    Row 4 c + 2 y + x is sample (y, x) of a cell in channel c.
    """
    rows, columns = cells.shape[1] - 2, cells.shape[2] - 2
    taps = [cells[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    z = xp.reshape(xp.concat(taps, axis=0), (-1, rows * columns))
    for matrix, biases in layers:
        z = matrix @ z
        if biases is not None:
            z += biases[:, None]
            z = xp.clip(z, 0, None)
    return xp.reshape(z, (-1, rows, columns))
