"""Several streams in the payload of one section, each after its length: any can be left out, or
skipped without being read."""

from collections.abc import Sequence

from inrcodec.container.fields import Reader, pack_varint


def split(
    payload: bytes, count: int, section: str, part: str, offset: int = 0
) -> list[tuple[bytes, int]]:
    """The streams of a payload that begins at byte `offset` of the file, and where each begins in
    it. `section` and `part`: what messages call the payload and a stream. Raises Corrupt."""
    reader = Reader(payload, section, offset)
    streams = []
    for number in range(count):
        length = reader.varint(f"length of {part} {number}")
        start = reader.offset
        streams.append((reader.take(length, f"{part} {number}"), start))
    reader.end()
    return streams


def join(streams: Sequence[bytes]) -> bytes:
    """The payload of some streams: the inverse of `split`."""
    return b"".join(pack_varint(len(stream)) + stream for stream in streams)
