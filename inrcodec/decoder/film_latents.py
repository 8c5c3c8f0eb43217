"""The LATENTS payload of a segment of a film: one stream, batch after batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from inrcodec.decoder import pyramid_latents
from inrcodec.entropy.latents import LatentDecoder, LatentEncoder, cost_bits
from inrcodec.nets.context import Contexts, Known, More, Plane, squares, walk
from inrcodec.nets.film import Batch, Film
from inrcodec.nets.marks import Marks
from inrcodec.nets.pyramid import PHASES

Weights = Mapping[str, np.ndarray]


@dataclass
class Integers:
    """Latents of a batch by grid, int32 (4, bands, rows, columns); `motion` [] without motion."""

    motion: list[np.ndarray]
    picture: list[np.ndarray]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter([*self.motion, *self.picture])


# Codes a plane, given batch, whether it is of motion, grid number, (phase, band), scale indices.
_Code = Callable[[int, bool, int, tuple[int, int], np.ndarray], np.ndarray]


def read_latents(net: Film, weights: Weights, payload: bytes, offset: int) -> Iterator[Integers]:
    """The latents of every batch, read as they are asked for. Raises Corrupt."""
    decoder = LatentDecoder(payload, offset)
    yield from _walk(net, weights, lambda *place: decoder.plane(place[-1]))
    decoder.finish()


def write_latents(net: Film, weights: Weights, latents: Sequence[Integers]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    encoder = LatentEncoder()
    _each_plane(net, weights, latents, encoder.add)
    return encoder.finish()


def latents_bits(net: Film, weights: Weights, latents: Sequence[Integers]) -> float:
    """Size of the LATENTS payload in bits, without coding it."""
    bits = 0.0

    def add(values: np.ndarray, scales: np.ndarray) -> None:
        nonlocal bits
        bits += cost_bits(values, scales)

    _each_plane(net, weights, latents, add)
    return bits


def latents_crc(latents: Iterable[Integers], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for batch in latents:
        crc = pyramid_latents.latents_crc([*batch], crc)
    return crc


def _each_plane(
    net: Film,
    weights: Weights,
    latents: Sequence[Integers],
    use: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    """Call `use` for every plane in file order with its latents and scale indices."""

    def code(
        batch: int, motion: bool, grid: int, index: tuple[int, int], scales: np.ndarray
    ) -> np.ndarray:
        grids = latents[batch].motion if motion else latents[batch].picture
        values: np.ndarray = grids[grid][index]
        use(values, scales)
        return values

    for _ in _walk(net, weights, code):
        pass


def _walk(net: Film, weights: Weights, code: _Code) -> Iterator[Integers]:
    """Visit all planes in file order; the latents of batch after batch."""
    past = Past(weights)
    moving = {name.removeprefix("motion."): w for name, w in weights.items() if "motion." in name}
    motion_contexts = Contexts(net.motion(1), moving)
    of_level = cache(lambda level: Contexts(net.picture(1), of_class(net, weights, level)))
    for number, batch in enumerate(net.batches):

        def plane(motion: bool, number: int = number) -> Plane:
            return lambda grid, index, scales: code(number, motion, grid, index, scales)

        count = len(batch.frames)
        motion: list[Known] = []
        if batch.fields:
            fields = net.motion(count * batch.fields)
            motion = walk(motion_contexts, fields.grids(), plane(True))
        more = past.of(batch) if batch.fields else None
        picture = walk(of_level(batch.level), net.picture(count).grids(), plane(False), more)
        if net.referenced & {*batch.frames}:
            past.keep(batch, picture)
        yield Integers([known.values for known in motion], [known.values for known in picture])


def of_class(net: Film, weights: Weights, level: int) -> dict[str, np.ndarray]:
    """Tensors of the contexts of pictures, with the scale offsets of one class of frames."""
    offsets = weights["offsets"].astype(np.float64)
    more = weights["classes"].astype(np.float64).reshape(net.classes, net.levels + 1)[level]
    picture = net.picture(1)
    low = slice(4 * picture.bands, 4 * (picture.bands + picture.channels))
    offsets[low] += more[0]
    offsets[low.stop :] += np.repeat(more[:0:-1], picture.bands)
    return {**weights, "offsets": offsets}


class Past:
    """What latents are known by from those of the frames that theirs are predicted from."""

    def __init__(self, weights: Weights) -> None:
        self._weights = squares(weights["past"])
        self._kept: dict[int, list[_Part]] = {}

    def keep(self, batch: Batch, picture: Sequence[Known]) -> None:
        """Remember the latents of a batch, by frame and grid."""
        self._kept |= {frame: [] for frame in batch.frames}
        for known in picture:
            height = known.grid.rows // len(batch.frames)
            phases = [[known.layout.by_rows(marks, height) for marks in x] for x in known.marks]
            for i, frame in enumerate(batch.frames):
                own = [[frames[i] for frames in bands] for bands in phases]
                self._kept[frame].append(_Part(i, known.layout.off(height, 0), own))

    def of(self, batch: Batch) -> Callable[[int, int], More | None]:
        """What the latents of a batch are known by besides, given grid and band."""
        sides = list(zip(batch.before, batch.after or batch.before, strict=True))

        def more(grid: int, band: int) -> More | None:
            if grid == 0:
                return None
            parts = [(i, self._kept[frame][grid]) for i, pair in enumerate(sides) for frame in pair]
            phases = [
                [(part.marks[phase][band], (i - part.slot) * part.height) for i, part in parts]
                for phase in range(len(PHASES))
            ]
            here, around = self._weights[band]
            return More(around, here, phases)

        return more


class _Part(NamedTuple):
    """What a frame has of a grid of tall planes: its number among the frames there, how far it is
    to the next, and its marks by phase and band."""

    slot: int
    height: int
    marks: list[list[Marks]]
