"""The networks that correct cells of 2x2 samples of a latent pyramid.

A network reads every input at its own place and through two 3x3 filters of it, and has ReLU layers
and a linear one. Its filters are folded into the first layer, so that it is a row of matrix
products over all cells.

What a picture needs corrected does not depend on left and right, or on above and below: in a
mirrored network every unit comes in four flips, which share its weights and see cells flipped
neither way, across, down or both, so that a flipped picture gives the flipped correction
(group-equivariant convolutions: Cohen and Welling 2016). Four times as many units come at the same
size. Flip g is 2 * (flipped down) + (flipped across); g xor k is what leads from one to another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from inrcodec.nets.base import Array, Namespace, TensorSpec, rectified

FLIPS = 4
FILTERS = 2  # of each input
TAPS = 9
_PARTS = 4  # samples of a cell in a channel
# What one network reads of a sample: its own place, and through its filters.
_READINGS = 1 + FILTERS
# The finest network sees samples of nominal range 0..1 multiplied by this, and adds this much of
# its output; each coarser one half and twice as much.
_INPUT_GAIN, _OUTPUT_GAIN = 8.0, 1 / 32
_FLIPPED_AXES = ((), (2,), (1,), (1, 2))  # of (C, 2, 2, ...), by flip
# From what four flips have to its sums and differences: its own inverse, but for a 4.
_MIXING = ((1, 1, 1, 1), (1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1))

# The first layer, (sets, width, inputs of a set), for what `CellNetwork.readings` gives; then the
# biases of all units of a layer, and the matrix (outputs, units) that follows it.
Layers = tuple[Array, list[tuple[Array, Array]]]


@dataclass(frozen=True)
class CellNetwork:
    """Sizes of one network: `layers` ReLU layers of `width` units, in four flips each where it is
    `mirrored`. `stage` is in its tensors' names."""

    stage: int
    channels: int
    layers: int
    width: int
    mirrored: bool

    @property
    def _flips(self) -> range:
        """The flips that units come in."""
        return range(FLIPS if self.mirrored else 1)

    @property
    def _units(self) -> int:
        """Units of a layer, in all flips."""
        return self.width * len(self._flips)

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
        inputs, units, flips = _PARTS * self.channels, self._units, len(self._flips)
        mixing = flips * units if flips > 1 else 0
        return TAPS * inputs * self.width + mixing + ((self.layers - 1) * units + inputs) * units

    def matrices(self, xp: Namespace, weights: Mapping[str, Array]) -> Layers:
        """The tensors as `corrections` takes them."""
        stage = self.stage
        inner = [self._between(xp, weights[f"W.{stage}.{i}"]) for i in range(2, self.layers + 1)]
        last = self._all_flipped(xp, weights[f"Wout.{stage}"] * (_OUTPUT_GAIN * 2**stage))
        biases = [self._biases(xp, weights[f"b.{stage}.{i}"]) for i in range(1, self.layers + 1)]
        return self._first(xp, weights), list(zip(biases, [*inner, last], strict=True))

    def _biases(self, xp: Namespace, biases: Array) -> Array:
        """Those of all units, (units, 1)."""
        return xp.concat([biases] * len(self._flips), axis=0)[:, None]

    def _between(self, xp: Namespace, inner: Array) -> Array:
        """A matrix from all units to all units: what flip g takes from flip k lies at g xor k."""
        parts = [inner[:, g * self.width : (g + 1) * self.width] for g in self._flips]
        rows = [xp.concat([parts[g ^ k] for k in self._flips], axis=1) for g in self._flips]
        return xp.concat(rows, axis=0)

    def _first(self, xp: Namespace, weights: Mapping[str, Array]) -> Array:
        """Places and filters of all inputs as weights of what `readings` gives.

        To a flipped unit a sample of a cell is another one. So a mirrored layer is a convolution
        over the group of flips: a product for each of their sums and differences.
        """
        first, flips = weights[f"W.{self.stage}.1"], len(self._flips)
        inputs = _PARTS * self.channels
        lead = (self.width, inputs // flips, flips)
        filters = xp.reshape(weights[f"K.{self.stage}"], (inputs // flips, 1, FILTERS, TAPS))
        place = xp.reshape(first[:, :inputs], lead)
        rest = xp.reshape(first[:, inputs:], (*lead, FILTERS, 1))
        taps = xp.sum(rest * filters, axis=3)
        by_tap = [taps[..., t] + place if t == TAPS // 2 else taps[..., t] for t in range(TAPS)]
        matrices = xp.permute_dims(xp.stack(by_tap), (3, 1, 0, 2))  # flip, unit, tap, input
        gain = _INPUT_GAIN / 2**self.stage / flips
        mixed = _mixed(xp, xp.reshape(matrices, (flips, -1)) * gain)
        return xp.reshape(mixed, (flips, self.width, -1))

    def readings(self, xp: Namespace, cells: Array) -> Array:
        """What the network reads: (4 C, h + 2, w + 2), borders included, to (sets, inputs of a set,
        h * w).

        Row 4 c + 2 y + x is sample (y, x) of a cell in channel c. Without flips there is one set,
        all samples of the nine cells; with them there are four: of samples that flips around a cell
        put in one another's place the sums and differences, down and across.
        """
        rows, columns = cells.shape[1] - 2, cells.shape[2] - 2
        if not self.mirrored:
            taps = [cells[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
            return xp.reshape(xp.concat(taps, axis=0), (1, -1, rows * columns))
        parts = xp.reshape(cells, (self.channels, 2, 2, *cells.shape[1:]))
        tops = xp.stack([parts[:, 0, :, y : y + rows] for y in range(3)])
        bottoms = xp.stack([parts[:, 1, :, 2 - y : 2 - y + rows] for y in range(3)])
        halves = xp.stack([tops + bottoms, tops - bottoms])  # (2, 3, C, 2, h, w + 2)
        lefts = xp.stack([halves[..., 0, :, x : x + columns] for x in range(3)], axis=2)
        rights = xp.stack([halves[..., 1, :, 2 - x : 2 - x + columns] for x in range(3)], axis=2)
        sets = xp.stack([lefts + rights, lefts - rights], axis=1)  # (2, 2, 3, 3, C, h, w)
        return xp.reshape(sets, (FLIPS, -1, rows * columns))

    def readings_adjoint(
        self, xp: Namespace, gradient: Array, shape: tuple[int, int, int]
    ) -> Array:
        """A gradient by cells (4 C, h + 2, w + 2), whose `shape` this is, from one by readings."""
        rows, columns = shape[1] - 2, shape[2] - 2
        kind = {"dtype": gradient.dtype, "device": gradient.device}
        cells = xp.zeros(shape, **kind)
        if not self.mirrored:
            taps = xp.reshape(gradient, (3, 3, -1, rows, columns))
            for y, x in product(range(3), repeat=2):
                cells[:, y : y + rows, x : x + columns] += taps[y, x]
            return cells
        sets = xp.reshape(gradient, (2, 2, 3, 3, self.channels, rows, columns))
        lefts, rights = sets[:, 0] + sets[:, 1], sets[:, 0] - sets[:, 1]
        halves = xp.zeros((2, 3, self.channels, 2, rows, shape[2]), **kind)
        for x in range(3):
            halves[..., 0, :, x : x + columns] += lefts[:, :, x]
            halves[..., 1, :, 2 - x : 2 - x + columns] += rights[:, :, x]
        tops, bottoms = halves[0] + halves[1], halves[0] - halves[1]
        parts = xp.reshape(cells, (self.channels, 2, 2, *shape[1:]))
        for y in range(3):
            parts[:, 0, :, y : y + rows] += tops[y]
            parts[:, 1, :, 2 - y : 2 - y + rows] += bottoms[y]
        return cells

    def _all_flipped(self, xp: Namespace, last: Array) -> Array:
        """A matrix to the samples of a cell, (4 C, width), as all units have it: (4 C, units)."""
        cells = xp.reshape(last, (self.channels, 2, 2, -1))
        needed = _FLIPPED_AXES[: len(self._flips)]
        flipped = [xp.flip(cells, axis=axes) if axes else cells for axes in needed]
        return xp.concat([xp.reshape(part, last.shape) for part in flipped], axis=1)


def _mixed(xp: Namespace, x: Array) -> Array:
    """Sums and differences of what flips have, (flips, n)."""
    if len(x) == 1:
        return x
    return xp.asarray(_MIXING, dtype=x.dtype, device=x.device) @ x


def corrections(xp: Namespace, layers: Layers, readings: Array) -> Array:
    """What a network of these layers gives for cells that are read so: (4 C, h * w)."""
    first, rest = layers
    sums = xp.reshape(first @ readings, (len(first), -1))
    z = xp.reshape(_mixed(xp, sums), (-1, readings.shape[2]))
    for biases, matrix in rest:
        z = matrix @ rectified(xp, z, biases)
    return z
