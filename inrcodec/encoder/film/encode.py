"""Encoding a video as a film, to a size or a quality: group of frames after group."""

import math
from collections.abc import Callable

import numpy as np
import torch

from inrcodec.decoder.film_latents import latents_bits, latents_crc, write_latents
from inrcodec.encoder.describe import planes_of, segment_length
from inrcodec.encoder.film.blocks import best_block, trial_cost
from inrcodec.encoder.film.course import Course, Share
from inrcodec.encoder.film.fit import FilmFit
from inrcodec.encoder.film.start import Start, padded
from inrcodec.encoder.film.synthesis import Planes
from inrcodec.encoder.goal import TOLERANCE_DB, meet_quality
from inrcodec.encoder.latent_fit import Goal, Measured
from inrcodec.encoder.latent_job import (
    ERROR_SHARE,
    StoredTensors,
    bisected,
    expected_bytes,
    require_quality,
)
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.pyramid.fit import principal_axes
from inrcodec.encoder.segmented import Part, Segmented, SegmentFit
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, device_of
from inrcodec.nets.film import Film
from inrcodec.signals.signal import Signal

# Steps of each effort for a segment of up to 2^22 samples of luma; larger ones get fewer.
STEPS = {1: 15, 2: 25, 3: 40, 4: 70, 5: 120, 6: 240, 7: 500, 8: 1000, 9: 2000}
_FULL_STEPS_SAMPLES = 2**22
_LEAST_STEPS = 15
# Samples of luma in a segment: what memory holds with all that a step needs.
_SEGMENT_SAMPLES = 2**23
_MOST_FRAMES = 128
_MOST_SEGMENTS = 120
_INTERVAL = 16
# Size of plain coding over that after the fit at the same step, about.
_EXCESS = 3.0
# Steps of a pilot, a short fit that says where longer ones will end; how many steps these have at
# least; and by how many octaves they begin below that, for they end at finer steps than a pilot.
# Fits end best that begin a little below their end: Cockatoo at 0.1 bits per pixel has 41.0 dB from
# 0.2 octaves above, 41.6 dB from 0.15 below.
_PILOT_STEPS, _PILOTED_FROM, _BELOW = 15, 60, 0.2
# Share of a time limit after which no other blocks are tried.
_TRYING = 0.2
# Finest step of the latents, in code values, and the first octave that is known to a start.
_LEAST_STEP, _FIRST = 0.25, 2.0**-12
# Fits of all segments to find the one that decodes to a quality.
_QUALITY_ROUNDS = 4
# What a fit may miss a quality by, in dB, before another begins at another step (ones and zeros
# make up for little without many bits), and what that step makes up for at most.
_MOST_MISSED_DB, _FARTHEST_DB = 0.5, 6.0
# Times that all frames of a segment are coded anew for a quality.
_RECODINGS = 6


def planned_film(signal: Signal, frames: int, block: int = 0) -> Film:
    """Sizes of the film of a segment of so many frames. `block`: samples from one vector to the
    next; without one what frames of their size often need."""
    side = min(signal.shape[1:])
    halved = signal.chroma is not None
    levels = max(1, min(4, int(math.log2(max(side, 16) / 16))))
    levels = min(levels, max(1, int(math.log2(max(signal.shape[1:])))))
    block = block or (32 if side >= 256 else 16 if side >= 128 else 8)
    return Film(
        shape=(frames, *signal.shape[1:]),
        channels=signal.channels,
        halved=halved,
        levels=levels,
        colour_from=min(1, levels) if signal.channels > 1 else 0,
        interval=_INTERVAL,
        block=block,
        motion_levels=max(1, int(math.log2(max(side / block / 5, 2)))),
    )


def planned_segment(signal: Signal, wanted: int) -> int:
    """Frames of a segment: `wanted`, or without that what memory holds, all segments being about as
    long. Raises OptionError if a file cannot have as many."""
    frames, *sides = signal.shape
    usual = min(_SEGMENT_SAMPLES // math.prod(sides), _MOST_FRAMES)
    return segment_length(frames, wanted, usual, _MOST_SEGMENTS)


def encode_to_size(session: Session, budget: int) -> Candidate:
    """Fit within a budget in bytes. Raises RateError."""
    job = FilmJob(session)
    left = job.file.room(budget)
    bits = _EXCESS * max(8.0 * left - 8 * job.fixed_bytes, 2.0 * left)
    job.choose_block(job.step_for_bits(bits))
    step = job.step_for_bits(bits)
    shares = np.array([start.bits(step) for start in job.starts]) + 8 * job.tensor_bytes
    step = job.piloted(step, left * shares / shares.sum())
    for number in range(len(job.starts)):
        share = max(int(left * shares[number] / shares[number:].sum()), 1)
        left -= job.add_of_size(number, step, share)
    return job.candidate()


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError."""
    job = FilmJob(session)
    # A segment's own figure counts luma and chroma alike; the PSNR of the whole does not.
    aim, finer, best = target + TOLERANCE_DB / 2, 1.0, None
    job.choose_block(job.step_for_error(ERROR_SHARE * 10 ** (-aim / 10) * job.values))
    for _ in range(_QUALITY_ROUNDS):
        error = 10 ** (-aim / 10) * job.values
        step = max(job.step_for_error(ERROR_SHARE * error) * finer, job.least_step)
        shares = np.array([start.error(step) for start in job.starts])
        job.parts.clear()
        fitted = [
            job.add_of_quality(number, step, error * share)
            for number, share in enumerate(shares / shares.sum())
        ]
        made = job.candidate()
        if best is None or _worth(made, target) > _worth(best, target):
            best = made
        missed = 10 * math.log10(error / max(sum(fitted), 1e-12))
        met = target <= made.psnr_db <= target + TOLERANCE_DB
        if (met and abs(missed) <= _MOST_MISSED_DB) or made.stopped:
            break
        aim += max(target + TOLERANCE_DB / 2 - made.psnr_db, -_FARTHEST_DB)
        finer *= 10 ** (min(max(missed, -_FARTHEST_DB), _FARTHEST_DB) / 10)
    assert best is not None
    return require_quality(best, target)


def _worth(made: Candidate, target: float) -> tuple[bool, bool, float]:
    """What is worth more: any file that has the quality, of these the smallest of those that have
    hardly more, or else the nearest."""
    good, near = made.psnr_db >= target, made.psnr_db <= target + TOLERANCE_DB
    if good and near:
        return True, True, -len(made.data)
    return good, False, -made.psnr_db if good else made.psnr_db


class FilmJob:
    """The segments of a file, one after another."""

    def __init__(self, session: Session) -> None:
        self.session = session
        signal, options = session.signal, session.options
        self._segment = planned_segment(signal, options.number("segment", 0))
        frames = signal.shape[0]
        self._cuts = [(a, min(a + self._segment, frames)) for a in range(0, frames, self._segment)]
        self._device = device_of(options)
        self.least_step = max(_LEAST_STEP / signal.peak, _FIRST)
        self._colours, self._axes = _colours(signal)
        self.parts: list[Part] = []
        self._stopped = False
        steps = self._planned(planned_film(signal, self._segment))
        piloted = options.time_limit is None and steps >= _PILOTED_FROM
        self._course = Course(len(self._cuts), steps, _PILOT_STEPS if piloted else 0)
        self._asked = options.number("block", 0)
        self._use_block(self._asked or planned_film(signal, self._segment).block)

    def _use_block(self, block: int) -> None:
        """Plan the file with this block, and search for all motion."""
        self._block = block
        net = planned_film(self.session.signal, self._segment, block)
        self.file = Segmented(self.session, net, self._segment, len(self._cuts))
        self.tensor_bytes = expected_bytes(net.tensors()) + 30
        self.starts = [self._searched(number) for number in range(len(self._cuts))]

    def _searched(self, number: int) -> Start:
        """The motion of a segment."""
        self._expect(self._course.search(number))
        return Start(self._net(number), self._planes(number), self.session.late)

    def _expect(self, share: Share) -> None:
        """A phase begins with what takes long before its first step."""
        self.session.expect(*share)
        self.session.searching()

    def choose_block(self, step: float) -> None:
        """Plan and search anew where coefficients in these steps want another block: a segment in
        the middle speaks for all. Not where a block was asked for, or time is short."""
        if self._asked or self.session.late(_TRYING):
            return
        number = len(self._cuts) // 2
        first, last = self._cuts[number]
        signal, planes = self.session.signal, self._planes(number)

        def cost(block: int) -> float:
            net = planned_film(signal, last - first, block)
            return trial_cost(net, planes, step, self.session.late)

        best = best_block(self._block, min(signal.shape[1:]), cost)
        if best != self._block:
            self._use_block(best)

    @property
    def fixed_bytes(self) -> float:
        """About the bytes of all tensors and framing."""
        return self.tensor_bytes * len(self._cuts)

    @property
    def values(self) -> int:
        """Samples of all planes."""
        signal = self.session.signal
        chroma = 0 if signal.chroma is None else signal.chroma.size
        return signal.samples.size + chroma

    def _net(self, number: int) -> Film:
        first, last = self._cuts[number]
        return planned_film(self.session.signal, last - first, self._block)

    def _planes(self, number: int) -> Planes:
        """The frames of a segment in the film's own axes, padded: made when they are needed, for
        in float32 they are four times as large as the signal."""
        net = self._net(number)
        planes = planes_of(self.session.signal, *self._cuts[number])
        tensors = [torch.from_numpy(plane).to(self._device) for plane in planes]
        means = torch.from_numpy(self._colours[-net.channels :]).to(self._device)
        starts = (0, 1)[: len(tensors)]
        tensors = [
            tensor - means[a : a + tensor.shape[1], None, None]
            for tensor, a in zip(tensors, starts, strict=True)
        ]
        if self._axes is not None:
            axes = torch.from_numpy(self._axes).to(self._device)
            tensors = [torch.einsum("nchw,cd->ndhw", tensors[0], axes).contiguous()]
        return padded(tensors, net)

    def step_for_bits(self, bits: float) -> float:
        """The step at which plain coding of all segments takes about so many bits."""
        found = bisected(lambda s: sum(x.bits(s) for x in self.starts) <= bits, _FIRST, 24)
        return max(found, self.least_step)

    def step_for_error(self, error: float) -> float:
        """The step at which plain coding of all segments has about this squared error."""
        found = bisected(lambda s: sum(x.error(s) for x in self.starts) >= error, _FIRST, 24)
        return max(found, self.least_step)

    def add_of_size(self, number: int, step: float, budget: int) -> int:
        """Fit a segment into a budget in bytes; its size. Raises RateError."""
        segment = self._begun(number, step)
        self._run(segment, segment.goal_of_size(budget), lambda: segment.meet_budget(budget))
        return self.parts[-1].size

    def piloted(self, step: float, budgets: np.ndarray) -> float:
        """A step to begin with, from that of plain coding, for segments of these budgets: from a
        pilot of the one in the middle, where fits are long enough to be worth it and no time limit
        needs the time."""
        number, session = len(self._cuts) // 2, self.session
        if not self._course.pilot or session.should_stop():
            return step
        self._expect(self._course.piloting())
        segment = self._fitting(number, step, _PILOT_STEPS)
        fitted = segment.fitted
        begun = fitted.step
        fitted.warm_up()
        goal = segment.goal_of_size(max(int(budgets[number]), 1))
        fitted.run(Pace(_PILOT_STEPS), goal, session.fitting, session.should_stop)
        session.steps += fitted.steps_done
        return max(step * fitted.step / begun * 2**-_BELOW, self.least_step)

    def add_of_quality(self, number: int, step: float, wanted: float) -> float:
        """Fit a segment to a squared error; the one that it had before ones and zeros."""
        segment = self._begun(number, step)

        def goal(measured: Measured) -> float:
            return wanted / max(measured.error, 1e-12)

        def excess_db() -> float:
            error = max(segment.fitted.measured().error, 1e-12)
            return 10 * math.log10(wanted / error) + TOLERANCE_DB / 2

        found: list[float] = []

        def exact() -> None:
            found.append(segment.fitted.measured().error)
            _meet_quality(segment.fitted, excess_db)

        self._run(segment, goal, exact)
        return found[0]

    def _begun(self, number: int, step: float) -> "_FilmSegment":
        """The fit of a segment of the file."""
        self._expect(self._course.fit(number))
        return self._fitting(number, step, self._planned(self._net(number)))

    def _fitting(self, number: int, step: float, steps: int) -> "_FilmSegment":
        """A fit of a segment that begins at a step, of so many steps."""
        seed = self.session.options.seed + number
        planes, start = self._planes(number), self.starts[number]
        fitted = FilmFit(planes, start, self._colours, step, self.least_step, seed, steps)
        return _FilmSegment(self.session, fitted, number)

    def _run(self, segment: "_FilmSegment", goal: Goal, exact: Callable[[], None]) -> None:
        session, fitted = self.session, segment.fitted
        fitted.warm_up()
        pace = session.pace(self._planned(fitted.net), 1 / (len(self._cuts) - len(self.parts)))
        if fitted.run(pace, goal, session.fitting, session.should_stop):
            self._stopped = True
        exact()
        fitted.settle(pace, session.fitting, session.should_stop)
        exact()
        session.steps += fitted.steps_done
        self.parts.append(segment.part())

    def _planned(self, net: Film) -> int:
        """Steps of the effort for a segment."""
        options, samples = self.session.options, math.prod(net.shape)
        steps = STEPS[options.effort]
        if samples > _FULL_STEPS_SAMPLES:
            steps = int(steps * _FULL_STEPS_SAMPLES / samples)
        return max(options.number("steps", steps), _LEAST_STEPS)

    def candidate(self) -> Candidate:
        """The file, decoded and measured. Raises EncodeError."""
        peak = self.session.ends[1]
        promised = sum(part.error for part in self.parts) / self.values * peak**2
        return self.file.candidate(self.parts, promised, self._stopped)


def _meet_quality(fitted: FilmFit, excess_db: Callable[[], float]) -> None:
    """Ones and zeros, or, where they are not enough, all frames coded anew at finer and finer steps
    until there are ones to drop."""
    if excess_db() > -_MOST_MISSED_DB:
        meet_quality(fitted, excess_db)
    for _ in range(_RECODINGS):
        excess = excess_db()
        if excess >= 0 or fitted.finest:
            break
        fitted.recode()
        if excess_db() < 0:
            fitted.follow(10 ** (excess / 10))
            fitted.recode()
        fitted.refit_contexts()
    meet_quality(fitted, excess_db)


class _FilmSegment(SegmentFit):
    """The fit of one segment and the payloads that it gives."""

    def __init__(self, session: Session, fitted: FilmFit, number: int) -> None:
        super().__init__(session, fitted, fitted.net.tensors(), number)
        self.fitted = fitted

    def _latents_bits(self, stored: StoredTensors) -> float:
        return latents_bits(self.fitted.net, stored.values, self.fitted.integers())

    def part(self) -> Part:
        """The segment as the fit stands."""
        stored, latents = self._stored(), self.fitted.integers()
        return Part(
            stored.payload,
            write_latents(self.fitted.net, stored.values, latents),
            latents_crc(latents, stored.crc),
            self.fitted.measured().error,
        )


def _colours(signal: Signal) -> tuple[np.ndarray, np.ndarray | None]:
    """The colours tensor, float32, and axes (C, C), None where they are those of the samples."""
    if signal.chroma is not None:
        planes = (signal.samples, signal.chroma)
        means = np.concatenate([p.mean(axis=(0, 1, 2), dtype=np.float64) for p in planes])
        return (means / signal.peak).astype(np.float32), None
    tall = signal.samples.reshape(-1, *signal.samples.shape[2:])
    means, axes = principal_axes(tall)
    means = (means / signal.peak).astype(np.float32)
    if signal.channels == 1:
        return means, None
    colours = np.concatenate([axes.ravel().astype(np.float32), means])
    return colours, axes.astype(np.float32)
