"""The pages of an Ogg file, as far as their serial number goes (RFC 3533, section 6)."""

import struct
import zlib

_SERIAL, _CHECKSUM, _SEGMENTS = 14, 22, 26
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def with_serial(data: bytes, serial: int) -> bytes:
    """Return the file with another serial number in all its pages.

    Encoders draw this number at random, so that files can be joined. ValueError if `data` is not a
    row of whole pages.
    """
    pages, position = [], 0
    while position < len(data):
        page = bytearray(data[position : position + _page_size(data, position)])
        struct.pack_into("<I", page, _SERIAL, serial)
        struct.pack_into("<I", page, _CHECKSUM, 0)
        struct.pack_into("<I", page, _CHECKSUM, checksum(page))
        pages.append(page)
        position += len(page)
    return b"".join(pages)


def _page_size(data: bytes, position: int) -> int:
    table = position + _SEGMENTS + 1
    if not data.startswith(b"OggS", position) or len(data) < table:
        raise ValueError(f"no Ogg page at byte {position}")
    segments = data[table : table + data[table - 1]]
    size = table - position + len(segments) + sum(segments)
    if len(segments) < data[table - 1] or len(data) < position + size:
        raise ValueError(f"Ogg page at byte {position} is cut short")
    return size


def checksum(page: bytes | bytearray) -> int:
    """Return the checksum of a page whose own checksum field is 0.

    It is the polynomial of zlib's CRC-32 taken from the highest bit down, without the inversions
    before and after.
    """
    crc = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)
