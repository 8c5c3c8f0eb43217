"""The container: round trips, damage, size, and the specification's table."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import forge
import numpy as np
import pytest
import spec_decoder
from hypothesis import given, settings
from hypothesis import strategies as st

from inrcodec.container import (
    Header,
    Kind,
    Net,
    Storage,
    describe,
    overhead,
    pack_file,
    parse_file,
    unpack_metadata,
)
from inrcodec.container.fields import Reader, pack_varint
from inrcodec.container.header_codec import pack_header, unpack_header
from inrcodec.container.header_fields import FIELDS
from inrcodec.container.weights_section import pack, unpack
from inrcodec.errors import Corrupt, LimitExceeded, NotInr
from inrcodec.limits import Limits
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals.signal import Metadata

SPEC = (Path(__file__).parents[1] / "bitstream_spec.md").read_text(encoding="utf-8")
KINDS = (
    {
        "siren": forge.SIREN,
        "asmr": forge.ASMR,
        "projected": forge.PROJECTED,
        "pyramid": forge.PYRAMID,
        "partitions": forge.PARTITIONS,
    }
    | forge.PARTED
    | {f"window of {name}": header for name, header in forge.WINDOWS.items()}
)
ENUMERATED = ("kind", "numbers", "layout", "net", "storage")
RGB = Header(
    channels=3,
    depth=8,
    shape=(512, 768),
    net=Net.ASMR,
    storage=Storage.PROJECTION,
    width=64,
    layers=6,
    w0_first=30,
    w0_hidden=30,
    w0_modulator=1,
    bases=((128, 192), *[(1, 1)] * 5, (4, 4)),
    latent=12000,
    groups=256,
    effort=5,
    integers_crc=0x12345678,
)


def assert_same_tensors(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert (a.levels, a.minimum, a.maximum) == (b.levels, b.minimum, b.maximum)
        assert a.integers.dtype == b.integers.dtype == np.uint16
        assert np.array_equal(a.integers, b.integers)


@settings(max_examples=100, deadline=None)
@given(header=forge.headers(layers=64))
def test_header_round_trip(header):
    payload = pack_header(header)
    assert unpack_header(payload) == header
    read = spec_decoder.read_head(payload)
    for name, value in describe(header).items():
        expected = value if name not in ENUMERATED else int(getattr(header, name))
        assert read[name] == expected
    json.dumps(describe(header))


@settings(max_examples=50, deadline=None)
@given(header=forge.headers(side=6, width=5, layers=3), seed=st.integers(0, 99))
def test_file_round_trip(header, seed):
    if header.storage == Storage.PROJECTION:
        header = replace(header, latent=1 + header.latent % 50, groups=1)
    contents = forge.random_contents(header, seed)
    metadata = Metadata(icc=b"profile" * seed, exif=b"II*\0" if seed % 2 else b"")
    parsed = parse_file(forge.make_parted(header, contents, metadata), Limits())
    crcs = [0] * header.segments
    assert parsed.header.with_crcs(crcs) == header.with_crcs(crcs)
    assert parsed.version == (1, minor(header))
    assert unpack_metadata(parsed.metadata, Limits()) == metadata
    for n, (segment, (tensors, latents)) in enumerate(zip(parsed.segments, contents, strict=True)):
        assert (segment.number, segment.latents is None) == (n, latents is None)
        assert_same_tensors(forge.tensors_in(parsed, n), tensors)


def minor(header):
    """The lowest minor version that has all of a header."""
    if header.net == Net.GRIDS:
        return 8 if header.tiling else 7
    if header.merging:
        return 6
    if header.mirroring:
        return 5
    if header.tiling:
        return 4
    if header.excerpt or header.activation or header.net in (Net.FILM, Net.LOCAL_GLOBAL):
        return 3
    if header.kind != Kind.IMAGE:
        return 2
    return 1 if header.net == Net.PYRAMID else 0


@settings(max_examples=50, deadline=None)
@given(
    levels=st.lists(st.integers(2, 65536) | st.integers(1, 5), max_size=5), seed=st.integers(0, 99)
)
def test_weights_round_trip(levels, seed):
    rng = np.random.default_rng(seed)
    tensors = [
        QuantisedTensor(n, -1.5, 2.0 if n > 1 else -1.5, rng.integers(0, n, 40, dtype=np.uint16))
        for n in levels
    ]
    assert_same_tensors(unpack(pack(tensors), [40] * len(levels)), tensors)


@settings(max_examples=50, deadline=None)
@given(value=st.integers(0, 2**64 - 1))
def test_varint_round_trip(value):
    packed = pack_varint(value)
    reader = Reader(packed, "test")
    assert reader.varint("value", 64) == value
    assert packed == forge.leb128(value)
    reader.end()


@pytest.mark.parametrize("kind", KINDS)
def test_any_changed_byte_is_noticed(kind):
    data = forge.make_file(KINDS[kind], metadata=Metadata(icc=b"colour"))
    for position, change in zip(range(len(data)), itertools.cycle((1, 0x80, 0xFF)), strict=False):
        damaged = bytearray(data)
        damaged[position] ^= change
        with pytest.raises(NotInr if position < 4 else Corrupt):
            parse_file(bytes(damaged), Limits())


@pytest.mark.parametrize("kind", KINDS)
def test_any_cut_is_noticed(kind):
    data = forge.make_file(KINDS[kind], metadata=Metadata(icc=b"colour"))
    for length in range(len(data)):
        with pytest.raises(NotInr if length < 4 else Corrupt):
            parse_file(data[:length], Limits())


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60), magic=st.booleans())
def test_random_bytes_are_rejected(data, magic):
    with pytest.raises(Corrupt if magic else NotInr):
        parse_file(b"\x89INR" + data if magic else b"x" + data, Limits())


def test_ignored_checksums():
    data = bytearray(forge.make_file(forge.SIREN))
    position = data.index(b"\x02", 12 + 6 + len(pack_header(forge.SIREN)))
    data[8] ^= 1  # the file header's
    data[position + 3] ^= 1  # that of WEIGHTS
    with pytest.raises(Corrupt, match="file header: CRC-32"):
        parse_file(bytes(data), Limits())
    parsed = parse_file(bytes(data), Limits(), ignore_checksum=True)
    assert replace(parsed.header, integers_crc=0) == forge.SIREN


def test_overhead_of_a_colour_image():
    data = pack_file(RGB, [bytes(15000)], Metadata())
    assert len(data) - 15000 == overhead(RGB, 15000, Metadata()) <= 64


def test_sections_are_located():
    data = forge.make_file(forge.ASMR, metadata=Metadata(exif=b"II*\0"))
    parsed = parse_file(data, Limits())
    assert [s.name for s in parsed.sections] == ["HEAD", "WEIGHTS", "METADATA"]
    for s in parsed.sections:
        assert data[s.payload_offset : s.offset + s.size_bytes] == s.payload
    assert data[parsed.segments[0].weights_offset :].startswith(parsed.segments[0].weights)


def test_limits():
    data = forge.make_file(forge.SIREN, metadata=Metadata(icc=b"x" * 5000))
    with pytest.raises(LimitExceeded, match="sections = 3"):
        parse_file(data, Limits(sections=2))
    metadata = parse_file(data, Limits(sections=0)).metadata
    assert len(metadata) < 100
    with pytest.raises(LimitExceeded, match="metadata_bytes = 5003"):
        unpack_metadata(metadata, Limits(metadata_bytes=5002))
    assert len(unpack_metadata(metadata, Limits(metadata_bytes=5003)).icc) == 5000


def condition_text(name, values):
    return f"`{name}` = " + " or ".join(str(int(value)) for value in values)


def test_table_of_the_specification_is_the_declaration():
    lines = SPEC.split("<!-- fields -->\n")[1].split("<!-- /fields -->")[0].splitlines()[2:]
    expected = []
    for field in FIELDS:
        condition = condition_text(*field.only_if) if field.only_if else ""
        cells = (f"`{field.name}`", field.type, field.allowed_text(), condition, field.meaning)
        expected.append("| " + " | ".join(cells) + " |")
    assert lines == expected


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"latent": 5},
        {"bases": ((2, 3),)},
        {"bases": ((1, 1), (1, 1), (4, 4))},
        {"shape": (7, 10, 2)},
        {"seed": -1},
        {"rate": 25},
    ],
)
def test_wrong_headers_are_not_written(change):
    with pytest.raises(ValueError, match=next(iter(change)).replace("shape", "bases|ndim")):
        pack_header(replace(forge.ASMR, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segment_crcs": (1, 2)}, "segment_crcs are 2, not 3"),
        ({"segment": 0}, "segment = 0"),
        ({"low": -0.1, "high": 0.1}, "low = -0.1 is not a finite float32"),
        ({"hop": 48, "segment": 96, "shape": (250,)}, "hop = 48"),
    ],
)
def test_wrong_headers_of_sounds_are_not_written(change, message):
    header = replace(forge.SPECTRUM, high=1.0).with_crcs([1, 2, 3])
    with pytest.raises(ValueError, match=message):
        pack_header(replace(header, **{"low": -1.0} | change))


@pytest.mark.parametrize("kind", forge.PARTED)
def test_damage_is_told_by_segment(kind):
    """The nth section of a type is that of segment n, whatever lies between."""
    sections = forge.payloads(forge.make_file(forge.PARTED[kind]))
    kinds = [kind for kind, _ in sections[1:]]
    for place, (section, payload) in enumerate(sections[1:], start=1):
        data = forge.assemble(sections, b"\x89INR\x01\x02")
        at = data.index(payload)
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        names = {2: "WEIGHTS", 3: "LATENTS", 5: "LOCALS"}
        name, number = names[section], kinds[: place - 1].count(section)
        message = f"{name}, segment {number}: CRC-32"
        with pytest.raises(Corrupt, match=message):
            parse_file(damaged, Limits())
        with pytest.raises(Corrupt, match=f"payload of {name}, segment {number} needs"):
            parse_file(data[: at + 1], Limits())


def test_order_of_sections_of_different_types_is_free():
    data = forge.make_file(forge.SPECTRUM)
    head, *rest = forge.payloads(data)
    moved = forge.assemble([head, *sorted(rest, key=lambda section: -section[0])])
    parsed = parse_file(moved, Limits())
    for ours, theirs in zip(parsed.segments, parse_file(data, Limits()).segments, strict=True):
        assert (ours.weights, ours.latents) == (theirs.weights, theirs.latents)
        assert moved[ours.latents_offset :].startswith(ours.latents)


@pytest.mark.parametrize(
    ("minimum", "integers"), [(0.1, [0, 1]), (float("inf"), [0, 1]), (0.0, [0, 9])]
)
def test_wrong_tensors_are_not_written(minimum, integers):
    tensor = QuantisedTensor(4, minimum, 1.0, np.array(integers, dtype=np.uint16))
    with pytest.raises(ValueError, match=r"float16|levels"):
        pack([tensor])
