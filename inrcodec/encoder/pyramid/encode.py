"""Encoding a pyramid to a size or a quality: plan, fit, and the file."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from inrcodec.container.header import Header
from inrcodec.container.sections import overhead, pack_file
from inrcodec.decoder.pyramid_latents import latents_crc, write_latents
from inrcodec.encoder.check import checked, psnr_of, unit_error
from inrcodec.encoder.goal import AIM, TOLERANCE_DB, meet_budget, meet_quality
from inrcodec.encoder.latent_fit import Goal, Measured
from inrcodec.encoder.latent_job import (
    ERROR_SHARE,
    WEIGHT_BITS,
    StoredTensors,
    bisected,
    error_for,
    expected_bytes,
    require_quality,
    static_bits,
    stored_tensors,
)
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.pyramid.fit import PyramidFit, fitted_frame
from inrcodec.encoder.pyramid.synthesis import analysed
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, device_of
from inrcodec.nets.pyramid import Pyramid
from inrcodec.weights.storage import Direct

# Steps of each effort for a picture of up to 2^19 samples of luma; larger ones get fewer.
STEPS = {1: 15, 2: 30, 3: 60, 4: 120, 5: 240, 6: 500, 7: 1000, 8: 2400, 9: 5000}
_FULL_STEPS_SAMPLES = 2**19
_LEAST_STEPS = 30
# Sides of tiles, and samples of a channel from which pictures have some.
_TILE, _TILED_SAMPLES = 512, 2**21
# Units in four flips: 0.15 to 0.3 dB better than others (benchmarks/planning.py).
_MIRRORED = True
# Finest step of the latents, in code values.
_LEAST_STEP = 0.25
# What is near enough to a quality: finer steps bring what ones in place of zeros do not.
_NEAR_QUALITY = (0.98, 1.02)
_QUALITY_ROUNDS = 4  # fits to find one that reaches a quality
# Size of a file with untrained contexts that a fit starts from, over that after it: what is zero at
# first hardly comes back, so that steps are fine at first and get coarser.
_EXCESS = 6.0
# Size of coefficients rounded to a step over that of a fit with as much error, about.
_SAVED = 1.9
# In bits for each position it stays below this: large latents take many steps to shrink.
_MOST_EXCESS = 0.6


def plan(session: Session, budget_bits: float) -> Pyramid:
    """Sizes of the pyramid for a picture and a budget."""
    signal, options = session.signal, session.options
    side = min(signal.shape)
    levels = max(1, min(5, int(math.log2(max(side, 16) / 8)), int(math.log2(max(signal.shape)))))
    rate = budget_bits / math.prod(signal.shape)
    # Networks take about a tenth of the budget, 5 bits a weight; at most 2,000 MACs a sample.
    width = int(min(max(budget_bits / 6000, 2), 10))
    stages = 2 if budget_bits > 40_000 else 1 if budget_bits > 8_000 else 0
    stages = min(options.number("stages", stages), levels)
    return Pyramid(
        shape=signal.shape,
        channels=signal.channels,
        width=options.number("width", width),
        layers=options.number("layers", 2),
        levels=levels,
        colour_from=min(0 if rate > 0.7 else 1, levels - 1),
        stages=stages,
        coarse_width=max(2, width // 2),
        tile=_tile(session),
        mirrored=_MIRRORED and stages > 0,
    )


def _tile(session: Session) -> int:
    """Samples along the sides of a tile, 0 for none: parts of large pictures are decoded from the
    tiles that they lie in."""
    large = math.prod(session.signal.shape) > _TILED_SAMPLES
    return session.options.number("tile", _TILE if large else 0)


def encode_to_size(
    session: Session, budget: int, kind: "type[PyramidJob] | None" = None
) -> Candidate:
    """Fit within a budget in bytes, by a job of this kind. Raises RateError."""
    job = (kind or PyramidJob)(session, 8.0 * budget, None)
    limit = budget - job.overhead_bytes

    def goal(measured: Measured) -> float:
        return (measured.bits / 8 + job.weight_bytes) / (limit * AIM)

    return job.fit(goal, lambda: job.meet_budget(budget), lambda made: (made.psnr_db,))


def encode_to_psnr(
    session: Session, target: float, kind: "type[PyramidJob] | None" = None
) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError.

    A fit that ends below it, of a signal with too few latents to make up for that, is followed by
    one that aims higher.
    """
    aim = target
    for _ in range(_QUALITY_ROUNDS):
        made, finest = _fit_to_psnr(session, target, aim, kind or PyramidJob)
        if made.psnr_db >= target or made.stopped or finest:
            break
        aim += target - made.psnr_db + TOLERANCE_DB
    return require_quality(made, target)


def _fit_to_psnr(
    session: Session, target: float, aim: float, kind: "type[PyramidJob]"
) -> tuple[Candidate, bool]:
    """Fit to a quality `aim`, and bring that to `target`; whether its steps are the finest. Raises
    EncodeError."""
    error = error_for(session.signal, aim)
    job = kind(session, None, error)
    job.fitted.near = _NEAR_QUALITY

    def goal(measured: Measured) -> float:
        return error / max(measured.error, 1e-9)

    def worth(made: Candidate) -> tuple[float, ...]:
        good = made.psnr_db >= target
        return good, -len(made.data) if good else made.psnr_db

    return job.fit(goal, lambda: job.meet_quality(target), worth), job.fitted.finest


class PyramidJob:
    """A fit and the files that can be made of it."""

    # Steps of every effort, and bits of a stored number before its grid is known.
    steps_by_effort, weight_bits = STEPS, WEIGHT_BITS

    def __init__(self, session: Session, bits: float | None, error: float | None) -> None:
        """For a size in bits or, without one, a squared error over all samples in 0..1."""
        self.session = session
        self.net, self.fitted = self._make(bits, error)
        self.stopped = False
        self._weights_payload: bytes | None = None

    def _make(self, bits: float | None, error: float | None) -> tuple[Any, Any]:
        """The network and its fit, at a first step."""
        signal, options = self.session.signal, self.session.options
        samples = signal.samples.astype(np.float32) / signal.peak
        start = Start(plan(self.session, bits or 1e5), samples)
        if bits is None:
            assert error is not None
            step = start.step_for_error(ERROR_SHARE * error)
            bits = start.bits(step) / _SAVED
        else:
            spare = min((_EXCESS - 1) * bits, _MOST_EXCESS * math.prod(signal.shape))
            step = start.step_for_bits(bits + spare)
        net, least = plan(self.session, bits), _LEAST_STEP / signal.peak
        step, device = max(step, least), device_of(options)
        return net, PyramidFit(net, samples, step, least, options.seed, device)

    @property
    def overhead_bytes(self) -> int:
        """Bytes of the file outside the payloads, to within a few."""
        header = self._header(0)
        return overhead(header, 2**14, self.session.signal.metadata) + 9

    @property
    def weight_bytes(self) -> float:
        """Size of the WEIGHTS payload, or what it will be."""
        if self.fitted.grids is None:
            return expected_bytes(self.net.tensors(), self.weight_bits)
        if self._weights_payload is None:
            self._weights_payload = stored_tensors(self.net.tensors(), self.fitted).payload
        return len(self._weights_payload)

    def fit(
        self,
        goal: Goal,
        exact: Callable[[], None],
        worth: Callable[[Candidate], tuple[float, ...]],
    ) -> Candidate:
        """All steps of the effort, or as many as there is time for.

        `exact` brings the rounded latents to the goal: before networks and contexts settle around
        them, and after. The file that is worth more is kept. Raises EncodeError.
        """
        return self._finished(self._run(goal, self._steps()), exact, worth)

    def _run(self, goal: Goal, steps: int) -> Pace:
        """All steps but the last ones, which follow at this pace."""
        self.fitted.warm_up()
        session, pace = self.session, self.session.pace(steps)
        self.stopped = self.fitted.run(pace, goal, session.fitting, session.should_stop)
        return pace

    def _finished(
        self, pace: Pace, exact: Callable[[], None], worth: Callable[[Candidate], tuple[float, ...]]
    ) -> Candidate:
        session = self.session
        exact()
        rounded = self._candidate()
        self.fitted.settle(pace, session.fitting, session.should_stop)
        exact()
        session.steps += self.fitted.steps_done
        session.checking()
        return max(self._candidate(), rounded, key=worth)

    def _steps(self) -> int:
        options, signal = self.session.options, self.session.signal
        size = math.prod(signal.shape)
        steps = self.steps_by_effort[options.effort]
        if size > _FULL_STEPS_SAMPLES:
            steps = max(_LEAST_STEPS, int(steps * _FULL_STEPS_SAMPLES / size))
        return max(options.number("steps", steps), 10)

    def meet_budget(self, budget: int) -> None:
        """Bring the rounded latents under the budget."""
        meet_budget(self.fitted, self._size, budget, self.session.should_stop)

    def _size(self) -> int:
        self.session.size_bytes = len(self.file())
        return self.session.size_bytes

    def meet_quality(self, target: float) -> None:
        """Bring the rounded latents to the quality."""
        signal = self.session.signal

        def spare_db() -> float:
            return psnr_of(checked(signal, self.file(), math.inf).measures) - target

        meet_quality(self.fitted, spare_db)

    def file(self) -> bytes:
        """The file as the fit stands."""
        stored, latents = stored_tensors(self.net.tensors(), self.fitted), self.fitted.integers()
        self._weights_payload = stored.payload
        crc, payload = self._coded(stored, latents)
        metadata = self.session.signal.metadata
        return pack_file(self._header(crc), [self._weights_payload], metadata, [payload])

    def _coded(self, stored: StoredTensors, latents: list[np.ndarray]) -> tuple[int, bytes]:
        """CRC-32 of all integers, and the LATENTS payload."""
        payload = write_latents(self.net, stored.values, latents)
        return latents_crc(latents, stored.crc), payload

    def _candidate(self) -> Candidate:
        """The file as the fit stands, decoded and measured. Raises EncodeError."""
        data = self.file()
        promised = unit_error(self.fitted.psnr(), self.session.ends)
        return Candidate(data, checked(self.session.signal, data, promised), self.stopped)

    def _header(self, crc: int) -> Header:
        return self.session.header(self.net, Direct(), [crc])


class Start:
    """The wavelet coefficients of samples, for finding the first step of a fit."""

    def __init__(self, net: Pyramid, samples: np.ndarray) -> None:
        _, planes = fitted_frame(net, samples, 1.0)
        self._bands = [grid.reshape(4, grid.shape[1], -1) for grid in analysed(net, [planes[None]])]

    def bits(self, step: float) -> float:
        """Estimated size of coefficients rounded to a step."""
        return sum(static_bits(band / step) for band in self._bands)

    def error(self, step: float) -> float:
        """Squared error of coefficients rounded to a step."""
        return sum(
            float((band - (band / step).round() * step).square().sum()) for band in self._bands
        )

    def step_for_bits(self, bits: float) -> float:
        """The step at which rounded coefficients take about `bits`."""
        return _smallest_step(lambda step: self.bits(step) <= bits)

    def step_for_error(self, error: float) -> float:
        """The step at which rounded coefficients have about `error`."""
        return _smallest_step(lambda step: self.error(step) >= error)


def _smallest_step(large_enough: Callable[[float], bool]) -> float:
    """Of those that are large enough; samples are in 0..1."""
    return bisected(large_enough, 2.0**-14, 24)
