"""What the fields of the HEAD section are, and the values that they may take.

FIELDS is the one declaration; reader, writer, `describe` and the table in bitstream_spec.md
follow it.
"""

from collections.abc import Collection
from enum import IntEnum

from inrcodec.container.fields import MAX_U32, MAX_U64, Field

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
COORDINATES = (Net.SIREN, Net.ASMR, Net.LOCAL_GLOBAL)
# What every kind may be: values of these fields.
KINDS: dict[Kind, dict[str, Collection[int]]] = {
    kind: {"ndim": ndim, "channels": channels, "depth": depth, "net": (*COORDINATES, *nets)}
    for kind, ndim, channels, depth, nets in (
        (Kind.IMAGE, (2,), range(1, 5), (8, 16), (Net.PYRAMID, Net.GRIDS)),
        (Kind.AUDIO, (1,), range(1, 65), (16, 24, 32), (Net.SPECTRUM,)),
        (Kind.VIDEO, (3,), (1, 3), (8,), (Net.FILM,)),
        (Kind.VOLUME, (1, 2, 3), range(1, 5), (1, 8, 16, 32), ()),
    )
}

VOLUME_DEPTHS = {Numbers.UNSIGNED: (1, 8, 16), Numbers.SIGNED: (8, 16), Numbers.FLOAT: (32,)}

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
MARKERS = {
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
