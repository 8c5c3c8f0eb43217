"""A file of segments that are fitted one after another, each with its own payloads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inrcodec.container.fields import pack_varint
from inrcodec.container.sections import pack_file
from inrcodec.encoder.check import checked
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate
from inrcodec.errors import RateError
from inrcodec.weights.storage import Direct


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


class Segmented:
    """The file: `net` describes its segments of `segment` grid points, `count` of them."""

    def __init__(self, session: Session, net: Any, segment: int, count: int) -> None:
        self._session = session.part(session.signal, segment=segment)
        self._net, self._count = net, count

    def room(self, budget: int) -> int:
        """Bytes of a budget that are left for the segments' sections. Raises RateError."""
        empty = len(self._file([Part(b"", b"", 0, 0.0)] * self._count))
        empty -= 2 * self._count * section_bytes(0)
        if empty >= budget:
            raise RateError(f"header and metadata take {empty} bytes, the budget is {budget}")
        return budget - empty

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
