"""The frames of a film from its latents."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.decoder.film_latents import Integers
from inrcodec.nets import wavelet
from inrcodec.nets.film import Batch, Film, colours_of, steps_of
from inrcodec.nets.motion import doubled, interpolation, moved
from inrcodec.nets.pyramid import ORIENTATIONS, Pyramid, joined
from inrcodec.nets.stripes import stripes

Weights = Mapping[str, np.ndarray]
Planes = list[np.ndarray]  # a frame: all channels (C, H, W), or luma (1, H, W) and chroma (2, h, w)
_STRIPE = 1 << 16  # samples of a plane that are predicted at a time, so that all stays in cache
_FAR = np.float32(1e30)  # samples: as far as vectors reach, so that no sum of them is infinite


def synthesise(
    net: Film,
    weights: Weights,
    latents: Iterable[Integers],
    frames: Collection[int],
    use: Callable[[int, Planes], None],
) -> None:
    """Call `use` for each of the wanted frames with its number and planes, which are float32 of
    padded sides and nominal range 0..1; in any order, and in several threads.

    `latents`: of every batch, all of which are taken; two at a time are kept. In a file made to
    harm samples can be infinite or not numbers; nothing is said about that.
    """
    with np.errstate(all="ignore"), threadpool_limits(1, "blas"):
        _Synthesis(net, weights, use).run(latents, frames)


@dataclass
class _Synthesis:
    net: Film
    weights: Weights
    use: Callable[[int, Planes], None]
    _doubled: dict[int, Planes] = field(default_factory=dict)

    def run(self, latents: Iterable[Integers], wanted: Collection[int]) -> None:
        needed = _closure(self.net, wanted)
        last = _last_uses(self.net, needed)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # Strict: what comes after the last batch is asked for, and so is checked to be nothing.
            for number, (batch, integers) in enumerate(zip(self.net.batches, latents, strict=True)):
                make = partial(self._make, batch, integers, last, wanted)
                chosen = [i for i, frame in enumerate(batch.frames) if frame in needed]
                list(pool.map(make, chosen))
                for frame in batch.references:
                    if last.get(frame) == number:
                        del self._doubled[frame]

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps (classes, levels + 1) of pictures, those of motion and shares (2,): float32."""
        pictures, motion = steps_of(self.net, self.weights["steps"].astype(np.float64))
        return np.exp2(pictures).astype(np.float32), np.exp2(motion).astype(np.float32)

    @np.errstate(all="ignore")  # each thread has its own
    def _make(
        self,
        batch: Batch,
        integers: Integers,
        later: Collection[int],
        wanted: Collection[int],
        i: int,
    ) -> None:
        """Frame i of a batch, if it is wanted; doubled for those predicted from it."""
        frame = batch.frames[i]
        planes = self._residual(batch, integers.picture, i)
        if batch.fields:
            self._predict(batch, i, self._fields(batch, integers.motion, i), planes)
        if frame in later:
            self._doubled[frame] = [doubled(plane) for plane in planes]
        if frame in wanted:
            self.use(frame, self._coloured(planes))

    def _residual(self, batch: Batch, picture: Sequence[np.ndarray], i: int) -> Planes:
        """What its prediction leaves of frame i of a batch."""
        scales = self._steps[0][batch.level]
        bands = [
            _part(values, len(batch.frames), slice(i, i + 1)) * scale
            for values, scale in zip(picture, scales, strict=True)
        ]
        return [plane[0] for plane in _planes(self.net.picture(1), bands, self.net.halved)]

    def _fields(self, batch: Batch, motion: Sequence[np.ndarray], i: int) -> np.ndarray:
        """Fields of frame i of a batch: (fields, h, w) in samples and shares."""
        net, count = self.net, len(batch.frames) * batch.fields
        own = slice(i * batch.fields, (i + 1) * batch.fields)
        bands = [_part(values, count, own) for values in motion]
        (planes,) = _planes(net.motion(batch.fields), bands, halved=False)
        rows, columns = net.vectors
        step, share = self._steps[1]
        scales = np.array([step] * 4 + [share])[: batch.fields, None, None]
        fields: np.ndarray = planes[:, 0, :rows, :columns] * scales
        return np.nan_to_num(fields).clip(-_FAR, _FAR)

    @cached_property
    def _interpolations(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """What gives, from the left and from the right, vectors at the samples of all planes, or of
        luma and of chroma: in chroma means of two rows and columns."""
        net = self.net
        sides = zip(net.padded, net.vectors, strict=True)
        down, across = (interpolation(side, net.block, count) for side, count in sides)
        whole = (down, across.T)
        return [whole, (_halved(down), _halved(across).T)] if net.halved else [whole]

    def _predict(self, batch: Batch, i: int, fields: np.ndarray, planes: Planes) -> None:
        """Add the prediction of frame i of a batch to its planes, in place."""
        if batch.after:
            straight, off, share = np.split(fields, (2, 4))
            fields = np.concatenate([off + straight, off - straight, share + np.float32(0.5)])
        for number, (plane, (down, across)) in enumerate(
            zip(planes, self._interpolations, strict=False)
        ):
            if number == 1:
                fields[:4] *= np.float32(0.5)
            for rows in stripes(plane.shape[1], plane.shape[2], _STRIPE):
                dense = down[rows] @ fields @ across
                plane[:, rows] += self._prediction(batch, i, dense, number, rows.start)

    def _prediction(
        self, batch: Batch, i: int, dense: np.ndarray, number: int, top: int
    ) -> np.ndarray:
        """Some rows, from `top` on, of the prediction of a plane. `dense`: vectors to the frame
        before, to that after, the share of that before."""
        before = moved(self._doubled[batch.before[i]][number], dense[:2], top)
        if not batch.after:
            return before
        after = moved(self._doubled[batch.after[i]][number], dense[2:4], top)
        before -= after
        before *= np.clip(dense[4], 0, 1)
        before += after
        return before

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


def _halved(matrix: np.ndarray) -> np.ndarray:
    """Means of two rows."""
    return (matrix[0::2] + matrix[1::2]) * np.float32(0.5)
