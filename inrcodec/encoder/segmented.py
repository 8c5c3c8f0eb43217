"""A file of segments that are fitted one after another, each with its own payloads."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inrcodec.container.fields import pack_varint
from inrcodec.container.sections import pack_file
from inrcodec.encoder.check import checked
from inrcodec.encoder.goal import AIM, meet_budget
from inrcodec.encoder.latent_fit import Goal, LatentFit, Measured
from inrcodec.encoder.latent_job import StoredTensors, expected_bytes, stored_tensors
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, room
from inrcodec.nets.base import TensorSpec
from inrcodec.weights.storage import Direct

# Estimated size of a stream over its own, at most.
_CODING = 1.001


@dataclass(frozen=True)
class Part:
    """A finished segment: its payloads, the CRC-32 of its integers, its squared error."""

    weights: bytes
    latents: bytes
    crc: int
    error: float

    @property
    def size(self) -> int:
        """Bytes in the file, with the framing of two sections."""
        return sum(map(section_bytes, (len(self.weights), len(self.latents))))


def section_bytes(payload: int) -> int:
    """Bytes of a section with a payload of so many."""
    return 1 + len(pack_varint(payload)) + 4 + payload


class SegmentFit(ABC):
    """The fit of one segment and the payloads that it gives; a subclass knows its latents."""

    def __init__(
        self, session: Session, fitted: LatentFit, specs: Sequence[TensorSpec], number: int
    ) -> None:
        self._session, self._latent_fit, self._specs = session, fitted, specs
        self._number = number

    @abstractmethod
    def part(self) -> Part:
        """The segment as the fit stands."""

    @abstractmethod
    def _latents_bits(self, stored: StoredTensors) -> float:
        """Size of the LATENTS payload in bits, without coding it."""

    def _stored(self) -> StoredTensors:
        """The tensors as the file would have them, once the fit is done."""
        return stored_tensors(self._specs, self._latent_fit)

    def goal_of_size(self, budget: int) -> Goal:
        """What the fit follows to a budget in bytes."""

        def goal(measured: Measured) -> float:
            return (measured.bits / 8 + self._weight_bytes()) / (budget * AIM)

        return goal

    def _weight_bytes(self) -> float:
        """Bytes of the tensors and of the framing, or what they will be."""
        if self._latent_fit.grids is None:
            return expected_bytes(self._specs) + 12
        return len(stored_tensors(self._specs, self._latent_fit).payload) + 12

    def meet_budget(self, budget: int) -> None:
        """Bring the latents under the budget, by their estimated size and then by their own."""
        for size in (self._estimated, lambda: self.part().size):
            meet_budget(
                self._latent_fit, size, budget, self._session.should_stop, f"segment {self._number}"
            )

    def _estimated(self) -> int:
        stored = self._stored()
        size = math.ceil(_CODING * self._latents_bits(stored) / 8) + 8
        return section_bytes(len(stored.payload)) + section_bytes(size)


class Segmented:
    """The file: `net` describes its segments of `segment` grid points, `count` of them."""

    def __init__(self, session: Session, net: Any, segment: int, count: int) -> None:
        self._session = session.part(session.signal, segment=segment)
        self._net, self._count = net, count

    def room(self, budget: int) -> int:
        """Bytes of a budget that are left for the segments' sections. Raises RateError."""
        empty = len(self._file([Part(b"", b"", 0, 0.0)] * self._count))
        empty -= 2 * self._count * section_bytes(0)
        return room(self._session, empty, budget)

    def candidate(self, parts: Sequence[Part], promised: float, stopped: bool) -> Candidate:
        """The file, decoded and measured. `promised`: mean squared error, in the units of the
        samples. Raises EncodeError."""
        self._session.checking()
        data = self._file(parts)
        return Candidate(data, checked(self._session.signal, data, promised), stopped)

    def _file(self, parts: Sequence[Part]) -> bytes:
        header = self._session.header(self._net, Direct(), [part.crc for part in parts])
        weights, latents = [p.weights for p in parts], [p.latents for p in parts]
        return pack_file(header, weights, self._session.signal.metadata, latents)
