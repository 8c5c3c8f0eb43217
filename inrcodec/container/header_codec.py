"""The HEAD section: the header's fields as bytes."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from inrcodec.container.fields import Field, Reader, pack_float32, pack_integer
from inrcodec.container.header import Header
from inrcodec.container.header_fields import (
    FIELDS,
    KINDS,
    MARKERS,
    MAX_SIDE,
    Kind,
    Layout,
    Net,
    Numbers,
    Storage,
)
from inrcodec.container.header_rules import problems_of

_Read = Callable[[Reader, Field, Mapping[str, Any]], Any]


def _present(field: Field, values: Mapping[str, Any]) -> bool:
    return field.only_if is None or values[field.only_if[0]] in field.only_if[1]


def unpack_header(payload: bytes, offset: int = 0) -> Header:
    """Read a HEAD payload that begins at byte `offset` of its file.

    Raises Corrupt, naming field, value and offset, for whatever breaks a rule.
    """
    reader = Reader(payload, "HEAD", offset)
    values: dict[str, Any] = {}
    for field in FIELDS:
        if field.name in MARKERS:
            values[field.name] = reader.peek()
        if _present(field, values):
            read: _Read = _READERS.get(field.type, _read_integer)
            values[field.name] = read(reader, field, values)
    reader.end()
    values.pop("ndim")
    values |= {name: mark if values[name] == mark else 0 for name, mark in MARKERS.items()}
    values |= {name: named(values[name]) for name, named in _ENUMS.items() if name in values}
    header = Header(**values)
    for problem in problems_of(header):
        raise reader.fail(problem, offset)
    return header


def pack_header(header: Header) -> bytes:
    """The HEAD payload. Raises ValueError if a field or their combination breaks a rule."""
    for problem in problems_of(header):
        raise ValueError(problem)
    payload = b""
    for field in FIELDS:
        value = getattr(header, field.name)
        if _present(field, vars(header)):
            payload += _WRITERS.get(field.type, _pack_integer)(value, field)
        elif value:
            raise ValueError(f"{field.name} = {value} is absent from this kind of header")
    return payload


def describe(header: Header) -> dict[str, Any]:
    """Fields that the file holds, in file order, ready for JSON; enumerated values by name."""
    described: dict[str, Any] = {}
    for field in FIELDS[1:]:  # what `excerpt` says is in the fields that come with it
        if _present(field, vars(header)):
            value = getattr(header, field.name)
            described[field.name] = value.name.lower() if field.name in _ENUMS else _listed(value)
    return described


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _read_integer(reader: Reader, field: Field, values: Mapping[str, Any]) -> int:
    by_kind = KINDS[Kind(values["kind"])] if "kind" in values else {}
    return reader.integer(field.type, by_kind.get(field.name, field.allowed), field.name)


def _read_shape(reader: Reader, field: Field, values: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(
        reader.integer("varint", field.allowed, f"{field.name}[{axis}]")
        for axis in range(values["ndim"])
    )


def _read_float(reader: Reader, field: Field, values: Mapping[str, Any]) -> float:
    return reader.float32(field.name)


def _read_crcs(reader: Reader, field: Field, values: Mapping[str, Any]) -> tuple[int, ...]:
    count = -(-values.get("coded", values["shape"])[0] // values["segment"])
    if count * 4 > reader.left:
        raise reader.fail(f"{field.name} needs {count * 4} bytes and {reader.left} are left")
    return tuple(reader.fixed(4, field.name) for _ in range(count))


def _read_levels(
    reader: Reader, field: Field, values: Mapping[str, Any]
) -> tuple[tuple[int, ...], ...]:
    return tuple(_read_level(reader, field, values["ndim"], i) for i in range(values["layers"] + 1))


def _read_level(reader: Reader, field: Field, axes: int, level: int) -> tuple[int, ...]:
    """The bases of one level, one per axis; a lone 0 stands for all 1."""
    start, name = reader.offset, f"bases[{level}]"
    first = reader.integer("varint", range(MAX_SIDE + 1), name)
    if first == 0:
        return (1,) * axes
    bases = (first, *(reader.integer("varint", field.allowed, name) for _ in range(axes - 1)))
    if max(bases) == 1:
        raise reader.fail(f"{name} are all 1 and not written as 0", start)
    return bases


def _pack_integer(value: int, field: Field) -> bytes:
    return pack_integer(value, field.type, field.allowed, field.name)


def _pack_float(value: float, field: Field) -> bytes:
    return pack_float32(value, field.name)


def _pack_crcs(crcs: tuple[int, ...], field: Field) -> bytes:
    return b"".join(pack_integer(crc, "u32", field.allowed, field.name) for crc in crcs)


def _pack_shape(shape: tuple[int, ...], field: Field) -> bytes:
    return b"".join(pack_integer(size, "varint", field.allowed, field.name) for size in shape)


def _pack_levels(levels: tuple[tuple[int, ...], ...], field: Field) -> bytes:
    payload = b""
    for level in levels:
        packed = b"".join(pack_integer(base, "varint", field.allowed, "bases") for base in level)
        payload += packed if max(level) > 1 else b"\0"
    return payload


_ENUMS: dict[str, Callable[[int], IntEnum]] = {
    "kind": Kind,
    "numbers": Numbers,
    "layout": Layout,
    "net": Net,
    "storage": Storage,
}
_READERS: dict[str, _Read] = {
    "varint * ndim": _read_shape,
    "f32": _read_float,
    "u32 * segments": _read_crcs,
    "levels": _read_levels,
}
_WRITERS: dict[str, Callable[[Any, Field], bytes]] = {
    "varint * ndim": _pack_shape,
    "f32": _pack_float,
    "u32 * segments": _pack_crcs,
    "levels": _pack_levels,
}
