"""Latent grids: integer planes at several resolutions, contexts that predict them, upsampling and a
small synthesis network, all fitted to one picture (Ladune et al. 2023, Kim et al. 2024).

Every channel of the picture's own colour axes has a plane of latents at each level from the
coarsest, of 1/2^levels the size, to the finest that it has. A latent is coded around a centre and
under a scale that a context network predicts from latents decoded before it (prediction.py). To
make samples the planes are doubled in size, level by level, a level's own joining those that come
from below; a network that sees all planes at a place, and the same place through linear weights,
gives the channels, and 3x3 filters correct them:

    frame       colour axes (C, C), means (C), log2(step) / 16 of every plane
    taps        (levels, 4): how planes are doubled, the coarsest level's first
    skip        (C, P): channels from planes
    W.in, b.in, W.out, b.out   one ReLU layer of `width` units beside it
    K.i, k.i    (C, 9 C), (C): 3x3 filters of channels, each added to what it reads
    P1.s, p1.s, P2.s, p2.s, P3.s, p3.s   the context networks, of the first channel and the others

Where the literature fits for an hour, planes begin here as a Laplacian pyramid of the picture, and
networks learn many times in each step of the latents.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inrcodec.nets.areas import Area, Box, extent, tiled
from inrcodec.nets.base import Array, Namespace, TensorSpec, rectified

CONVOLUTIONS = 2
TAPS = 4
# Samples around one that a doubling, and all filters, read.
_REACH = 2
# What the synthesis network sees and gives is scaled by this and its inverse: planes are in 0..1.
GAIN = 8.0
# Latents of the same plane that a context has: rows and columns on.
NEIGHBOURS = (
    *((-3, x) for x in range(-1, 2)),
    *((-2, x) for x in range(-2, 3)),
    *((-1, x) for x in range(-3, 2)),
    *((0, x) for x in range(-3, 0)),
)
PARENTS = 9  # of the next coarser plane: 3x3 around the one over it
SIBLINGS = 2  # of channels after the first: the same place in the first channel and the one before
# Rows of a plane whose contexts do not reach into those above, so that they are decoded at once.
STRIP = 64


@dataclass(frozen=True)
class Plane(Area):
    """Latents of one channel and level: rows x columns from row `top` and column `left` on."""

    channel: int
    level: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return (self.rows, self.columns)

    @property
    def size(self) -> int:
        """Number of latents."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Grids:
    """Sizes of latent grids. `width`: units of the synthesis network; `context_width`: of each of
    two layers of the first channel's context network, and half of it for the others'; `levels`: the
    coarsest; `colour_from`: the finest at which channels after the first have latents. `box`:
    samples whose latents there are, all others being 0 (None: all there could be). `tile`: samples
    along the sides of the squares that are coded apart, a multiple of 2^levels (0: none are)."""

    shape: tuple[int, ...]
    channels: int
    width: int
    context_width: int
    levels: int
    colour_from: int
    box: Box | None = None
    tile: int = 0

    def sides(self, level: int) -> tuple[int, int]:
        """Rows and columns of a whole plane."""
        rows, columns = (-(-n >> level) for n in self.shape)
        return rows, columns

    def level_boxes(self, box: Box, finest: int = 0) -> list[Box]:
        """What a box needs of the planes of every level from the `finest` on, of whose size it is:
        samples, where that is 0."""
        boxes = [self._around(box, CONVOLUTIONS, finest)]
        for level in range(finest + 1, self.levels + 1):
            halved = tuple((a // 2, -(-b // 2)) for a, b in boxes[-1])
            boxes.append(self._around(halved, _REACH, level))
        return boxes

    def _around(self, box: Box, reach: int, level: int) -> Box:
        """A box and so many places around it, as far as there are any."""
        pairs = zip(box, self.sides(level), strict=True)
        return tuple((max(a - reach, 0), min(b + reach, n)) for (a, b), n in pairs)

    @property
    def whole(self) -> Box:
        """The box of all samples."""
        return tuple((0, n) for n in self.shape)

    def planes(self) -> list[Plane]:
        """All planes, from the coarsest level on, channel by channel: the order of the file."""
        boxes = self.level_boxes(self.box or self.whole)
        return [Plane(channel, level, **extent(boxes[level])) for channel, level in self.places()]

    def tiles(self) -> Iterator[list[Plane]]:
        """What each tile that has any latents has of every plane, row by row of tiles; `planes` as
        they are where none are coded apart."""
        planes = self.planes()
        if self.tile:
            octaves = [self.levels - plane.level for plane in planes]
            yield from tiled(planes, self.tile >> self.levels, octaves)
        else:
            yield planes

    def places(self) -> Iterator[tuple[int, int]]:
        """Channel and level of every plane, in the order of `planes`."""
        for level in range(self.levels, -1, -1):
            for channel in range(self.channels if level >= self.colour_from else 1):
                yield channel, level

    @property
    def count(self) -> int:
        """Number of planes."""
        return len(list(self.places()))

    def networks(self) -> range:
        """Numbers of the context networks: one for the first channel, one for all others."""
        return range(min(self.channels, 2))

    def inputs(self, network: int) -> int:
        """What a context network reads."""
        return len(NEIGHBOURS) + PARENTS + (SIBLINGS if network else 0)

    def units(self, network: int) -> int:
        """Units of each layer of a context network; planes of further channels need less."""
        return -(-self.context_width // 2) if network else self.context_width

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        c, planes = self.channels, self.count
        specs = [
            TensorSpec("frame", (c * c + c + planes,), 0.0),
            TensorSpec("taps", (self.levels, TAPS), 0.0),
            TensorSpec("skip", (c, planes), 0.0),
            TensorSpec("W.in", (self.width, planes), math.sqrt(6 / planes)),
            TensorSpec("b.in", (self.width,), 0.0),
            TensorSpec("W.out", (c, self.width), 0.0),
            TensorSpec("b.out", (c,), 0.0),
        ]
        for i in range(CONVOLUTIONS):
            specs.append(TensorSpec(f"K.{i}", (c, 9 * c), 0.02))
            specs.append(TensorSpec(f"k.{i}", (c,), 0.0))
        return specs + [spec for s in self.networks() for spec in self.context_tensors(s)]

    def context_tensors(self, network: int) -> list[TensorSpec]:
        """The tensors of a context network, in the order in which they are used."""
        width, inputs = self.units(network), self.inputs(network)
        shapes = {
            "P1": (width, inputs),
            "p1": (width,),
            "P2": (width, width),
            "p2": (width,),
            "P3": (2, width),
            "p3": (self.levels + 1, 2),
        }
        bounds = {"P1": math.sqrt(3 / inputs), "P2": math.sqrt(3 / width)}
        return [
            TensorSpec(f"{name}.{network}", shape, bounds.get(name, 0.0))
            for name, shape in shapes.items()
        ]

    def context_macs(self, network: int) -> int:
        """Multiply-accumulates of a context."""
        width = self.units(network)
        return (self.inputs(network) + width + 2) * width

    def macs(self) -> int:
        """Multiply-accumulates of all contexts, of all doubling, and of all samples."""
        planes = self.planes()
        contexts = sum(p.size * self.context_macs(min(p.channel, 1)) for p in planes)
        doubling = 0
        for level in range(self.levels):
            area = next(p.size for p in planes if p.level == level)
            doubling += 2 * TAPS * area * sum(p.level > level for p in planes)
        c = self.channels
        sample = (self.count + c) * self.width + c * self.count + CONVOLUTIONS * 9 * c * c
        return contexts + doubling + sample * planes[-1].size

    def macs_per_sample(self) -> float:
        """Multiply-accumulates over the samples that the finest latents give."""
        return self.macs() / self.planes()[-1].size

    def frame_parts(self, frame: Array) -> tuple[Array, Array, Array]:
        """Colour axes (C, C), means (C,) and log2 of the steps (P,)."""
        c = self.channels
        return frame[: c * c].reshape(c, c), frame[c * c : c * c + c], 16 * frame[c * c + c :]


def doubled(xp: Namespace, planes: Array, taps: Array) -> Array:
    """Planes (P, h, w) at twice the size, (P, 2 h, 2 w): of two values between four others one has
    the weights `taps` (4,), the other the same in reverse; outside are copies of the last ones."""
    return _doubled_along(xp, _doubled_along(xp, planes, taps, 1), taps, 2)


def _doubled_along(xp: Namespace, x: Array, taps: Array, axis: int) -> Array:
    size, lead = x.shape[axis], (slice(None),) * axis
    ends = [x[(*lead, slice(0, 1))], x[(*lead, slice(size - 1, size))]]
    long = xp.concat([ends[0], ends[0], x, ends[1], ends[1]], axis=axis)
    near = [long[(*lead, slice(k, k + size))] for k in range(TAPS + 1)]
    even, odd = taps[0] * near[0], taps[TAPS - 1] * near[1]
    for k in range(1, TAPS):
        even = even + taps[k] * near[k]
        odd = odd + taps[TAPS - 1 - k] * near[k + 1]
    both = xp.stack([even, odd], axis=axis + 1)
    return xp.reshape(both, (*x.shape[:axis], 2 * size, *x.shape[axis + 1 :]))


def synthesised(xp: Namespace, weights: Mapping[str, Array], planes: Array) -> Array:
    """Channels (C, h, w) from all planes (P, h + 4, w + 4) at the finest size, borders included."""
    count, rows, columns = planes.shape
    flat = xp.reshape(planes, (count, -1))
    units = rectified(xp, (GAIN * weights["W.in"]) @ flat, weights["b.in"][:, None])
    y = weights["skip"] @ flat
    y = y + (weights["W.out"] / GAIN) @ units + weights["b.out"][:, None] / GAIN
    y = xp.reshape(y, (-1, rows, columns))
    for i in range(CONVOLUTIONS):
        change = _filtered(xp, y, weights[f"K.{i}"], weights[f"k.{i}"])
        if i < CONVOLUTIONS - 1:
            change = xp.where(change > 0, change, xp.zeros_like(change))
        y = y[:, 1:-1, 1:-1] + change
    return y


def _filtered(xp: Namespace, y: Array, kernel: Array, bias: Array) -> Array:
    """3x3 filters of channels: (C, h + 2, w + 2) to (C, h, w). Column 9 c + 3 i + j of the kernel
    is for channel c, i rows and j columns on."""
    rows, columns = y.shape[1] - 2, y.shape[2] - 2
    near = [y[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    stacked = xp.reshape(xp.stack(near, axis=1), (9 * y.shape[0], -1))
    return xp.reshape(kernel @ stacked + bias[:, None], (-1, rows, columns))


def cropped(planes: Array, box: Box, whole: Box) -> Array:
    """Rows and columns of a box, of planes (..., h, w) that cover another around it."""
    slices = [slice(a - c, b - c) for (a, b), (c, _) in zip(box, whole, strict=True)]
    return planes[(..., *slices)]


def by_level(net: Grids, planes: Sequence[Array]) -> list[list[Array]]:
    """Planes in file order, level by level from the coarsest."""
    levels: list[list[Array]] = [[] for _ in range(net.levels + 1)]
    for (_, level), values in zip(net.places(), planes, strict=True):
        levels[net.levels - level].append(values)
    return levels
