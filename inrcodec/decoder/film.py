"""Decoding a film: latents from the LATENTS section of a segment, frames from latents."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.decoder import pyramid_latents
from inrcodec.entropy.latents import LatentDecoder, LatentEncoder, cost_bits
from inrcodec.nets import wavelet
from inrcodec.nets.context import Contexts, More, Plane, joined, squares, sums_3x3, walk
from inrcodec.nets.film import Batch, Film, colours_of, steps_of
from inrcodec.nets.motion import doubled, interpolation, moved
from inrcodec.nets.pyramid import ORIENTATIONS, Pyramid
from inrcodec.nets.stripes import stripes

Weights = Mapping[str, np.ndarray]
_STRIPE = 1 << 16  # samples of a plane that are predicted at a time, so that all stays in cache
Planes = list[np.ndarray]  # a frame: all channels (C, H, W), or luma (1, H, W) and chroma (2, h, w)


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
    past = Past(net, weights)
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

    def __init__(self, net: Film, weights: Weights) -> None:
        self._net, self._weights = net, squares(weights["past"])
        self._kept: dict[int, list[np.ndarray]] = {}

    def keep(self, batch: Batch, picture: Sequence[np.ndarray]) -> None:
        """Remember the latents of a batch, by frame and grid."""
        for i, frame in enumerate(batch.frames):
            parts = [np.split(values, len(batch.frames), axis=2)[i] for values in picture]
            self._kept[frame] = parts

    def of(self, batch: Batch) -> Callable[[int, int], More | None]:
        """Energies of the latents of a batch, given grid and band."""
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
            return lambda phase, rows: here * total[phase, band, rows] + near * around[band, rows]

        return more


# --- frames ---


def synthesise(
    net: Film,
    weights: Weights,
    latents: Sequence[Integers],
    frames: Collection[int],
    finish: Callable[[Planes], Planes] = list,
) -> dict[int, Planes]:
    """The wanted frames by number: what `finish` makes of their planes, which are float32 of padded
    sides and nominal range 0..1.

    In a file made to harm samples can be infinite or not numbers; nothing is said about that.
    """
    with np.errstate(all="ignore"), threadpool_limits(1, "blas"):
        return _Synthesis(net, weights, latents, finish).frames(frames)


@dataclass
class _Synthesis:
    net: Film
    weights: Weights
    latents: Sequence[Integers]
    finish: Callable[[Planes], Planes]
    _doubled: dict[int, Planes] = field(default_factory=dict)

    def frames(self, wanted: Collection[int]) -> dict[int, Planes]:
        net, found = self.net, dict[int, Planes]()
        needed = _closure(net, wanted)
        last = _last_uses(net, needed)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, batch in enumerate(net.batches):
                chosen = [i for i, frame in enumerate(batch.frames) if frame in needed]
                for frames in pool.map(partial(self._frame, number, last, wanted), chosen):
                    found |= frames
                for frame in batch.references:
                    if last.get(frame) == number:
                        del self._doubled[frame]
        return found

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps (classes, levels + 1) of pictures, those of motion and shares (2,): float32."""
        pictures, motion = steps_of(self.net, self.weights["steps"].astype(np.float64))
        return np.exp2(pictures).astype(np.float32), np.exp2(motion).astype(np.float32)

    @np.errstate(all="ignore")  # each thread has its own
    def _frame(
        self, number: int, later: Collection[int], wanted: Collection[int], i: int
    ) -> dict[int, Planes]:
        """Frame i of a batch, if it is wanted; doubled for those predicted from it."""
        batch = self.net.batches[number]
        frame = batch.frames[i]
        planes = self._residual(number, i)
        if batch.fields:
            self._predict(batch, i, self._fields(number, i), planes)
        if frame in later:
            self._doubled[frame] = [doubled(plane) for plane in planes]
        return {frame: self.finish(self._coloured(planes))} if frame in wanted else {}

    def _residual(self, number: int, i: int) -> Planes:
        """What its prediction leaves of frame i of a batch."""
        batch = self.net.batches[number]
        scales = self._steps[0][batch.level]
        bands = [
            _part(values, len(batch.frames), slice(i, i + 1)) * scale
            for values, scale in zip(self.latents[number].picture, scales, strict=True)
        ]
        return [plane[0] for plane in _planes(self.net.picture(1), bands, self.net.halved)]

    def _fields(self, number: int, i: int) -> np.ndarray:
        """Fields of frame i of a batch: (fields, h, w) in samples and shares."""
        net, batch = self.net, self.net.batches[number]
        count = len(batch.frames) * batch.fields
        own = slice(i * batch.fields, (i + 1) * batch.fields)
        bands = [
            _part(values, count, own).astype(np.float32) for values in self.latents[number].motion
        ]
        (planes,) = _planes(net.motion(batch.fields), bands, halved=False)
        rows, columns = net.vectors
        motion, share = self._steps[1]
        scales = np.array([motion] * 4 + [share])[: batch.fields, None, None]
        fields: np.ndarray = planes[:, 0, :rows, :columns] * scales
        return fields

    def _predict(self, batch: Batch, i: int, fields: np.ndarray, planes: Planes) -> None:
        """Add the prediction of frame i of a batch to its planes, in place."""
        net = self.net
        height, width = net.padded
        down = interpolation(height, net.block, net.vectors[0])
        across = interpolation(width, net.block, net.vectors[1]).T
        dense = down @ fields @ across
        for number, plane in enumerate(planes):
            if number == 1:
                dense = _halved(dense)
                dense[:4] *= np.float32(0.5)
            for rows in stripes(plane.shape[1], plane.shape[2], _STRIPE):
                plane[:, rows] += self._prediction(batch, i, dense[:, rows], number, rows.start)

    def _prediction(
        self, batch: Batch, i: int, dense: np.ndarray, number: int, top: int
    ) -> np.ndarray:
        """Some rows, from `top` on, of the prediction of a plane."""
        before = self._doubled[batch.before[i]][number]
        if not batch.after:
            return moved(before, dense[:2], top)
        first = moved(before, dense[2:4] + dense[:2], top)
        second = moved(self._doubled[batch.after[i]][number], dense[2:4] - dense[:2], top)
        share = np.clip(dense[4] + np.float32(0.5), 0, 1)
        first -= second
        first *= share
        first += second
        return first

    def _coloured(self, planes: Planes) -> Planes:
        """Planes of samples from planes in the film's own axes."""
        axes, means = colours_of(self.net, self.weights["colours"].astype(np.float32))
        if axes is not None:
            planes = [np.tensordot(axes, planes[0], 1)]
        starts = np.cumsum([0] + [len(plane) for plane in planes])
        return [
            plane + means[start : start + len(plane), None, None]
            for plane, start in zip(planes, starts, strict=False)
        ]


def _closure(net: Film, wanted: Collection[int]) -> set[int]:
    """The wanted frames and all that they are predicted from, directly or not."""
    needed = set(wanted)
    for batch in reversed(net.batches):
        for frame, references in batch.predicted_from():
            if frame in needed:
                needed.update(references)
    return needed


def _last_uses(net: Film, needed: Collection[int]) -> dict[int, int]:
    """The last batch with a needed frame that is predicted from a frame, by that frame."""
    last = {}
    for number, batch in enumerate(net.batches):
        for frame, references in batch.predicted_from():
            if frame in needed:
                last.update(dict.fromkeys(references, number))
    return last


def _part(values: np.ndarray, count: int, own: slice) -> np.ndarray:
    """Whole bands (n, bands, rows, columns) of some of `count` frames or fields."""
    phases, bands, rows, columns = values.shape
    parts = values.reshape(phases, bands, count, rows // count, columns)[:, :, own]
    return np.stack([joined(parts[:, :, k]) for k in range(parts.shape[2])])


def _planes(net: Pyramid, bands: list[np.ndarray], halved: bool) -> Planes:
    """Planes by wavelet synthesis, from coefficients (n, bands, rows, columns) of every grid: all
    channels (n, C, h, w), or the first, and the others of half its sides."""
    low = bands[0]
    for i, level in enumerate(range(net.levels - 1, -1, -1)):
        if level == 0 and halved:
            return [_level(low[:, :1], bands[i + 1]), np.ascontiguousarray(low[:, 1:])]
        low = _level(low, bands[i + 1])
    return [low]


def _level(low: np.ndarray, details: np.ndarray) -> np.ndarray:
    """(n, C, h, w) and (n, 3 C', h, w), C' <= C, to (n, C, 2 h, 2 w)."""
    n, channels, rows, columns = low.shape
    parts = np.zeros((4, n, channels, rows, columns), dtype=np.float32)
    parts[0] = low
    with_details = details.shape[1] // ORIENTATIONS
    for i in range(ORIENTATIONS):
        parts[1 + i, :, :with_details] = details[:, i::ORIENTATIONS]
    wavelet.synthesise_plane(list(parts))
    whole = np.empty((n, channels, 2 * rows, 2 * columns), dtype=np.float32)
    wavelet.interleave(list(parts), whole)
    return whole


def _halved(planes: np.ndarray) -> np.ndarray:
    """Means of 2x2 samples."""
    rows = planes[:, 0::2] + planes[:, 1::2]
    return (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)
