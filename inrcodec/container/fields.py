"""Bytes to integers and back: a bounds-checked reader, varints, and fields declared as data."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from math import isfinite

from inrcodec.errors import Corrupt

FIXED_BYTES = {"u8": 1, "u32": 4}
VARINT_BITS = {"varint": 32, "varint64": 64}
MAX_U32 = 2**32 - 1
MAX_U64 = 2**64 - 1


@dataclass(frozen=True)
class Field:
    """One integer, or one list of integers, of a section.

    `type`: "u8", "u32" (little-endian), "varint" (up to 32 bits), "varint64", or the name of a
    list that its section reads itself. `allowed`: the values it may take. `only_if`: name of an
    earlier field, and those of its values without which this one is absent.
    """

    name: str
    type: str
    allowed: Collection[int]
    meaning: str
    only_if: tuple[str, tuple[int, ...]] | None = None

    def allowed_text(self) -> str:
        """The allowed values as the specification prints them: "1..4", or "8, 16"."""
        if isinstance(self.allowed, range) and self.allowed[0] != self.allowed[-1]:
            return f"{self.allowed[0]}..{self.allowed[-1]}"
        return ", ".join(str(value) for value in self.allowed)


class Reader:
    """Takes integers off the front of a section; every failure is Corrupt and says where.

    `name`: section, for messages; `start`: offset of `data` in the file, likewise.
    """

    def __init__(self, data: bytes, name: str, start: int = 0) -> None:
        self._data = data
        self.name = name
        self._start = start
        self._position = 0

    @property
    def offset(self) -> int:
        """Offset in the file of the next byte."""
        return self._start + self._position

    @property
    def left(self) -> int:
        """Number of bytes not taken yet."""
        return len(self._data) - self._position

    def fail(self, message: str, offset: int | None = None) -> Corrupt:
        """An error, for the caller to raise, that names the section and an offset in the file."""
        return Corrupt(
            f"{self.name}: {message} at byte {self.offset if offset is None else offset}"
        )

    def take(self, count: int, field: str) -> bytes:
        """The next `count` bytes."""
        if count > self.left:
            raise self.fail(f"{field} needs {count} bytes and {self.left} are left")
        self._position += count
        return self._data[self._position - count : self._position]

    def peek(self) -> int | None:
        """The next byte, left where it is; None at the end."""
        return self._data[self._position] if self.left else None

    def rest(self) -> bytes:
        """Every byte that is left."""
        return self.take(self.left, "rest")

    def fixed(self, count: int, field: str) -> int:
        """An unsigned little-endian integer of `count` bytes."""
        return int.from_bytes(self.take(count, field), "little")

    def varint(self, field: str, bits: int = 32) -> int:
        """An unsigned LEB128 integer below 2^bits, in its shortest form."""
        start, value = self.offset, 0
        for shift in range(0, bits, 7):
            byte = self.fixed(1, field)
            value |= (byte & 127) << shift
            if byte < 128:
                if byte == 0 and shift:
                    raise self.fail(f"{field} = {value} is not in its shortest form", start)
                break
        if byte >= 128 or value >> bits:
            raise self.fail(f"{field} is over {bits} bits", start)
        return value

    def integer(self, type_name: str, allowed: Collection[int], field: str) -> int:
        """An integer of a declared type; Corrupt if it is not allowed."""
        start = self.offset
        if type_name in FIXED_BYTES:
            value = self.fixed(FIXED_BYTES[type_name], field)
        else:
            value = self.varint(field, VARINT_BITS[type_name])
        if value not in allowed:
            raise self.fail(f"{field} = {value} is not allowed", start)
        return value

    def float32(self, field: str) -> float:
        """A finite little-endian IEEE 754 binary32."""
        start = self.offset
        value: float = struct.unpack("<f", self.take(4, field))[0]
        if not isfinite(value):
            raise self.fail(f"{field} = {value} is not finite", start)
        return value

    def end(self) -> None:
        """Corrupt if bytes are left."""
        if self.left:
            raise self.fail(f"{self.left} bytes after the last field")


def pack_varint(value: int) -> bytes:
    """Unsigned LEB128 in its shortest form: seven bits a byte, least significant first."""
    groups = []
    while value >= 128:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def pack_float32(value: float, field: str) -> bytes:
    """Four bytes. Raises ValueError for a value that is not exactly a finite binary32."""
    packed = struct.pack("<f", value)
    if not isfinite(value) or struct.unpack("<f", packed)[0] != value:
        raise ValueError(f"{field} = {value} is not a finite float32")
    return packed


def pack_integer(value: int, type_name: str, allowed: Collection[int], field: str) -> bytes:
    """An integer of a declared type. Raises ValueError if the field does not allow the value."""
    value = int(value)  # `in range` is slow for other types of integer
    if value not in allowed:
        raise ValueError(f"{field} = {value} is not allowed")
    if type_name in FIXED_BYTES:
        return value.to_bytes(FIXED_BYTES[type_name], "little")
    return pack_varint(value)
