"""The file: a header of 12 bytes, then sections, each with a checksum of its own."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from inrcodec.container.fields import Reader, pack_varint
from inrcodec.container.header import Header, Net, pack_header, unpack_header
from inrcodec.container.metadata import pack_metadata
from inrcodec.errors import Corrupt, NotInr, Unsupported
from inrcodec.limits import Limits
from inrcodec.signals.signal import Metadata

MAGIC = b"\x89INR"
MAJOR = 1
# The oldest minor version that describes a network: what is written says no more than it needs.
MINORS = {Net.SIREN: 0, Net.ASMR: 0, Net.PYRAMID: 1}
FILE_HEADER_BYTES = 12

HEAD = 0x01
WEIGHTS = 0x02
LATENTS = 0x03
METADATA = 0x81
NAMES = {HEAD: "HEAD", WEIGHTS: "WEIGHTS", LATENTS: "LATENTS", METADATA: "METADATA"}
ANCILLARY = 0x80  # bit of a section type: a decoder that does not know the type skips the section


@dataclass(frozen=True)
class Section:
    """One section: its type, where its first byte lies in the file, its size there, its payload."""

    type: int
    offset: int
    size_bytes: int
    payload: bytes

    @property
    def name(self) -> str:
        """HEAD, WEIGHTS, LATENTS, METADATA, or the type in hexadecimal."""
        return NAMES.get(self.type, f"0x{self.type:02x}")

    @property
    def payload_offset(self) -> int:
        """Where the payload lies in the file."""
        return self.offset + self.size_bytes - len(self.payload)


@dataclass(frozen=True)
class ParsedFile:
    """A file whose checksums and header are right.

    `weights`: WEIGHTS payload; `latents`: LATENTS payload of a pyramid, else None; `metadata`:
    METADATA payload, still compressed, or None.
    """

    version: tuple[int, int]
    header: Header
    weights: bytes
    latents: bytes | None
    metadata: bytes | None
    sections: tuple[Section, ...]

    @property
    def weights_offset(self) -> int:
        """Where the WEIGHTS payload lies in the file."""
        return self._offset(WEIGHTS)

    @property
    def latents_offset(self) -> int:
        """Where the LATENTS payload of a pyramid lies in the file."""
        return self._offset(LATENTS)

    def _offset(self, section_type: int) -> int:
        return next(part.payload_offset for part in self.sections if part.type == section_type)


def pack_section(section_type: int, payload: bytes) -> bytes:
    """A section: type, length, CRC-32 of type, length and payload, payload."""
    start = bytes([section_type]) + pack_varint(len(payload))
    return start + struct.pack("<I", crc32(payload, crc32(start))) + payload


def pack_sections(sections: Sequence[bytes], minor: int = 0) -> bytes:
    """A file from sections that are packed already. Raises ValueError for more than 255."""
    start = MAGIC + bytes([MAJOR, minor, len(sections), 0])
    return start + struct.pack("<I", crc32(start)) + b"".join(sections)


def pack_file(
    header: Header, weights_payload: bytes, metadata: Metadata, latents: bytes | None = None
) -> bytes:
    """A whole file. `header` must be complete: its `integers_crc` is written as it stands.

    `latents`: LATENTS payload of a pyramid.
    """
    sections = [pack_section(HEAD, pack_header(header)), pack_section(WEIGHTS, weights_payload)]
    if latents is not None:
        sections.append(pack_section(LATENTS, latents))
    metadata_payload = pack_metadata(metadata)
    if metadata_payload:
        sections.append(pack_section(METADATA, metadata_payload))
    return pack_sections(sections, MINORS[header.net])


def overhead(header: Header, weights_payload_bytes: int, metadata: Metadata) -> int:
    """Bytes of a file that are not WEIGHTS payload, for a payload of that many bytes."""
    empty = len(pack_file(header, b"", metadata))
    return empty - 1 + len(pack_varint(weights_payload_bytes))


def parse_file(data: bytes, limits: Limits, ignore_checksum: bool = False) -> ParsedFile:
    """Check a file down to its header; integers and metadata stay as they are.

    Raises NotInr, Corrupt, Unsupported (another major version, an unknown critical section) or
    LimitExceeded (`limits.sections`). With `ignore_checksum` a wrong CRC-32 is let pass.
    """
    version, count = _file_header(data, ignore_checksum)
    limits.check("sections", count)
    reader = Reader(data[FILE_HEADER_BYTES:], "file", FILE_HEADER_BYTES)
    sections = tuple(_read_section(reader, ignore_checksum) for _ in range(count))
    reader.end()
    known = _known_sections(sections)
    head = known[HEAD]
    metadata = known[METADATA].payload if METADATA in known else None
    header = unpack_header(head.payload, head.payload_offset)
    latents = known[LATENTS].payload if LATENTS in known else None
    if (latents is not None) != (header.net == Net.PYRAMID):
        found = "a" if latents is not None else "no"
        raise Corrupt(f"file: {found} LATENTS section with net = {header.net.name.lower()}")
    return ParsedFile(version, header, known[WEIGHTS].payload, latents, metadata, sections)


def _file_header(data: bytes, ignore_checksum: bool) -> tuple[tuple[int, int], int]:
    """Version and number of sections. The order of the checks is part of the format."""
    if data[:4] != MAGIC:
        raise NotInr(f"file begins with {data[:4].hex(' ') or 'nothing'}, not with 89 49 4e 52")
    if len(data) < FILE_HEADER_BYTES:
        raise Corrupt(f"file header: {len(data)} of {FILE_HEADER_BYTES} bytes")
    major, minor, count, reserved, checksum = struct.unpack_from("<BBBBI", data, len(MAGIC))
    if crc32(data[:8]) != checksum and not ignore_checksum:
        raise Corrupt(f"file header: CRC-32 is {crc32(data[:8]):08x}, stored {checksum:08x}")
    if major != MAJOR:
        raise Unsupported(f"file is of version {major}.{minor}, this decoder reads {MAJOR}.x")
    if reserved:
        raise Unsupported(f"file header: reserved byte is {reserved}, this decoder knows 0 only")
    return (major, minor), count


def _read_section(reader: Reader, ignore_checksum: bool) -> Section:
    offset = reader.offset
    section_type = reader.fixed(1, "section type")
    length = reader.varint("section length")
    checksum = reader.fixed(4, "section CRC-32")
    payload = reader.take(length, "section payload")
    section = Section(section_type, offset, reader.offset - offset, payload)
    actual = crc32(payload, crc32(bytes([section_type]) + pack_varint(length)))
    if actual != checksum and not ignore_checksum:
        raise Corrupt(
            f"{section.name}: CRC-32 is {actual:08x}, stored {checksum:08x}, at byte {offset}"
        )
    return section


def _known_sections(sections: Sequence[Section]) -> dict[int, Section]:
    """Sections by type, without those to be skipped; HEAD and WEIGHTS are there."""
    known: dict[int, Section] = {}
    for section in sections:
        if section.type in known:
            raise Corrupt(f"{section.name}: second such section at byte {section.offset}")
        if section.type in NAMES:
            known[section.type] = section
        elif not section.type & ANCILLARY:
            raise Unsupported(f"critical section {section.name} at byte {section.offset}")
    if HEAD not in known or sections[0].type != HEAD:
        raise Corrupt("file: first section is not HEAD")
    if WEIGHTS not in known:
        raise Corrupt("file: no WEIGHTS section")
    return known
