"""The METADATA section: an ICC profile and an EXIF block, byte for byte, in one zstd frame."""

import zstandard

from inrcodec.container.fields import Reader, pack_varint
from inrcodec.errors import Corrupt
from inrcodec.limits import Limits
from inrcodec.signals.signal import Metadata

_NAMES = {1: "icc", 2: "exif"}
_COMPRESSION_LEVEL = 19
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"  # a skippable frame would have another


def pack_metadata(metadata: Metadata) -> bytes:
    """The METADATA payload, or b"" if there is nothing to say and the section is left out."""
    content = b""
    for tag, name in _NAMES.items():
        block = getattr(metadata, name)
        if block:
            content += bytes([tag]) + pack_varint(len(block)) + block
    if not content:
        return b""
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(content)


def unpack_metadata(payload: bytes | None, limits: Limits) -> Metadata:
    """Read a METADATA payload; None, no such section, gives empty metadata.

    Raises Corrupt for a frame or content that breaks a rule, LimitExceeded, before decompression,
    if the content is larger than `limits.metadata_bytes`. Unknown tags are skipped.
    """
    if payload is None:
        return Metadata()
    reader = Reader(_decompress(payload, limits), "METADATA content")
    blocks: dict[str, bytes] = {}
    while reader.left:
        start, tag = reader.offset, reader.fixed(1, "tag")
        block = reader.take(reader.integer("varint", range(1, 2**32), "length"), "block")
        name = _NAMES.get(tag, "")
        if name in blocks:
            raise reader.fail(f"second block with tag {tag}", start)
        if name:
            blocks[name] = block
    return Metadata(**blocks)


def _decompress(payload: bytes, limits: Limits) -> bytes:
    """Content of a zstd frame that states its size and is followed by nothing."""
    try:
        size = zstandard.frame_content_size(payload)
        if size < 1 or payload[:4] != _FRAME_MAGIC:
            raise Corrupt("METADATA: not a zstd frame with a content size of at least 1")
        limits.check("metadata_bytes", size)
        return zstandard.ZstdDecompressor().decompress(payload, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError) as error:
        raise Corrupt(f"METADATA: {error}") from None
