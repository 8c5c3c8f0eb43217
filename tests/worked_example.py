"""The worked example of bitstream_spec.md: `python tests/worked_example.py` makes it anew.

The bytes come from a short fit of a 4x3 grey picture, the text from reading them back with the
second decoder. A new fit may give other bytes on another machine: the ones in the specification
stay, and the tests read those.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import spec_decoder
from spec_decoder import Cursor

FIELDS = ("kind", "channels", "depth", "ndim", "shape", "net", "storage", "width", "layers")
FIELDS += ("w0_first", "w0_hidden", "frequencies", "w0_modulator", "bases")
LAST_FIELDS = ("seed", "effort", "integers_crc")
MODELS = ("uniform", "Gauss", "Laplace")


class Annotator:
    """Takes bytes off a file and keeps a line of text for each run of them."""

    def __init__(self, data: bytes) -> None:
        self.cursor, self.lines, self._start = Cursor(data), [], 0

    def note(self, meaning: str) -> None:
        """Say what the bytes read since the last note are."""
        taken = self.cursor.data[self._start : self.cursor.position].hex(" ").upper()
        self.lines.append(f"{self._start:>3}  {taken:<21} {meaning}")
        self._start = self.cursor.position

    def section(self, name: str) -> None:
        """Type, length and checksum of a section."""
        self.cursor.u8()
        self.note(f"type: {name}")
        self.note(f"length: {self.cursor.varint()}")
        self.note(f"crc32: {self.cursor.u32():08X}")


def annotate(data: bytes) -> list[str]:
    """A line per field of a file: offset, bytes, meaning. Direct ASMR or SIREN, no metadata."""
    decoded, a = spec_decoder.read_file(data), Annotator(data)
    a.cursor.take(4)
    a.note("magic number")
    for name in ("major", "minor", "sections", "reserved"):
        a.note(f"{name}: {a.cursor.u8()}")
    a.note(f"crc32: {a.cursor.u32():08X}")
    a.section("HEAD")
    for name, value in head_fields(decoded.head):
        read_field(a.cursor, name, value)
        text = f"{value:08X}" if name == "integers_crc" else str(value)
        a.note(f"{name}: {text}")
    a.section("WEIGHTS")
    for spec in spec_decoder.tensors_of(decoded.head):
        record = spec_decoder.read_record(a.cursor)
        model, location, scale = record.model
        place = f", location {location}, scale {scale}" if model else ""
        limits = f"{record.minimum:g} to {record.maximum:g}"
        a.note(f"{spec.name}: {record.levels} levels, {limits}, {MODELS[model]}{place}")
    a.cursor.take(5)
    a.note("rANS: first state")
    while not a.cursor.at_end():
        a.cursor.take(2 * min(3, (len(data) - a.cursor.position) // 2))
        a.note("rANS: words")
    return a.lines


def head_fields(head: dict) -> Iterator[tuple[str, object]]:
    """Fields of HEAD that a file has, a level of bases at a time."""
    for name in (*FIELDS, *LAST_FIELDS):
        if name == "bases":
            levels = head.get("bases", [])
            yield from ((f"bases of level {i}", level) for i, level in enumerate(levels))
        elif name in head:
            yield name, head[name]


def read_field(cursor: Cursor, name: str, value: object) -> None:
    """Move over one field."""
    if name.startswith("bases"):
        spec_decoder.read_level(cursor, 2)
    elif name == "shape":
        assert [cursor.varint(), cursor.varint()] == value
    elif name == "integers_crc":
        assert cursor.u32() == value
    else:
        assert cursor.varint(64) == value  # a u8 below 128 reads the same


def tensor_lines(data: bytes) -> list[str]:
    """Integers and values of every tensor."""
    decoded = spec_decoder.read_file(data)
    lines = []
    [segment] = decoded.segments
    for (name, values), integers in zip(segment.weights.items(), segment.integers, strict=True):
        rounded = " ".join(f"{v:.5f}" for v in values.reshape(-1))
        lines += [f"{name:<6} q = {' '.join(map(str, integers))}", f"       {rounded}"]
    return lines


def sample_lines(samples: np.ndarray) -> list[str]:
    """Rows of a grey picture."""
    return ["".join(f"{value:>5}" for value in row) for row in samples[..., 0]]


def section(data: bytes) -> str:
    """Everything between the markers in the specification."""
    head, count = spec_decoder.read_file(data).head, len(data)
    rows, columns = head["shape"]
    return "\n".join(
        [
            f"A grey picture of {columns}x{rows} samples in {count} bytes:",
            *fenced(["offset, bytes             meaning", *annotate(data)]),
            "The integers of the tensors and, under them, their values:",
            *fenced(tensor_lines(data)),
            "The decoded samples:",
            *fenced(sample_lines(spec_decoder.decode(data))),
        ]
    )


def fenced(lines: Sequence[str]) -> list[str]:
    """Lines as a code block between empty lines."""
    return ["", "```", *lines, "```", ""]


def bytes_in(text: str) -> bytes:
    """The file that annotated lines show."""
    rows = [line for line in text.splitlines() if line[:3].strip().isdigit() and line[3:5] == "  "]
    return b"".join(bytes.fromhex(line[5:26]) for line in rows)


def make_file() -> bytes:
    """A short fit of a small ramp."""
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.signals import Signal

    rows, columns = np.mgrid[:3, :4]
    ramp = (60 * columns + 20 * rows + 10).astype(np.uint8)[..., None]
    settings = {"bases": "3,1/2,2", "steps": "1000", "frequencies": "0", "batch": "12"}
    options = EncodeOptions(size=120, settings=settings, threads=1)
    return encode_signal(Signal("image", ramp), options).data


if __name__ == "__main__":
    print(section(make_file()))
