"""A sound as coefficients of segments, and what its hop and its first step should be."""

from collections.abc import Callable

import numpy as np

from inrcodec.encoder.latent_job import bisected
from inrcodec.nets import mdct
from inrcodec.nets.spectrum import Spectrum
from inrcodec.signals.signal import Signal

HOPS = (256, 512, 1024, 2048, 4096)
# Seconds of a segment, and how many segments a file can have at most.
_SEGMENT_S = 10.0
_MOST_SEGMENTS = 120
# Samples that the hop is chosen by, from the middle of the sound.
_EXCERPT = 2**19
# Axes are kept in multiples of its inverse.
_AXES = 2**12
# Bits of a latent over half the logarithm of its variance, about.
_LOG_SHARE = 0.5


class Sound:
    """A signal in blocks, full scale 1. `peak`: the sample that 1 stands for."""

    def __init__(self, signal: Signal, peak: float, hop: int) -> None:
        rate = float(signal.rate or 1)
        blocks = -(-signal.shape[0] // hop)
        wanted = max(1, round(_SEGMENT_S * rate / hop), -(-blocks // _MOST_SEGMENTS))
        count = -(-blocks // wanted)
        self.each = -(-blocks // count)  # frames of a segment, all about as long
        self.blocks, self.hop, self.signal, self.peak = blocks, hop, signal, peak
        self.net = Spectrum((self.each * hop,), signal.channels, hop)
        self.segments = -(-blocks // self.each)

    def frames(self, number: int) -> tuple[int, int]:
        """First and last+1 frame of a segment."""
        first = number * self.each
        return first, self.blocks + 1 if number == self.segments - 1 else first + self.each

    def inside(self, number: int) -> slice:
        """Samples of the sound among those of the blocks that a segment's frames touch."""
        first, last = self.frames(number)
        start = (first - 1) * self.hop
        return slice(max(0, -start), min((last - first + 1) * self.hop, len(self) - start))

    def __len__(self) -> int:
        return self.signal.shape[0]

    def coefficients(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of a segment in its own axes, float32 (C, F, hop), and the axes (C, C)."""
        first, last = self.frames(number)
        samples = _blocks(self.signal.samples, first - 1, last, self.hop) / self.peak
        scatter = np.tensordot(samples, samples, ((0, 1), (0, 1))).astype(np.float64)
        # As the file has them: what rounding does to them is no error of the samples.
        axes = np.rint(np.linalg.eigh(scatter)[1][:, ::-1] * _AXES) / _AXES
        planes = np.tensordot(np.linalg.inv(axes), samples, ((1,), (2,)))  # (C, blocks, hop)
        return mdct.analyse(planes).astype(np.float32), axes

    def estimated_bits(self, step: float) -> np.ndarray:
        """About the bits of every segment at a step."""
        return np.array([proxy_bits(self.coefficients(i)[0], step) for i in range(self.segments)])

    def errors(self, step: float) -> np.ndarray:
        """Squared error of every segment's coefficients rounded to a step."""
        return np.array([_error(self.coefficients(i)[0], step) for i in range(self.segments)])

    def step_for_bits(self, bits: float) -> float:
        """The step at which all segments take about `bits`."""
        sample = [self.coefficients(i)[0] for i in self._sampled()]
        share = len(sample) / self.segments
        return _smallest_step(lambda step: sum(proxy_bits(x, step) for x in sample) <= bits * share)

    def step_for_error(self, error: float) -> float:
        """The step at which rounding all coefficients makes about this squared error."""
        sample = [self.coefficients(i)[0] for i in self._sampled()]
        share = len(sample) / self.segments
        return _smallest_step(lambda step: sum(_error(x, step) for x in sample) >= error * share)

    def _sampled(self, most: int = 12) -> list[int]:
        """Some segments, evenly spread."""
        count = min(most, self.segments)
        return [round(i) for i in np.linspace(0, self.segments - 1, count)]


def _blocks(samples: np.ndarray, first: int, last: int, hop: int) -> np.ndarray:
    """Blocks first..last of (n, C), zeros outside: (blocks, hop, C)."""
    out = np.zeros(((last - first) * hop, samples.shape[1]), dtype=np.float32)
    start, stop = max(first * hop, 0), min(last * hop, len(samples))
    out[start - first * hop : stop - first * hop] = samples[start:stop]
    return out.reshape(last - first, hop, -1)


def proxy_bits(coefficients: np.ndarray, step: float) -> float:
    """About the bits that rounded coefficients take: half the logarithm of each one's square."""
    scaled = coefficients.ravel() / np.float32(step)
    return _LOG_SHARE * float(np.log2(1 + scaled * scaled).sum(dtype=np.float64))


def _error(coefficients: np.ndarray, step: float) -> float:
    scaled = coefficients.ravel() / np.float32(step)
    return float(np.square(scaled - np.rint(scaled)).sum(dtype=np.float64)) * step**2


def chosen_hop(signal: Signal, peak: float, bits: float) -> int:
    """The hop at which an excerpt takes the fewest bits, at the step that suits `bits` for the
    whole sound."""
    length = signal.shape[0]
    start = max(0, (length - _EXCERPT) // 2)
    excerpt = signal.samples[start : start + _EXCERPT] / np.float32(peak)
    bits *= len(excerpt) / length
    planes = {hop: _analysed(excerpt, hop) for hop in HOPS}
    middle = planes[HOPS[len(HOPS) // 2]]
    step = _smallest_step(lambda step: proxy_bits(middle, step) <= bits)
    return min(HOPS, key=lambda hop: proxy_bits(planes[hop], step))


def _analysed(samples: np.ndarray, hop: int) -> np.ndarray:
    last = -(-len(samples) // hop) + 1
    return mdct.analyse(np.moveaxis(_blocks(samples, -1, last, hop), 2, 0))


def _smallest_step(large_enough: Callable[[float], bool]) -> float:
    """Of those that are large enough, to within a thousandth; full scale is 1."""
    return bisected(large_enough, 2.0**-24, 18)
