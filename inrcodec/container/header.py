"""The HEAD section: what the signal is, and which network with which weights stands for it.

FIELDS is the one declaration; reader, writer, `describe` and the table in bitstream_spec.md
follow it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from math import prod
from typing import Any

from inrcodec.container.fields import (
    MAX_U32,
    MAX_U64,
    Field,
    Reader,
    pack_float32,
    pack_integer,
)

MAX_SIDE = 2**20
MAX_LENGTH = 2**32 - 1
MAX_PADDED_SIDE = 2**24


class Kind(IntEnum):
    """What the samples are."""

    IMAGE = 1
    AUDIO = 2
    VIDEO = 3
    VOLUME = 4


class Numbers(IntEnum):
    """What the numbers of a volume are."""

    UNSIGNED = 0
    SIGNED = 1
    FLOAT = 2


class Layout(IntEnum):
    """How the channels of a video lie."""

    FULL = 1
    YCBCR_420 = 2


class Net(IntEnum):
    """Which network maps coordinates to samples."""

    SIREN = 1
    ASMR = 2
    PYRAMID = 3
    SPECTRUM = 4
    FILM = 5
    LOCAL_GLOBAL = 6
    GRIDS = 7


class Storage(IntEnum):
    """How the network's weights lie in the file."""

    DIRECT = 1
    PROJECTION = 2


# Networks by coordinates alone, which every kind may have.
_COORDINATES = (Net.SIREN, Net.ASMR, Net.LOCAL_GLOBAL)
# What every kind may be: values of these fields.
_KINDS: dict[Kind, dict[str, Collection[int]]] = {
    kind: {"ndim": ndim, "channels": channels, "depth": depth, "net": (*_COORDINATES, *nets)}
    for kind, ndim, channels, depth, nets in (
        (Kind.IMAGE, (2,), range(1, 5), (8, 16), (Net.PYRAMID, Net.GRIDS)),
        (Kind.AUDIO, (1,), range(1, 65), (16, 24, 32), (Net.SPECTRUM,)),
        (Kind.VIDEO, (3,), (1, 3), (8,), (Net.FILM,)),
        (Kind.VOLUME, (1, 2, 3), range(1, 5), (1, 8, 16, 32), ()),
    )
}

_VOLUME_DEPTHS = {Numbers.UNSIGNED: (1, 8, 16), Numbers.SIGNED: (8, 16), Numbers.FLOAT: (32,)}

_Read = Callable[[Reader, Field, Mapping[str, Any]], Any]
_IMAGE = ("kind", (Kind.IMAGE,))
_PARTED = ("kind", (Kind.AUDIO, Kind.VIDEO, Kind.VOLUME))
_RANGED = ("kind", (Kind.AUDIO, Kind.VOLUME))
_TIMED = ("kind", (Kind.AUDIO, Kind.VIDEO))
_VIDEO = ("kind", (Kind.VIDEO,))
_VOLUME = ("kind", (Kind.VOLUME,))
_LAYERED = ("net", (Net.SIREN, Net.ASMR, Net.PYRAMID, Net.LOCAL_GLOBAL))
_SINES = ("net", (Net.SIREN, Net.ASMR, Net.LOCAL_GLOBAL))
_ENCODED = ("net", (Net.SIREN, Net.ASMR))
_ASMR = ("net", (Net.ASMR,))
_PYRAMID = ("net", (Net.PYRAMID,))
_WAVELET = ("net", (Net.PYRAMID, Net.FILM))
_LEVELLED = ("net", (Net.PYRAMID, Net.FILM, Net.GRIDS))
_WIDE = ("net", (Net.SIREN, Net.ASMR, Net.PYRAMID, Net.LOCAL_GLOBAL, Net.GRIDS))
_GRIDS = ("net", (Net.GRIDS,))
_FILM = ("net", (Net.FILM,))
_SPECTRUM = ("net", (Net.SPECTRUM,))
_LOCAL_GLOBAL = ("net", (Net.LOCAL_GLOBAL,))
LEARNED = 16  # first byte of a network's fields where its sines have learned scalars; no net is 16
_LEARNED = ("activation", (LEARNED,))
TILED = 32  # first byte of a network's fields where latents lie in tiles
_TILED = ("tiling", (TILED,))
MIRRORED = 64  # first byte of a network's fields where cell networks are mirrored
_MIRRORED = ("mirroring", (MIRRORED,))
MERGED_ONCE = 128  # first byte of a network's fields where local and global features merge once
_MERGED_ONCE = ("merging", (MERGED_ONCE,))
_PROJECTION = ("storage", (Storage.PROJECTION,))
EXCERPT = 16  # first byte of HEAD where a window is stated; no kind has this number
_EXCERPT = ("excerpt", (EXCERPT,))
# Fields that are there if the next byte is theirs.
_MARKERS = {
    "excerpt": EXCERPT,
    "activation": LEARNED,
    "tiling": TILED,
    "mirroring": MIRRORED,
    "merging": MERGED_ONCE,
}
_BASE = range(1, MAX_SIDE + 1)
_LENGTH = range(1, MAX_LENGTH + 1)
_HOPS = tuple(2**n for n in range(5, 15))
TILES = tuple(2**n for n in range(7, 17))  # sides of tiles
_INTERVALS = tuple(2**n for n in range(9))
BLOCKS = tuple(2**n for n in range(2, 8))  # samples between vectors

FIELDS = (
    Field("excerpt", "u8", (EXCERPT,), "a window: `coded` and `first` are there", _EXCERPT),
    Field("kind", "u8", range(1, 5), "1 image, 2 audio, 3 video, 4 volume"),
    Field("channels", "u8", range(1, 65), "samples per grid point"),
    Field("depth", "u8", (1, 8, 16, 24, 32), "bits per sample"),
    Field("ndim", "u8", range(1, 4), "number of axes"),
    Field("shape", "varint * ndim", _LENGTH, "grid points along each axis"),
    Field("coded", "varint * ndim", _LENGTH, "grid points that are coded", _EXCERPT),
    Field("first", "varint * ndim", range(MAX_LENGTH), "first of them that is shown", _EXCERPT),
    Field("numbers", "u8", range(3), "0 unsigned, 1 signed, 2 floating-point", _VOLUME),
    Field("low", "f32", (), "sample at v = 0", _RANGED),
    Field("high", "f32", (), "sample at v = 1, >= low", _RANGED),
    Field("rate", "varint", _LENGTH, "samples or frames in rate_seconds", _TIMED),
    Field("rate_seconds", "varint", _LENGTH, "seconds that `rate` counts over", _TIMED),
    Field("layout", "u8", range(1, 3), "1 grey or RGB, 2 YCbCr 4:2:0", _VIDEO),
    Field("segment", "varint", _LENGTH, "grid points of a segment along axis 0", _PARTED),
    Field("activation", "u8", (LEARNED,), "sines have learned scalars", _LEARNED),
    Field("tiling", "u8", (TILED,), "latents in tiles: `tile` is there", _TILED),
    Field("mirroring", "u8", (MIRRORED,), "cell networks are mirrored", _MIRRORED),
    Field("merging", "u8", (MERGED_ONCE,), "Merge only after the last layer", _MERGED_ONCE),
    Field(
        "net",
        "u8",
        range(1, 8),
        "1 siren, 2 asmr, 3 pyramid, 4 spectrum, 5 film, 6 local-global, 7 grids",
    ),
    Field("storage", "u8", range(1, 3), "1 direct, 2 projection"),
    Field("width", "varint", range(1, 4097), "units of each hidden layer", _WIDE),
    Field("layers", "varint", range(1, 65), "number of hidden layers", _LAYERED),
    Field("w0_first", "varint", range(1, 4097), "frequency factor of the first sine layer", _SINES),
    Field(
        "w0_hidden", "varint", range(1, 4097), "frequency factor of the other sine layers", _SINES
    ),
    Field("frequencies", "varint", range(17), "octaves of positional encoding, 0 none", _ENCODED),
    Field("w0_modulator", "varint", range(1, 4097), "factor of the modulators", _ASMR),
    Field("bases", "levels", _BASE, "bases of each level on each axis", _ASMR),
    Field("levels", "varint", range(1, 17), "levels below the finest", _LEVELLED),
    Field("colour_from", "varint", range(17), "finest level with every channel", _LEVELLED),
    Field("context_width", "varint", range(1, 4097), "units of a context network", _GRIDS),
    Field("stages", "varint", range(17), "finest levels with a cell network", _PYRAMID),
    Field("coarse_width", "varint", range(1, 4097), "units of the coarser ones", _PYRAMID),
    Field("tile", "varint", TILES, "samples along the sides of a tile", _TILED),
    Field("interval", "varint", _INTERVALS, "frames from one anchor to the next", _FILM),
    Field("block", "varint", BLOCKS, "samples from one vector to the next", _FILM),
    Field("motion_levels", "varint", range(1, 9), "levels of the wavelet of motion", _FILM),
    Field("hop", "varint", _HOPS, "samples from one frame to the next", _SPECTRUM),
    Field("global_width", "varint", range(1, 4097), "units of the global network", _LOCAL_GLOBAL),
    Field("w0_global", "varint", range(1, 4097), "factor of its first layer", _LOCAL_GLOBAL),
    Field("side", "varint * ndim", _LENGTH, "grid points of a partition", _LOCAL_GLOBAL),
    Field("group", "varint * ndim", _LENGTH, "partitions that are coded together", _LOCAL_GLOBAL),
    Field("first_group", "varint * ndim", range(MAX_LENGTH), "first one here", _LOCAL_GLOBAL),
    Field("groups_kept", "varint * ndim", _LENGTH, "how many are here", _LOCAL_GLOBAL),
    Field("latent", "varint", range(1, 2**26 + 1), "number of latent values", _PROJECTION),
    Field("groups", "varint", range(1, 2**16 + 1), "parts of the latent, <= latent", _PROJECTION),
    Field("projection_seed", "varint64", range(MAX_U64 + 1), "key of the projection", _PROJECTION),
    Field("seed", "varint64", range(MAX_U64 + 1), "the encoder's seed; decoders ignore it"),
    Field("effort", "u8", range(10), "the encoder's effort; decoders ignore it"),
    Field("integers_crc", "u32", range(MAX_U32 + 1), "CRC-32 of the decoded integers", _IMAGE),
    Field(
        "segment_crcs",
        "u32 * segments",
        range(MAX_U32 + 1),
        "CRC-32 of each segment's integers",
        _PARTED,
    ),
)


@dataclass(frozen=True)
class Header:
    """Fields of HEAD in file order; 0 or () where a field is absent (see FIELDS for the ranges).

    `shape`: (H, W) of an image, (N,) of audio, (T, H, W) of a video; of an excerpt, what is shown
    of `coded` grid points from `first` on. `bases[i][a]`: base of axis a at level i, `layers` + 1
    levels for asmr.
    """

    channels: int
    depth: int
    shape: tuple[int, ...]
    net: Net
    storage: Storage
    width: int = 0
    layers: int = 0
    w0_first: int = 0
    w0_hidden: int = 0
    frequencies: int = 0
    w0_modulator: int = 0
    bases: tuple[tuple[int, ...], ...] = ()
    levels: int = 0
    colour_from: int = 0
    stages: int = 0
    coarse_width: int = 0
    tile: int = 0
    interval: int = 0
    block: int = 0
    motion_levels: int = 0
    context_width: int = 0
    hop: int = 0
    global_width: int = 0
    w0_global: int = 0
    side: tuple[int, ...] = ()
    group: tuple[int, ...] = ()
    first_group: tuple[int, ...] = ()
    groups_kept: tuple[int, ...] = ()
    latent: int = 0
    groups: int = 0
    projection_seed: int = 0
    seed: int = 0
    effort: int = 0
    integers_crc: int = 0
    segment_crcs: tuple[int, ...] = ()
    kind: Kind = Kind.IMAGE
    numbers: Numbers = Numbers.UNSIGNED
    low: float = 0.0
    high: float = 0.0
    rate: int = 0
    rate_seconds: int = 0
    layout: Layout | int = 0
    segment: int = 0
    activation: int = 0
    tiling: int = 0
    mirroring: int = 0
    merging: int = 0
    excerpt: int = 0
    coded: tuple[int, ...] = ()
    first: tuple[int, ...] = ()

    @property
    def coded_shape(self) -> tuple[int, ...]:
        """Grid points along each axis, those of an excerpt that are not shown too."""
        return self.coded or self.shape

    @property
    def ndim(self) -> int:
        """Number of axes of the grid."""
        return len(self.shape)

    @property
    def segments(self) -> int:
        """Number of segments along axis 0; 1 for an image."""
        return -(-self.coded_shape[0] // self.segment) if self.segment else 1

    @property
    def crcs(self) -> tuple[int, ...]:
        """CRC-32 of the decoded integers of each segment."""
        return self.segment_crcs if self.segment else (self.integers_crc,)

    def with_crcs(self, crcs: Sequence[int]) -> "Header":
        """The same header with the CRC-32 of each segment's integers."""
        if self.segment:
            return replace(self, segment_crcs=tuple(crcs))
        return replace(self, integers_crc=crcs[0])


def _present(field: Field, values: Mapping[str, Any]) -> bool:
    return field.only_if is None or values[field.only_if[0]] in field.only_if[1]


def unpack_header(payload: bytes, offset: int = 0) -> Header:
    """Read a HEAD payload that begins at byte `offset` of its file.

    Raises Corrupt, naming field, value and offset, for whatever breaks a rule.
    """
    reader = Reader(payload, "HEAD", offset)
    values: dict[str, Any] = {}
    for field in FIELDS:
        if field.name in _MARKERS:
            values[field.name] = reader.peek()
        if _present(field, values):
            read: _Read = _READERS.get(field.type, _read_integer)
            values[field.name] = read(reader, field, values)
    reader.end()
    values.pop("ndim")
    values |= {name: mark if values[name] == mark else 0 for name, mark in _MARKERS.items()}
    values |= {name: named(values[name]) for name, named in _ENUMS.items() if name in values}
    header = Header(**values)
    for problem in _problems(header):
        raise reader.fail(problem, offset)
    return header


def pack_header(header: Header) -> bytes:
    """The HEAD payload. Raises ValueError if a field or their combination breaks a rule."""
    for problem in _problems(header):
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


def _problems(header: Header) -> list[str]:
    """Rules that bind more than one field."""
    problems = _kind_problems(header)
    wanted = [header.ndim] * (header.layers + 1) if header.net == Net.ASMR else []
    if [len(level) for level in header.bases] != wanted:
        return [f"bases = {header.bases} are not layers + 1 levels of {header.ndim} axes"]
    if problems:
        return problems
    for axis, size in enumerate(net_shape(header) if header.bases else ()):
        padded = prod(level[axis] for level in header.bases)
        if not size <= padded <= MAX_PADDED_SIDE:
            problems.append(
                f"bases of axis {axis} multiply to {padded}, outside {size}..{MAX_PADDED_SIDE}"
            )
    if header.storage == Storage.PROJECTION and header.groups > header.latent:
        problems.append(f"groups = {header.groups} is more than latent = {header.latent}")
    if header.net == Net.PYRAMID:
        problems += _pyramid_problems(header)
    if header.net == Net.GRIDS:
        problems += _grids_problems(header)
    if header.net == Net.SPECTRUM:
        problems += _spectrum_problems(header)
    if header.net == Net.FILM:
        problems += _film_problems(header)
    if header.net == Net.LOCAL_GLOBAL:
        problems += _partition_problems(header)
    if header.activation and header.net not in _COORDINATES:
        problems.append(f"net = {header.net.name.lower()} has no learned scalars")
    if header.tiling and header.net != Net.PYRAMID:
        problems.append(f"net = {header.net.name.lower()} has no tiles")
    if header.mirroring and header.net != Net.PYRAMID:
        problems.append(f"net = {header.net.name.lower()} has no cell networks")
    if header.merging and header.net != Net.LOCAL_GLOBAL:
        problems.append(f"net = {header.net.name.lower()} has no global features")
    return problems


def net_shape(header: Header) -> tuple[int, ...]:
    """The grid that a network covers: a whole segment, with 4:2:0 at the size of the chroma."""
    length, *sides = header.coded_shape
    if header.segment:  # a segment of an excerpt can be cut short even if there is no other
        length = header.segment if header.excerpt else min(header.segment, length)
    if header.layout == Layout.YCBCR_420:
        sides = [-(-side // 2) for side in sides]
    return (length, *sides)


def _kind_problems(header: Header) -> list[str]:
    """Rules of the kind of signal."""
    problems = [
        f"{name} = {getattr(header, name)} is not allowed with kind = {header.kind.name.lower()}"
        for name, allowed in _KINDS[header.kind].items()
        if getattr(header, name) not in allowed
    ]
    problems += _window_problems(header)
    timed, name = header.kind in (Kind.AUDIO, Kind.VIDEO), "coded" if header.coded else "shape"
    for axis, size in enumerate(header.coded_shape):
        if size > MAX_SIDE and not (timed and axis == 0):
            problems.append(f"{name}[{axis}] = {size} is above {MAX_SIDE}")
    if header.segment and len(header.segment_crcs) != header.segments:
        problems.append(f"segment_crcs are {len(header.segment_crcs)}, not {header.segments}")
    if header.high < header.low:
        problems.append(f"high = {header.high} is below low = {header.low}")
    if header.layout == Layout.YCBCR_420 and header.channels != 3:
        problems.append(f"channels = {header.channels} is not allowed with layout = ycbcr_420")
    if header.kind == Kind.VOLUME and header.depth not in _VOLUME_DEPTHS[header.numbers]:
        problems.append(f"depth = {header.depth} is not allowed with numbers = {header.numbers}")
    return problems


def _window_problems(header: Header) -> list[str]:
    if not header.excerpt:
        return []
    if not len(header.first) == len(header.coded) == header.ndim:
        return [f"coded = {header.coded} and first = {header.first} are not of {header.ndim} axes"]
    ends = [a + n for a, n in zip(header.first, header.shape, strict=True)]
    problems = [
        f"shape[{axis}] = {header.shape[axis]} from {header.first[axis]} on ends after {size}"
        for axis, size in enumerate(header.coded)
        if ends[axis] > size
    ]
    if header.layout == Layout.YCBCR_420 and any(a % 2 for a in header.first[1:]):
        problems.append(f"first = {header.first} is not even with layout = ycbcr_420")
    return problems


def _level_problems(header: Header, *names: str) -> list[str]:
    """Of levels for the rows and columns there are, and of fields that name one of them."""
    problems = []
    if header.levels > 1 and 2**header.levels > max(header.coded_shape[-2:]):
        problems.append(f"levels = {header.levels} are too many for {header.coded_shape}")
    return problems + [
        f"{name} = {getattr(header, name)} is more than the levels"
        for name in names
        if getattr(header, name) > header.levels
    ]


def _pyramid_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("a pyramid's tensors are not stored by projection")
    problems += _level_problems(header, "colour_from", "stages")
    if header.tile % 2 ** (header.levels + 1):
        problems.append(f"tile = {header.tile} is not a multiple of 2^(levels + 1)")
    return problems


def _grids_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("the tensors of grids are not stored by projection")
    return problems + _level_problems(header, "colour_from")


def _film_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("a film's tensors are not stored by projection")
    problems += _level_problems(header)
    least = 1 if header.layout == Layout.YCBCR_420 else 0
    if not least <= header.colour_from <= header.levels:
        problems.append(f"colour_from = {header.colour_from} is outside {least}..{header.levels}")
    return problems


def _spectrum_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("a spectrum's tensors are not stored by projection")
    if header.segment % header.hop:
        problems.append(f"segment = {header.segment} is not a multiple of hop = {header.hop}")
    if header.high != -header.low:
        problems.append(f"high = {header.high} is not -low = {-header.low}")
    return problems


def _partition_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("the tensors of partitions are not stored by projection")
    if header.segments > 1:
        problems.append(f"{header.segments} segments are not allowed with net = local_global")
    lists = (header.side, header.group, header.first_group, header.groups_kept)
    if any(len(values) != header.ndim for values in lists):
        return [*problems, f"{lists} are not lists of {header.ndim} axes"]
    for axis, values in enumerate(zip(net_shape(header), *lists, strict=True)):
        size, side, group, first, kept = values
        groups = -(-size // (side * group))
        shown = _shown(header, axis)
        if side > size or group > -(-size // side):
            problems.append(f"side = {side} and group = {group} do not fit axis {axis} of {size}")
        elif first + kept > groups:
            problems.append(f"{kept} groups from {first} on of axis {axis} are not in {groups}")
        elif shown[0] < first * group * side or shown[-1] >= (first + kept) * group * side:
            problems.append(f"axis {axis} shows more than {kept} groups from {first} on")
    return problems


def _shown(header: Header, axis: int) -> range:
    """Points of the network's grid that samples shown are made of."""
    first = header.first[axis] if header.excerpt else 0
    last = first + header.shape[axis]
    if header.layout == Layout.YCBCR_420 and axis > 0:
        return range(first // 2, -(-last // 2))
    return range(first, last)


def _read_integer(reader: Reader, field: Field, values: Mapping[str, Any]) -> int:
    by_kind = _KINDS[Kind(values["kind"])] if "kind" in values else {}
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
