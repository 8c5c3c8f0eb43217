"""One fit for one byte budget."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from inrcodec.container.header import Header
from inrcodec.container.sections import overhead, pack_file
from inrcodec.encoder.check import Checked, checked, psnr_of, unit_error
from inrcodec.encoder.coding import Coded, code
from inrcodec.encoder.describe import unit_values
from inrcodec.encoder.distil import start_from_target
from inrcodec.encoder.fit import Fit, GridPlanner, Schedule, State
from inrcodec.encoder.model import Model
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.plan import Plan, plan
from inrcodec.encoder.rate import (
    Arrays,
    Gains,
    Grid,
    grids_for_levels,
    grids_for_size,
    quantise_all,
)
from inrcodec.encoder.samples import Samples
from inrcodec.encoder.session import Session
from inrcodec.encoder.usual import samples_of, usual_batch, usual_rate
from inrcodec.errors import RateError
from inrcodec.options import EncodeOptions
from inrcodec.quantise import QuantisedTensor
from inrcodec.weights.storage import Projected

# Steps of each effort; every level takes about 1.7 times the one before.
STEPS = {1: 400, 2: 800, 3: 1500, 4: 2800, 5: 5000, 6: 8000, 7: 12000, 8: 20000, 9: 32000}
# Size drifts while the last weights settle on frozen grids: aim a little below the ceiling.
_AIM = 0.994
_ROUNDS = 6
_LEAST_FILL = 0.982
# Shares of the budget for weights so wild that their size would not settle.
_LAST_AIMS = (0.9, 0.7, 0.5, 0.3)
# After Ctrl-C or the time limit weights still get this long to settle on their grids.
_LAST_SETTLING_S = 0.5
# Steps that a network needs in a limited time, and those by which it is found how many there are,
# for as many networks; bytes of weights that are few enough for any limit; what plans fix.
_ENOUGH_STEPS, _TRIED, _TRIALS, _LEAST_WEIGHTS = 600, 2, 2, 1500
_PLANNED = frozenset({"width", "latent", "layers", "bases", "steps"})
# Of a fit's time, what rounds that bring it under its ceiling, and its check, may take.
_SHARE_AFTER = 0.15


@dataclass(frozen=True)
class Candidate:
    """A whole file, and what its decoded samples were measured by."""

    data: bytes
    checked: Checked
    stopped: bool

    @property
    def psnr_db(self) -> float:
        """PSNR over colour."""
        return psnr_of(self.checked.measures)


def encode_to_size(session: Session, budget: int | None) -> Candidate:
    """Fit within a budget in bytes (None: settings fix the size). Raises RateError."""
    job = Job(session, affordable(session, budget, lambda size: Job(session, size)))
    job.fit_all()
    return job.candidate()


def affordable(
    session: Session, budget: int | None, job_of: "Callable[[int], Job]", segments: int = 1
) -> int | None:
    """A budget, or less where a limit on time leaves too few steps to the networks that are planned
    for it: they would end worse than smaller ones. `job_of`: the first of so many segments."""
    options = session.options
    limited = options.time_limit is not None and options.psnr is None
    if budget is None or not limited or _PLANNED & set(options.settings):
        return budget
    enough = segments * min(_ENOUGH_STEPS, STEPS[options.effort])
    for _ in range(_TRIALS):
        job = job_of(budget)
        weights, share = job.payload_budget or 0, job.steps_in_time() / enough
        if share >= 1 or weights <= _LEAST_WEIGHTS or session.should_stop():
            break
        budget -= segments * (weights - max(int(weights * share), _LEAST_WEIGHTS))
    return budget


class Job:
    """A fit, its budget, and the files that can be made of it."""

    def __init__(self, session: Session, budget: int | None, made: Plan | None = None) -> None:
        """`made`: the plan, where others have fixed it already."""
        options, signal = session.options, session.signal
        self.session, self.budget = session, budget
        self.plan = made or _plan(session, budget)
        net = self.plan.net
        self.model = Model(net, self.plan.storage, options.seed, device_of(options))
        values, binary = unit_values(signal, session.ends), signal.depth == 1
        samples = samples_of(net, values, self.model.device, binary)
        self.fit = Fit(self.model, samples, options.seed)
        self.batch = min(options.number("batch", usual_batch(net)), samples.rows)
        self._rate = options.real("learning_rate", usual_rate(net, binary))
        self.stopped = False
        self._kept: tuple[tuple[list[Grid], list[bytes]], bytes] | None = None

    @property
    def payload_budget(self) -> int | None:
        """Bytes left for the WEIGHTS payload."""
        if self.budget is None:
            return None
        return self.budget - _overhead(self.session, self._header(0), self.budget)

    def fit_all(self, share: float = 1.0) -> None:
        """Float steps, quantised steps, and rounds that bring the size under the ceiling, in a
        share of the time left."""
        session, options = self.session, self.session.options
        schedule = Schedule(self._rate, self.batch)
        steps = options.number("steps", STEPS[options.effort])
        steps = max(steps - self._distil(schedule, steps, share), 1)
        pace = session.pace(steps, share, _SHARE_AFTER)
        self.stopped = self._run(
            schedule, pace, self.plan_grids, session.fitting, session.should_stop
        )
        if self.fit.grids is None:
            # Stopped before rounding began: a few steps let the weights settle on their grids.
            self.settle(_AIM, steps=100)
        self._meet_budget(max(20, pace.steps // 30))

    def steps_in_time(self) -> float:
        """About how many steps there are in the time left; some are taken for it."""
        schedule = Schedule(self._rate, self.batch)
        for _ in range(2):  # the first ones, which find no memory, take longer
            started = time.monotonic()
            self._run(schedule, Pace(_TRIED), None, lambda state: None, self.session.should_stop)
        each = (time.monotonic() - started) / _TRIED
        return (1 - _SHARE_AFTER) * max(self.session.seconds_left, 0.0) / max(each, 1e-6)

    def _run(
        self,
        schedule: Schedule,
        pace: Pace,
        planner: GridPlanner | None,
        report: Callable[[State], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Steps of the fit, counted; True if stopped."""
        before = self.fit.steps_done
        stopped = self.fit.run(schedule, pace, planner, report, stop)
        self.session.steps += self.fit.steps_done - before
        return stopped

    def _distil(self, schedule: Schedule, steps: int, left: float) -> int:
        """Start a latent from its fitted target network, if asked to, in the part for it of a share
        of the time left; steps spent on that."""
        share = self.session.options.real("distil", 0.0)
        if share == 0 or not isinstance(self.plan.storage, Projected):
            return 0
        seed, session, samples = self.session.options.seed, self.session, self.fit.samples
        assert isinstance(samples, Samples)
        pace = session.pace(max(1, round(steps * share)), left * share)
        first, last = session.share
        middle = first + (last - first) * share
        session.expect(first, middle)
        start_from_target(
            self.model, samples, schedule, pace, seed, session.fitting, session.should_stop
        )
        session.expect(middle, last)
        self.fit.guard.restart()
        session.steps += pace.taken
        return pace.taken

    @property
    def has_free_grids(self) -> bool:
        """Whether no setting fixes the levels."""
        return not self.session.options.number("levels", 0)

    def plan_grids(self, arrays: Arrays, gains: Gains) -> list[Grid]:
        """Grids for the budget, or for a fixed number of levels."""
        levels = self.session.options.number("levels", 0)
        budget = self.payload_budget
        if levels:
            return grids_for_levels(arrays, levels)
        if budget is None:
            raise RateError("a size, or the setting levels, is needed")
        return self._grids(arrays, gains, int(budget * _AIM))

    def _grids(self, arrays: Arrays, gains: Gains, budget: int) -> list[Grid]:
        """Grids for payloads of so many bytes."""
        return grids_for_size(arrays, gains, budget, lambda t: self._coded(t).size_bytes)

    def _coded(self, tensors: list[QuantisedTensor]) -> Coded:
        return code(self.plan.net, self.plan.storage, tensors)

    def settle(self, aim: float, steps: int) -> None:
        """New grids for `aim` of the budget, and some steps on them at a small rate."""
        budget = self.payload_budget
        if budget is None or not self.has_free_grids:
            self.fit.use_grids(self.plan_grids(self.fit.arrays(), {}))
            return
        gains = self.fit.gains(self.batch)
        self.settle_on(self._grids(self.fit.arrays(), gains, int(budget * aim)), steps)

    def settle_on(self, grids: list[Grid], steps: int) -> None:
        """Some steps on these grids at a small rate."""
        self.fit.use_grids(grids)
        rate = 0.1 * self._rate
        schedule = Schedule(rate, self.batch, float_share=0.0, warm_up=1)
        self._run(schedule, Pace(steps), None, lambda state: None, self._settling_stop())

    def _settling_stop(self) -> Callable[[], bool]:
        """When to end settling: when the encode is stopped, or soon if it is stopped already."""
        if not self.session.should_stop():
            return self.session.should_stop
        end = time.monotonic() + _LAST_SETTLING_S
        return lambda: time.monotonic() > end

    def _meet_budget(self, steps: int) -> None:
        """Until the coded size is between 98 % of the ceiling and the ceiling, in rounds of so many
        steps."""
        if self.budget is None or not self.has_free_grids:
            self._require_fit()
            return
        aim = _AIM
        for _ in range(_ROUNDS):
            share = self.size / self.budget
            self.session.size_bytes = self.size
            if _LEAST_FILL <= share <= 1:
                return
            aim += min(0.0, 0.998 - share) if share > 1 else _AIM - share
            aim = min(aim, 0.999)
            self.settle(aim, steps)
        for aim in _LAST_AIMS:
            if self.size <= self.budget:
                return
            self.settle(aim, steps=20)
        self._require_fit()

    def _require_fit(self) -> None:
        if self.budget is not None and self.size > self.budget:
            raise RateError(
                f"this network's smallest file takes {self.size} bytes, the budget is {self.budget}"
            )

    @property
    def size(self) -> int:
        """Bytes of the file as the fit stands."""
        return len(self.file())

    def candidate(self) -> Candidate:
        """The file as the fit stands, decoded and measured. Raises EncodeError."""
        self.session.checking()
        data = self.file()
        promised = unit_error(self.fit.psnr(), self.session.ends)
        return Candidate(data, checked(self.session.signal, data, promised), self.stopped)

    @property
    def grids(self) -> list[Grid]:
        """The grids that the file's numbers lie on."""
        assert self.fit.grids is not None
        return self.fit.grids

    def file(self) -> bytes:
        """The file as the fit stands.

        Coding takes much longer than rounding: a file is kept while its numbers are the same.
        """
        tensors = quantise_all(self.fit.arrays(), self.grids)
        numbers = self.grids, [tensor.integers.tobytes() for tensor in tensors]
        if self._kept is None or self._kept[0] != numbers:
            made, metadata = self._coded(tensors), self.session.signal.metadata
            header, partitions = self._header(made.crc), made.partitions
            data = pack_file(header, [made.weights], metadata, partitions=partitions)
            self._kept = numbers, data
        return self._kept[1]

    def _header(self, crc: int) -> Header:
        return self.session.header(self.plan.net, self.plan.storage, [crc])


def _overhead(session: Session, header: Header, budget: int) -> int:
    return overhead(header, max(budget, 0), session.signal.metadata)


def _plan(session: Session, budget: int | None) -> Plan:
    """Plan for what the rest of the file leaves over; the rest depends a little on the plan."""
    kind = session.representation
    if budget is None:
        return plan(session.grid, session.options, kind, 2**31)
    guess = budget - 60
    made = plan(session.grid, session.options, kind, max(guess, 0))
    rest = _overhead(session, session.header(made.net, made.storage, [0]), budget)
    return plan(session.grid, session.options, kind, room(session, rest, budget))


def room(session: Session, rest: int, budget: int) -> int:
    """Bytes of a budget left for payloads, where the rest of the file takes so many. Raises
    RateError if there are none."""
    if rest >= budget:
        metadata = session.signal.metadata
        hint = " (the metadata can be left out)" if metadata.icc or metadata.exif else ""
        raise RateError(f"header and metadata take {rest} bytes, the budget is {budget}{hint}")
    return budget - rest


def device_of(options: EncodeOptions) -> torch.device:
    if options.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(options.device)
