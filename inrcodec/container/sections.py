"""The file: a header of 12 bytes, then sections, each with a checksum of its own."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from inrcodec.container.fields import Reader, pack_varint
from inrcodec.container.header import Header
from inrcodec.container.header_codec import pack_header, unpack_header
from inrcodec.container.header_fields import Kind, Net
from inrcodec.container.metadata import pack_metadata
from inrcodec.errors import Corrupt, InrError, NotInr, Unsupported
from inrcodec.limits import NO_LIMITS, Limits
from inrcodec.signals.signal import Metadata

MAGIC = b"\x89INR"
MAJOR = 1
# From this minor version on files can have segments; older ones have one of each section.
_PARTED_MINOR = 2
# From this one on a window, files that continue them, partitions, films and learned scalars.
_EXCERPT_MINOR = 3
# From these on tiles, mirrored cell networks, and features that merge once.
_TILED_MINOR, _MIRRORED_MINOR, _MERGED_ONCE_MINOR = 4, 5, 6
# From these on latent grids, and tiles of them.
_GRIDS_MINOR, _TILED_GRIDS_MINOR = 7, 8
# What files that are joined have in common, beside the sizes of all axes but the first.
_COMMON = ("kind", "channels", "depth", "ndim", "numbers", "rate", "rate_seconds", "layout")
FILE_HEADER_BYTES = 12

HEAD = 0x01
WEIGHTS = 0x02
LATENTS = 0x03
JOINED = 0x04
LOCALS = 0x05
METADATA = 0x81
NAMES = {
    HEAD: "HEAD",
    WEIGHTS: "WEIGHTS",
    LATENTS: "LATENTS",
    JOINED: "JOINED",
    LOCALS: "LOCALS",
    METADATA: "METADATA",
}
# Networks with a LATENTS section in each segment.
WITH_LATENTS = (Net.PYRAMID, Net.SPECTRUM, Net.FILM, Net.GRIDS)
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
        """HEAD, WEIGHTS, LATENTS, JOINED, LOCALS, METADATA, or the type in hexadecimal."""
        return NAMES.get(self.type, f"0x{self.type:02x}")

    @property
    def payload_offset(self) -> int:
        """Where the payload lies in the file."""
        return self.offset + self.size_bytes - len(self.payload)


@dataclass(frozen=True)
class Segment:
    """Payloads of one segment, and where they begin in the file; `latents` None without LATENTS,
    `locals` None without LOCALS."""

    number: int
    weights: bytes
    weights_offset: int
    latents: bytes | None = None
    latents_offset: int = 0
    locals: bytes | None = None
    locals_offset: int = 0


@dataclass(frozen=True)
class ParsedFile:
    """A file whose checksums and header are right.

    `segments`: one of an image, otherwise in the order of axis 0; `metadata`: METADATA payload,
    still compressed, or None; `joined`: files whose samples follow along axis 0.
    """

    version: tuple[int, int]
    header: Header
    segments: tuple[Segment, ...]
    metadata: bytes | None
    sections: tuple[Section, ...]
    joined: tuple["ParsedFile", ...] = ()

    @property
    def section_count(self) -> int:
        """Sections of this file and of those that continue it."""
        return sum(len(file.sections) for file in self.files)

    @property
    def files(self) -> tuple["ParsedFile", ...]:
        """This file and those that continue it."""
        return (self, *self.joined)

    @property
    def whole(self) -> Header:
        """The header with the shape of all that is shown."""
        length = sum(file.header.shape[0] for file in self.files)
        return replace(self.header, shape=(length, *self.header.shape[1:]))


def pack_section(section_type: int, payload: bytes) -> bytes:
    """A section: type, length, CRC-32 of type, length and payload, payload."""
    start = bytes([section_type]) + pack_varint(len(payload))
    return start + struct.pack("<I", crc32(payload, crc32(start))) + payload


def pack_sections(sections: Sequence[bytes], minor: int = 0) -> bytes:
    """A file from sections that are packed already. Raises ValueError for more than 255."""
    start = MAGIC + bytes([MAJOR, minor, len(sections), 0])
    return start + struct.pack("<I", crc32(start)) + b"".join(sections)


def minor_of(header: Header) -> int:
    """The oldest minor version that has all that a header says."""
    if header.net == Net.GRIDS:
        return _TILED_GRIDS_MINOR if header.tiling else _GRIDS_MINOR
    if header.merging:
        return _MERGED_ONCE_MINOR
    if header.mirroring:
        return _MIRRORED_MINOR
    if header.tiling:
        return _TILED_MINOR
    if header.excerpt or header.activation or header.net in (Net.FILM, Net.LOCAL_GLOBAL):
        return _EXCERPT_MINOR
    if header.kind != Kind.IMAGE:
        return _PARTED_MINOR
    return 1 if header.net == Net.PYRAMID else 0


def pack_file(
    header: Header,
    weights: Sequence[bytes],
    metadata: Metadata,
    latents: Sequence[bytes] = (),
    partitions: bytes | None = None,
) -> bytes:
    """A whole file. `header` must be complete: its CRCs are written as they stand.

    `weights`: WEIGHTS payload of each segment; `latents`: LATENTS payload of each, if the network
    has any; `partitions`: the LOCALS payload, if it has any. Raises ValueError for more sections
    than a file can have.
    """
    sections = pack_contents(header, weights, latents, partitions)
    metadata_payload = pack_metadata(metadata)
    if metadata_payload:
        sections.append(pack_section(METADATA, metadata_payload))
    return pack_sections(sections, minor_of(header))


def pack_contents(
    header: Header,
    weights: Sequence[bytes],
    latents: Sequence[bytes] = (),
    partitions: bytes | None = None,
) -> list[bytes]:
    """The sections that samples come from, HEAD first: for `pack_sections`."""
    sections = [pack_section(HEAD, pack_header(header))]
    for number, payload in enumerate(weights):
        sections.append(pack_section(WEIGHTS, payload))
        if latents:
            sections.append(pack_section(LATENTS, latents[number]))
    if partitions is not None:
        sections.append(pack_section(LOCALS, partitions))
    return sections


def overhead(header: Header, weights_payload_bytes: int, metadata: Metadata) -> int:
    """Bytes of a file of one segment that are not payload of WEIGHTS and LOCALS, at most, for
    payloads of so many."""
    partitions = b"" if header.net == Net.LOCAL_GLOBAL else None
    empty = len(pack_file(header, [b""], metadata, partitions=partitions))
    lengths = 1 if partitions is None else 2
    return empty + lengths * (len(pack_varint(weights_payload_bytes)) - 1)


def parse_file(
    data: bytes, limits: Limits, ignore_checksum: bool = False, within: bool = False
) -> ParsedFile:
    """Check a file down to its header; integers and metadata stay as they are.

    `within`: it is the payload of a JOINED, and has none. Raises NotInr, Corrupt, Unsupported
    (another major version, an unknown critical section) or LimitExceeded (`limits.sections`). With
    `ignore_checksum` a wrong CRC-32 is let pass.
    """
    version, count = _file_header(data, ignore_checksum)
    limits.check("sections", count)
    reader = Reader(data[FILE_HEADER_BYTES:], "file", FILE_HEADER_BYTES)
    sections: list[Section] = []
    for _ in range(count):
        label = _label(reader, sections) if version[1] >= _PARTED_MINOR else ""
        sections.append(_read_section(reader, label, ignore_checksum))
    reader.end()
    known = _known_sections(sections)
    head = known[HEAD][0]
    header = unpack_header(head.payload, head.payload_offset)
    metadata = known[METADATA][0].payload if METADATA in known else None
    segments = _segments(header, known)
    continued = known.get(JOINED, [])
    if within and continued:
        raise Corrupt(f"JOINED: a joined file has one at byte {continued[0].offset}")
    joined = _joined(header, continued, limits, ignore_checksum)
    parsed = ParsedFile(version, header, segments, metadata, tuple(sections), joined)
    limits.check("sections", parsed.section_count)
    return parsed


def join(data: bytes, more: Sequence[bytes]) -> bytes:
    """A sound file continued by others along axis 0. Raises ValueError for too many sections."""
    parsed = [parse_file(file, NO_LIMITS) for file in (data, *more)]
    packed = [data[s.offset : s.offset + s.size_bytes] for s in parsed[0].sections]
    packed += [pack_section(JOINED, file) for file in more]
    return pack_sections(packed, max(_EXCERPT_MINOR, *(file.version[1] for file in parsed)))


def overhead_of_joined(size_bytes: int) -> int:
    """Bytes that joining a file of at most so many adds to its own."""
    return len(pack_section(JOINED, b"")) - 1 + len(pack_varint(max(size_bytes, 0)))


def _joined(
    header: Header, sections: Sequence[Section], limits: Limits, ignore_checksum: bool
) -> tuple[ParsedFile, ...]:
    """The files that continue one with this header. Raises as `parse_file`, naming the section."""
    files = []
    for section in sections:
        where = f"JOINED at byte {section.offset}"
        try:
            file = parse_file(section.payload, limits, ignore_checksum, within=True)
        except NotInr as error:
            raise Corrupt(f"{where}: {error}") from error
        except InrError as error:
            raise type(error)(f"{where}: {error}") from error
        different = [
            name for name in _COMMON if getattr(file.header, name) != getattr(header, name)
        ]
        if header.kind == Kind.IMAGE:
            raise Corrupt(f"{where}: no file continues an image")
        if different or file.header.shape[1:] != header.shape[1:]:
            raise Corrupt(f"{where}: has another {', '.join(different) or 'shape'}")
        files.append(file)
    return tuple(files)


def _segments(header: Header, known: dict[int, list[Section]]) -> tuple[Segment, ...]:
    """The payloads of each segment; Corrupt unless every segment has what the network needs."""
    weights, latents = known[WEIGHTS], known.get(LATENTS, [])
    partitions = known.get(LOCALS, [])
    wanted = header.segments if header.net in WITH_LATENTS else 0
    for name, found, needed in (
        ("WEIGHTS", weights, header.segments),
        ("LATENTS", latents, wanted),
        ("LOCALS", partitions, 1 if header.net == Net.LOCAL_GLOBAL else 0),
    ):
        if len(found) > needed:
            section = found[needed]
            raise Corrupt(f"{name}: section {needed + 1} of {needed} at byte {section.offset}")
        if len(found) < needed:
            raise Corrupt(
                f"file: segment {len(found)} has no {name} section,"
                f" with {header.segments} segments and net = {header.net.name.lower()}"
            )
    if partitions:
        pair = (weights[0], partitions[0])
        (shared, at), (own, own_at) = ((s.payload, s.payload_offset) for s in pair)
        return (Segment(0, shared, at, locals=own, locals_offset=own_at),)
    if not latents:
        return tuple(Segment(i, w.payload, w.payload_offset) for i, w in enumerate(weights))
    return tuple(
        Segment(i, w.payload, w.payload_offset, q.payload, q.payload_offset)
        for i, (w, q) in enumerate(zip(weights, latents, strict=True))
    )


def _file_header(data: bytes, ignore_checksum: bool) -> tuple[tuple[int, int], int]:
    """Version and number of sections. The order of the checks is part of the format."""
    if data[:4] != MAGIC:
        start = data[:4].hex(" ") or "nothing"
        raise NotInr(f"not an .inr file: it begins with {start}, not with 89 49 4e 52")
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


def _label(reader: Reader, before: Sequence[Section]) -> str:
    """ ", segment k" for the section that comes next, where it belongs to one; for messages."""
    next_type = reader.peek()
    if next_type not in (WEIGHTS, LATENTS, LOCALS):
        return ""
    return f", segment {sum(section.type == next_type for section in before)}"


def _read_section(reader: Reader, label: str, ignore_checksum: bool) -> Section:
    offset = reader.offset
    section_type = reader.fixed(1, f"section type{label}")
    name = f"{NAMES.get(section_type, f'0x{section_type:02x}')}{label}"
    length = reader.varint(f"length of {name}")
    checksum = reader.fixed(4, f"CRC-32 of {name}")
    payload = reader.take(length, f"payload of {name}")
    section = Section(section_type, offset, reader.offset - offset, payload)
    actual = crc32(payload, crc32(bytes([section_type]) + pack_varint(length)))
    if actual != checksum and not ignore_checksum:
        raise Corrupt(f"{name}: CRC-32 is {actual:08x}, stored {checksum:08x}, at byte {offset}")
    return section


def _known_sections(sections: Sequence[Section]) -> dict[int, list[Section]]:
    """Sections by type, without those to be skipped; HEAD and WEIGHTS are there."""
    known: dict[int, list[Section]] = {}
    for section in sections:
        if section.type in (HEAD, METADATA) and section.type in known:
            raise Corrupt(f"{section.name}: second such section at byte {section.offset}")
        if section.type in NAMES:
            known.setdefault(section.type, []).append(section)
        elif not section.type & ANCILLARY:
            raise Unsupported(f"critical section {section.name} at byte {section.offset}")
    if HEAD not in known or sections[0].type != HEAD:
        raise Corrupt("file: first section is not HEAD")
    if WEIGHTS not in known:
        raise Corrupt("file: no WEIGHTS section")
    return known
