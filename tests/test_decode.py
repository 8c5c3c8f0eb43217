"""decode, info and verify: regions, scales, limits, facts, damage; and never torch."""

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache

import forge
import numpy as np
import pytest

from inrcodec.container import Kind, Net, Storage, pack_file
from inrcodec.decoder import decode, info, plan, verify
from inrcodec.decoder.evaluate import box_filter
from inrcodec.decoder.values import finish
from inrcodec.encoder import encode_signal
from inrcodec.errors import (
    Corrupt,
    InrError,
    LimitExceeded,
    NotInr,
    OptionError,
    Unsupported,
)
from inrcodec.limits import NO_LIMITS, Limits
from inrcodec.options import EncodeOptions
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals import Signal
from inrcodec.signals.signal import Metadata

SIREN = replace(forge.SIREN, shape=(37, 53), channels=3, width=8)
ASMR = replace(
    forge.ASMR,
    shape=(37, 53),
    channels=3,
    width=8,
    layers=3,
    bases=((2, 3), (5, 3), (1, 2), (4, 3)),
)
PROJECTION = {"storage": Storage.PROJECTION, "latent": 90, "groups": 4, "projection_seed": 3}
HEADERS = {
    "siren": SIREN,
    "siren encoded": replace(SIREN, frequencies=3, channels=1),
    "asmr": ASMR,
    "asmr 16 bit": replace(ASMR, depth=16, channels=4),
    "doh siren": replace(SIREN, **PROJECTION),
    "doh asmr": replace(ASMR, channels=2, **PROJECTION),
}
FILES = {name: forge.make_file(header) for name, header in HEADERS.items()}
PARTED = {name: forge.make_file(header) for name, header in forge.PARTED.items()}
SOUNDS = [name for name, header in forge.PARTED.items() if header.kind == Kind.AUDIO]
FILMS = [name for name, header in forge.PARTED.items() if header.kind == Kind.VIDEO]
VOLUMES = [name for name, header in forge.PARTED.items() if header.kind == Kind.VOLUME]


@cache
def whole_of(name):
    """The whole of a file in segments, which many parts are compared with."""
    signal = decode(PARTED[name])
    signal.samples.flags.writeable = False
    return signal


def tolerance(samples):
    if samples.dtype.kind == "f":
        return 1e-4 * np.abs(samples).max()
    return 1 if samples.dtype.itemsize == 1 else 8


def assert_close(samples, expected, within=None):
    assert samples.shape == expected.shape
    assert samples.dtype == expected.dtype
    difference = np.abs(samples.astype(np.float64) - expected.astype(np.float64)).max()
    assert difference <= (within or tolerance(expected))


@pytest.fixture(params=[2**18, 2**9], ids=["whole", "stripes"])
def chunks(request, monkeypatch):
    """As it is, and with so little memory that everything is made in thin stripes."""
    monkeypatch.setattr(plan, "_CHUNK_FLOATS", request.param)


@pytest.mark.parametrize("name", FILES)
def test_region_is_a_part_of_the_whole(name, chunks):
    whole = decode(FILES[name]).samples
    assert len(np.unique(whole)) > 20
    for region in [(0, 0, 53, 37), (0, 0, 1, 1), (52, 36, 1, 1), (5, 3, 11, 17), (20, 0, 3, 37)]:
        x, y, w, h = region
        part = decode(FILES[name], region=region).samples
        assert_close(part, whole[y : y + h, x : x + w])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("factor", [2, 3, 7, 53])
def test_scale_is_a_box_filter(name, factor):
    whole = decode(FILES[name]).samples
    small = decode(FILES[name], scale=factor).samples
    assert small.shape == (-(-37 // factor), -(-53 // factor), whole.shape[2])
    for y, x in np.ndindex(small.shape[:2]):
        box = whole[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
        mean = box.astype(np.float64).mean(axis=(0, 1))
        assert np.abs(small[y, x] - mean).max() <= tolerance(whole)


@pytest.mark.parametrize("name", SOUNDS)
def test_span_of_a_sound_is_a_part_of_the_whole(name, chunks):
    whole = whole_of(name)
    count = len(whole.samples)
    assert (whole.rate, whole.bits) == (8000, forge.PARTED[name].depth)
    for first, last in [(0, None), (0, 1), (count - 1, count), (13, 47), (20, 40), (19, 21)]:
        part = decode(PARTED[name], span=(first, last))
        assert (part.kind, part.rate, part.bits) == (whole.kind, whole.rate, whole.bits)
        within = tolerance(whole.samples)
        assert_close(part.samples, whole.samples[first:last], within)


def test_every_span_of_a_spectrum():
    """Frames overlap, within segments and across their ends."""
    data = PARTED["spectrum"]
    whole = decode(data).samples
    for first in range(0, 150, 7):
        for last in range(first + 1, 151, 11):
            part = decode(data, span=(first, last)).samples
            assert_close(part, whole[first:last], tolerance(whole))


@pytest.mark.parametrize("name", FILMS)
@pytest.mark.parametrize("span", [None, (0, 1), (1, 4), (4, 5), (2, None)])
@pytest.mark.parametrize("region", [None, (0, 0, 1, 1), (2, 0, 1, 3), (0, 2, 3, 1)])
def test_part_of_a_film(name, span, region):
    whole = whole_of(name)
    part = decode(PARTED[name], span=span, region=region)
    first, last = span or (0, None)
    x, y, w, h = region or (0, 0, *whole.shape[:0:-1])
    assert_close(part.samples, whole.samples[first:last, y : y + h, x : x + w])
    assert (part.chroma is None) == (whole.chroma is None)
    if part.chroma is not None:
        rows, columns = slice(y // 2, -(-(y + h) // 2)), slice(x // 2, -(-(x + w) // 2))
        assert_close(part.chroma, whole.chroma[first:last, rows, columns])


REGIONS = {
    1: [(0, 20), (8, 2), (19, 1), (3, 9)],
    2: [(0, 0, 5, 7), (4, 6, 1, 1), (1, 1, 3, 4)],
    3: [(0, 0, 0, 3, 4, 5), (2, 3, 4, 1, 1, 1), (1, 0, 1, 2, 3, 3)],
}


@pytest.mark.parametrize("name", VOLUMES)
def test_region_of_a_volume(name):
    whole = whole_of(name).samples
    axes = whole.ndim - 1
    for region in REGIONS[axes]:
        part = decode(PARTED[name], region=region).samples
        starts, sizes = region[:axes][::-1], region[axes:][::-1]
        box = tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))
        assert_close(part, whole[box])


@pytest.mark.parametrize("name", [*FILMS, *VOLUMES])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_scale_of_films_and_volumes_is_a_box_filter(name, factor):
    """Of volumes along axis 0 too, where boxes lie across the ends of segments."""
    whole, small = whole_of(name), decode(PARTED[name], scale=factor)
    assert (small.kind, small.rate, small.bits) == (whole.kind, whole.rate, whole.bits)
    assert_box_means(small.samples, whole.samples, whole.kind, factor)
    if whole.chroma is not None:
        assert_box_means(small.chroma, whole.chroma, whole.kind, factor)
        assert small.chroma.shape[1:3] == tuple(-(-side // 2) for side in small.samples.shape[1:3])


def assert_box_means(small, whole, kind, factor):
    means = whole.astype(np.float64)
    for axis in range(1 if kind == "video" else 0, whole.ndim - 1):
        starts = range(0, means.shape[axis], factor)
        boxes = [means.take(range(a, min(a + factor, means.shape[axis])), axis) for a in starts]
        means = np.stack([box.mean(axis=axis) for box in boxes], axis=axis)
    assert (small.dtype, small.shape) == (whole.dtype, means.shape)
    exact = means if small.dtype.kind == "f" else np.floor(means + 0.5)
    assert np.abs(small - exact).max() <= (1e-5 if small.dtype.kind == "f" else 1)


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("sound", {"span": (0, 51)}, "0 to 51 is not inside the 50 samples"),
        ("spectrum", {"span": (9, 9)}, "9 to 9 is not inside the 150 samples"),
        ("film", {"span": (-1, 3)}, "-1 to 3 is not inside the 5 frames"),
        ("sound", {"region": (0, 0, 1, 1)}, "audio has from and to"),
        ("sound", {"scale": 2}, "scale 1/2 is not for audio"),
        ("film", {"region": (0, 0, 10, 1)}, "region 0,0,10,1 is not inside the picture of 9x7"),
        ("film", {"region": (1, 0, 2, 2)}, "does not begin at even positions"),
        ("film", {"scale": 10}, "scale 1/10 is not between 1 and 1/9"),
        ("volume", {"span": (0, 1)}, "from and to are for audio and video, not for a volume"),
        ("volume", {"region": (0, 0, 1, 1)}, "region 0,0,1,1 has 4 numbers, not 6"),
        ("volume", {"region": (0, 0, 0, 4, 1, 1)}, "is not inside the volume of 3x4x5"),
        ("line", {"region": (20, 1)}, "is not inside the volume of 20"),
    ],
)
def test_parts_that_there_are_not(name, part, message):
    with pytest.raises(OptionError, match=message):
        decode(PARTED[name], **part)


def test_scaled_region():
    whole = decode(FILES["asmr"], region=(4, 6, 20, 15)).samples
    small = decode(FILES["asmr"], region=(4, 6, 20, 15), scale=5).samples
    means = whole.reshape(3, 5, 4, 5, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 1


@pytest.mark.parametrize(
    "region",
    [(0, 0, 54, 1), (0, 0, 1, 38), (-1, 0, 2, 2), (0, -1, 2, 2), (3, 3, 0, 1), (53, 0, 1, 1)],
)
def test_region_outside(region):
    text = ",".join(map(str, region))
    with pytest.raises(OptionError, match=f"region {text} is not inside the picture of 53x37"):
        decode(FILES["siren"], region=region)


@pytest.mark.parametrize("scale", [0, -2, 54])
def test_scale_out_of_range(scale):
    with pytest.raises(OptionError, match=f"scale 1/{scale} is not between 1 and 1/53"):
        decode(FILES["siren"], scale=scale)


def test_box_filter_at_the_border():
    values = np.arange(15, dtype=np.float32).reshape(3, 5, 1)
    expected = [[3, 5, 6.5], [10.5, 12.5, 14]]
    assert box_filter(values, 2)[:, :, 0].tolist() == expected


def test_code_values():
    values = np.array([-1.0, 0, 0.5 / 255 - 1e-6, 0.5 / 255 + 1e-6, 1, 7], dtype=np.float32)
    deep = replace(forge.SIREN, depth=16)
    assert finish(forge.SIREN, values).tolist() == [0, 0, 0, 1, 255, 255]
    assert finish(deep, values).dtype == np.uint16
    assert finish(deep, values)[-1] == 65535


@pytest.mark.parametrize(
    ("change", "dtype", "expected"),
    [
        ({}, np.float32, [0, -1.5, -1.5, 0.875, 3.25, 3.25]),
        ({"low": 2.5, "high": 2.5}, np.float32, [2.5] * 6),
        ({"depth": 8, "numbers": 0, "low": 0, "high": 5}, np.uint8, [0, 0, 0, 3, 5, 5]),
        ({"depth": 8, "numbers": 0, "high": 300}, np.uint8, [0, 0, 0, 149, 255, 255]),
        ({"depth": 8, "numbers": 1, "low": -200}, np.int8, [-128, -128, -128, -98, 3, 3]),
        ({"depth": 16, "numbers": 1, "high": 0.5}, np.int16, [0, -1, -1, 0, 1, 1]),
        ({"depth": 16, "numbers": 0, "high": 7e4}, np.uint16, [0, 0, 0, 34999, 65535, 65535]),
        ({"depth": 1, "numbers": 0, "low": 0, "high": 1}, np.uint8, [0, 0, 0, 1, 1, 1]),
        ({"depth": 1, "numbers": 0, "low": 0, "high": 9}, np.uint8, [0, 0, 0, 1, 1, 1]),
        ({"depth": 1, "numbers": 0, "low": 0, "high": 0}, np.uint8, [0] * 6),
    ],
)
def test_numbers_of_a_volume(change, dtype, expected):
    """What is not a number counts as v = 0; halves are rounded up."""
    values = np.array([np.nan, -np.inf, -1.0, 0.5, 1.0, np.inf], dtype=np.float32)
    samples = finish(replace(forge.VOLUME, **change), values)
    assert samples.dtype == dtype
    assert samples.tolist()[1:] == expected[1:]
    assert samples[0] == samples[2]


# Per limit: a header that a file of some hundred bytes can have.
BOMBS = {
    "samples": replace(forge.SIREN, shape=(2**15, 2**15)),
    "padded samples": replace(ASMR, shape=(1, 1), bases=((2**15, 2**15), *[(1, 1)] * 3)),
    "macs": replace(forge.SIREN, shape=(2**13, 2**13), width=1024),
    "weights": replace(forge.SIREN, width=4096, layers=64),
    "weights of a level": replace(
        forge.ASMR, shape=(2**12, 2**12), width=64, layers=1, bases=((1, 1), (2**12, 2**12))
    ),
    "weights of a latent": replace(
        forge.SIREN, width=1, layers=1, storage=Storage.PROJECTION, latent=2**26, groups=1
    ),
    "projection": replace(
        forge.SIREN, width=1024, storage=Storage.PROJECTION, latent=2**20, groups=1
    ),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("function", [decode, info, verify])
def test_limits_bind_before_anything_is_made(name, function):
    data = pack_file(BOMBS[name], [b""], Metadata())
    assert len(data) < 150
    started = time.perf_counter()
    with pytest.raises(LimitExceeded, match=f"file asks for {name.split(' of ')[0]} = "):
        function(data)
    assert time.perf_counter() - started < 1


def test_metadata_bomb():
    data = forge.make_file(forge.SIREN, metadata=Metadata(icc=bytes(2**21)))
    assert len(data) < 500
    with pytest.raises(LimitExceeded, match="metadata_bytes = 2097"):
        decode(data)
    assert info(data)["metadata_bytes"] < 300  # needs no decompression


def test_many_sections():
    data = forge.assemble(forge.payloads(FILES["siren"]) + [(0x90, b"")] * 253)
    with pytest.raises(LimitExceeded, match="sections = 255"):
        decode(data, limits=Limits(sections=254))
    decode(data)


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(side=52), "side = 53"),
        (Limits(samples=37 * 53 * 3 - 1), f"samples = {37 * 53 * 3}"),
        (Limits(macs=1000), "macs"),
        (Limits(weights=100), "weights"),
    ],
)
def test_limits_are_the_callers(limits, name):
    with pytest.raises(LimitExceeded, match=name):
        decode(FILES["siren"], limits=limits)


def test_limits_can_be_switched_off():
    samples = decode(FILES["doh asmr"], limits=NO_LIMITS).samples
    assert_close(samples, decode(FILES["doh asmr"]).samples)


HUGE_PARTS = {
    "side": replace(forge.VOLUME, shape=(2**20, 2**20, 2**20), segment=2**20),
    "samples": replace(forge.SOUND, shape=(2**31,), segment=2**30),
    "samples of a film": replace(forge.FILM_GREY, shape=(2**32 - 1, 1, 1), segment=2**31),
    "padded samples": replace(
        forge.SOUND_ASMR, shape=(2**25,), segment=2**21, bases=((2**20,), (2**4,), (1,))
    ),
    "padded samples of a spectrum": replace(forge.SPECTRUM, segment=2**31),
    "macs": replace(forge.SOUND, shape=(2**26,), segment=2**26, width=1024),
    "padded samples of a film": replace(
        forge.MOVING_GREY, shape=(100, 2**11, 1), segment=100, levels=11
    ),
    "interpolated vectors": replace(forge.MOVING_GREY, shape=(2, 2**17, 1), segment=2),
    "padded samples of many frames": replace(
        forge.MOVING_GREY, shape=(2**18 + 1, 1, 1), segment=2**18, interval=256
    ),
    "latents": replace(forge.MOVING, shape=(3000, 1, 1), segment=3000, motion_levels=8),
    "weights": replace(forge.FILM, width=4096, layers=6, bases=((2, 4, 5), *[(1, 1, 1)] * 6)),
}


@pytest.mark.parametrize("name", HUGE_PARTS)
@pytest.mark.parametrize("function", [decode, info])
def test_limits_of_sounds_films_and_volumes(name, function):
    header = HUGE_PARTS[name]
    empty = [b""] * header.segments
    latents = empty if header.net in forge.LATENTS else []
    data = pack_file(header.with_crcs([0] * header.segments), empty, Metadata(), latents)
    started = time.perf_counter()
    limits = Limits(side=2**19) if name == "side" else Limits()
    with pytest.raises(LimitExceeded, match=f"file asks for {name.split(' of ')[0]} = "):
        function(data, limits=limits)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("name", PARTED)
def test_info_of_sounds_films_and_volumes(name):
    header, data = forge.PARTED[name], PARTED[name]
    facts = info(data)
    assert json.loads(json.dumps(facts)) == facts
    version = "1.3" if header.net in (Net.FILM, Net.LOCAL_GLOBAL) else "1.2"
    version = "1.6" if header.merging else version
    assert (facts["version"], facts["kind"]) == (version, header.kind.name.lower())
    assert (facts["shape"], facts["segments"]) == (list(header.shape), header.segments)
    assert len(facts["segment_crcs"]) == header.segments
    assert facts["bpp"] == pytest.approx(len(data) * 8 / np.prod(header.shape))
    assert ("kbps" in facts) == ("duration_s" in facts) == (header.kind != Kind.VOLUME)
    if "kbps" in facts:
        seconds = header.shape[0] * header.rate_seconds / header.rate
        assert facts["duration_s"] == pytest.approx(seconds)
        assert facts["kbps"] == pytest.approx(len(data) * 8 / 1000 / seconds)
    if header.net == Net.SPECTRUM:
        assert facts["stored_numbers"] == sum(forge.counts_of(header)) + 2 * 32 * (5 + 1)
    elif header.net == Net.FILM:
        batches = [batch for _, latents in forge.random_contents(header) for batch in latents]
        latents = sum(grid.size for batch in batches for grid in batch)
        assert facts["stored_numbers"] == sum(forge.counts_of(header)) + latents
    else:
        assert facts["stored_numbers"] == sum(forge.counts_of(header))
    assert verify(data) == facts


@pytest.mark.parametrize("name", FILES)
def test_info(name):
    header, data = HEADERS[name], FILES[name]
    facts = info(data)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["repr"] == name.split()[0]
    assert (facts["version"], facts["kind"]) == ("1.0", "image")
    assert (facts["shape"], facts["channels"], facts["depth"]) == (
        [37, 53],
        header.channels,
        header.depth,
    )
    assert facts["bytes"] == len(data) == 12 + sum(s["bytes"] for s in facts["sections"])
    assert facts["bpp"] == pytest.approx(len(data) * 8 / (37 * 53))
    assert [s["name"] for s in facts["sections"]] == ["HEAD", "WEIGHTS"]
    assert facts["stored_numbers"] == sum(forge.counts_of(header))
    direct = replace(header, storage=Storage.DIRECT, latent=0, groups=0, projection_seed=0)
    assert facts["parameters"] == sum(forge.counts_of(direct))
    assert facts["macs_per_sample"] > 0
    assert facts["metadata_bytes"] == 0
    assert facts["net"] == header.net.name.lower()
    assert ("bases" in facts) == (header.net == Net.ASMR)
    assert ("latent" in facts) == ("projection_entries" in facts) == name.startswith("doh")
    assert verify(data) == facts


def test_metadata_are_decoded():
    metadata = Metadata(icc=b"profile", exif=b"II*\0")
    data = forge.make_file(forge.ASMR, metadata=metadata)
    assert decode(data).metadata == metadata
    assert info(data)["sections"][2]["name"] == "METADATA"
    assert info(data)["metadata_bytes"] > 0


def test_wrong_integers():
    sections = forge.payloads(FILES["asmr"])
    head = sections[0][1]
    data = forge.assemble([(1, head[:-1] + bytes([head[-1] ^ 1])), sections[1]])
    info(data)
    for function in (decode, verify):
        with pytest.raises(Corrupt, match="WEIGHTS: CRC-32 of the integers"):
            function(data)
    samples = decode(data, ignore_checksum=True).samples
    assert_close(samples, decode(FILES["asmr"]).samples)


@pytest.mark.parametrize("name", ["sound", "spectrum", "film", "moving", "mask"])
def test_damage_in_a_segment_names_it(name):
    """With the sections' checksums made right again; other segments decode all the same."""
    header = forge.PARTED[name]
    sections = forge.payloads(PARTED[name])
    each = (len(sections) - 1) // 3
    for n in range(3):
        place = 1 + each * n
        kind, payload = sections[place]
        damaged = payload[:-1] + bytes([payload[-1] ^ 4])
        data = forge.assemble([*sections[:place], (kind, damaged), *sections[place + 1 :]])
        with pytest.raises(Corrupt, match=f"^segment {n}: WEIGHTS: "):
            verify(data)
        if header.kind in (Kind.AUDIO, Kind.VIDEO):
            at = (n + 1) % 3 * header.segment
            part = decode(data, span=(at, at + 1)).samples
            whole = whole_of(name).samples
            assert_close(part, whole[at : at + 1], tolerance(whole))


@pytest.mark.parametrize("name", PARTED)
def test_wrong_checksum_of_integers_can_be_ignored(name):
    sections = forge.payloads(PARTED[name])
    head = sections[0][1]
    data = forge.assemble([(1, head[:-1] + bytes([head[-1] ^ 1])), *sections[1:]])
    last = forge.PARTED[name].segments - 1
    with pytest.raises(Corrupt, match=f"segment {last}: WEIGHTS: CRC-32 of the integers"):
        decode(data)
    whole = whole_of(name).samples
    assert_close(decode(data, ignore_checksum=True).samples, whole)


@pytest.mark.parametrize("name", PARTED)
def test_any_changed_byte_of_segments_is_noticed(name):
    data = PARTED[name]
    for position in range(len(data)):
        for change in (1, 0x80):
            damaged = bytearray(data)
            damaged[position] ^= change
            with pytest.raises((NotInr, Corrupt)) as error:
                decode(bytes(damaged))
            assert error.value.exit_status == 3


@pytest.mark.parametrize("name", PARTED)
def test_any_cut_of_segments_is_noticed(name):
    data = PARTED[name]
    for length in range(len(data)):
        with pytest.raises((NotInr, Corrupt)) as error:
            decode(data[:length])
        assert error.value.exit_status == 3


@pytest.mark.parametrize("name", ["sound", "spectrum", "film", "mask"])
def test_changed_bytes_of_segments_do_no_harm_without_checksums(name):
    """Samples of whatever value, or an error that says what is wrong; never a warning."""
    data = PARTED[name]
    limits = Limits(samples=2**12, side=2**10, macs=2**22, weights=2**12, projection=2**16)
    for position in range(len(data)):
        damaged = data[:position] + bytes([data[position] ^ 0xD5]) + data[position + 1 :]
        with contextlib.suppress(InrError):
            decode(damaged, limits=limits, ignore_checksum=True)


def test_other_major_version():
    data = forge.assemble(forge.payloads(FILES["asmr"]), b"\x89INR\x02\x00")
    for function in (decode, info, verify):
        with pytest.raises(Unsupported, match=r"version 2\.0, this decoder reads 1\.x"):
            function(data)


@pytest.fixture(scope="module")
def coded():
    rng = np.random.default_rng(0)
    metadata = Metadata(icc=b"profile", exif=b"II*\0")
    picture = Signal("image", rng.integers(0, 256, (12, 10, 3), dtype=np.uint8), metadata)
    return encode_signal(picture, EncodeOptions(size=300, settings={"steps": "20"})).data


def test_any_changed_byte_is_noticed(coded):
    for position in range(len(coded)):
        for change in (1, 0x10, 0x80):
            damaged = bytearray(coded)
            damaged[position] ^= change
            with pytest.raises(NotInr if position < 4 else Corrupt):
                decode(bytes(damaged))


def test_any_cut_is_noticed(coded):
    for length in range(len(coded)):
        with pytest.raises(NotInr if length < 4 else Corrupt):
            decode(coded[:length])
    with pytest.raises(Corrupt):
        decode(coded + b"\0")


@pytest.mark.parametrize("value", [65504.0, -65504.0])
def test_largest_weights(value):
    """Whatever a file can hold gives samples, without a warning."""
    header = replace(forge.SIREN, w0_first=4096, w0_hidden=4096, width=64, layers=3)
    largest = [
        QuantisedTensor(1, value, value, np.zeros(count, dtype=np.uint16))
        for count in forge.counts_of(header)
    ]
    samples = decode(forge.make_file(header, largest)).samples
    assert set(samples.reshape(-1).tolist()) <= {0, 255}


@pytest.mark.parametrize("value", [65504.0, -65504.0])
@pytest.mark.parametrize("name", PARTED)
def test_largest_weights_of_every_kind(name, value):
    header = forge.PARTED[name]
    largest = [
        QuantisedTensor(1, value, value, np.zeros(count, dtype=np.uint16))
        for count in forge.counts_of(header)
    ]
    data = forge.make_parted(header, [(largest, None)] * 3)
    for scale in (1,) if header.kind == Kind.AUDIO else (1, 2):
        assert np.isfinite(decode(data, scale=scale).samples).all()


@pytest.mark.parametrize("name", ["doh asmr", "spectrum", "moving"])
def test_without_torch(tmp_path, name):
    path = tmp_path / "a.inr"
    path.write_bytes((FILES | PARTED)[name])
    code = (
        "import sys, inrcodec\n"
        f"for do in (inrcodec.decode, inrcodec.info, inrcodec.verify): do({str(path)!r})\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
