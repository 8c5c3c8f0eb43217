"""The package and the second decoder agree, on right files and on wrong ones."""

import itertools
import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import forge
import numpy as np
import pytest
import spec_decoder
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inrcodec.container import Kind, Net, Storage, parse_file
from inrcodec.container.header_codec import pack_header
from inrcodec.container.header_fields import Numbers
from inrcodec.container.weights_section import unpack
from inrcodec.decoder import decode, film_latents, local_global
from inrcodec.decoder.part import box_of
from inrcodec.decoder.plan import plan_decode
from inrcodec.decoder.pyramid_latents import read_latents
from inrcodec.decoder.tensors import read_weights
from inrcodec.encoder import encode_signal
from inrcodec.errors import InrError, LimitExceeded
from inrcodec.limits import Limits
from inrcodec.nets.spectrum_context import walk
from inrcodec.network import film_of, groups_of, pyramid_of, spectrum_of
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal

SPEC = (Path(__file__).parents[1] / "bitstream_spec.md").read_text(encoding="utf-8")
# Above what any of the drawn headers asks for (padding included), low enough to stay fast.
SMALL = Limits(samples=2**16, macs=2**24, weights=2**20, projection=2**16)
# 16-bit samples show float32's last digits; a network of this size moves them this far at most.
CODE_VALUES = {8: 1, 16: 8}


@st.composite
def small_headers(draw):
    header = draw(forge.headers(side=12, width=6, layers=3, nets=forge.SINES))
    if header.net == Net.LOCAL_GLOBAL:
        header = replace(header, w0_global=1 + header.w0_global % 5)
    if header.kind in (Kind.VIDEO, Kind.VOLUME):
        assume(math.prod(header.coded_shape) <= 600)
    if header.channels > 4:
        header = replace(header, channels=5)
    # At twice this float32's rounding grows to 17 code values of 16 bits.
    # And it grows with every sine: there are twice as many in a row of local-global.
    most = 5 if header.net == Net.LOCAL_GLOBAL or header.activation else 20
    w0 = {"w0_first": 1 + header.w0_first % most, "w0_hidden": 1 + header.w0_hidden % most}
    header = replace(header, frequencies=header.frequencies % 4, **w0)
    if header.w0_modulator:
        header = replace(header, w0_modulator=1 + header.w0_modulator % 3)
    if header.storage == Storage.PROJECTION:
        latent = 1 + header.latent % 40
        header = replace(header, latent=latent, groups=1 + header.groups % latent)
    return header


def verdict_of_package(data):
    try:
        decode(data, limits=SMALL)
    except LimitExceeded:
        assume(False)
    except InrError as error:
        return type(error).__name__
    return "right"


def verdict_of_specification(data):
    try:
        spec_decoder.read_file(data)
    except spec_decoder.SpecError as error:
        return error.verdict
    return "right"


@settings(max_examples=30, deadline=None)
@given(header=small_headers(), seed=st.integers(0, 99))
def test_same_integers_weights_and_samples(header, seed):
    contents = forge.random_contents(header, seed)
    data = forge.make_parted(header, contents)
    decoded = spec_decoder.read_file(data)
    parsed = parse_file(data, SMALL)
    for n, (tensors, _) in enumerate(contents):
        theirs = decoded.segments[n]
        weights = weights_in(parsed, n)
        for name, values in theirs.weights.items():
            np.testing.assert_allclose(weights[name.replace("_", "")], values, rtol=1e-5, atol=1e-6)
        if theirs.partitions is not None:
            assert_same_partitions(header, weights, theirs.partitions)
        else:
            assert theirs.integers == [tensor.integers.tolist() for tensor in tensors]
    assert_same_samples(decode(data, limits=SMALL), decoded)


def weights_in(parsed, n):
    """The tensors of segment n by name."""
    if parsed.header.net == Net.LOCAL_GLOBAL:
        return local_global.read_weights(parsed)
    return read_weights(parsed, n, plan_decode(parsed.header, box_of(parsed.header, None, None)))


def assert_same_partitions(header, weights, partitions):
    """Local tensors, partition by partition, in row-major order of those in the file."""
    ranges = [range(first, last) for first, last in groups_of(header).box]
    assert sorted(partitions) == list(itertools.product(*ranges))
    for number, place in enumerate(sorted(partitions)):
        for name, values in partitions[place].items():
            assert np.array_equal(weights[name.replace("_", "")][number], values)


def assert_same_samples(signal, decoded):
    """Samples, and chroma where there is any, within the tolerance of the kind."""
    planes = [signal.samples] if signal.chroma is None else [signal.samples, signal.chroma]
    for ours, theirs in zip(planes, spec_decoder.planes_of(decoded), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
        assert difference <= tolerance(decoded.head)


def tolerance(head):
    """How far samples may be apart: code values where the ends of v are those of the type."""
    if "high" not in head:
        return CODE_VALUES[head["depth"]]
    span = head["high"] - head["low"]
    whole = head["kind"] == Kind.VOLUME and head["numbers"] != Numbers.FLOAT
    return span * CODE_VALUES[16] / 65535 + (1 if whole else 0)


@pytest.mark.parametrize("name", [name for name in forge.PARTED if name != "spectrum"])
def test_same_samples_of_every_kind(name):
    data = forge.make_file(forge.PARTED[name])
    signal = decode(data)
    assert len(np.unique(signal.samples)) > (1 if name == "mask" else 20)
    assert_same_samples(signal, spec_decoder.read_file(data))


@pytest.mark.parametrize("name", forge.WINDOWS)
def test_same_samples_of_every_window(name):
    header = forge.WINDOWS[name]
    data = forge.make_file(header)
    decoded, signal = spec_decoder.read_file(data), decode(data)
    assert signal.shape == header.shape
    if name == "spectrum":
        assert_same_sound(signal.samples, spec_decoder.samples_of(decoded))
    elif name == "pyramid":
        assert_same_pyramid(data)
    else:
        assert_same_samples(signal, decoded)


@st.composite
def small_spectra(draw):
    hop, segments = draw(st.sampled_from([32, 64])), draw(st.integers(1, 3))
    each = draw(st.integers(1, 3)) * hop
    length = draw(st.integers((segments - 1) * each + 1, segments * each))
    channels = draw(st.integers(1, 3))
    header = replace(forge.SPECTRUM, shape=(length,), channels=channels, hop=hop, segment=each)
    return replace(header, depth=draw(st.sampled_from([16, 24, 32])))


@settings(max_examples=25, deadline=None)
@given(header=small_spectra(), seed=st.integers(0, 99))
def test_same_latents_contexts_and_samples_of_a_spectrum(header, seed):
    contents = forge.random_contents(header, seed)
    data = forge.make_parted(header, contents)
    decoded = spec_decoder.read_file(data)
    for theirs, (tensors, latents) in zip(decoded.segments, contents, strict=True):
        assert theirs.integers == [tensor.integers.tolist() for tensor in tensors]
        assert np.array_equal(theirs.latents[0], latents[0])
        assert_same_contexts(header, forge.weights_of(header, tensors), latents[0])
    assert_same_sound(decode(data).samples, spec_decoder.samples_of(decoded))


def assert_same_sound(ours, theirs):
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert np.abs(ours - theirs).max() <= 2**-16 * np.abs(theirs).max()


def assert_same_contexts(header, weights, latents):
    """Every scale index is what plain integers, one latent at a time, make of the magnitudes."""
    head = head_of(header)
    known = np.zeros_like(latents)
    contexts = spec_decoder.FrameContexts(head, weights, known)

    def plane(frame, channel, bins, scales):
        phase = [first for first, _ in spec_decoder.FRAME_PHASES].index(bins.start)
        places = range(*bins.indices(header.hop))
        expected = [contexts.index(channel, frame, phase, k) for k in places]
        assert scales.tolist() == expected
        values = latents[channel, frame, bins]
        known[channel, frame, bins] = np.abs(values)
        return values

    assert np.array_equal(walk(spectrum_of(header), weights, latents.shape[1], plane), latents)


@pytest.mark.parametrize("largest", [65504.0, -65504.0])
def test_contexts_of_the_largest_latents_and_weights(largest):
    """Sums stay exact where they are as large as a file can make them."""
    header = replace(forge.SPECTRUM, channels=4, shape=(64,))
    weights = {
        name: np.full(tensor.shape, largest, dtype=np.float32)
        for name, tensor in forge.weights_of(header, forge.random_tensors(header)).items()
    }
    assert_same_contexts(header, weights, np.full((4, 3, 32), -32768, dtype=np.int32))


@pytest.mark.parametrize(
    ("channels", "rate", "size", "segments"),
    [(1, 400, 1500, 1), (2, 80, 3000, 3), (3, 120, 3000, 2)],
)
def test_same_samples_of_an_encoded_spectrum(channels, rate, size, segments):
    time = np.arange(2000)[:, None] / 8000
    tones = 0.3 * np.sin(2 * np.pi * 440 * time * (1 + np.arange(channels)))
    noise = np.random.default_rng(0).normal(0, 0.01, tones.shape)
    signal = Signal("audio", (tones + noise).astype(np.float32), rate=Fraction(rate), bits=16)
    options = EncodeOptions(size=size, repr="spectrum", settings={"steps": "10", "hop": "32"})
    data = encode_signal(signal, options).data
    decoded = spec_decoder.read_file(data)
    assert len(decoded.segments) == segments
    assert_same_sound(decode(data).samples, spec_decoder.samples_of(decoded))


def assert_same_pyramid(data, tolerance=1, limits=None):
    """Latents equal, samples within the tolerance; returns the package's samples."""
    decoded = spec_decoder.read_file(data)
    parsed = parse_file(data, limits or Limits())
    net = pyramid_of(parsed.header)
    tensors = unpack(parsed.segments[0].weights, [t.size for t in net.tensors()])
    assert [tensor.integers.tolist() for tensor in tensors] == decoded.segments[0].integers
    weights = forge.weights_of(parsed.header, tensors)
    latents = read_latents(net, weights, parsed.segments[0].latents, 0)
    coded = spec_decoder.coded_parts(decoded.head, decoded.segments[0].latents)
    for ours, theirs in zip(latents, coded, strict=True):
        assert np.array_equal(ours.swapaxes(0, 1), theirs)
    samples = decode(data, limits=limits).samples
    expected = spec_decoder.samples_of(decoded)
    assert (samples.dtype, samples.shape) == (expected.dtype, expected.shape)
    assert np.abs(samples.astype(int) - expected).max() <= tolerance
    return samples


@settings(max_examples=25, deadline=None)
@given(
    header=forge.headers(side=12, width=4, layers=3, nets=(Net.PYRAMID,)), seed=st.integers(0, 99)
)
def test_same_latents_and_samples_of_a_pyramid(header, seed):
    tensors = forge.random_tensors(header, seed)
    data = forge.make_file(header, tensors, latents=forge.random_latents(header, seed))
    # The numbers are far from a picture's; 16-bit samples show float32's last digits.
    assert_same_pyramid(data, tolerance=CODE_VALUES[header.depth])


@pytest.mark.parametrize(
    ("shape", "channels", "depth", "size"),
    [
        ((40, 56), 3, 8, 1200),
        ((33, 47), 1, 8, 700),
        ((24, 17), 2, 8, 500),
        ((21, 30), 4, 8, 900),
        ((19, 35), 3, 16, 900),
        ((1, 70), 3, 8, 600),
        ((1, 1), 3, 8, 400),
    ],
)
def test_same_samples_of_an_encoded_pyramid(shape, channels, depth, size):
    signal = noisy_waves(*shape, channels, depth)
    options = EncodeOptions(size=size, repr="pyramid", settings={"steps": "10"})
    data = encode_signal(signal, options).data
    assert len(data) <= size
    assert assert_same_pyramid(data).shape == signal.samples.shape


def noisy_waves(height, width, channels, depth):
    rng = np.random.default_rng(height)
    y, x = np.mgrid[:height, :width]
    planes = [0.5 + 0.3 * np.sin(x / 5 + c) * np.cos(y / 4 - c) for c in range(channels)]
    values = np.stack(planes, axis=-1) + rng.normal(0, 0.03, (height, width, channels))
    dtype = np.uint8 if depth == 8 else np.uint16
    return Signal("image", np.rint(values.clip(0, 1) * (2**depth - 1)).astype(dtype))


@settings(max_examples=15, deadline=None)
@given(header=forge.headers(side=7, nets=(Net.FILM,)), seed=st.integers(0, 99))
def test_same_latents_and_samples_of_a_film(header, seed):
    header = replace(header, segment=-(-header.segment // 3))
    contents = forge.random_contents(header, seed)
    data = forge.make_parted(header, contents)
    decoded = spec_decoder.read_file(data)
    for theirs, (tensors, latents) in zip(decoded.segments, contents, strict=True):
        assert theirs.integers == [tensor.integers.tolist() for tensor in tensors]
        ours = [grid.swapaxes(0, 1) for batch in latents for grid in batch]
        for mine, other in zip(ours, theirs.arrays(), strict=True):
            assert np.array_equal(mine, other)
    assert_same_samples(decode(data), decoded)


@settings(max_examples=50, deadline=None)
@given(frames=st.integers(1, 300), interval=st.integers(0, 8))
def test_same_batches_of_a_film(frames, interval):
    header = replace(forge.MOVING, shape=(frames, 5, 7), segment=frames, interval=2**interval)
    net = film_of(header, 0)
    theirs = spec_decoder.batches_of({"interval": net.interval}, frames)
    for ours, their in zip(net.batches, theirs, strict=True):
        assert (ours.level, list(ours.frames)) == (their.number, their.frames)
        assert ours.fields == their.fields
        assert [refs for _, refs in ours.predicted_from()] == [r for r in their.references if r]


class Planes:
    """In the place of a stream: the latents that there are, and the scale indices asked for."""

    def __init__(self, latents):
        self.latents, self.indices = list(latents)[::-1], []

    def plane(self, indices):
        self.indices.append(indices.tolist())
        return self.latents.pop()

    def finish(self):
        assert not self.latents


@pytest.mark.parametrize("value", [None, 65504.0, -65504.0])
@pytest.mark.parametrize("name", ["moving", "moving rgb"])
def test_same_contexts_of_a_film(name, value, monkeypatch):
    """Sums stay exact also where they are as large as a file can make them."""
    header = forge.PARTED[name]
    net, head = film_of(header, 0), head_of(header)
    weights = forge.weights_of(header, forge.random_tensors(header))
    latents = forge.random_batches(net, np.random.default_rng(0))
    if value is not None:
        weights = {name: np.full_like(w, value) for name, w in weights.items()}
        for batch in latents:
            for grid in batch:
                grid[:] = -32768
    grids = [grid for batch in latents for grid in batch]
    planes = [grid[p, b] for grid in grids for b in range(grid.shape[1]) for p in range(4)]
    ours, theirs = Planes(planes), Planes(planes)
    monkeypatch.setattr(film_latents, "LatentDecoder", lambda *place: ours)
    list(film_latents.read_latents(net, weights, b"", 0))
    monkeypatch.setattr(spec_decoder, "LatentStream", lambda payload: theirs)
    shaped = {s.name: weights[s.name].reshape(s.shape) for s in spec_decoder.film_tensors(head)}
    spec_decoder.read_film(head, shaped, b"", 0)
    assert ours.indices == theirs.indices
    found = {index for plane in ours.indices for row in plane for index in row}
    assert len(found) > (20 if value is None else 0)


def head_of(header):
    """A header as the second decoder reads it."""
    return spec_decoder.read_head(pack_header(header.with_crcs([0] * header.segments)))


@pytest.mark.parametrize(
    ("layout", "shape", "segments"),
    [("4:2:0", (4, 19, 34), 2), ("rgb", (3, 17, 18), 1), ("grey", (2, 1, 3), 1)],
)
def test_same_samples_of_an_encoded_film(layout, shape, segments):
    signal = drifting(shape, layout)
    options = {"steps": "5", "segment": str(-(-shape[0] // segments))}
    data = encode_signal(signal, EncodeOptions(size=1900, repr="film", settings=options)).data
    decoded = spec_decoder.read_file(data)
    assert len(decoded.segments) == segments
    assert_same_samples(decode(data), decoded)


def drifting(shape, layout):
    """Waves that move, and noise that does not."""
    frames, height, width = shape
    t, y, x = np.mgrid[:frames, :height, :width]
    rng = np.random.default_rng(height)
    waves = [0.5 + 0.3 * np.sin((x - t + 3 * c) / 5) * np.cos(y / 4 + c) for c in range(3)]
    noise = rng.normal(0, 0.03, (height, width, 1))
    samples = np.rint(255 * (np.stack(waves, axis=-1) + noise).clip(0, 1)).astype(np.uint8)
    rate = Fraction(25)
    if layout == "rgb":
        return Signal("video", samples, rate=rate)
    chroma = np.ascontiguousarray(samples[:, ::2, ::2, 1:]) if layout == "4:2:0" else None
    return Signal("video", samples[..., :1], rate=rate, chroma=chroma)


def test_specification_states_a_right_plane_of_latents():
    pattern = r"The plane ([\d, -]+) under the indices\s([\d, ]+)\sis the stream `([0-9A-F ]+)`"
    plane, indices, stream = re.search(pattern, SPEC).groups()
    coder = spec_decoder.LatentStream(bytes.fromhex(stream))
    values = coder.plane(np.array([int(index) for index in indices.split(",")]))
    assert values.tolist() == [int(value) for value in plane.split(",")]
    coder.finish()


def test_specification_states_the_tables_of_the_pyramid():
    tables = [
        [int(n) for n in part.split(",")]
        for part in re.findall(r"(?:^    [\d, ]+\n){3,}", SPEC, re.MULTILINE)
    ]
    assert tables == [spec_decoder.LOG2, spec_decoder.ZERO_COSTS, spec_decoder.STEP_COSTS]
    survivals = np.array(spec_decoder.SURVIVAL, dtype="<u4")
    assert f"each as a u32, is {crc32(survivals.tobytes()):08X}" in SPEC


@settings(max_examples=100, deadline=None)
@given(
    base=st.sampled_from(
        [
            *(forge.SIREN, forge.ASMR, forge.PROJECTED, forge.PYRAMID, forge.PARTITIONS),
            *(*forge.PARTED.values(), *forge.WINDOWS.values()),
        ]
    ),
    place=st.integers(0, 6),
    position=st.integers(0, 10**6),
    change=st.integers(1, 255),
    cut=st.booleans(),
)
def test_same_verdict_on_changed_payloads(base, place, position, change, cut):
    sections = forge.payloads(forge.make_file(base))
    place %= len(sections)
    kind, payload = sections[place]
    position %= len(payload)
    after = b"" if cut else bytes([payload[position] ^ change]) + payload[position + 1 :]
    sections[place] = (kind, payload[:position] + after)
    data = forge.assemble(sections)
    assert verdict_of_package(data) == verdict_of_specification(data)


@settings(max_examples=40, deadline=None)
@given(payload=st.binary(max_size=40), place=st.integers(0, 1))
def test_same_verdict_on_random_payloads(payload, place):
    sections = forge.payloads(forge.make_file(forge.SIREN))
    sections[place] = (sections[place][0], payload)
    data = forge.assemble(sections)
    assert verdict_of_package(data) == verdict_of_specification(data)


@pytest.mark.parametrize(("seed", "matrix"), [(0, 0), (5, 1), (2**64 - 1, 63)])
def test_philox_is_numpys(seed, matrix):
    generator = np.random.Philox(key=np.array([seed, matrix], dtype=np.uint64))
    words = [word for n in range(3) for word in spec_decoder.philox(seed, matrix, n)]
    assert words == generator.random_raw(12).tolist()


def test_specification_states_the_constants():
    for j, root in enumerate(spec_decoder.ROOTS):
        assert f"| {j} | {root} |" in SPEC
    for b, halving in enumerate(spec_decoder.HALVINGS):
        assert f"| {b} | {halving} |" in SPEC
    first, second = spec_decoder.philox(0, 0, 0)[:2]
    assert f"{first:016X} and\n{second:016X}" in SPEC


def test_specification_states_right_frequencies():
    rows = re.findall(r"^\| (\d) \| (\d+) \| (\d+) \| (\d+) \| ([\d, ]+) \|$", SPEC, re.MULTILINE)
    assert len(rows) == 5
    for model, location, scale, symbols, table in rows:
        starts = spec_decoder.starts_of(int(model), int(location), int(scale), int(symbols))
        assert [int(f) for f in table.split(",")] == np.diff(starts).tolist()


def test_specification_states_a_right_stream():
    pattern = r"the symbols ([\d, ]+)\sare the stream `([0-9A-F ]+)`"
    symbols, stream = re.search(pattern, SPEC).groups()
    rans = spec_decoder.Rans(bytes.fromhex(stream))
    expected = [int(symbol) for symbol in symbols.split(",")]
    assert rans.read(len(expected), spec_decoder.starts_of(1, 128, 80, 5)) == expected
    rans.finish()
