"""Encoding a sound as a spectrum, to a size or a quality: segment after segment."""

import math
from collections.abc import Callable

import numpy as np

from inrcodec.decoder.spectrum import latents_bits, latents_crc, write_latents
from inrcodec.encoder.describe import sample_range
from inrcodec.encoder.goal import ELASTICITY, TOLERANCE_DB, meet_quality
from inrcodec.encoder.latent_fit import Goal, Measured
from inrcodec.encoder.latent_job import (
    ERROR_SHARE,
    StoredTensors,
    error_for,
    expected_bytes,
    require_quality,
)
from inrcodec.encoder.segmented import Part, Segmented, SegmentFit
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, device_of
from inrcodec.encoder.spectrum.fit import SpectrumFit
from inrcodec.encoder.spectrum.sound import Sound, chosen_hop
from inrcodec.nets import mdct
from inrcodec.nets.spectrum import coefficients

# Steps of each effort, for every segment.
STEPS = {1: 10, 2: 20, 3: 40, 4: 70, 5: 120, 6: 200, 7: 350, 8: 600, 9: 1200}
_LEAST_STEPS = 5
# Bits of rounded coefficients over those after the fit at the same step, about.
_EXCESS = 1.2
# The finest step, in full scales: a quarter of a code value of 16 bits.
_LEAST_STEP = 2.0**-17
_REFINEMENTS = 8  # of a segment whose fit does not reach a quality


def encode_to_size(session: Session, budget: int) -> Candidate:
    """Fit within a budget in bytes. Raises RateError."""
    job = SpectrumJob(session, 8.0 * budget)
    left = job.file.room(budget)
    job.start_for_bits(8.0 * left)
    estimates = job.sound.estimated_bits(job.step) + 8.0 * job.fixed_bytes
    for number in range(job.sound.segments):
        share = int(left * estimates[number] / estimates[number:].sum())
        left -= job.add_of_size(number, share)
    return job.candidate()


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError."""
    signal = session.signal
    values = math.prod(signal.shape) * signal.channels
    job = SpectrumJob(session, 2.0 * values)
    error = error_for(signal, target) / job.sound.peak**2
    job.step = job.sound.step_for_error(ERROR_SHARE * error)
    plain = job.sound.errors(job.step)
    shares = plain / plain.sum() if plain.any() else np.full(len(plain), 1 / len(plain))
    for number, share in enumerate(shares):  # silence has the same everywhere
        job.add_of_quality(number, max(error * share, 1e-12))
    return require_quality(job.candidate(), target)


class SpectrumJob:
    """The segments of a file, one after another."""

    def __init__(self, session: Session, bits: float) -> None:
        """`bits`: about the size of the whole, by which the hop is chosen."""
        self.session = session
        signal, options = session.signal, session.options
        peak = sample_range(signal)[1]
        hop = options.number("hop", 0) or chosen_hop(signal, peak, bits)
        self.sound = Sound(signal, peak, hop)
        self.net = self.sound.net
        self.step = 1.0
        self.parts: list[Part] = []
        self.stopped = False
        self.file = Segmented(session, self.net, self.sound.each * hop, self.sound.segments)

    @property
    def fixed_bytes(self) -> float:
        """About the bytes of a segment's tensors and framing."""
        return expected_bytes(self.net.tensors()) + 30

    def start_for_bits(self, bits: float) -> None:
        """Choose the step that all segments begin with."""
        wanted = max(bits - 8 * self.fixed_bytes * self.sound.segments, bits / 4)
        self.step = max(self.sound.step_for_bits(_EXCESS * wanted), self._least_step)

    @property
    def _least_step(self) -> float:
        return _LEAST_STEP / self.sound.peak

    def add_of_size(self, number: int, budget: int) -> int:
        """Fit a segment into a budget in bytes; its size. Raises RateError."""
        segment = self._segment(number)
        segment.begin_at(8.0 * budget)
        self._run(segment, segment.goal_of_size(budget), lambda: segment.meet_budget(budget))
        return self.parts[-1].size

    def add_of_quality(self, number: int, wanted: float) -> None:
        """Fit a segment to a squared error of its coefficients."""
        segment = self._segment(number)

        def goal(measured: Measured) -> float:
            return wanted / max(measured.error, 1e-12)

        def excess_db() -> float:
            return 10 * math.log10(wanted / max(segment.error(), 1e-12)) + TOLERANCE_DB / 2

        self._run(segment, goal, lambda: segment.meet_quality(excess_db))

    def _segment(self, number: int) -> "_SpectrumSegment":
        first, last = number / self.sound.segments, (number + 1) / self.sound.segments
        self.session.expect(first, last)
        return _SpectrumSegment(self.session, self.sound, number, self.step, self._least_step)

    def _run(self, segment: "_SpectrumSegment", goal: Goal, exact: Callable[[], None]) -> None:
        session, fitted = self.session, segment.fitted
        pace = session.pace(self._planned(), 1 / (self.sound.segments - len(self.parts)))
        if fitted.run(pace, goal, session.fitting, session.should_stop):
            self.stopped = True
        fitted.settle(pace, session.fitting, session.should_stop)
        fitted.finish_frame()
        exact()
        session.steps += fitted.steps_done
        self.parts.append(segment.part())

    def _planned(self) -> int:
        """Steps of the effort."""
        options = self.session.options
        return max(options.number("steps", STEPS[options.effort]), _LEAST_STEPS)

    def candidate(self) -> Candidate:
        """The file, decoded and measured. Raises EncodeError."""
        signal = self.session.signal
        values = math.prod(signal.shape) * signal.channels
        promised = sum(part.error for part in self.parts) * self.sound.peak**2 / values
        return self.file.candidate(self.parts, promised, self.stopped)


class _SpectrumSegment(SegmentFit):
    """The fit of one segment and the payloads that it gives."""

    def __init__(
        self, session: Session, sound: Sound, number: int, step: float, least_step: float
    ) -> None:
        self.net = sound.net
        coefficients, axes = sound.coefficients(number)
        self._coefficients, self._inside = coefficients, sound.inside(number)
        options = session.options
        self.fitted = SpectrumFit(
            sound.net,
            coefficients,
            axes,
            step,
            least_step,
            options.seed + number,
            device_of(options),
        )
        super().__init__(session, self.fitted, self.net.tensors(), number)
        self.fitted.warm_up()

    def begin_at(self, bits: float, rounds: int = 8) -> None:
        """Change the step until the rounded coefficients take a little more than `bits`; the
        contexts, which were fitted at another one, follow."""
        for _ in range(rounds):
            excess = self.fitted.measured().bits / (_EXCESS * bits)
            if 0.9 < excess < 1.1:
                break
            factor = excess ** (0.5 / ELASTICITY)
            self.fitted.restart_at(self.fitted.step * min(max(factor, 0.25), 4.0))
            self.fitted.warm_up(10)

    def meet_quality(self, excess_db: Callable[[], float]) -> None:
        """Ones and zeros or, where they are not enough, plain rounding at finer and finer steps
        until there are ones to drop."""
        meet_quality(self.fitted, excess_db)
        for _ in range(_REFINEMENTS):
            missed = -excess_db()
            if missed <= 0 or self.fitted.finest:
                break
            self.fitted.restart_at(self.fitted.step * 10 ** (-max(missed, TOLERANCE_DB) / 20))
            self.fitted.refit_contexts()
        meet_quality(self.fitted, excess_db)

    def _stored(self) -> StoredTensors:
        self.fitted.finish_frame()
        return super()._stored()

    def _latents_bits(self, stored: StoredTensors) -> float:
        return latents_bits(self.net, stored.values, self.fitted.integers())

    def error(self) -> float:
        """Squared error of the samples as the file would have them; what the frames on both sides
        add to the outermost blocks counts there."""
        stored, latents = self._stored(), self.fitted.integers()
        return self._error(stored.values, latents)

    def _error(self, weights: dict[str, np.ndarray], latents: np.ndarray) -> float:
        error = coefficients(self.net, weights["frame"], latents) - self._coefficients
        none = np.zeros((len(error), 1, self.net.hop), dtype=np.float32)
        blocks = mdct.synthesise(np.concatenate([none, error, none], axis=1))
        inside = blocks.reshape(len(error), -1)[:, self._inside]
        return float(np.square(inside).sum(dtype=np.float64))

    def part(self) -> Part:
        """The segment as the fit stands."""
        stored, latents = self._stored(), self.fitted.integers()
        return Part(
            stored.payload,
            write_latents(self.net, stored.values, latents),
            latents_crc(latents, stored.crc),
            self._error(stored.values, latents),
        )
