"""Film: a latent pyramid of every frame, predicted along motion from frames decoded before it.

Anchors, `interval` frames apart, are predicted from the anchor before; frames between two others
from both, those in the middle first. What a frame holds are integers: wavelet coefficients of what
its prediction leaves, and wavelet coefficients of its motion. Frames of one batch depend on
earlier batches alone, and lie under one another in tall planes. Everything but the integers is in
a few small tensors:

    colours    means (C), and without halved chroma of three channels before them axes (C, C)
    steps      log2(step) / 16: of every class (LL, then levels, coarsest first), motion, shares
    classes    scale offsets of every class: LL, then levels, coarsest first
    near, parents, cross, offsets, slopes              contexts of pictures, as in a pyramid
    past       context weights of the frames predicted from: same position, 3x3 cells
    motion.near, motion.parents, ..., motion.slopes    contexts of motion

Prediction between frames on both sides, the middle ones first, is that of H.264 and its
successors; that every integer is fitted through all predictions made from it is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from inrcodec.nets.base import Array, TensorSpec
from inrcodec.nets.motion import HALF_WAY
from inrcodec.nets.pyramid import Pyramid

# Fields of motion, rows and columns each: to the frame before. Between two frames: straight
# motion and what both ends are off it, then the share of the frame before.
ONE_SIDED, TWO_SIDED = 2, 5


@dataclass(frozen=True)
class Batch:
    """Frames decoded together. `level`: 0 not predicted, 1 from `before`, 2 and more from `before`
    and `after`, one more for each halving."""

    level: int
    frames: tuple[int, ...]
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @property
    def fields(self) -> int:
        """Fields of motion of each frame."""
        return (0, ONE_SIDED, TWO_SIDED)[min(self.level, 2)]

    @property
    def references(self) -> set[int]:
        """Frames that these are predicted from."""
        return {*self.before, *self.after}

    def predicted_from(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Each frame that is predicted, and those that it is predicted from."""
        sides = [side for side in (self.before, self.after) if side]
        if sides:
            yield from zip(self.frames, zip(*sides, strict=True), strict=True)


@dataclass(frozen=True)
class Film:
    """Sizes of a film. `shape`: frames, rows, columns; `halved`: channels after the first have half
    the rows and columns; `levels`, `colour_from`: as in a pyramid; `interval`: frames from one
    anchor to the next, a power of 2; `block`: samples from one vector to the next; `motion_levels`:
    levels of the wavelet of motion."""

    shape: tuple[int, ...]
    channels: int
    halved: bool
    levels: int
    colour_from: int
    interval: int
    block: int
    motion_levels: int

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """The frames, in the order of the file."""
        anchors = [*range(0, self.shape[0] - 1, self.interval), self.shape[0] - 1]
        gaps = list(pairwise(anchors))
        batches = [Batch(0, (0,))]
        batches += [Batch(1, (last,), (first,)) for first, last in gaps]
        level = 2
        while gaps := [(a, b) for a, b in gaps if b - a > 1]:
            middles = [(a + b) // 2 for a, b in gaps]
            before, after = zip(*gaps, strict=True)
            batches.append(Batch(level, tuple(middles), before, after))
            halves = zip(gaps, middles, strict=True)
            gaps = [half for (a, b), middle in halves for half in ((a, middle), (middle, b))]
            level += 1
        return tuple(batches)

    @cached_property
    def referenced(self) -> frozenset[int]:
        """Frames that others are predicted from."""
        return frozenset(frame for batch in self.batches for frame in batch.references)

    @property
    def classes(self) -> int:
        """Classes of frames: the levels that batches can have."""
        return 2 + (self.interval - 1).bit_length()

    @property
    def padded(self) -> tuple[int, int]:
        """Rows and columns as they are coded: multiples of 2^(levels + 1)."""
        rows, columns = self.picture(1).padded
        return rows, columns

    @property
    def vectors(self) -> tuple[int, int]:
        """Rows and columns of a field of motion as it is used."""
        rows, columns = (-(-side // self.block) for side in self.padded)
        return rows, columns

    @property
    def padded_vectors(self) -> tuple[int, int]:
        """Rows and columns of a field as it is coded: multiples of 2^(motion_levels + 1)."""
        rows, columns = self.motion(1).padded
        return rows, columns

    def picture(self, frames: int) -> Pyramid:
        """The pyramid of frames under one another."""
        multiple = 2 << self.levels
        rows = -(-self.shape[1] // multiple) * multiple
        return self._tall((frames * rows, self.shape[2]), self.channels, self.levels)

    def motion(self, fields: int) -> Pyramid:
        """The pyramid of fields of motion under one another."""
        multiple = 2 << self.motion_levels
        sides = self.vectors
        rows = -(-sides[0] // multiple) * multiple
        return self._tall((fields * rows, sides[1]), 1, self.motion_levels)

    def _tall(self, shape: tuple[int, int], channels: int, levels: int) -> Pyramid:
        colour_from = self.colour_from if channels > 1 else 0
        return Pyramid(
            shape=shape,
            channels=channels,
            width=0,
            layers=0,
            levels=levels,
            colour_from=colour_from,
            stages=0,
            coarse_width=0,
        )

    def latents(self) -> int:
        """Number of latents, without making the batches: their number is the file's to choose."""
        others = self.shape[0] - 1
        anchors = -(-others // self.interval)
        fields = ONE_SIDED * anchors + TWO_SIDED * (others - anchors)
        picture, motion = (
            sum(grid.size for grid in net.grids()) for net in (self.picture(1), self.motion(1))
        )
        return self.shape[0] * picture + fields * motion

    def tensors(self) -> list[TensorSpec]:
        """The stored tensors, in file order."""
        c, square = self.channels, self.channels > 1 and not self.halved
        picture = self.picture(1)
        specs = [
            TensorSpec("colours", (c + (c * c if square else 0),), 0.0),
            TensorSpec("steps", (self.classes * (self.levels + 1) + 2,), 0.0),
            TensorSpec("classes", (self.classes * (self.levels + 1),), 0.0),
            *picture.tensors()[1:],
            TensorSpec("past", (picture.bands, 2), 0.0, 0.2),
        ]
        for spec in self.motion(1).tensors()[1:]:
            specs.append(TensorSpec(f"motion.{spec.name}", spec.shape, spec.bound, spec.start))
        return specs

    def macs_per_sample(self) -> float:
        """Multiply-accumulates per sample of the first channel: wavelet, contexts, motion."""
        planes = 1 + (self.channels - 1) / (4 if self.halved else 1)
        wavelet, half_way, linear = 16 * 4 / 3, 3 * len(HALF_WAY), 2 * 5
        contexts = self.picture(1).macs_per_sample() - 16 * self.channels * 4 / 3
        return planes * (wavelet + half_way + linear) + contexts + 2


def steps_of(net: Film, steps: Array) -> tuple[Array, Array]:
    """log2 of the steps: (classes, levels + 1), LL first; of motion and shares (2,)."""
    octaves = 16 * steps
    return octaves[:-2].reshape(net.classes, net.levels + 1), octaves[-2:]


def colours_of(net: Film, colours: Array) -> tuple[Array | None, Array]:
    """Axes (C, C), None where they are those of the samples, and means (C,)."""
    c = net.channels
    return (colours[: c * c].reshape(c, c) if len(colours) > c else None), colours[-c:]
