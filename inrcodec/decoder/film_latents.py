"""The LATENTS payload of a segment of a film: one stream, batch after batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from inrcodec.decoder import pyramid_latents
from inrcodec.entropy.latents import LatentDecoder, LatentEncoder, cost_bits
from inrcodec.nets.context import Contexts, More, Plane, squares, walk
from inrcodec.nets.film import Batch, Film
from inrcodec.nets.marks import Layout, Marks, parted
from inrcodec.nets.pyramid import PHASES, Grid

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
    _use(net, weights, latents, encoder.add)
    return encoder.finish()


def latents_bits(net: Film, weights: Weights, latents: Sequence[Integers]) -> float:
    """Size of the LATENTS payload in bits, without coding it."""
    bits = 0.0

    def add(values: np.ndarray, scales: np.ndarray) -> None:
        nonlocal bits
        bits += cost_bits(values, scales)

    _use(net, weights, latents, add)
    return bits


def latents_crc(latents: Iterable[Integers], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for batch in latents:
        crc = pyramid_latents.latents_crc([*batch], crc)
    return crc


def _use(
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
        motion: list[np.ndarray] = []
        if batch.fields:
            fields = net.motion(count * batch.fields)
            motion = walk(motion_contexts, fields.grids(), plane(True))
        pictures = net.picture(count).grids()
        more = past.of(batch, pictures) if batch.fields else None
        picture = walk(of_level(batch.level), pictures, plane(False), more)
        past.keep(batch, picture)
        yield Integers(motion, picture)


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
        self._kept: dict[int, list[_Latents]] = {}

    def keep(self, batch: Batch, picture: Sequence[np.ndarray]) -> None:
        """Remember the latents of a batch, by frame and grid."""
        grids = [_by_frame(values, len(batch.frames)) for values in picture]
        for frame, parts in zip(batch.frames, zip(*grids, strict=True), strict=True):
            self._kept[frame] = list(parts)

    def of(self, batch: Batch, grids: Sequence[Grid]) -> Callable[[int, int], More | None]:
        """What the latents of a batch are known by besides, given grid and band."""
        sides = list(zip(batch.before, batch.after or batch.before, strict=True))

        @lru_cache(maxsize=1)
        def marks(grid: int) -> list[list[Marks]]:
            kept = [[self._kept[frame][grid] for frame in pair] for pair in sides]
            return _marks(kept, grids[grid])

        def more(grid: int, band: int) -> More | None:
            if grid == 0:
                return None
            here, around = self._weights[band]
            return More(around, here, marks(grid)[band])

        return more


class _Latents(NamedTuple):
    """The latents of a frame in a grid that are not 0: numbers of their planes, band by band and in
    a band phase by phase, rows, columns, magnitudes; `height`: rows that a frame has."""

    height: int
    planes: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    sizes: np.ndarray


def _by_frame(values: np.ndarray, count: int) -> list[_Latents]:
    """Parts of a grid (4, bands, rows, columns) of tall planes of so many frames."""
    phases, bands, rows, columns = values.shape
    numbers = np.flatnonzero(values != 0)
    shape = (phases, bands, count, rows // count, columns)
    phase, band, frame, row, column = np.unravel_index(numbers, shape)
    fields = (len(PHASES) * band + phase, row, column, np.abs(values.ravel()[numbers]))
    order = np.argsort(frame, kind="stable")
    ends = np.searchsorted(frame[order], np.arange(1, count))
    split = zip(*(np.split(field[order], ends) for field in fields), strict=True)
    return [_Latents(rows // count, *parts) for parts in split]


def _marks(frames: Sequence[Sequence[_Latents]], grid: Grid) -> list[list[Marks]]:
    """By band and phase: the sums of what several frames have, one below the other."""
    parts = [
        part._replace(rows=part.rows + i * part.height)
        for i, few in enumerate(frames)
        for part in few
    ]
    _, planes, rows, columns, sizes = zip(*parts, strict=True)
    of_plane = np.concatenate(planes)
    order = np.argsort(of_plane, kind="stable")
    places = Layout(grid.rows, grid.columns).places(np.concatenate(rows), np.concatenate(columns))
    marks = Marks(places[order], np.concatenate(sizes)[order].astype(np.float64))
    by_plane = parted(marks, of_plane[order], len(PHASES) * grid.bands)
    return [by_plane[i : i + len(PHASES)] for i in range(0, len(by_plane), len(PHASES))]
