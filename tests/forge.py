"""Files made by hand for tests: headers of every kind, small contents, and wrong ones."""

import struct
from dataclasses import replace
from zlib import crc32

import numpy as np
import spec_decoder
from hypothesis import strategies as st

from inrcodec.container import Header, Kind, Net, Storage, pack_file, parse_file
from inrcodec.container.header import net_shape
from inrcodec.container.header_codec import pack_header
from inrcodec.container.header_fields import (
    EXCERPT,
    LEARNED,
    MERGED_ONCE,
    MIRRORED,
    TILED,
    TILES,
    Layout,
    Numbers,
)
from inrcodec.container.locals_section import in_file_order, pack_grouped
from inrcodec.container.weights_section import integers_crc, pack, unpack
from inrcodec.decoder import film_latents, grids_latents, local_global, pyramid_latents, spectrum
from inrcodec.decoder.tensors import tensor_values
from inrcodec.limits import Limits
from inrcodec.network import (
    film_of,
    grids_of,
    groups_of,
    local_global_of,
    pyramid_of,
    spectrum_of,
)
from inrcodec.quantise import quantise
from inrcodec.signals.signal import Metadata

SIREN = Header(
    channels=1,
    depth=8,
    shape=(3, 5),
    net=Net.SIREN,
    storage=Storage.DIRECT,
    width=4,
    layers=2,
    w0_first=20,
    w0_hidden=10,
)
ASMR = replace(SIREN, net=Net.ASMR, w0_modulator=2, shape=(7, 10), bases=((2, 3), (1, 1), (4, 4)))
PROJECTED = replace(
    ASMR, channels=3, storage=Storage.PROJECTION, latent=17, groups=3, projection_seed=5
)
PYRAMID = Header(
    channels=3,
    depth=8,
    shape=(9, 14),
    net=Net.PYRAMID,
    storage=Storage.DIRECT,
    width=3,
    layers=2,
    levels=3,
    colour_from=1,
    stages=2,
    coarse_width=2,
)
GRIDS = Header(
    channels=3,
    depth=8,
    shape=(9, 14),
    net=Net.GRIDS,
    storage=Storage.DIRECT,
    width=3,
    levels=3,
    colour_from=1,
    context_width=3,
)
# 3x3 partitions, the last ones cut, in 2x2 groups.
PARTITIONS = replace(
    SIREN,
    net=Net.LOCAL_GLOBAL,
    shape=(7, 10),
    channels=3,
    width=3,
    global_width=2,
    w0_global=5,
    side=(3, 4),
    group=(2, 2),
    first_group=(0, 0),
    groups_kept=(2, 2),
)
# Three segments each, the last one shorter.
_SOUND = {"kind": Kind.AUDIO, "low": -0.5, "high": 0.5, "rate": 8000, "rate_seconds": 1}
SOUND = replace(SIREN, **_SOUND, channels=2, depth=16, shape=(50,), segment=20)
SOUND_ASMR = replace(
    SOUND, net=Net.ASMR, w0_modulator=2, bases=((3,), (1,), (7,)), low=-0.5, high=0.25, depth=32
)
SOUND_PROJECTED = replace(
    SOUND_ASMR, storage=Storage.PROJECTION, latent=17, groups=3, projection_seed=5
)
SPECTRUM = Header(
    **_SOUND,
    channels=2,
    depth=24,
    shape=(150,),
    net=Net.SPECTRUM,
    storage=Storage.DIRECT,
    hop=32,
    segment=64,
)
_FILM = {"kind": Kind.VIDEO, "rate": 30000, "rate_seconds": 1001}
FILM = replace(
    ASMR,
    **_FILM,
    channels=3,
    shape=(5, 7, 9),
    layout=Layout.YCBCR_420,
    segment=2,
    bases=((2, 2, 1), (1, 1, 1), (1, 2, 5)),
)
FILM_GREY = replace(SIREN, **_FILM, shape=(5, 3, 4), layout=Layout.FULL, segment=2)
FILM_RGB = replace(FILM, layout=Layout.FULL, bases=((2, 4, 3), (1, 1, 1), (1, 2, 3)))
MOVING = Header(
    **_FILM,
    channels=3,
    depth=8,
    shape=(12, 5, 7),
    layout=Layout.YCBCR_420,
    segment=5,
    net=Net.FILM,
    storage=Storage.DIRECT,
    levels=1,
    colour_from=1,
    interval=4,
    block=4,
    motion_levels=1,
)
MOVING_GREY = replace(
    MOVING, channels=1, shape=(5, 3, 4), layout=Layout.FULL, segment=2, colour_from=0, interval=1
)
MOVING_RGB = replace(
    MOVING, shape=(8, 9, 6), layout=Layout.FULL, segment=3, levels=2, interval=2, motion_levels=2
)
VOLUME = replace(
    SIREN,
    kind=Kind.VOLUME,
    channels=2,
    depth=32,
    shape=(5, 4, 3),
    numbers=Numbers.FLOAT,
    low=-1.5,
    high=3.25,
    segment=2,
)
MASK = replace(
    VOLUME,
    net=Net.ASMR,
    w0_modulator=2,
    channels=1,
    depth=1,
    numbers=Numbers.UNSIGNED,
    low=0.0,
    high=1.0,
    bases=((1, 2, 3), (1, 1, 1), (2, 2, 1)),
)
PLANE = replace(
    VOLUME, depth=16, numbers=Numbers.SIGNED, shape=(7, 5), low=-300.0, high=4e4, segment=3
)
LINE = replace(VOLUME, depth=8, numbers=Numbers.UNSIGNED, shape=(20,), segment=9, high=200.0)
_ONE = {"net": Net.LOCAL_GLOBAL, "width": 3, "global_width": 4, "w0_global": 9}
SOUND_PARTITIONS = replace(
    SOUND, **_ONE, segment=50, side=(7,), group=(3,), first_group=(0,), groups_kept=(3,)
)
FILM_PARTITIONS = replace(
    FILM,
    **_ONE,
    bases=(),
    w0_modulator=0,
    segment=5,
    side=(2, 2, 4),
    group=(1, 2, 1),
    first_group=(0, 0, 0),
    groups_kept=(3, 1, 2),
)
VOLUME_PARTITIONS = replace(
    VOLUME,
    **_ONE,
    activation=LEARNED,
    segment=5,
    side=(2, 4, 2),
    group=(3, 1, 1),
    first_group=(0, 0, 0),
    groups_kept=(1, 1, 2),
)
MERGED_PARTITIONS = replace(VOLUME_PARTITIONS, merging=MERGED_ONCE)
PARTED = {
    "sound": SOUND,
    "sound asmr": SOUND_ASMR,
    "sound doh": SOUND_PROJECTED,
    "spectrum": SPECTRUM,
    "film": FILM,
    "film grey": FILM_GREY,
    "film rgb": FILM_RGB,
    "moving": MOVING,
    "moving grey": MOVING_GREY,
    "moving rgb": MOVING_RGB,
    "volume": VOLUME,
    "mask": MASK,
    "plane": PLANE,
    "line": LINE,
    "sound partitions": SOUND_PARTITIONS,
    "film partitions": FILM_PARTITIONS,
    "volume partitions": VOLUME_PARTITIONS,
    "merged partitions": MERGED_PARTITIONS,
}


def window(header, coded, first):
    """A header's shape as a window on more."""
    return replace(header, excerpt=EXCERPT, coded=coded, first=first)


# Of the first the only segment is cut short.
WINDOWS = {
    "siren": window(SIREN, (4, 9), (1, 3)),
    "asmr": window(replace(ASMR, shape=(2, 5)), (7, 10), (5, 0)),
    "pyramid": window(replace(PYRAMID, shape=(5, 6)), (70, 90), (17, 52)),
    "mirrored": window(replace(PYRAMID, shape=(5, 6), mirroring=MIRRORED), (70, 90), (17, 52)),
    # Its planes have two strips.
    "grids": window(replace(GRIDS, shape=(70, 6)), (150, 90), (17, 52)),
    # Where four tiles meet.
    "tiles": window(replace(PYRAMID, shape=(5, 6), tiling=TILED, tile=128), (200, 400), (126, 253)),
    "tiles of grids": window(
        replace(GRIDS, shape=(5, 6), tiling=TILED, tile=128), (200, 400), (126, 253)
    ),
    "partitions": window(
        replace(PARTITIONS, shape=(1, 5), first_group=(1, 0), groups_kept=(1, 2)), (7, 10), (6, 4)
    ),
    "sound": window(replace(SOUND, shape=(4,)), (7,), (2,)),
    "sound doh": window(replace(SOUND_PROJECTED, shape=(30,)), (50,), (11,)),
    "spectrum": window(replace(SPECTRUM, shape=(70,)), (150,), (50,)),
    "film": window(replace(FILM, shape=(3, 4, 5)), (5, 7, 9), (1, 2, 4)),
    "moving": window(replace(MOVING, shape=(7, 3, 4)), (12, 5, 7), (4, 2, 2)),
    "film partitions": window(
        replace(FILM_PARTITIONS, shape=(2, 5, 1), first_group=(1, 0, 1), groups_kept=(2, 1, 1)),
        (5, 7, 9),
        (3, 2, 8),
    ),
    "volume": window(replace(VOLUME, shape=(3, 2, 2)), (5, 4, 3), (1, 2, 0)),
}
SINES = (Net.SIREN, Net.ASMR, Net.LOCAL_GLOBAL)
LATENTS = (Net.PYRAMID, Net.SPECTRUM, Net.FILM, Net.GRIDS)
NETS = {
    Kind.IMAGE: (*SINES, Net.PYRAMID, Net.GRIDS),
    Kind.AUDIO: (*SINES, Net.SPECTRUM),
    Kind.VIDEO: (*SINES, Net.FILM),
    Kind.VOLUME: SINES,
}
LENGTH = st.integers(1, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)


@st.composite
def bases(draw, shape, levels):
    """Bases whose products cover `shape`: two levels split off at most 3, one has the rest."""
    drawn = [[1] * len(shape) for _ in range(levels)]
    for axis, size in enumerate(shape):
        rest = size
        for base in draw(st.lists(st.integers(1, 3), max_size=min(2, levels - 1))):
            drawn[draw(st.sampled_from(_ones(drawn, axis)))][axis] = base
            rest = -(-rest // base)
        drawn[draw(st.sampled_from(_ones(drawn, axis)))][axis] = rest
    return tuple(map(tuple, drawn))


def _ones(levels, axis):
    return [i for i, level in enumerate(levels) if level[axis] == 1]


@st.composite
def headers(draw, side=2**20, width=4096, layers=8, nets=tuple(Net), kinds=tuple(Kind)):
    """Headers of these kinds and nets and every storage, with fields over their whole ranges."""
    kind = draw(st.sampled_from([k for k in kinds if set(NETS[k]) & set(nets)]))
    signal = draw(SIGNALS[kind](side))
    header = Header(
        **signal,
        net=draw(st.sampled_from([net for net in NETS[kind] if net in nets])),
        storage=Storage.DIRECT,
        seed=draw(U64),
        effort=draw(st.integers(0, 9)),
    )
    if draw(st.integers(0, 3)) == 0:
        header = draw(excerpts(header))
    header = header.with_crcs(draw(crcs(header.segments)))
    if header.net == Net.SPECTRUM:
        return draw(spectra(header))
    if header.net == Net.FILM:
        return draw(moving(header, side))
    if header.net == Net.GRIDS:
        return draw(latent_grids(header, width))
    header = replace(header, width=draw(st.integers(1, width)), layers=draw(st.integers(1, layers)))
    if header.net == Net.PYRAMID:
        return draw(pyramids(header, width))
    return draw(sines(header))


@st.composite
def excerpts(draw, header):
    """A window on a header's shape."""
    ends = [draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))) for n in header.shape]
    ends = [(a, max(a + 1, b)) for a, b in ends]
    if header.layout == Layout.YCBCR_420:
        ends[1:] = [(a - a % 2, b) for a, b in ends[1:]]
    shape = tuple(b - a for a, b in ends)
    return window(replace(header, shape=shape), header.shape, tuple(a for a, _ in ends))


def crcs(count):
    crc = st.integers(0, 2**32 - 1)
    return st.lists(crc, min_size=count, max_size=count)


@st.composite
def images(draw, side):
    return {
        "channels": draw(st.integers(1, 4)),
        "depth": draw(st.sampled_from([8, 16])),
        "shape": draw(st.tuples(*[st.integers(1, side)] * 2)),
    }


@st.composite
def parts(draw, length):
    """Grid points of a segment, so that there are few of them; or more than there are."""
    return draw(st.integers(-(-length // 9), min(2 * length, 2**23)))


@st.composite
def sounds(draw, side):
    length = draw(st.integers(1, min(3 * side, 2**21)))
    high = draw(st.floats(0, 2, width=32))
    return {
        "kind": Kind.AUDIO,
        "channels": draw(st.integers(1, 4) | st.just(64)),
        "depth": draw(st.sampled_from([16, 24, 32])),
        "shape": (length,),
        "low": -high,
        "high": high,
        "rate": draw(LENGTH),
        "rate_seconds": draw(LENGTH),
        "segment": draw(parts(length)),
    }


@st.composite
def films(draw, side):
    shape = draw(st.tuples(*[st.integers(1, side)] * 3))
    layout = draw(st.sampled_from(Layout))
    return {
        "kind": Kind.VIDEO,
        "channels": 3 if layout == Layout.YCBCR_420 else draw(st.sampled_from([1, 3])),
        "depth": 8,
        "shape": shape,
        "rate": draw(LENGTH),
        "rate_seconds": draw(LENGTH),
        "layout": layout,
        "segment": draw(parts(shape[0])),
    }


@st.composite
def volumes(draw, side):
    shape = tuple(draw(st.lists(st.integers(1, side), min_size=1, max_size=3)))
    numbers = draw(st.sampled_from(Numbers))
    depths = {Numbers.UNSIGNED: [1, 8, 16], Numbers.SIGNED: [8, 16], Numbers.FLOAT: [32]}
    ends = st.floats(-1e5, 1e5, width=32)
    low, high = sorted(draw(st.tuples(ends, ends)))
    return {
        "kind": Kind.VOLUME,
        "channels": draw(st.integers(1, 4)),
        "depth": draw(st.sampled_from(depths[numbers])),
        "shape": shape,
        "numbers": numbers,
        "low": low,
        "high": high,
        "segment": draw(parts(shape[0])),
    }


SIGNALS = {Kind.IMAGE: images, Kind.AUDIO: sounds, Kind.VIDEO: films, Kind.VOLUME: volumes}


@st.composite
def sines(draw, header):
    """A coordinate network's own fields, and its storage."""
    factor = st.integers(1, 4096)
    w0 = {"w0_first": draw(factor), "w0_hidden": draw(factor)}
    header = replace(header, activation=draw(st.sampled_from([0, LEARNED])))
    if header.net == Net.LOCAL_GLOBAL:
        merging = draw(st.sampled_from([0, MERGED_ONCE]))
        return draw(partitions(replace(header, **w0, merging=merging)))
    storage = draw(st.sampled_from(Storage))
    header = replace(header, **w0, frequencies=draw(st.integers(0, 16)), storage=storage)
    if header.net == Net.ASMR:
        levels = draw(bases(net_shape(header), header.layers + 1))
        header = replace(header, w0_modulator=draw(factor), bases=levels)
    if header.storage == Storage.PROJECTION:
        latent = draw(st.integers(1, 2**26))
        groups = draw(st.integers(1, min(latent, 2**16)))
        header = replace(header, latent=latent, groups=groups, projection_seed=draw(U64))
    return header


@st.composite
def partitions(draw, header):
    """A Local-Global network's own fields: few partitions, in one segment."""
    if header.segment:
        length = header.coded_shape[0]
        most = length + 3 if header.excerpt else 2**31  # a window's grid is as long as that
        header = replace(header, segment=draw(st.integers(length, most)))
    header = header.with_crcs(draw(crcs(1)))
    grid = net_shape(header)
    counts = [draw(st.integers(1, min(n, 4))) for n in grid]
    side = tuple(-(-n // count) for n, count in zip(grid, counts, strict=True))
    count = [-(-n // s) for n, s in zip(grid, side, strict=True)]
    group = tuple(draw(st.integers(1, n)) for n in count)
    return replace(
        header,
        global_width=draw(st.integers(1, header.width)),
        w0_global=draw(st.integers(1, 4096)),
        side=side,
        group=group,
        first_group=(0,) * len(grid),
        groups_kept=tuple(-(-n // g) for n, g in zip(count, group, strict=True)),
    )


@st.composite
def spectra(draw, header):
    """A spectrum's hop, and segments that are whole hops."""
    hop = 2 ** draw(st.integers(5, 14))
    segment = -(-header.segment // hop) * hop
    header = replace(header, hop=hop, segment=segment, segment_crcs=())
    return header.with_crcs(draw(crcs(header.segments)))


@st.composite
def latent_grids(draw, header, width):
    """The own fields of latent grids."""
    levels = draw(st.integers(1, max(1, min(16, max(header.coded_shape).bit_length() - 1))))
    return replace(
        header,
        **draw(tiles(levels)),
        width=draw(st.integers(1, width)),
        context_width=draw(st.integers(1, width)),
        levels=levels,
        colour_from=draw(st.integers(0, levels)),
    )


@st.composite
def tiles(draw, octaves):
    """Fields of tiles that are multiples of 2^octaves, or of none."""
    sides = [tile for tile in TILES if tile % 2**octaves == 0]
    tile = draw(st.sampled_from([0, 0, *sides]))
    return {"tiling": TILED if tile else 0, "tile": tile}


@st.composite
def pyramids(draw, header, width):
    """A pyramid's own fields."""
    levels = draw(st.integers(1, max(1, min(16, max(header.coded_shape).bit_length() - 1))))
    return replace(
        header,
        **draw(tiles(levels + 1)),
        levels=levels,
        colour_from=draw(st.integers(0, levels)),
        stages=draw(st.integers(0, levels)),
        coarse_width=draw(st.integers(1, width)),
        mirroring=draw(st.sampled_from([0, MIRRORED])),
    )


@st.composite
def moving(draw, header, side):
    """A film's own fields; few levels of motion where the file is to be made."""
    sides = header.coded_shape[1:]
    levels = draw(st.integers(1, max(1, min(16, max(sides).bit_length() - 1))))
    least = 1 if header.layout == Layout.YCBCR_420 else 0
    return replace(
        header,
        levels=levels,
        colour_from=draw(st.integers(least, levels)),
        interval=2 ** draw(st.integers(0, 8)),
        block=2 ** draw(st.integers(2, 7)),
        motion_levels=draw(st.integers(1, 8 if side > 100 else 2)),
    )


def counts_of(header):
    """Elements of each stored tensor, as the second decoder finds them."""
    header = header.with_crcs([0] * header.segments)
    return spec_decoder.stored_counts(spec_decoder.read_head(pack_header(header)))


def random_tensors(header, seed=0, levels=(64, 1500, 1)):
    """Quantised tensors that fit a header; their numbers of levels take turns."""
    rng = np.random.default_rng(seed)
    limits = [(-0.75, 0.75) if n > 1 else (0.25, 0.25) for n in levels]
    counts = counts_of(header)
    tensors = [
        quantise(rng.normal(0, 0.3, count), levels[i % len(levels)], limits[i % len(levels)])
        for i, count in enumerate(counts)
    ]
    if header.net == Net.FILM:
        # Steps from which vectors stay near their frame.
        tensors[1] = quantise(rng.uniform(-0.4, -0.2, counts[1]), 1500, (-0.4375, -0.1875))
    return tensors


def random_latents(header, seed=0, segment=0):
    """Latents that fit a header with latents: mostly zeros, few of them large. Arrays; of a film
    the integers of every batch."""
    rng = np.random.default_rng(seed)
    if header.net == Net.FILM:
        return random_batches(film_of(header, segment), rng)
    if header.net == Net.SPECTRUM:
        frames = spectrum.frames_of(header.coded_shape[0], header.segment, header.hop, segment)
        shapes = [(header.channels, frames, header.hop)]
    else:
        net = latent_net(header)
        shapes = [part.shape for part in (net.planes if is_grids(header) else net.grids)()]
    return sparse(rng, shapes)


def is_grids(header):
    return header.net == Net.GRIDS


def sparse(rng, shapes):
    return [np.rint(rng.laplace(0, 0.6, shape) ** 3).astype(np.int32) for shape in shapes]


def random_batches(net, rng):
    """Latents of every batch of a film."""
    latents = []
    for batch in net.batches:
        count = len(batch.frames)
        fields = net.motion(count * batch.fields).grids() if batch.fields else []
        grids = [[grid.shape for grid in grids] for grids in (fields, net.picture(count).grids())]
        latents.append(film_latents.Integers(*(sparse(rng, shapes) for shapes in grids)))
    return latents


def make_file(header, tensors=None, metadata=None, latents=None):
    """A whole, right file; random tensors and latents unless given for its only segment."""
    contents = [(tensors, latents)]
    if tensors is None and latents is None:
        contents = random_contents(header)
    return make_parted(header, contents, metadata)


def random_contents(header, seed=0):
    """Random tensors and latents of each segment; None for latents where there are none."""
    with_latents = header.net in LATENTS
    return [
        (
            random_tensors(header, seed + n),
            random_latents(header, seed + n, n) if with_latents else None,
        )
        for n in range(header.segments)
    ]


def make_parted(header, contents, metadata=None):
    """A whole, right file of these tensors and latents; random ones in the place of None."""
    found, weights, streams = [], [], []
    if header.net == Net.LOCAL_GLOBAL:
        return make_partitions(header, contents[0][0], metadata)
    for n, (tensors, latents) in enumerate(contents):
        tensors = random_tensors(header, n) if tensors is None else tensors
        crc = integers_crc(tensors)
        if header.net in LATENTS:
            latents = random_latents(header, n, n) if latents is None else latents
            crc, stream = latent_stream(header, n, tensors, latents, crc)
            streams.append(stream)
        found.append(crc)
        weights.append(pack(tensors))
    return pack_file(header.with_crcs(found), weights, metadata or Metadata(), streams)


def make_partitions(header, tensors, metadata=None):
    """A whole, right file of a Local-Global network."""
    tensors = random_tensors(header) if tensors is None else tensors
    count = len(local_global_of(header).shared_tensors())
    shared, local, members = tensors[:count], tensors[count:], groups_of(header).members()
    weights, partitions = pack_grouped(shared, local, members)
    crc = integers_crc(in_file_order(shared, local, members))
    metadata = metadata or Metadata()
    return pack_file(header.with_crcs([crc]), [weights], metadata, partitions=partitions)


def tensors_in(parsed, segment):
    """The quantised tensors of a segment of a parsed file."""
    if parsed.header.net == Net.LOCAL_GLOBAL:
        return [tensor for part in local_global.read_integers(parsed) for tensor in part]
    part = parsed.segments[segment]
    return unpack(part.weights, counts_of(parsed.header), part.weights_offset)


def latent_stream(header, segment, tensors, latents, crc):
    """CRC-32 continued over a segment's latents, and its LATENTS payload."""
    values = weights_of(header, tensors)
    if header.net == Net.FILM:
        crc = film_latents.latents_crc(latents, crc)
        return crc, film_latents.write_latents(film_of(header, segment), values, latents)
    if header.net == Net.PYRAMID:
        crc = pyramid_latents.latents_crc(latents, crc)
        return crc, pyramid_latents.write_latents(pyramid_of(header), values, latents)
    if header.net == Net.GRIDS:
        crc = grids_latents.latents_crc(latents, crc)
        return crc, grids_latents.write_latents(grids_of(header), values, latents)
    crc = spectrum.latents_crc(latents[0], crc)
    return crc, spectrum.write_latents(spectrum_of(header), values, latents[0])


def latent_net(header):
    """The network of a header with latents; a film's is that of its first segment."""
    if header.net == Net.FILM:
        return film_of(header, 0)
    of = {Net.PYRAMID: pyramid_of, Net.GRIDS: grids_of, Net.SPECTRUM: spectrum_of}
    return of[header.net](header)


def weights_of(header, tensors):
    """The tensors of a network with latents by name, dequantised."""
    return tensor_values(latent_net(header).tensors(), tensors)


def payloads(data):
    """(type, payload) of every section of a right file."""
    return [(s.type, s.payload) for s in parse_file(data, Limits()).sections]


def assemble(sections, start=b"\x89INR\x01\x00", reserved=0, count=None):
    """A file with right checksums from (type, payload) pairs, whatever else is wrong with it."""
    head = start + bytes([len(sections) if count is None else count, reserved])
    data = head + struct.pack("<I", crc32(head))
    for kind, payload in sections:
        data += section(kind, payload, leb128(len(payload)))
    return data


def section(kind, payload, length):
    head = bytes([kind]) + length
    return head + struct.pack("<I", crc32(head + payload)) + payload


def leb128(value):
    groups = [value & 127]
    while value := value >> 7:
        groups[-1] |= 128
        groups.append(value & 127)
    return bytes(groups)
