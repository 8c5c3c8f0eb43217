"""The LATENTS payload of a segment of a film: one stream, batch after batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from inrcodec.decoder import pyramid_latents
from inrcodec.entropy.latents import LatentDecoder, LatentEncoder, cost_bits
from inrcodec.nets.context import Contexts, More, Plane, squares, sums_3x3, walk
from inrcodec.nets.film import Batch, Film

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


def read_latents(net: Film, weights: Weights, payload: bytes, offset: int) -> list[Integers]:
    """The latents of every batch. Raises Corrupt."""
    decoder = LatentDecoder(payload, offset)
    latents = _walk(net, weights, lambda *place: decoder.plane(place[-1]))
    decoder.finish()
    return latents


def write_latents(net: Film, weights: Weights, latents: Sequence[Integers]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    encoder = LatentEncoder()
    _walk(net, weights, _known(latents, encoder.add))
    return encoder.finish()


def latents_bits(net: Film, weights: Weights, latents: Sequence[Integers]) -> float:
    """Size of the LATENTS payload in bits, without coding it."""
    bits = 0.0

    def add(values: np.ndarray, scales: np.ndarray) -> None:
        nonlocal bits
        bits += cost_bits(values, scales)

    _walk(net, weights, _known(latents, add))
    return bits


def latents_crc(latents: Sequence[Integers], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for batch in latents:
        crc = pyramid_latents.latents_crc([*batch], crc)
    return crc


def _known(latents: Sequence[Integers], use: Callable[[np.ndarray, np.ndarray], None]) -> _Code:
    def code(
        batch: int, motion: bool, grid: int, index: tuple[int, int], scales: np.ndarray
    ) -> np.ndarray:
        grids = latents[batch].motion if motion else latents[batch].picture
        values: np.ndarray = grids[grid][index]
        use(values, scales)
        return values

    return code


def _walk(net: Film, weights: Weights, code: _Code) -> list[Integers]:
    """Visit all planes in file order."""
    past = Past(weights)
    moving = {name.removeprefix("motion."): w for name, w in weights.items() if "motion." in name}
    latents: list[Integers] = []
    for number, batch in enumerate(net.batches):

        def plane(motion: bool, number: int = number) -> Plane:
            return lambda grid, index, scales: code(number, motion, grid, index, scales)

        count = len(batch.frames)
        motion: list[np.ndarray] = []
        if batch.fields:
            fields = net.motion(count * batch.fields)
            motion = walk(Contexts(fields, moving), fields.grids(), plane(True))
        pictures = net.picture(count)
        contexts = Contexts(pictures, of_class(net, weights, batch.level))
        more = past.of(batch) if batch.fields else None
        picture = walk(contexts, pictures.grids(), plane(False), more)
        past.keep(batch, picture)
        latents.append(Integers(motion, picture))
    return latents


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
        self._kept: dict[int, list[np.ndarray]] = {}

    def keep(self, batch: Batch, picture: Sequence[np.ndarray]) -> None:
        """Remember the latents of a batch, by frame and grid."""
        for i, frame in enumerate(batch.frames):
            parts = [np.split(values, len(batch.frames), axis=2)[i] for values in picture]
            self._kept[frame] = parts

    def of(self, batch: Batch) -> Callable[[int, int], More | None]:
        """What the latents of a batch are known by besides, given grid and band."""
        sides = list(zip(batch.before, batch.after or batch.before, strict=True))

        @lru_cache(maxsize=1)
        def magnitudes(grid: int) -> tuple[np.ndarray, np.ndarray]:
            pairs = [(self._kept[a][grid], self._kept[b][grid]) for a, b in sides]
            phases, bands, rows, columns = pairs[0][0].shape
            total = np.empty((phases, bands, len(pairs) * rows, columns), dtype=np.float32)
            for i, (first, second) in enumerate(pairs):
                part = total[:, :, i * rows : (i + 1) * rows]
                np.abs(first, out=part)
                part += np.abs(second)
            return total, sums_3x3(total.sum(axis=0))

        def more(grid: int, band: int) -> More | None:
            if grid == 0:
                return None
            total, around = magnitudes(grid)
            here, near = self._weights[band]
            return More(near, around[band], here, total[:, band])

        return more
