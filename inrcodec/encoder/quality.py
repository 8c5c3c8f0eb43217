"""--psnr: the smallest file that reaches a quality."""

import math
from dataclasses import replace

from inrcodec.container.metadata import pack_metadata
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, Job
from inrcodec.errors import RateError
from inrcodec.options import DEFAULT_BPP

TOLERANCE_DB = 0.2
# Kodak: twice the bytes are 1.9 dB for these networks between 0.1 and 1 bpp.
_DB_PER_DOUBLING = 1.9
_FITS = 6
_TRIMS = 12


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Smallest file found whose PSNR is at least `target`, within 0.2 dB of it.

    Fits are planned by secant on log(size); a fit that is a little too good is trimmed by coarser
    grids, which costs few steps. Raises RateError if the quality cannot be reached with fewer
    bytes than the samples themselves take.
    """
    signal = session.signal
    samples = math.prod(signal.shape) * signal.channels
    ceiling = samples * signal.depth // 8 + 1024
    metadata = len(pack_metadata(signal.metadata))  # on top of every budget
    budget = max(DEFAULT_BPP / 8 * math.prod(signal.shape), 400.0)
    best: Candidate | None = None
    history: list[tuple[float, float]] = []
    for number in range(_FITS):
        session.expect(number / (number + 1), (number + 1) / (number + 2))
        try:
            job = Job(session, int(min(budget, ceiling)) + metadata)
            job.fit_all()
        except RateError:
            if best is None:
                raise
            return best  # smaller than the smallest network
        made = job.candidate()
        history.append((math.log2(len(made.data) - metadata), made.psnr_db))
        if made.psnr_db >= target:
            trimmed = _trim(job, made, target)
            best = _smaller(best, trimmed)
            if trimmed.psnr_db <= target + TOLERANCE_DB or job.stopped:
                return best
        elif job.stopped:
            return best or made
        elif budget >= ceiling:
            break
        budget = 2 ** _next_exponent(history, target)
    if best is None:
        reached = max(psnr for _, psnr in history)
        raise RateError(f"{target} dB were not reached: {reached:.2f} dB at best")
    return best


def _next_exponent(history: list[tuple[float, float]], target: float) -> float:
    """log2 of the next budget: aims a tenth of a dB above the target."""
    exponent, reached = history[-1]
    slope = _DB_PER_DOUBLING
    if len(history) > 1:
        before, at = history[-2]
        if abs(exponent - before) > 0.05:
            slope = min(max((reached - at) / (exponent - before), 0.8), 6.0)
    step = (target + TOLERANCE_DB - reached) / slope
    return exponent + min(max(step, -3.0), 3.0)


def _trim(job: Job, best: Candidate, target: float) -> Candidate:
    """Coarser grids on the same fit while the quality stays at or above the target."""
    share, too_small = 1.0, 0.0  # of the budget: the best so far, and the largest that failed
    for _ in range(_TRIMS):
        excess = best.psnr_db - target
        if excess <= TOLERANCE_DB or share - too_small < 0.002 or job.session.should_stop():
            break
        kept, grids = job.fit.arrays(), job.fit.grids
        # A bit less per number is 6 dB of its noise but much less of the whole: start gently.
        tried = max(share * 2 ** (-excess / 6), (share + too_small) / 2)
        job.settle(tried, steps=100)
        candidate = job.candidate()
        if candidate.psnr_db >= target:
            best, share = candidate, tried
        else:
            too_small = tried
            job.model.load(kept)
            job.fit.use_grids(grids)
    return replace(best, stopped=job.stopped)


def _smaller(a: Candidate | None, b: Candidate) -> Candidate:
    return a if a is not None and len(a.data) < len(b.data) else b
