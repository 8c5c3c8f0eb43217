"""Encoding a picture's latents to a size or a quality, in one fit: what pyramids and latent grids
share."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from inrcodec.container.header import Header
from inrcodec.container.sections import overhead, pack_file
from inrcodec.encoder.check import checked, psnr_of, unit_error
from inrcodec.encoder.goal import AIM, TOLERANCE_DB, meet_budget, meet_quality
from inrcodec.encoder.latent_fit import Goal, Measured
from inrcodec.encoder.latent_job import (
    WEIGHT_BITS,
    StoredTensors,
    error_for,
    expected_bytes,
    require_quality,
    stored_tensors,
)
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, room
from inrcodec.weights.storage import Direct

_FULL_STEPS_SAMPLES = 2**19
# Samples of a channel up to which pictures have no tiles.
_UNTILED_SAMPLES = 2**21
_LEAST_STEPS = 30
# What is near enough to a quality: finer steps bring what ones in place of zeros do not.
_NEAR_QUALITY = (0.98, 1.02)
_QUALITY_ROUNDS = 4  # fits to find one that reaches a quality


def encode_to_size(kind: "type[PictureJob]", session: Session, budget: int) -> Candidate:
    """Fit within a budget in bytes. Raises RateError."""
    job = kind(session, 8.0 * budget, None)
    limit = room(session, job.overhead_bytes, budget)

    def goal(measured: Measured) -> float:
        return (measured.bits / 8 + job.weight_bytes) / (limit * AIM)

    return job.fit(goal, lambda: job.meet_budget(budget), lambda made: (made.psnr_db,))


def encode_to_psnr(kind: "type[PictureJob]", session: Session, target: float) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError.

    A fit that ends below it, of a signal with too few latents to make up for that, is followed by
    one that aims higher.
    """
    aim = target
    for _ in range(_QUALITY_ROUNDS):
        made, finest = _fit_to_psnr(kind, session, target, aim)
        if made.psnr_db >= target or made.stopped or finest:
            break
        aim += target - made.psnr_db + TOLERANCE_DB
    return require_quality(made, target)


def _fit_to_psnr(
    kind: "type[PictureJob]", session: Session, target: float, aim: float
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


def tile(session: Session, side: int) -> int:
    """Samples along the sides of a tile, 0 for none: parts of large pictures are decoded from the
    tiles that they lie in. `side`: without the setting."""
    large = math.prod(session.signal.shape) > _UNTILED_SAMPLES
    return session.options.number("tile", side if large else 0)


class PictureJob(ABC):
    """A fit and the files that can be made of it; a subclass makes the fit and codes its latents.

    `steps_by_effort`: for a picture of up to 2^19 samples of luma; larger ones get fewer.
    `weight_bits`: of a stored number before its grid is known.
    """

    steps_by_effort: dict[int, int]
    weight_bits = WEIGHT_BITS

    def __init__(self, session: Session, bits: float | None, error: float | None) -> None:
        """For a size in bits or, without one, a squared error over all samples in 0..1."""
        self.session = session
        self.net, self.fitted = self._make(bits, error)
        self.stopped = False
        self._weights_payload: bytes | None = None

    @abstractmethod
    def _make(self, bits: float | None, error: float | None) -> tuple[Any, Any]:
        """The network and its fit, at a first step."""

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

    @abstractmethod
    def _coded(self, stored: StoredTensors, latents: list[np.ndarray]) -> tuple[int, bytes]:
        """CRC-32 of all integers, and the LATENTS payload."""

    def _candidate(self) -> Candidate:
        """The file as the fit stands, decoded and measured. Raises EncodeError."""
        data = self.file()
        promised = unit_error(self.fitted.psnr(), self.session.ends)
        return Candidate(data, checked(self.session.signal, data, promised), self.stopped)

    def _header(self, crc: int) -> Header:
        return self.session.header(self.net, Direct(), [crc])
