"""Crops decode to exactly the part's samples; what is left out, kept, and refused."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import forge
import numpy as np
import pytest
import spec_decoder
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import inrcodec
from inrcodec.container import Kind, parse_file
from inrcodec.container.header_fields import TILED
from inrcodec.decoder import decode, info
from inrcodec.errors import Corrupt, LimitExceeded, OptionError
from inrcodec.limits import Limits
from inrcodec.signals.signal import Metadata

PICTURE = replace(forge.PYRAMID, shape=(70, 90), levels=3)
HEADERS = {
    "picture": PICTURE,
    "grey picture": replace(PICTURE, channels=1, depth=16, levels=2, stages=1, colour_from=0),
    "tiles": replace(PICTURE, shape=(150, 270), tiling=TILED, tile=128),
    "tiles of grids": replace(forge.GRIDS, shape=(150, 270), tiling=TILED, tile=128),
    "partitions": forge.PARTITIONS,
    "window": forge.window(replace(PICTURE, shape=(30, 40)), (200, 150), (101, 77)),
    "one frame a segment": replace(forge.SPECTRUM, segment=32),
    "odd film": replace(forge.FILM, shape=(5, 7, 9), segment=1),
    "moving at once": replace(forge.MOVING, shape=(11, 6, 5), segment=12),
    "moving, anchors close": replace(forge.MOVING_RGB, shape=(9, 9, 6), segment=7),
} | {name: header for name, header in forge.PARTED.items() if name != "sound doh"}
FILES = {name: forge.make_file(header) for name, header in HEADERS.items()}
WHOLE = {name: decode(data) for name, data in FILES.items()}


def part(kind, box):
    """The arguments of `crop` and `decode` for a box of the grid."""
    starts, sizes = [a for a, _ in box], [b - a for a, b in box]
    axes = slice(1 if kind == "video" else 0, None)
    options = {"span": box[0]} if kind in ("audio", "video") else {}
    region = (*starts[axes][::-1], *sizes[axes][::-1])
    return options if kind == "audio" else options | {"region": region}


@st.composite
def boxes(draw, signal):
    """A box inside a signal; of 4:2:0 from even places on."""
    ends = [tuple(sorted(draw(st.tuples(*[st.integers(0, n)] * 2)))) for n in signal.shape]
    ends = [(a, b) if a < b else (0, n) for (a, b), n in zip(ends, signal.shape, strict=True)]
    if signal.chroma is not None:
        ends[1:] = [(a - a % 2, b) for a, b in ends[1:]]
    return ends


def assert_part(signal, whole, box):
    """Exactly the samples of the box."""
    assert (signal.kind, signal.rate, signal.depth) == (whole.kind, whole.rate, whole.depth)
    cut = tuple(slice(a, b) for a, b in box)
    assert np.array_equal(signal.samples, whole.samples[cut])
    if whole.chroma is not None:
        half = (cut[0], *(slice(s.start // 2, -(-s.stop // 2)) for s in cut[1:]))
        assert np.array_equal(signal.chroma, whole.chroma[half])


def cropped(data, signal, box):
    """The crop, or None where it says that every segment is needed."""
    try:
        return inrcodec.crop(data, **part(signal.kind, box))
    except OptionError as error:
        assert "the part needs all of the file" in str(error)
        return None


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(list(HEADERS)), data=st.data())
def test_a_crop_has_exactly_the_samples_of_the_part(name, data):
    whole = WHOLE[name]
    box = data.draw(boxes(whole))
    assert_part(decode(FILES[name], **part(whole.kind, box)), whole, box)
    crop = cropped(FILES[name], whole, box)
    assume(crop is not None)
    signal = decode(crop)
    assert_part(signal, whole, box)
    inner = data.draw(boxes(signal))
    assert_part(decode(crop, **part(whole.kind, inner)), signal, inner)
    again = cropped(crop, signal, inner)
    assume(again is not None)
    assert_part(decode(again), signal, inner)
    assert len(again) <= len(crop) + 8 <= len(FILES[name]) + 24  # a window of some bytes
    whole_box = [(a + c, a + d) for (a, _), (c, d) in zip(box, inner, strict=True)]
    assert cropped(FILES[name], whole, whole_box) in (again, None)


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(list(HEADERS)), data=st.data())
def test_the_second_decoder_reads_crops(name, data):
    whole = WHOLE[name]
    crop = cropped(FILES[name], whole, data.draw(boxes(whole)))
    assume(crop is not None)
    samples, expected = decode(crop).samples, spec_decoder.decode(crop)
    assert (samples.dtype, samples.shape) == (expected.dtype, expected.shape)
    within = 8 if samples.dtype.kind in "iu" else 1e-4 * max(1, np.abs(expected).max())
    assert np.abs(samples.astype(np.float64) - expected).max() <= within


def test_bytes_of_kept_segments_are_those_of_the_file():
    before = parse_file(FILES["film"], Limits())
    after = parse_file(inrcodec.crop(FILES["film"], span=(2, 4)), Limits())
    assert [s.weights for s in after.segments] == [before.segments[1].weights]
    assert after.header == replace(before.header, shape=(2, 7, 9)).with_crcs(
        before.header.crcs[1:2]
    )
    assert after.version == (1, 2)  # whole segments need no window


def test_a_short_last_segment_keeps_its_network():
    crop = inrcodec.crop(FILES["sound"], span=(41, 50))
    found = parse_file(crop, Limits()).header
    assert (found.coded, found.first, found.shape, found.segment) == ((10,), (1,), (9,), 20)
    assert np.array_equal(decode(crop).samples, WHOLE["sound"].samples[41:])


def test_segments_of_films_are_left_out():
    """Latents are those of the file, and every segment keeps its frames."""
    before = parse_file(FILES["moving"], Limits())
    after = parse_file(inrcodec.crop(FILES["moving"], span=(6, 12), region=(2, 0, 4, 3)), Limits())
    kept = [(s.weights, s.latents) for s in before.segments[1:]]
    assert [(s.weights, s.latents) for s in after.segments] == kept
    found = after.header
    assert (found.coded, found.first, found.shape) == ((7, 5, 7), (1, 0, 2), (6, 3, 4))
    assert inrcodec.crop(FILES["moving"], span=(10, 12))[5] == 3  # a film is of version 1.3


@pytest.mark.parametrize(("ends", "coded"), [((0, 3), 5), ((4, 5), 5), ((2, 6), 9)])
def test_frames_after_the_next_anchor_are_left_out(ends, coded):
    before = parse_file(FILES["moving at once"], Limits())
    crop = inrcodec.crop(FILES["moving at once"], span=ends)
    after = parse_file(crop, Limits())
    assert after.header.coded_shape == (coded, 6, 5)
    assert after.segments[0].weights == before.segments[0].weights
    assert len(after.segments[0].latents) < len(before.segments[0].latents)
    assert_part(decode(crop), WHOLE["moving at once"], [ends, (0, 6), (0, 5)])


def test_damaged_films_are_not_cropped():
    sections = forge.payloads(FILES["moving at once"])
    sections[-1] = (3, sections[-1][1][:-4] + bytes(4))
    with pytest.raises(Corrupt):
        inrcodec.crop(forge.assemble(sections), span=(0, 3))


def test_latents_are_left_out():
    small = inrcodec.crop(FILES["picture"], region=(40, 30, 4, 4))
    assert len(small) < len(FILES["picture"]) / 2
    assert info(small)["stored_numbers"] < info(FILES["picture"])["stored_numbers"] / 3
    limits = Limits(samples=3000)
    assert decode(small, limits=limits).shape == (4, 4)
    with pytest.raises(LimitExceeded):
        decode(FILES["picture"], limits=limits)


def test_everything_is_the_file_itself():
    assert inrcodec.crop(FILES["picture"], region=(0, 0, 90, 70)) == FILES["picture"]
    assert inrcodec.crop(FILES["sound"], span=(0, None)) == FILES["sound"]


def test_metadata_and_unknown_sections_are_kept():
    data = forge.make_file(PICTURE, metadata=Metadata(icc=b"colour", exif=b"II*\0"))
    data = forge.assemble([*forge.payloads(data), (0x90, b"kept")])
    crop = inrcodec.crop(data, region=(3, 3, 20, 20))
    assert decode(crop).metadata == Metadata(icc=b"colour", exif=b"II*\0")
    assert forge.payloads(crop)[-1] == (0x90, b"kept")


@pytest.mark.parametrize("header", [forge.SIREN, forge.ASMR, forge.PROJECTED])
def test_one_network_cannot_be_cropped(header):
    with pytest.raises(OptionError, match="those as pyramid, grids or local-global, and audio"):
        inrcodec.crop(forge.make_file(header), region=(0, 0, 2, 2))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("picture", {}, "needs a region, or from and to"),
        ("picture", {"region": (0, 0, 91, 1)}, "not inside the picture of 90x70"),
        ("sound", {"span": (15, 50)}, "needs all of the file's 3 segments"),
        ("film", {"region": (0, 0, 2, 2)}, "needs all of the file's 3 segments"),
        ("moving at once", {"region": (0, 0, 2, 2)}, "needs all of the file's 1 segment, which"),
        ("partitions", {"region": (1, 1, 9, 6)}, "needs all of the file$"),
        ("sound partitions", {"span": (1, 49)}, "needs all of the file$"),
    ],
)
def test_what_cannot_be_cropped(name, options, message):
    with pytest.raises(OptionError, match=message):
        inrcodec.crop(FILES[name], **options)


def test_damaged_latents_are_not_cropped():
    sections = forge.payloads(FILES["picture"])
    sections[0] = (1, sections[0][1][:-4] + bytes(4))
    with pytest.raises(Corrupt, match="CRC-32 of the integers"):
        inrcodec.crop(forge.assemble(sections), region=(0, 0, 8, 8))


# The command

INSTALLED = [str(Path(sys.executable).with_name("inrcodec"))]


def execute(*arguments, **options):
    return subprocess.run([*INSTALLED, *map(str, arguments)], capture_output=True, **options)


@pytest.fixture
def folder(tmp_path):
    for name in ("picture", "partitions", "sound", "film", "volume"):
        (tmp_path / f"{name}.inr").write_bytes(FILES[name])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options", "shape", "suffix"),
    [
        ("picture", ["--region", "20,10,31,17"], [17, 31], ".npy"),
        ("partitions", ["--region", "1,0,4,6"], [6, 4], ".npy"),
        ("sound", ["--from", "0.003", "--to", "45f"], [21], ".npy"),
        ("film", ["--from", "1f", "--region", "2,0,4,3"], [4, 3, 4], ".npy"),
        ("volume", ["--region", "0,1,3,2,3,2"], [2, 3, 2], ".npy"),
    ],
)
def test_the_command(folder, name, options, shape, suffix):
    done = execute("crop", f"{name}.inr", *options, "-o", "part.inr", "--json", cwd=folder)
    if name == "film":
        options[1] = "2f"
        assert (done.returncode, b"needs all of the file's 3 segments" in done.stderr) == (2, True)
        done = execute("crop", f"{name}.inr", *options, "-o", "part.inr", "--json", cwd=folder)
        shape = [3, *shape[1:]]
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    data = (folder / "part.inr").read_bytes()
    assert (told["shape"], told["bytes"], told["version"]) == (shape, len(data), "1.3")
    assert told["input_bytes"] == len(FILES[name])
    found = json.loads(execute("info", "part.inr", "--json", cwd=folder).stdout)
    assert found["shape"] == shape and len(found["first"]) == len(found["coded"]) == len(shape)
    assert execute("verify", "part.inr", cwd=folder).returncode == 0
    for source, rest, output in ((f"{name}.inr", options, "a.npy"), ("part.inr", [], "b.npy")):
        decoded = execute("decode", source, *rest, "--format", "npy", "-o", output, cwd=folder)
        assert decoded.returncode == 0
    assert (folder / "a.npy").read_bytes() == (folder / "b.npy").read_bytes()


def test_outputs_and_statuses(folder):
    region = ["--region", "20,10,30,17"]

    def status(*arguments):
        return execute("crop", *arguments, cwd=folder).returncode

    assert status("picture.inr", *region) == 2  # nowhere to go
    assert status("picture.inr", *region, "-o", "picture.inr") == 1
    assert status("picture.inr", *region, "--output-dir", "parts") == 0
    assert status("picture.inr", *region, "--output-dir", "parts") == 1
    assert status("picture.inr", *region, "--output-dir", "parts", "--force") == 0
    assert status("missing.inr", *region, "-o", "x.inr") == 1
    assert status("picture.inr", "--from", "1f", "-o", "x.inr") == 2
    assert status("picture.inr", *region, "--max-samples", "9", "-o", "x.inr") == 4
    (folder / "bad.inr").write_bytes(FILES["picture"][:-1])
    assert status("bad.inr", *region, "-o", "x.inr") == 3
    assert not (folder / "x.inr").exists()
    piped = execute("crop", "-", *region, "-o", "-", input=FILES["picture"])
    assert piped.stdout == (folder / "parts" / "picture.inr").read_bytes()


def test_cropping_imports_little(folder):
    """Neither the fitting stack nor readers of sounds and pictures."""
    script = (
        "import sys; from inrcodec.cli import main\n"
        "try: main(['crop', 'picture.inr', '--region', '1,2,30,40', '-o', 'x.inr'])\n"
        "except SystemExit as done: assert not done.code\n"
        "assert not {'torch', 'PIL', 'soundfile', 'imageio_ffmpeg'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)


def test_every_kind_is_tested():
    assert {header.kind for header in HEADERS.values()} == set(Kind)
