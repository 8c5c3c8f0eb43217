"""Encoding audio, video and volumes by coordinate networks: a network for each segment."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from inrcodec.container.fields import pack_varint
from inrcodec.container.header import Header
from inrcodec.container.sections import Segment, overhead, pack_file, parse_file
from inrcodec.encoder.check import checked, unit_error
from inrcodec.encoder.describe import grid_of, segment_length
from inrcodec.encoder.plan import Plan
from inrcodec.encoder.quality import encode_to_psnr, search
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, Job, affordable, encode_to_size
from inrcodec.limits import NO_LIMITS
from inrcodec.signals.signal import Metadata, Signal

# Grid points of a segment: what a default fit can see often enough, and memory holds.
_SEGMENT_POINTS = {"audio": 2**19, "video": 2**21, "volume": 2**22}
_MOST_SEGMENTS = 200
# A segment's share of the bytes grows with this power of its variance.
_SHARE_POWER = 0.15


@dataclass(frozen=True)
class _Fitted:
    """A segment's payload, the CRC-32 of its integers, and its squared error in the units of the
    samples."""

    payload: Segment
    crc: int
    error: float
    stopped: bool


def encode(session: Session, budget: int | None) -> Candidate:
    """Fit within a budget in bytes, or to the quality asked for. Raises RateError."""
    target = session.options.psnr
    segment = planned_segment(session.signal, session.options.number("segment", 0))
    if session.representation == "local-global":  # whose partitions are what segments are to others
        segment = session.signal.shape[0]
    if segment == grid_of(session.signal)[0][0]:
        whole = session.part(session.signal, segment=segment)
        made = encode_to_size(whole, budget) if target is None else encode_to_psnr(whole, target)
        session.steps = whole.steps
        return made
    if target is None:
        return _encode(session, budget)
    return search(session, target, lambda size: _encode(session, size))


def _encode(session: Session, budget: int | None) -> Candidate:
    """One fit of every segment, within a budget in bytes."""
    segment = planned_segment(session.signal, session.options.number("segment", 0))
    pieces = list(_pieces(session.signal, segment))
    shares = _shares(pieces)
    first, last = session.share
    fitted: list[_Fitted] = []
    made: Plan | None = None

    def payload(number: int, size: int) -> int:
        """Bytes for the next segment, of a file of so many."""
        spent = sum(len(one.payload.weights) for one in fitted)
        left = size - _framing(session, made, segment, len(pieces), size) - spent
        return int(left * shares[number] / shares[number:].sum())

    def begun(size: int) -> Job:
        """The fit of the first segment, of a file of so many bytes."""
        return _job(session.part(pieces[0], segment=segment), payload(0, size), None)

    budget = affordable(session, budget, begun, len(pieces))
    for number, piece in enumerate(pieces):
        part = session.part(piece, segment=segment)
        part.expect(*(first + (last - first) * i / len(pieces) for i in (number, number + 1)))
        job = _job(part, payload(number, budget) if budget is not None else None, made)
        made = job.plan
        fitted.append(_fit(part, job, 1 / (len(pieces) - number)))
        session.steps = part.steps
    assert made is not None
    return _assembled(session, made, segment, fitted)


def _job(part: Session, payload: int | None, made: Plan | None) -> Job:
    """The fit of a segment whose payload may take so many bytes. Raises RateError."""
    if payload is None:
        return Job(part, None, made)
    job = Job(part, payload + _HEADER_BYTES, made)
    header = part.header(job.plan.net, job.plan.storage, [0])
    job.budget = payload + overhead(header, payload, Metadata())
    return job


# A segment's own header, about; only a plan depends on it.
_HEADER_BYTES = 60


def _fit(part: Session, job: Job, share: float) -> _Fitted:
    """A segment that has a share of the time left."""
    job.fit_all(share)
    parsed = parse_file(job.file(), NO_LIMITS)
    error = unit_error(job.fit.psnr(), part.ends) * _values(part.signal)
    return _Fitted(parsed.segments[0], parsed.header.crcs[0], error, job.stopped)


def _framing(session: Session, made: Plan | None, segment: int, segments: int, budget: int) -> int:
    """Bytes of the file that are not payload, at most."""
    sections = segments * (1 + len(pack_varint(max(budget, 1))) + 4)
    if made is None:
        return sections + _HEADER_BYTES + 4 * segments
    header = _header(session, made, segment, [0] * segments)
    return sections + len(pack_file(header, [], session.signal.metadata))


def _header(session: Session, made: Plan, segment: int, crcs: list[int]) -> Header:
    whole = session.part(session.signal, segment=segment)
    return whole.header(made.net, made.storage, crcs)


def _assembled(session: Session, made: Plan, segment: int, fitted: list[_Fitted]) -> Candidate:
    """The file of all segments, decoded and measured. Raises EncodeError, RateError."""
    session.checking()
    header = _header(session, made, segment, [one.crc for one in fitted])
    data = pack_file(header, [one.payload.weights for one in fitted], session.signal.metadata)
    promised = sum(one.error for one in fitted) / _values(session.signal)
    found = checked(session.signal, data, promised)
    return Candidate(data, found, any(one.stopped for one in fitted))


def _values(signal: Signal) -> int:
    return math.prod(signal.shape) * signal.channels


def planned_segment(signal: Signal, wanted: int) -> int:
    """Grid points of a segment along axis 0; all segments are about as long. OptionError if those
    of the `wanted` length are more than a file can have."""
    shape, _ = grid_of(signal)
    usual = _SEGMENT_POINTS[signal.kind] // math.prod(shape[1:])
    return segment_length(shape[0], wanted, usual, _MOST_SEGMENTS)


def _pieces(signal: Signal, segment: int) -> Iterator[Signal]:
    for start in range(0, signal.shape[0], segment):
        yield replace(signal.along(slice(start, start + segment)), metadata=Metadata())


def _shares(pieces: list[Signal]) -> np.ndarray:
    """How the bytes are shared: more for what has more to tell, by a little."""
    variances = np.array([np.var(piece.samples, dtype=np.float64) for piece in pieces])
    points = np.array([piece.shape[0] for piece in pieces])
    floor = 1e-3 * float(variances.max()) or 1.0
    return points * np.maximum(variances, floor) ** _SHARE_POWER
