"""--psnr: the smallest file that reaches a quality."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from inrcodec.container.metadata import pack_metadata
from inrcodec.encoder.goal import TOLERANCE_DB
from inrcodec.encoder.rate import exponent_of, grids_for_step
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, Job
from inrcodec.errors import RateError

# Bits per grid point that the first fit is tried with.
_FIRST_BPP = 0.3
# A fit that ends between these, relative to the target, keeps its network: above, coarser grids
# cost what a narrower network would; below, a few steps on finer ones may be enough.
_SHORT_DB, _ABOVE_DB = -0.05, 0.6
_FITS = 6
_SAME_BUDGET = 0.03  # log2 of two budgets that give the same network
_SAME_STEP = 0.01  # log2 of two steps that give the same grids
_TRIMS = 10
_TRIM_STEPS = 100
_MARGIN_DB = 0.06  # above the target, where trimming aims

# Kodak: twice the bytes are 1.9 dB for these networks between 0.1 and 1 bpp.
_BUDGET_SLOPE = (0.8, 1.9, 6.0)
# dB for halved quantisation steps, after some steps on them: least, at first, most.
_GRID_SLOPE = (0.2, 1.5, 6.0)

Point = tuple[float, float]  # log2 of what is varied, PSNR


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Smallest file found whose PSNR is at least `target`, within 0.2 dB of it.

    Budgets are planned by secant on log(size) until a fit ends near the target; what it has too
    much is trimmed by coarser grids. Raises RateError if the quality cannot be reached with fewer
    bytes than the samples themselves take.
    """
    spare: tuple[Job, Candidate] | None = None  # the smallest that is too good
    history: list[Point] = []
    for exponent, budget in _budgets(session, history, target):
        try:
            job = Job(session, budget)
            job.fit_all()
        except RateError:
            if spare is None:
                raise
            history.append((exponent, 0.0))  # smaller than the smallest network
            continue
        made = job.candidate()
        history.append((exponent, _psnr(made)))
        if target + _SHORT_DB <= made.psnr_db <= target + _ABOVE_DB:
            made = _trimmed(job, made, target)
            if made.psnr_db >= target:
                return made
        elif made.psnr_db > target and (spare is None or len(made.data) < len(spare[1].data)):
            spare = job, made
        if job.stopped:
            return made if spare is None else replace(spare[1], stopped=True)
    if spare is not None:
        return _trimmed(*spare, target)
    raise _not_reached(history, target)


def search(session: Session, target: float, fitted: Callable[[int], Candidate]) -> Candidate:
    """The smallest file found whose PSNR is at least `target`, by fits to budgets in bytes alone:
    for signals in segments, whose grids cannot be trimmed together. Raises RateError."""
    history: list[Point] = []
    best: Candidate | None = None
    for exponent, budget in _budgets(session, history, target):
        try:
            made = fitted(budget)
        except RateError:
            history.append((exponent, 0.0))  # smaller than the smallest network
            continue
        history.append((exponent, _psnr(made)))
        if made.psnr_db >= target and (best is None or len(made.data) < len(best.data)):
            best = made
        near = best is not None and best.psnr_db <= target + TOLERANCE_DB
        if near or made.stopped:
            return best or made
    if best is None:
        raise _not_reached(history, target)
    return best


def _budgets(
    session: Session, history: Sequence[Point], target: float
) -> Iterator[tuple[float, int]]:
    """What to fit next by what `history` then has: log2 of the bytes, and the file's whole budget.

    Ends where a fit would tell nothing new.
    """
    metadata = len(pack_metadata(session.signal.metadata))  # on top of every budget
    for number in range(_FITS):
        session.expect(number / (number + 1), (number + 1) / (number + 2))
        exponent = _next_exponent(session, history, target)
        if exponent is None:
            return
        yield exponent, int(2**exponent) + metadata


def _not_reached(history: Sequence[Point], target: float) -> RateError:
    reached = max(psnr for _, psnr in history)
    return RateError(f"{target} dB were not reached: {reached:.2f} dB at best")


def _next_exponent(session: Session, history: Sequence[Point], target: float) -> float | None:
    """log2 of the next budget in bytes; None where a fit would tell nothing new."""
    signal = session.signal
    if not history:
        return math.log2(max(_FIRST_BPP / 8 * math.prod(signal.shape), 400.0))
    plain = math.prod(signal.shape) * signal.channels * signal.depth // 8 + 1024
    wanted = _secant(history, target + TOLERANCE_DB, _BUDGET_SLOPE, 3.0)
    exponent = min(wanted, math.log2(plain))
    return None if any(abs(exponent - tried) < _SAME_BUDGET for tried, _ in history) else exponent


def _trimmed(job: Job, made: Candidate, target: float) -> Candidate:
    """A fit's file within 0.2 dB above the target, or else the smallest that reaches it, or else
    the best.

    The step of the grids is varied, always from the same weights: steps on the new grids win back
    part of what they lose, so that only the PSNR after them says how coarse they may be. (For
    networks of 200 bytes that is chance, some tenths of a dB up or down.)
    """
    if not job.has_free_grids:
        return made
    arrays, gains = job.fit.arrays(), job.fit.gains(job.batch)
    history = [(-exponent_of(job.grids, arrays, gains), _psnr(made))]
    tried = [made]
    while not target <= tried[-1].psnr_db <= target + TOLERANCE_DB and len(tried) <= _TRIMS:
        if job.session.should_stop():
            job.stopped = True
            break
        fineness = _secant(history, target + _MARGIN_DB, _GRID_SLOPE, 1.5)
        if any(abs(fineness - tested) < _SAME_STEP for tested, _ in history):
            break
        job.model.load(arrays)
        job.settle_on(grids_for_step(arrays, gains, 2**-fineness), _TRIM_STEPS)
        tried.append(job.candidate())
        history.append((fineness, _psnr(tried[-1])))
    good = [one for one in tried if one.psnr_db >= target]
    near = [one for one in good if one.psnr_db <= target + TOLERANCE_DB]
    smallest = min(near or good, key=lambda one: len(one.data), default=None)
    return replace(smallest or max(tried, key=_psnr), stopped=job.stopped)


def _psnr(made: Candidate) -> float:
    """PSNR as a number that can be reckoned with: equal samples have one without end."""
    return min(made.psnr_db, 99.0)


def _secant(
    history: Sequence[Point], aim: float, slopes: tuple[float, float, float], reach: float
) -> float:
    """The exponent at which PSNR should be `aim`.

    Between the smallest that was good enough and the next below it, if there are both. Else along
    the line through the last two of the one kind, at most `reach` away: `slopes` in dB per 1 are
    the least that is believed, that of a single point, and the most.
    """
    good = sorted(point for point in history if point[1] >= aim)[:2]
    # A point just below a good one was bad luck: PSNR is not so steep.
    end = good[0][0] - 0.02 if good else math.inf
    bad = sorted(point for point in history if point[1] < aim and point[0] < end)[-2:]
    if bad and good:
        (low, worse), (high, better) = bad[-1], good[0]
        share = (aim - worse) / (better - worse)
        return low + (high - low) * min(max(share, 0.15), 0.85)
    least, slope, most = slopes
    points = bad or good
    if len(points) == 2:
        slope = (points[1][1] - points[0][1]) / max(points[1][0] - points[0][0], 1e-9)
    exponent, reached = bad[-1] if bad else good[0]
    return exponent + min(max((aim - reached) / min(max(slope, least), most), -reach), reach)
