"""Files made by hand for tests: headers of every kind, small contents, and wrong ones."""

import struct
from dataclasses import replace
from zlib import crc32

import numpy as np
import spec_decoder
from hypothesis import strategies as st

from inrcodec.container import Header, Net, Storage, pack_file, parse_file
from inrcodec.container.header import pack_header
from inrcodec.container.weights_section import integers_crc, pack
from inrcodec.decoder.pyramid import latents_crc, write_latents
from inrcodec.limits import Limits
from inrcodec.network import pyramid_of
from inrcodec.quantise import dequantise, quantise
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
SINES = (Net.SIREN, Net.ASMR)
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
def headers(draw, side=2**20, width=4096, layers=8, nets=tuple(Net)):
    """Headers of these nets and every storage, with fields over their whole ranges."""
    factor = st.integers(1, 4096)
    shape = draw(st.tuples(st.integers(1, side), st.integers(1, side)))
    header = Header(
        channels=draw(st.integers(1, 4)),
        depth=draw(st.sampled_from([8, 16])),
        shape=shape,
        net=draw(st.sampled_from(nets)),
        storage=Storage.DIRECT,
        width=draw(st.integers(1, width)),
        layers=draw(st.integers(1, layers)),
        seed=draw(U64),
        effort=draw(st.integers(0, 9)),
        integers_crc=draw(st.integers(0, 2**32 - 1)),
    )
    if header.net == Net.PYRAMID:
        return draw(pyramids(header, width))
    w0 = {"w0_first": draw(factor), "w0_hidden": draw(factor)}
    storage = draw(st.sampled_from(Storage))
    header = replace(header, **w0, frequencies=draw(st.integers(0, 16)), storage=storage)
    if header.net == Net.ASMR:
        levels = draw(bases(shape, header.layers + 1))
        header = replace(header, w0_modulator=draw(factor), bases=levels)
    if header.storage == Storage.PROJECTION:
        latent = draw(st.integers(1, 2**26))
        groups = draw(st.integers(1, min(latent, 2**16)))
        header = replace(header, latent=latent, groups=groups, projection_seed=draw(U64))
    return header


@st.composite
def pyramids(draw, header, width):
    """A pyramid's own fields."""
    levels = draw(st.integers(1, max(1, min(16, max(header.shape).bit_length() - 1))))
    return replace(
        header,
        levels=levels,
        colour_from=draw(st.integers(0, levels)),
        stages=draw(st.integers(0, levels)),
        coarse_width=draw(st.integers(1, width)),
    )


def counts_of(header):
    """Elements of each stored tensor, as the second decoder finds them."""
    return spec_decoder.stored_counts(spec_decoder.read_head(pack_header(header)))


def random_tensors(header, seed=0, levels=(64, 1500, 1)):
    """Quantised tensors that fit a header; their numbers of levels take turns."""
    rng = np.random.default_rng(seed)
    limits = [(-0.75, 0.75) if n > 1 else (0.25, 0.25) for n in levels]
    return [
        quantise(rng.normal(0, 0.3, count), levels[i % len(levels)], limits[i % len(levels)])
        for i, count in enumerate(counts_of(header))
    ]


def random_latents(header, seed=0):
    """Latents that fit a pyramid's header: mostly zeros, few of them large."""
    rng = np.random.default_rng(seed)
    return [
        np.rint(rng.laplace(0, 0.6, grid.shape) ** 3).astype(np.int32)
        for grid in pyramid_of(header).grids()
    ]


def make_file(header, tensors=None, metadata=None, latents=None):
    """A whole, right file; random tensors and latents unless given."""
    tensors = random_tensors(header) if tensors is None else tensors
    crc, payload = integers_crc(tensors), None
    if header.net == Net.PYRAMID:
        latents = random_latents(header) if latents is None else latents
        crc = latents_crc(latents, crc)
        payload = write_latents(pyramid_of(header), weights_of(header, tensors), latents)
    header = replace(header, integers_crc=crc)
    return pack_file(
        header, [pack(tensors)], metadata or Metadata(), [] if payload is None else [payload]
    )


def weights_of(header, tensors):
    """A pyramid's tensors by name, dequantised."""
    specs = pyramid_of(header).tensors()
    pairs = zip(specs, tensors, strict=True)
    return {spec.name: dequantise(tensor).reshape(spec.shape) for spec, tensor in pairs}


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
