"""Every rule of "What a decoder must reject" in the specification has a file that breaks it.

Each is given to both decoders, and both must give the verdict of the rule, the package with a
message that names what is wrong.
"""

import struct
from dataclasses import replace
from unittest.mock import patch
from zlib import crc32

import forge
import numpy as np
import pytest
import spec_decoder
import zstandard

from inrcodec.container import Storage, parse_file
from inrcodec.container.header_codec import pack_header
from inrcodec.container.streams import join
from inrcodec.container.weights_section import integers_crc, pack
from inrcodec.decoder import decode
from inrcodec.errors import InrError
from inrcodec.limits import Limits
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals.signal import Metadata

HEAD, WEIGHTS, LATENTS, JOINED, LOCALS, METADATA = 1, 2, 3, 4, 5, 0x81
GOOD = forge.make_file(forge.SIREN)
(_, HEAD_PAYLOAD), (_, WEIGHTS_PAYLOAD) = forge.payloads(GOOD)
SECTIONS = [(HEAD, HEAD_PAYLOAD), (WEIGHTS, WEIGHTS_PAYLOAD)]
ASMR_SECTIONS = forge.payloads(forge.make_file(forge.ASMR))
PROJECTED_SECTIONS = forge.payloads(forge.make_file(forge.PROJECTED))
PYRAMID_SECTIONS = forge.payloads(forge.make_file(forge.PYRAMID))
# HEAD of each: kind, channels, depth, ndim; then from byte 4 shape and the kind's own fields.
SOUND_SECTIONS = forge.payloads(forge.make_file(forge.SOUND))
SPECTRUM_SECTIONS = forge.payloads(forge.make_file(forge.SPECTRUM))
FILM_SECTIONS = forge.payloads(forge.make_file(forge.FILM))
MOVING_SECTIONS = forge.payloads(forge.make_file(forge.MOVING))
VOLUME_SECTIONS = forge.payloads(forge.make_file(forge.VOLUME))
SOUND_FILE = forge.make_file(forge.SOUND)
PARTITION_SECTIONS = forge.payloads(forge.make_file(forge.PARTITIONS))
RECORD = struct.pack("<Bee", 64, -0.75, 0.75)  # how WEIGHTS begins; then a model


def with_head(payload, sections=SECTIONS):
    return forge.assemble([(HEAD, payload), *sections[1:]])


def with_weights(payload):
    return forge.assemble([SECTIONS[0], (WEIGHTS, payload)])


def with_record(record):
    """The first tensor's record replaced."""
    cursor = spec_decoder.Cursor(WEIGHTS_PAYLOAD)
    spec_decoder.read_record(cursor)
    return with_weights(record + WEIGHTS_PAYLOAD[cursor.position :])


def with_stream(change):
    records, stream = split_weights()
    return with_weights(records + change(stream))


def split_weights():
    """Records and stream of the right file."""
    cursor = spec_decoder.Cursor(WEIGHTS_PAYLOAD)
    for _ in forge.counts_of(forge.SIREN):
        spec_decoder.read_record(cursor)
    return WEIGHTS_PAYLOAD[: cursor.position], WEIGHTS_PAYLOAD[cursor.position :]


def with_pyramid(position, value):
    """A pyramid whose HEAD has another byte."""
    return with_head(patched(position, value, PYRAMID_SECTIONS[0][1]), PYRAMID_SECTIONS)


def with_sound(position, value, sections=SOUND_SECTIONS):
    """A sound whose HEAD has another byte."""
    return with_head(patched(position, value, sections[0][1]), sections)


def with_spectrum(position, value):
    """A spectrum whose HEAD has another byte."""
    return with_sound(position, value, SPECTRUM_SECTIONS)


def with_film(position, value):
    """A 4:2:0 video whose HEAD has another byte."""
    return with_sound(position, value, FILM_SECTIONS)


def with_moving(position, value):
    """A film of 4:2:0 whose HEAD has another byte."""
    return with_sound(position, value, MOVING_SECTIONS)


def with_volume(position, value):
    """A volume of floating-point numbers whose HEAD has another byte."""
    return with_sound(position, value, VOLUME_SECTIONS)


def with_partitions(**change):
    """A local-global picture whose HEAD has other fields."""
    return with_head(pack_header_unchecked(replace(forge.PARTITIONS, **change)), PARTITION_SECTIONS)


def with_partition_bytes(before, after):
    """One whose HEAD has other bytes in the place of some."""
    head = PARTITION_SECTIONS[0][1]
    assert head.count(before) == 1
    return with_head(head.replace(before, after), PARTITION_SECTIONS)


def with_locals(change):
    """A local-global picture whose LOCALS payload is changed."""
    partitions = change(PARTITION_SECTIONS[2][1])
    return forge.assemble([*PARTITION_SECTIONS[:2], (LOCALS, partitions)])


def with_group(change):
    """One whose first group's stream is changed."""

    def changed(payload):
        cursor = spec_decoder.Cursor(payload)
        stream = change(cursor.take(cursor.varint()))
        return forge.leb128(len(stream)) + stream + payload[cursor.position :]

    return with_locals(changed)


def pack_header_unchecked(header):
    """HEAD of a local-global network that breaks its own rules."""
    with patch("inrcodec.container.header_rules._partition_problems", lambda header: []):
        return pack_header(header.with_crcs([0] * header.segments))


def with_activation(sections, net_at):
    """A HEAD with `activation` before `net`."""
    head = sections[0][1]
    return with_head(head[:net_at] + b"\x10" + head[net_at:], sections)


def with_tile(side):
    """A picture in tiles with another side of them in its HEAD."""
    return with_tiles(b"\x20\3", forge.leb128(128), forge.leb128(side))


def with_tiles(marked, old=b"", new=b""):
    """A picture in tiles with other bytes before `net` in its HEAD, and in `tile`'s place."""
    data = forge.make_file(forge.WINDOWS["tiles"])
    sections = forge.payloads(data)
    head = sections[0][1].replace(b"\x20\3", marked, 1)
    at = head.rindex(old, 0, len(head) - 6) if old else len(head)
    return with_head(head[:at] + new + head[at + len(old) :], sections)


def with_tile_streams(change):
    """A picture in tiles whose streams are changed."""
    sections = forge.payloads(forge.make_file(forge.WINDOWS["tiles"]))
    cursor, streams = spec_decoder.Cursor(sections[2][1]), []
    while not cursor.at_end():
        streams.append(cursor.take(cursor.varint()))
    return forge.assemble([*sections[:2], (LATENTS, join(change(streams)))])


def with_ends(low, high, sections=SOUND_SECTIONS, position=5):
    """A sound or a volume with other ends of its range."""
    head = sections[0][1]
    ends = struct.pack("<ff", low, high)
    return with_head(head[:position] + ends + head[position + 8 :], sections)


def projected_spectrum():
    """A spectrum's HEAD with storage 2, and the fields that come with it."""
    head = SPECTRUM_SECTIONS[0][1]
    at = head.index(b"\4\1\x20", 10)  # net, storage, hop
    return with_head(head[: at + 1] + b"\2\x20\x11\1\5" + head[at + 3 :], SPECTRUM_SECTIONS)


def projected_film():
    """A film's HEAD with storage 2, and the fields that come with it."""
    head = MOVING_SECTIONS[0][1]
    assert head[14:21] == bytes([5, 1, 1, 1, 4, 4, 1])  # net, storage, the film's own fields
    head = head[:15] + b"\2" + head[16:21] + b"\x11\1\5" + head[21:]
    return with_head(head, MOVING_SECTIONS)


def with_segment_crc(n, sections=SPECTRUM_SECTIONS):
    """A spectrum, or other sections, whose HEAD has another CRC-32 for segment n of three."""
    at = len(sections[0][1]) - 4 * (3 - n)
    return with_sound(at, bytes([sections[0][1][at] ^ 1]), sections)


def with_segment_latents(n, change, sections=SPECTRUM_SECTIONS):
    """A spectrum, or other sections, whose LATENTS payload of segment n is changed."""
    sections = list(sections)
    sections[2 + 2 * n] = (LATENTS, change(sections[2 + 2 * n][1]))
    return forge.assemble(sections)


def too_large_frequency():
    contents = forge.random_contents(forge.SPECTRUM)
    contents[1][1][0][1, 1, 5] = 32769
    with patch("inrcodec.entropy.latents.MAX_MAGNITUDE", 32769):
        return forge.make_parted(forge.SPECTRUM, contents)


def too_large_vector():
    contents = forge.random_contents(forge.MOVING)
    contents[2][1][1].motion[0][0, 0, 0, 0] = -32769
    with patch("inrcodec.entropy.latents.MAX_MAGNITUDE", 32769):
        return forge.make_parted(forge.MOVING, contents)


def with_latents(change):
    """A pyramid whose LATENTS payload is changed."""
    latents = change(PYRAMID_SECTIONS[2][1])
    return forge.assemble([*PYRAMID_SECTIONS[:2], (LATENTS, latents)])


def too_large_latent():
    values = forge.random_latents(forge.PYRAMID)
    values[2][1, 2, 0, 1] = -32769
    with patch("inrcodec.entropy.latents.MAX_MAGNITUDE", 32769):
        return forge.make_file(forge.PYRAMID, latents=values)


def with_metadata(content, **options):
    return with_frame(zstandard.ZstdCompressor(**options).compress(content))


def with_frame(payload):
    return forge.assemble([*SECTIONS, (METADATA, payload)])


def patched(position, value, payload=HEAD_PAYLOAD):
    """HEAD with `value`, bytes, in place of the byte at `position`."""
    return payload[:position] + value + payload[position + 1 :]


def one_layer(levels_bytes):
    """An asmr header of 2x2 samples and one layer whose two levels are written as given."""
    header = replace(forge.ASMR, shape=(2, 2), layers=1, bases=((1, 1), (2, 2)))
    packed = pack_header(header)
    assert packed.count(b"\0\2\2") == 1
    tensors = forge.random_tensors(header)
    packed = packed.replace(b"\0\2\2", levels_bytes)[:-4] + struct.pack("<I", integers_crc(tensors))
    return forge.assemble([(HEAD, packed), (WEIGHTS, pack(tensors))])


def with_window(name, **fields):
    """A file with a window, and other fields in its HEAD than can be written."""
    header = forge.WINDOWS[name]
    sections = forge.payloads(forge.make_file(header))
    with patch("inrcodec.container.header_codec.problems_of", lambda header: []):
        head = pack_header(replace(parse_file(forge.make_file(header), Limits()).header, **fields))
    return with_head(head, sections)


def with_joined(*payloads, sections=SOUND_SECTIONS):
    """A sound, or another file, with JOINED of these payloads."""
    return forge.assemble([*sections, *((JOINED, payload) for payload in payloads)])


def with_other(**fields):
    """A sound joined to one with other fields."""
    return with_joined(forge.make_file(replace(forge.SOUND, **fields)))


def projected_pyramid():
    """A pyramid's HEAD with storage 2, and the fields that come with it."""
    head = PYRAMID_SECTIONS[0][1]
    return head[:7] + b"\2" + head[8:14] + b"\x11\1\5" + head[14:]


def with_pyramid_crc():
    head = PYRAMID_SECTIONS[0][1]
    return with_head(head[:-4] + bytes(4), PYRAMID_SECTIONS)


def too_large_integer():
    """levels = 1025 and an integer of 1025, which its high and low parts can spell."""
    integers = np.full(8, 1025, dtype=np.uint16)
    first = QuantisedTensor(1026, 0.0, 1.0, integers)
    tensors = [first, *forge.random_tensors(forge.SIREN)[1:]]
    payload = pack(tensors)
    assert payload.startswith(forge.leb128(1026))
    head = HEAD_PAYLOAD[:-4] + struct.pack("<I", integers_crc(tensors))
    weights = forge.leb128(1025) + payload[2:]
    return forge.assemble([(HEAD, head), (WEIGHTS, weights)])


def unknown_size_frame():
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    return compressor.compress(b"\1\4abcd")


FRAME = zstandard.ZstdCompressor().compress(b"\1\4abcd")


def with_range(minimum, maximum):
    return with_record(struct.pack("<Bee", 64, minimum, maximum) + b"\1\x80\x80")


def with_projection(numbers):
    """A projected file with other bytes for latent, groups and projection_seed."""
    payload = PROJECTED_SECTIONS[0][1]
    assert payload[-9:-6] == b"\x11\3\5"
    return with_head(payload[:-9] + numbers + payload[-6:], PROJECTED_SECTIONS)


# Per verdict, name: (pattern of the message, file), in the order of the rules.
REJECTED: dict[str, dict[str, tuple[str, bytes]]] = {
    "NotInr": {
        "empty": ("begins with", b""),
        "three bytes": ("begins with", GOOD[:3]),
        "other magic": ("begins with", b"\x89PNG" + GOOD[4:]),
    },
    "Unsupported": {
        "major 2": ("version 2.0", forge.assemble(SECTIONS, b"\x89INR\2\0")),
        "major 0": ("version 0.0", forge.assemble(SECTIONS, b"\x89INR\0\0")),
        "reserved": ("reserved byte is 1", forge.assemble(SECTIONS, reserved=1)),
        "critical section": ("critical section 0x06", forge.assemble([*SECTIONS, (6, b"")])),
        "major 2 joined": (
            r"JOINED at byte \d+: file is of version 2.0",
            with_joined(forge.assemble(SOUND_SECTIONS, b"\x89INR\2\0")),
        ),
    },
    "Corrupt": {
        "cut file header": ("11 of 12 bytes", GOOD[:11]),
        "cut section": ("needs .* are left", GOOD[:-1]),
        "section missing": ("section type needs", forge.assemble(SECTIONS, count=3)),
        "trailing byte": ("1 bytes after", GOOD + b"\0"),
        "trailing section": ("6 bytes after", forge.assemble([*SECTIONS, (0x90, b"")], count=2)),
        "header crc": ("file header: CRC-32", GOOD[:8] + bytes([GOOD[8] ^ 1]) + GOOD[9:]),
        "section crc": ("WEIGHTS: CRC-32", GOOD[:-1] + bytes([GOOD[-1] ^ 1])),
        "skipped section's crc": (
            "0x90: CRC-32",
            forge.assemble([*SECTIONS, (0x90, b"ab")])[:-1] + b"c",
        ),
        "no sections": ("not HEAD", forge.assemble([])),
        "HEAD not first": ("not HEAD", forge.assemble(SECTIONS[::-1])),
        "skipped section first": ("not HEAD", forge.assemble([(0x90, b""), *SECTIONS])),
        "no WEIGHTS": ("no WEIGHTS", forge.assemble(SECTIONS[:1])),
        "two HEAD": ("HEAD: second", forge.assemble([*SECTIONS, SECTIONS[0]])),
        "two WEIGHTS": (
            "WEIGHTS: section 2 of 1",
            forge.assemble([*SECTIONS, SECTIONS[1]]),
        ),
        "four WEIGHTS of three": (
            "WEIGHTS: section 4 of 3",
            forge.assemble([*SOUND_SECTIONS, SOUND_SECTIONS[1]]),
        ),
        "two WEIGHTS of three": (
            "segment 2 has no WEIGHTS",
            forge.assemble(SOUND_SECTIONS[:-1]),
        ),
        "two LATENTS of three": (
            "segment 2 has no LATENTS",
            forge.assemble(SPECTRUM_SECTIONS[:-1]),
        ),
        "four LATENTS of three": (
            "LATENTS: section 4 of 3",
            forge.assemble([*SPECTRUM_SECTIONS, SPECTRUM_SECTIONS[2]]),
        ),
        "two LATENTS of a film of three": (
            "segment 2 has no LATENTS",
            forge.assemble(MOVING_SECTIONS[:-1]),
        ),
        "four LATENTS of a film of three": (
            "LATENTS: section 4 of 3",
            forge.assemble([*MOVING_SECTIONS, MOVING_SECTIONS[2]]),
        ),
        "LATENTS of a sound's siren": (
            "LATENTS: section 1 of 0",
            forge.assemble([*SOUND_SECTIONS, (LATENTS, b"")]),
        ),
        "two METADATA": ("METADATA: second", forge.assemble([*SECTIONS, *[(METADATA, FRAME)] * 2])),
        "two LATENTS": (
            "LATENTS: section 2 of 1",
            forge.assemble([*PYRAMID_SECTIONS, (LATENTS, b"")]),
        ),
        "LATENTS of a siren": (
            "LATENTS: section 1 of 0",
            forge.assemble([*SECTIONS, (LATENTS, b"")]),
        ),
        "no LATENTS": ("segment 0 has no LATENTS", forge.assemble(PYRAMID_SECTIONS[:2])),
        "no LOCALS": ("segment 0 has no LOCALS", forge.assemble(PARTITION_SECTIONS[:2])),
        "two LOCALS": (
            "LOCALS: section 2 of 1",
            forge.assemble([*PARTITION_SECTIONS, (LOCALS, b"")]),
        ),
        "LOCALS of a siren": ("LOCALS: section 1 of 0", forge.assemble([*SECTIONS, (LOCALS, b"")])),
        "overlong varint": ("shape.* shortest form", with_head(patched(4, b"\x83\x00"))),
        "varint over 32 bits": (
            "shape.* over 32 bits",
            with_head(patched(4, b"\xff\xff\xff\xff\x10")),
        ),
        "varint of six bytes": (
            "shape.* over 32 bits",
            with_head(patched(4, b"\x83\x80\x80\x80\x80\x01")),
        ),
        "varint64 over 64 bits": (
            "seed is over 64 bits",
            with_head(HEAD_PAYLOAD[:-6] + b"\xff" * 9 + b"\x02" + HEAD_PAYLOAD[-5:]),
        ),
        "overlong section length": (
            "length.* shortest form",
            (
                forge.assemble(SECTIONS[:1], count=2)
                + forge.section(WEIGHTS, WEIGHTS_PAYLOAD, b"%c\0" % (len(WEIGHTS_PAYLOAD) | 128))
            ),
        ),
        "kind 0": ("kind = 0", with_head(patched(0, b"\0"))),
        "kind 5": ("kind = 5", with_head(patched(0, b"\5"))),
        "no channels": ("channels = 0", with_head(patched(1, b"\0"))),
        "five channels": ("channels = 5", with_head(patched(1, b"\5"))),
        "depth": ("depth = 12", with_head(patched(2, b"\x0c"))),
        "ndim": ("ndim = 3", with_head(patched(3, b"\3"))),
        "side 0": (r"shape\[0\] = 0", with_head(patched(4, b"\0"))),
        "side too long": (r"shape\[0\] = 1048577", with_head(patched(4, forge.leb128(2**20 + 1)))),
        "net": ("net = 4", with_head(patched(6, b"\4"))),
        "storage": ("storage = 0", with_head(patched(7, b"\0"))),
        "width": ("width = 4097", with_head(patched(8, forge.leb128(4097)))),
        "no layers": ("layers = 0", with_head(patched(9, b"\0"))),
        "w0_first": ("w0_first = 0", with_head(patched(10, b"\0"))),
        "w0_hidden": ("w0_hidden = 4097", with_head(patched(11, forge.leb128(4097)))),
        "frequencies": ("frequencies = 17", with_head(patched(12, b"\x11"))),
        "effort": ("effort = 10", with_head(HEAD_PAYLOAD[:-5] + b"\x0a" + HEAD_PAYLOAD[-4:])),
        "w0_modulator": (
            "w0_modulator = 0",
            with_head(patched(13, b"\0", ASMR_SECTIONS[0][1]), ASMR_SECTIONS),
        ),
        "level of ones": ("all 1", one_layer(b"\1\1\2\2")),
        "base 0 on axis 1": (r"bases\[1\] = 0", one_layer(b"\0\2\0")),
        "base too large": (r"bases\[1\] = 1048577", one_layer(b"\0\2" + forge.leb128(2**20 + 1))),
        "padded size too small": ("axis 0 multiply to 1,", one_layer(b"\0\1\2")),
        "padded size too large": (
            "axis 0 multiply to 67108864,",
            one_layer((forge.leb128(2**13) + b"\2") * 2),
        ),
        "latent 0": ("latent = 0", with_projection(b"\0\1\5")),
        "groups 0": ("groups = 0", with_projection(b"\x11\0\5")),
        "groups over latent": ("groups = 18 is more", with_projection(b"\x11\x12\5")),
        "projected pyramid": (
            "not stored by projection",
            with_head(projected_pyramid(), PYRAMID_SECTIONS),
        ),
        "no wavelet levels": ("levels = 0", with_pyramid(10, b"\0")),
        "wavelet levels 17": ("levels = 17", with_pyramid(10, b"\x11")),
        "too many levels": ("levels = 4 are too many", with_pyramid(10, b"\4")),
        "colour_from": ("colour_from = 4 is more", with_pyramid(11, b"\4")),
        "stages": ("stages = 4 is more", with_pyramid(12, b"\4")),
        "coarse_width": ("coarse_width = 0", with_pyramid(13, b"\0")),
        "projected partitions": (
            "not stored by projection",
            with_partitions(storage=Storage.PROJECTION, latent=17, groups=3),
        ),
        "partitions of segments": (
            "3 segments are not allowed",
            with_head(
                pack_header_unchecked(replace(forge.SOUND_PARTITIONS, segment=20)),
                PARTITION_SECTIONS,
            ),
        ),
        "side 0 of a partition": (
            r"side\[0\] = 0",
            with_partition_bytes(b"\3\4\2\2", b"\0\4\2\2"),
        ),
        "side too large": ("side = 8 and", with_partitions(side=(8, 4), groups_kept=(1, 2))),
        "group too large": ("group = 4 do not", with_partitions(group=(2, 4), groups_kept=(2, 1))),
        "groups that are not": ("3 groups from 0 on", with_partitions(groups_kept=(2, 3))),
        "groups after the last": ("2 groups from 1 on", with_partitions(first_group=(0, 1))),
        "groups left out": (
            "axis 1 shows more than 1 groups from 0",
            with_partitions(groups_kept=(2, 1)),
        ),
        "first groups left out": (
            "axis 0 shows more than 1 groups from 1",
            with_partitions(first_group=(1, 0), groups_kept=(1, 2)),
        ),
        "global_width": ("global_width = 0", with_partition_bytes(b"\2\5\3\4", b"\0\5\3\4")),
        "activation of a pyramid": ("no learned scalars", with_activation(PYRAMID_SECTIONS, 6)),
        "activation of a spectrum": (
            "no learned scalars",
            with_activation(SPECTRUM_SECTIONS, SPECTRUM_SECTIONS[0][1].index(b"\4\1\x20", 10)),
        ),
        "tiles of a siren": (
            "siren has no tiles",
            with_head(patched(6, b"\x20\1")[:-6] + forge.leb128(128) + HEAD_PAYLOAD[-6:]),
        ),
        "tiles twice": ("net = 32", with_tiles(b"\x20\x20\3")),
        "mirrored siren": (
            "siren has no cell networks",
            with_head(patched(6, b"\x40\1")),
        ),
        "merging of a siren": (
            "siren has no global features",
            with_head(patched(6, b"\x80\1")),
        ),
        "tile 0": ("tile = 0", with_tile(0)),
        "tile of 96": ("tile = 96", with_tile(96)),
        "tile smaller than a cell": ("not a multiple of", with_window("tiles", tile=128, levels=7)),
        "tile of grids smaller than a latent": (
            r"not a multiple of 2\^levels",
            with_window("tiles of grids", tile=128, levels=8),
        ),
        "cut tiles": ("length of tile 1 needs", with_tile_streams(lambda streams: streams[:1])),
        "more tiles": ("bytes after the last", with_tile_streams(lambda s: [*s, s[0]])),
        "cut tile": ("ends before", with_tile_streams(lambda s: [*s[:-1], s[-1][:-4]])),
        "activation twice": ("net = 16", with_head(patched(6, b"\x10\x10\1"))),
        "activation without net": ("net = 4", with_head(patched(6, b"\x10\4"))),
        "cut HEAD": ("integers_crc needs", with_head(HEAD_PAYLOAD[:-1])),
        "long HEAD": ("HEAD: 1 bytes after", with_head(HEAD_PAYLOAD + b"\0")),
        "65 channels of audio": ("channels = 65", with_sound(1, b"\x41")),
        "depth of audio": ("depth = 8", with_sound(2, b"\x08")),
        "axes of audio": ("ndim = 2", with_sound(3, b"\2")),
        "no samples": (r"shape\[0\] = 0", with_sound(4, b"\0")),
        "low not finite": ("low = -inf", with_ends(float("-inf"), 1.0)),
        "high not a number": ("high = nan", with_ends(0.0, float("nan"))),
        "high below low": ("high = -1.0 is below", with_ends(1.0, -1.0)),
        "low of a spectrum": (
            "high = 0.5 is not -low = 0.25",
            with_ends(-0.25, 0.5, SPECTRUM_SECTIONS, 6),
        ),
        "rate 0": ("rate = 0", with_sound(13, b"\0\0")),
        "no seconds": ("rate_seconds = 0", with_sound(15, b"\0")),
        "no segment": ("segment = 0", with_sound(16, b"\0")),
        "pyramid of audio": ("net = 3", with_sound(17, b"\3")),
        "spectrum of an image": ("net = 4", with_head(patched(6, b"\4"))),
        "cut segment_crcs": (
            "segment_crcs needs 12 bytes and 11 are left",
            with_head(SOUND_SECTIONS[0][1][:-1], SOUND_SECTIONS),
        ),
        "more segments than CRCs": ("segment_crcs needs 40 bytes", with_sound(16, b"\5")),
        "fewer segments than CRCs": ("4 bytes after", with_sound(16, b"\x19")),
        "hop 48": ("hop = 48", with_spectrum(20, b"\x30")),
        "hop 16": ("hop = 16", with_spectrum(20, b"\x10")),
        "hop 32768": ("hop = 32768", with_spectrum(20, forge.leb128(32768))),
        "segment of 2.25 hops": ("segment = 72 is not", with_spectrum(17, b"\x48")),
        "projected spectrum": ("not stored by projection", projected_spectrum()),
        "two channels of video": ("channels = 2", with_film(1, b"\2")),
        "4:2:0 in grey": ("channels = 1 is not allowed with layout", with_film(1, b"\1")),
        "depth of video": ("depth = 16", with_film(2, b"\x10")),
        "axes of video": ("ndim = 2", with_film(3, b"\2")),
        "rows of video": (r"shape\[1\] = 1048577", with_film(5, forge.leb128(2**20 + 1))),
        "layout": ("layout = 3", with_film(12, b"\3")),
        "spectrum of video": ("net = 4", with_film(14, b"\4")),
        "film of an image": ("net = 5", with_head(patched(6, b"\5"))),
        "film of audio": ("net = 5", with_sound(17, b"\5")),
        "projected film": ("not stored by projection", projected_film()),
        "no levels of a film": ("levels = 0", with_moving(16, b"\0")),
        "levels 17 of a film": ("levels = 17", with_moving(16, b"\x11")),
        "too many levels of a film": ("levels = 3 are too many", with_moving(16, b"\3")),
        "colour_from of a film": ("colour_from = 2 is outside 1..1", with_moving(17, b"\2")),
        "colour_from 0 of 4:2:0": ("colour_from = 0 is outside 1..1", with_moving(17, b"\0")),
        "interval 0": ("interval = 0", with_moving(18, b"\0")),
        "interval 6": ("interval = 6", with_moving(18, b"\6")),
        "interval 512": ("interval = 512", with_moving(18, forge.leb128(512))),
        "block 2": ("block = 2", with_moving(19, b"\2")),
        "block 12": ("block = 12", with_moving(19, b"\x0c")),
        "block 256": ("block = 256", with_moving(19, forge.leb128(256))),
        "no motion_levels": ("motion_levels = 0", with_moving(20, b"\0")),
        "motion_levels 9": ("motion_levels = 9", with_moving(20, b"\x09")),
        "padded size of 4:2:0": ("axis 1 multiply to 2,", with_film(23, b"\1")),
        "five channels of a volume": ("channels = 5", with_volume(1, b"\5")),
        "depth of a volume": ("depth = 24", with_volume(2, b"\x18")),
        "float of 16 bits": ("depth = 16 is not allowed with numbers", with_volume(2, b"\x10")),
        "axes of a volume": ("ndim = 4", with_volume(3, b"\4")),
        "side of a volume": (r"shape\[1\] = 1048577", with_volume(5, forge.leb128(2**20 + 1))),
        "numbers": ("numbers = 3", with_volume(7, b"\3")),
        "signed mask": (
            "depth = 1 is not allowed with numbers",
            with_head(patched(7, b"\1", patched(2, b"\1", VOLUME_SECTIONS[0][1])), VOLUME_SECTIONS),
        ),
        "window of a fifth kind": ("kind = 5", with_head(b"\x10" + patched(0, b"\5"))),
        "window twice": ("kind = 16", with_head(b"\x10\x10" + HEAD_PAYLOAD)),
        "nothing coded": (r"coded\[1\] = 0", with_head(b"\x10" + HEAD_PAYLOAD[:6] + b"\3\0")),
        "window cut short": (
            r"first\[1\] needs",
            with_head(b"\x10" + HEAD_PAYLOAD[:6] + b"\3\5\0"),
        ),
        "window too long": (
            r"shape\[1\] = 5 from 3 on ends after 7",
            with_window("siren", coded=(4, 7)),
        ),
        "window too late": (
            r"shape\[0\] = 4 from 4 on ends after 7",
            with_window("sound", first=(4,)),
        ),
        "window of an odd row": (
            r"first = \(1, 1, 4\) is not even",
            with_window("film", first=(1, 1, 4)),
        ),
        "coded side too long": (
            r"coded\[0\] = 1048577",
            with_window("siren", coded=(2**20 + 1, 9)),
        ),
        "pyramid of a small window": (
            "levels = 7 are too many",
            with_window("pyramid", levels=7),
        ),
        "padded size of a window": (
            "bases of axis 0 multiply to 21, outside 22",
            with_window("sound doh", segment=22, segment_crcs=(0,) * 3),
        ),
        "joined to a picture": (
            "no file continues an image",
            with_joined(GOOD, sections=SECTIONS),
        ),
        "joined twice": ("a joined file has one", with_joined(with_joined(SOUND_FILE))),
        "nothing joined": ("JOINED at byte .*: not .* begins with nothing", with_joined(b"")),
        "joined without its end": ("JOINED at byte .*: payload", with_joined(SOUND_FILE[:-1])),
        "second joined one cut": (
            "JOINED at byte .*: payload",
            with_joined(SOUND_FILE, SOUND_FILE[:-1]),
        ),
        "another kind joined": ("another kind", with_joined(forge.make_file(forge.LINE))),
        "other channels joined": ("another channels", with_other(channels=1)),
        "another depth joined": ("another depth", with_other(depth=24)),
        "another rate joined": ("another rate_seconds", with_other(rate_seconds=2)),
        "another size joined": (
            "another shape",
            with_joined(
                forge.make_file(replace(forge.FILM, shape=(5, 7, 10))), sections=FILM_SECTIONS
            ),
        ),
        "another layout joined": (
            "another layout",
            with_joined(forge.make_file(forge.FILM_RGB), sections=FILM_SECTIONS),
        ),
        "other numbers joined": (
            "another depth, numbers",
            with_joined(
                forge.make_file(replace(forge.VOLUME, depth=8, numbers=0)), sections=VOLUME_SECTIONS
            ),
        ),
        "weights of a joined file": (
            "segment 1: WEIGHTS: .* words left",
            with_joined(
                forge.assemble(
                    [
                        *SOUND_SECTIONS[:2],
                        (WEIGHTS, SOUND_SECTIONS[2][1] + bytes(2)),
                        SOUND_SECTIONS[3],
                    ]
                )
            ),
        ),
        "no zstd": ("METADATA", with_frame(b"abcdefghijkl")),
        "empty METADATA": ("METADATA", with_frame(b"")),
        "skippable frame": ("not a zstd frame", with_frame(b"\x50\x2a\x4d\x18\1\0\0\0x")),
        "no content size": ("not a zstd frame", with_frame(unknown_size_frame())),
        "no content": ("not a zstd frame", with_metadata(b"")),
        "cut frame": ("METADATA: ", with_frame(FRAME[:-1])),
        "bytes after frame": ("METADATA: ", with_frame(FRAME + b"\0")),
        "two frames": ("METADATA: ", with_frame(FRAME * 2)),
        "cut block": ("block needs 5", with_metadata(b"\1\5abcd")),
        "tag alone": ("length needs", with_metadata(b"\1")),
        "empty block": ("length = 0", with_metadata(b"\1\0")),
        "two ICC": ("second block with tag 1", with_metadata(b"\1\1a\1\1a")),
        "two EXIF": ("second block with tag 2", with_metadata(b"\2\1a\2\1a")),
        "no WEIGHTS payload": ("tensor 0 levels needs", with_weights(b"")),
        "cut records": ("WEIGHTS: .* needs", with_weights(WEIGHTS_PAYLOAD[:9])),
        "levels 0": ("levels = 0", with_record(b"\0" + RECORD[1:] + b"\1\x80\x80")),
        "levels 65537": (
            "levels = 65537",
            with_record(forge.leb128(65537) + RECORD[1:] + b"\1\x80\x80"),
        ),
        "model": ("model = 3", with_record(RECORD + b"\3\x80\x80")),
        "infinite minimum": ("range -inf", with_range(float("-inf"), 1.0)),
        "maximum not a number": ("range 0.0..nan", with_range(0.0, float("nan"))),
        "range upside down": ("range 1.0..0.5", with_range(1.0, 0.5)),
        "one level with a range": (
            "levels = 1 and",
            with_record(struct.pack("<Bee", 1, 0.0, 1.0) + b"\0"),
        ),
        "one level with a model": (
            "levels = 1 and",
            with_record(struct.pack("<Bee", 1, 1.0, 1.0) + b"\1\x80\x80"),
        ),
        "cut state": ("has 4 bytes", with_stream(lambda stream: stream[:4])),
        "half a word": ("has .* bytes, not", with_stream(lambda stream: stream[:-1])),
        "first state": ("begins in state 0", with_stream(lambda stream: b"\0" * 5 + stream[5:])),
        "words run out": ("before its last symbol", with_stream(lambda stream: stream[:-2])),
        "words left": ("words left", with_stream(lambda stream: stream + b"\0\0")),
        "last state": ("WEIGHTS: ", with_stream(lambda s: bytes([s[0] ^ 1]) + s[1:])),
        "integer over levels": ("above levels = 1025", too_large_integer()),
        "cut LOCALS": ("LOCALS: group 3 needs", with_locals(lambda payload: payload[:-1])),
        "long LOCALS": ("LOCALS: 1 bytes after", with_locals(lambda payload: payload + b"\0")),
        "empty LOCALS": ("LOCALS: length of group 0 needs", with_locals(lambda payload: b"")),
        "overlong length of a group": (
            "length of group 0 .* shortest form",
            with_locals(lambda payload: b"\x85\0" + payload),
        ),
        "state of a group": ("LOCALS: .* in state 0", with_group(lambda s: bytes(5) + s[5:])),
        "group runs out": ("LOCALS: .* before its last symbol", with_group(lambda s: s[:-2])),
        "words left in a group": ("LOCALS: .* words left", with_group(lambda s: s + bytes(2))),
        "last state of a group": ("LOCALS: ", with_group(lambda s: bytes([s[0] ^ 1]) + s[1:])),
        "crc of partitions": ("CRC-32 of the integers", with_partitions(seed=1)),
        "cut latent state": ("has 7 bytes", with_latents(lambda stream: stream[:7])),
        "part of a latent word": ("has .* bytes, not", with_latents(lambda stream: stream[:-1])),
        "first latent state": ("begins in state", with_latents(lambda s: bytes(8) + s[8:])),
        "latent words run out": ("before its last latent", with_latents(lambda s: s[:-4])),
        "latent words left": ("words left", with_latents(lambda stream: stream + bytes(4))),
        "last latent state": ("LATENTS: ", with_latents(lambda s: bytes([s[0] ^ 1]) + s[1:])),
        "latent too large": ("magnitude above 32768", too_large_latent()),
        "cut latents of segment 1": (
            "segment 1: LATENTS: .* ends before its last latent",
            with_segment_latents(1, lambda stream: stream[:-4]),
        ),
        "latents too long of segment 2": (
            "segment 2: LATENTS: .* words left",
            with_segment_latents(2, lambda stream: stream + bytes(4)),
        ),
        "frequency too large": ("segment 1: .* magnitude above 32768", too_large_frequency()),
        "cut latents of a film": (
            "segment 1: LATENTS: .* ends before its last latent",
            with_segment_latents(1, lambda stream: stream[:-4], MOVING_SECTIONS),
        ),
        "latents too long of a film": (
            "segment 2: LATENTS: .* words left",
            with_segment_latents(2, lambda stream: stream + bytes(4), MOVING_SECTIONS),
        ),
        "vector too large": ("segment 2: .* magnitude above 32768", too_large_vector()),
        "crc of a film's segment 2": (
            "segment 2: WEIGHTS: CRC-32 of the integers",
            with_segment_crc(2, MOVING_SECTIONS),
        ),
        "crc of segment 0": ("segment 0: WEIGHTS: CRC-32 of the integers", with_segment_crc(0)),
        "crc of segment 2": ("segment 2: WEIGHTS: CRC-32 of the integers", with_segment_crc(2)),
        "weights of segment 1": (
            "segment 1: WEIGHTS: .* words left",
            forge.assemble(
                [*SOUND_SECTIONS[:2], (WEIGHTS, SOUND_SECTIONS[2][1] + bytes(2)), SOUND_SECTIONS[3]]
            ),
        ),
        "latents_crc": ("CRC-32 of the integers", with_pyramid_crc()),
        "integers_crc": ("CRC-32 of the integers", with_head(HEAD_PAYLOAD[:-4] + b"\0\0\0\0")),
    },
}


@pytest.mark.parametrize(
    ("verdict", "name"), [(verdict, name) for verdict in REJECTED for name in REJECTED[verdict]]
)
def test_both_decoders_reject(verdict, name):
    message, data = REJECTED[verdict][name]
    with pytest.raises(InrError, match=message) as error:
        decode(data)
    assert type(error.value).__name__ == verdict
    assert "\n" not in str(error.value)
    with pytest.raises(spec_decoder.SpecError) as spec_error:
        spec_decoder.read_file(data)
    assert spec_error.value.verdict == verdict


def accepted():
    """Files that come near a rule and keep it."""
    yield GOOD
    yield forge.assemble(SECTIONS)
    yield forge.assemble(SECTIONS, b"\x89INR\1\7")  # a later minor version
    yield forge.assemble([SECTIONS[0], (0x90, b"?"), SECTIONS[1], (0x90, b"?")])
    yield forge.assemble([SECTIONS[0], (METADATA, FRAME), SECTIONS[1]])
    yield with_metadata(b"\x09\2ab\1\1i\x09\2ab\2\1e")  # tags to skip
    yield one_layer(b"\0\2\2")
    yield one_layer(b"\2\1\1\2")
    yield forge.make_file(replace(forge.ASMR, layers=1, bases=((1024, 2**14), (1, 1))))
    yield with_projection(b"\x11\3\5")
    yield forge.assemble([PYRAMID_SECTIONS[i] for i in (0, 2, 1)], b"\x89INR\1\0")
    yield forge.make_file(replace(forge.PYRAMID, shape=(1, 8), stages=0, colour_from=3))
    yield forge.make_file(forge.PARTITIONS)
    yield forge.make_file(replace(forge.PARTITIONS, side=(7, 10), group=(1, 1), groups_kept=(1, 1)))
    for header in (forge.SIREN, forge.ASMR, forge.PROJECTED, forge.PARTITIONS):
        yield forge.make_file(replace(header, activation=16))
    yield forge.assemble([PARTITION_SECTIONS[i] for i in (0, 2, 1)])
    for header in forge.PARTED.values():
        yield forge.make_file(header)
    yield forge.assemble([*SOUND_SECTIONS, (METADATA, FRAME)])
    yield forge.assemble(
        [SPECTRUM_SECTIONS[0], *sorted(SPECTRUM_SECTIONS[1:], key=lambda s: -s[0]), (0x90, b"")]
    )
    yield forge.make_file(replace(forge.SOUND, segment=2**32 - 1))
    yield forge.make_file(replace(forge.SPECTRUM, shape=(1,), segment=2**10))
    yield forge.make_file(replace(forge.SPECTRUM, channels=1, shape=(128,)))
    yield forge.make_file(replace(forge.SPECTRUM, low=0.0, high=0.0))
    yield forge.make_file(replace(forge.VOLUME, low=2.5, high=2.5))
    yield forge.make_file(replace(forge.FILM, shape=(1, 1, 1), bases=((1, 1, 1),) * 3))
    for header in forge.WINDOWS.values():
        yield forge.make_file(header)
    yield forge.make_file(replace(forge.WINDOWS["siren"], shape=(4, 9), first=(0, 0)))
    yield forge.make_file(replace(forge.WINDOWS["sound doh"], segment=21))
    loud = replace(forge.SOUND_ASMR, depth=16, high=1.0, shape=(7,))
    yield with_joined(SOUND_FILE, forge.make_file(loud))
    late = replace(forge.WINDOWS["spectrum"], depth=16, high=0.25, low=-0.25)
    metadata = (METADATA, b"not read")
    yield with_joined(forge.assemble([*forge.payloads(forge.make_file(late)), metadata]))
    yield with_joined(
        forge.make_file(forge.WINDOWS["volume"]),
        sections=[
            *forge.payloads(forge.make_file(replace(forge.VOLUME, shape=(2, 2, 2)))),
            (0x90, b""),
        ],
    )
    yield forge.make_file(replace(forge.MOVING, shape=(1, 1, 1), segment=2**32 - 1, interval=256))
    yield forge.make_file(replace(forge.MOVING, shape=(3, 4, 1), levels=2, colour_from=2))
    yield forge.make_file(replace(forge.MOVING_GREY, shape=(2, 1, 1), colour_from=1, block=128))
    yield forge.make_file(replace(forge.MOVING_GREY, segment=4, motion_levels=4, interval=2))
    yield forge.make_file(replace(forge.MOVING_RGB, colour_from=0, interval=1))


@pytest.mark.parametrize("data", list(accepted()), ids=lambda data: f"{crc32(data):08x}")
def test_both_decoders_accept(data):
    try:
        samples = decode(data).samples
    except InrError as error:
        pytest.fail(str(error))
    expected = spec_decoder.decode(data)
    within = 1 if samples.dtype.kind in "iu" else 1e-4 * max(1, np.abs(expected).max())
    assert np.abs(samples.astype(np.float64) - expected).max() <= within


def test_metadata_read_alike():
    data = forge.make_file(forge.SIREN, metadata=Metadata(icc=b"i" * 300, exif=b"MM\0*"))
    assert spec_decoder.read_file(data).metadata == {1: b"i" * 300, 2: b"MM\0*"}
    assert decode(data).metadata == Metadata(icc=b"i" * 300, exif=b"MM\0*")
