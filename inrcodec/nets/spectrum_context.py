"""Which scale index every latent of a spectrum has, from latents decoded before it: integers only.

As in context.py: an energy, a weighted sum of magnitudes, in integers below 2^53 held in float64.
"""

from collections.abc import Callable, Mapping

import numpy as np

from inrcodec.nets.context import fixed_offsets, fixed_slopes, scale_indices, squares
from inrcodec.nets.spectrum import BINS_BESIDE, FRAMES_BEFORE, PHASES, Spectrum, bin_regions

# Latents of one phase, given frame, channel, bins and scale indices.
Plane = Callable[[int, int, slice, np.ndarray], np.ndarray]


def walk(net: Spectrum, weights: Mapping[str, np.ndarray], frames: int, plane: Plane) -> np.ndarray:
    """Visit the phases of a segment of so many frames in file order, `plane` giving the latents
    of each; all latents: int32 (C, frames, hop)."""
    return _Walk(net, weights, frames).run(plane)


class _Walk:
    """A segment's latents and magnitudes as far as they are known."""

    def __init__(self, net: Spectrum, weights: Mapping[str, np.ndarray], frames: int) -> None:
        self.net, self.frames = net, frames
        c, phases = net.channels, len(PHASES)
        self._before = squares(weights["before"]).reshape(c, phases, -1)
        self._own = squares(weights["own"])
        cross = weights.get("cross", np.zeros((0, 2), dtype=np.float32))
        self._cross = squares(cross).reshape(c - 1, phases, 2)
        offsets = weights["offsets"].astype(np.float64)
        own, regions = offsets[: phases * c].reshape(c, -1), offsets[phases * c :].reshape(c, -1)
        bins = bin_regions(net.hop)
        self._offsets = fixed_offsets(own[:, :, None] + regions[:, None, bins])
        self._slopes = fixed_slopes(weights["slopes"]).reshape(c, -1)
        # Zeros before the first frame and beside the outermost bins.
        self._latents = np.zeros((c, frames, net.hop), dtype=np.int32)
        self._sizes = np.zeros((c, FRAMES_BEFORE + 1, net.hop + 2 * BINS_BESIDE))

    def run(self, plane: Plane) -> np.ndarray:
        """All latents."""
        for frame in range(self.frames):
            self._sizes[:, 1:] = self._sizes[:, :-1].copy()
            self._sizes[:, 0] = 0
            for channel in range(self.net.channels):
                self._channel(frame, channel, plane)
        return self._latents

    def _channel(self, frame: int, channel: int, plane: Plane) -> None:
        features = self._features(channel)
        row = self._latents[channel, frame]
        for phase, (first, step) in enumerate(PHASES):
            bins = slice(first, None, step)
            energy = self._before[channel, phase] @ features[:, bins]
            energy += self._beside(channel, phase)[bins]
            if channel:
                energy += self._from_channels(channel, phase)[bins]
            scales = scale_indices(
                energy, self._offsets[channel, phase, bins], self._slopes[channel, phase]
            )
            row[bins] = plane(frame, channel, bins, scales)
            inside = self._sizes[channel, 0, BINS_BESIDE:-BINS_BESIDE]
            inside[bins] = np.abs(row[bins])

    def _features(self, channel: int) -> np.ndarray:
        """Sums of magnitudes of the frames before: (BEFORE, hop)."""
        last, second, third, fourth = self._sizes[channel, 1:]
        far = self._pair(last, 3) + self._pair(last, 4)
        far += self._pair(last, 5)
        far += self._pair(last, 6)
        return np.stack(
            [
                self._at(last),
                self._pair(last, 1),
                self._pair(last, 2),
                far,
                self._at(second),
                self._pair(second, 1),
                self._at(third) + self._at(fourth),
            ]
        )

    def _beside(self, channel: int, phase: int) -> np.ndarray:
        """Energy from bins of the same frame in phases before: (hop,)."""
        row, weights = self._sizes[channel, 0], self._own[channel]
        if phase == 0:
            return np.zeros(self.net.hop)
        if phase == 1:
            return weights[0] * self._pair(row, 2)
        return weights[1] * self._pair(row, 1) + weights[2] * self._pair(row, 3)

    def _from_channels(self, channel: int, phase: int) -> np.ndarray:
        """Energy from the channels before in the same frame: (hop,)."""
        row = self._sizes[:channel, 0].sum(axis=0)
        at, beside = self._cross[channel - 1, phase]
        return at * self._at(row) + beside * self._pair(row, 1)

    def _at(self, row: np.ndarray) -> np.ndarray:
        return row[BINS_BESIDE:-BINS_BESIDE]

    def _pair(self, row: np.ndarray, distance: int) -> np.ndarray:
        """Sums of the two magnitudes at a distance from every bin."""
        first, hop = BINS_BESIDE, self.net.hop
        left, right = first - distance, first + distance
        return row[left : left + hop] + row[right : right + hop]
