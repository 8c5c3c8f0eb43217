"""decode, info and verify: regions, scales, limits, facts, damage; and never torch."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import forge
import numpy as np
import pytest

from inrcodec.container import Net, Storage, pack_file
from inrcodec.decoder import decode, info, plan, verify
from inrcodec.decoder.evaluate import box_filter
from inrcodec.decoder.values import finish
from inrcodec.encoder import encode_signal
from inrcodec.errors import Corrupt, LimitExceeded, NotInr, OptionError, Unsupported
from inrcodec.limits import Limits
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


def tolerance(samples):
    return 1 if samples.dtype == np.uint8 else 8


def assert_close(samples, expected, within=None):
    assert samples.shape == expected.shape
    assert samples.dtype == expected.dtype
    difference = np.abs(samples.astype(int) - expected.astype(int)).max()
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
    everything = Limits(0, 0, 0, 0, 0, 0, 0)
    samples = decode(FILES["doh asmr"], limits=everything).samples
    assert_close(samples, decode(FILES["doh asmr"]).samples)


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


def test_without_torch(tmp_path):
    path = tmp_path / "a.inr"
    path.write_bytes(FILES["doh asmr"])
    code = (
        "import sys, inrcodec\n"
        f"for do in (inrcodec.decode, inrcodec.info, inrcodec.verify): do({str(path)!r})\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
