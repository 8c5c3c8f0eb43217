"""Files that are continued: what is there stays as it is, what is added keeps its promises."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import forge
import numpy as np
import pytest
import spec_decoder
from sound_files import sound, tone
from sound_files import written as written_sound
from video_files import smooth_video
from video_files import written as written_video

import inrcodec
from inrcodec.container import join, parse_file
from inrcodec.container.header_codec import pack_header
from inrcodec.decoder import decode, info
from inrcodec.encoder import extend
from inrcodec.errors import InputError, OptionError, RateError
from inrcodec.limits import NO_LIMITS, Limits
from inrcodec.signals import Signal

FAST = {"settings": {"steps": "20"}}


def waves(*shape):
    """Values of 0..1, (*shape)."""
    grids = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return 0.5 + 0.4 * np.sin(sum((i + 1) * grid for i, grid in enumerate(grids)) / 5)


def audio(length, channels=2):
    samples = (waves(length, channels) - 0.5).astype(np.float32)
    return Signal("audio", samples, rate=Fraction(8000), bits=16)


def film(frames, rows=7, columns=9):
    halves = (rows + 1) // 2, (columns + 1) // 2
    luma, chroma = waves(frames, rows, columns, 1), waves(frames, *halves, 2)
    planes = [np.rint(255 * plane).astype(np.uint8) for plane in (luma, chroma)]
    return Signal("video", planes[0], rate=Fraction(30000, 1001), chroma=planes[1])


def field(slices):
    return Signal("volume", waves(slices, 4, 3, 2).astype(np.float32))


MORE = {
    "sound": audio(70),
    "sound asmr": audio(30),
    "sound doh": audio(30),
    "spectrum": audio(300),
    "film": film(3),
    "moving": film(4, 5, 7),
    "sound partitions": audio(60),
    "film partitions": film(3),
    "volume": field(2),
}


@pytest.mark.parametrize("name", MORE)
def test_what_is_there_stays_and_what_is_new_follows(name):
    data, more = forge.make_file(forge.PARTED[name]), MORE[name]
    before = decode(data)
    extended = extend(data, more, {"size": 1500, **FAST})
    assert extended.data[4:].startswith(data[4:5])
    assert data[12:] == extended.data[12 : len(data)]  # all sections, byte for byte
    assert len(extended.data) - len(data) == extended.added_bytes <= 1500
    after = decode(extended.data)
    assert np.array_equal(after.samples[: len(before.samples)], before.samples)
    assert (after.rate, after.depth, after.shape[1:]) == (
        *(before.rate, before.depth),
        before.shape[1:],
    )
    own = extended.added.data
    assert np.array_equal(after.samples[len(before.samples) :], decode(own).samples)
    facts = info(extended.data)
    assert facts["version"] == ("1.6" if "partitions" in name else "1.3")
    assert facts["shape"][0] == len(before.samples) + len(more.samples)
    assert facts["joined"][0]["repr"] == info(data)["repr"]
    expected = spec_decoder.decode(extended.data)
    difference = np.abs(after.samples.astype(float) - expected).max()
    assert difference <= (1 if after.samples.dtype == np.uint8 else 1e-3)


def test_the_default_rate_is_the_files():
    data = inrcodec.encode(audio(4000), kbps=64, repr="spectrum", settings={"steps": "10"})
    extended = extend(data, audio(3000), FAST)
    assert 0.9 < extended.added_bytes / (len(data) * 0.75) <= 1.001
    rates = {"kbps": 48.0}, {"bpp": 6.0}, {"size": 2250}
    sizes = [extend(data, audio(3000), {**rate, **FAST}).added_bytes for rate in rates]
    assert all(2150 < size <= 2250 for size in sizes)


def test_a_quality():
    data = forge.make_file(forge.SPECTRUM)
    extended = extend(data, audio(2000), {"psnr": 40.0, "settings": {"steps": "40"}})
    assert 40 <= extended.added.psnr_db < 41


def test_effort_and_network_are_the_files_unless_given():
    data = forge.make_file(replace(forge.SOUND, effort=3))
    added = parse_file(extend(data, audio(30), FAST).data, Limits()).joined[0].header
    assert (added.net.name, added.effort) == ("SIREN", 3)
    options = {"repr": "spectrum", "effort": 1, **FAST}
    added = parse_file(extend(data, audio(300), options).data, Limits()).joined[0].header
    assert (added.net.name, added.effort) == ("SPECTRUM", 1)


def test_what_is_added_to_a_film_has_its_block(monkeypatch):
    monkeypatch.setattr("inrcodec.encoder.film.encode.best_block", None)  # none is looked for
    data = forge.make_file(forge.MOVING)
    longer = extend(data, MORE["moving"], {"settings": {"steps": "3"}}).data
    added = parse_file(longer, Limits()).joined[0].header
    assert (added.net.name, added.block) == ("FILM", forge.MOVING.block)


def test_extended_cropped_and_extended_again():
    data = forge.make_file(forge.SPECTRUM)
    data = inrcodec.crop(data, span=(10, 60))
    first = inrcodec.extend(data, audio(200), size=900, **FAST)
    second = inrcodec.extend(first, audio(100), size=900, **FAST)
    whole = decode(second).samples
    assert len(whole) == 350
    assert np.array_equal(whole[:250], decode(first).samples)
    for span in [(0, 50), (55, 250), (250, 350), (49, 51), (240, 260)]:
        crop = inrcodec.crop(second, span=span)
        assert np.array_equal(decode(crop).samples, whole[slice(*span)])
        assert len(crop) < len(second)


def test_a_rate_that_is_not_in_lowest_terms():
    header = replace(forge.SPECTRUM, rate=16000, rate_seconds=2)
    longer = inrcodec.extend(forge.make_file(header), audio(100), size=900, **FAST)
    assert decode(longer).rate == 8000


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("sound", film(2), "audio cannot be continued by video"),
        ("sound", audio(20, channels=1), "channels = 2 cannot be continued by .* channels = 1"),
        ("sound", replace(audio(20), rate=Fraction(9)), "rate = 8000 cannot .* rate = 9"),
        ("film", replace(film(2), samples=film(2).samples[:, :6]), "sides = 7x9 .* sides = 6x9"),
        (
            "film",
            Signal("video", np.zeros((2, 7, 9, 3), np.uint8), rate=Fraction(30000, 1001)),
            "layout",
        ),
        ("volume", Signal("volume", np.zeros((2, 4, 3, 2), np.uint8)), "depth = 32"),
        (
            "plane",
            Signal("volume", np.zeros((2, 5, 2), np.uint16)),
            "numbers = 1 cannot .* numbers = 0",
        ),
    ],
)
def test_what_does_not_continue_a_file(name, more, message):
    with pytest.raises(InputError, match=message):
        extend(forge.make_file(forge.PARTED[name]), more, FAST)


def test_pictures_are_not_extended():
    with pytest.raises(OptionError, match="an image cannot be extended"):
        extend(forge.make_file(forge.PYRAMID), audio(20), FAST)


@pytest.mark.parametrize("count", [255, 252])
def test_a_full_file(count):
    """Noticed before the fit, or after it where that shows how many sections there are more."""
    known = forge.payloads(forge.make_file(forge.SPECTRUM))
    sections = known + [(0x90, b"")] * (count - len(known))
    with pytest.raises(OptionError, match=f"the file has {count} sections .* decoders take 255"):
        extend(forge.assemble(sections), audio(20), FAST)


def test_sections_of_joined_files_count():
    part = forge.make_file(forge.SPECTRUM)
    full = join(part, [part] * 31)
    assert parse_file(full, NO_LIMITS).section_count == 255
    with pytest.raises(OptionError, match="the file has 255 sections and would have 258"):
        extend(full, audio(20), FAST)


def test_too_small_a_rate():
    with pytest.raises(RateError):
        extend(forge.make_file(forge.SPECTRUM), audio(20), {"size": 50, **FAST})


INSTALLED = [str(Path(sys.executable).with_name("inrcodec"))]
QUICK = ["--effort", "1", "--threads", "1", "--set", "steps=15"]


def execute(*arguments, **options):
    return subprocess.run([*INSTALLED, *map(str, arguments)], capture_output=True, **options)


def test_the_command(tmp_path):
    film = smooth_video(frames=4, height=16, width=24)
    for name, frames in (("a.y4m", slice(0, 2)), ("b.y4m", slice(2, 4))):
        part = replace(film, samples=film.samples[frames], chroma=film.chroma[frames])
        (tmp_path / name).write_bytes(written_video(part, "y4m"))
    done = execute("encode", "a.y4m", "--size", "900", *QUICK, "-o", "a.inr", cwd=tmp_path)
    assert done.returncode == 0
    arguments = ["extend", "a.inr", "b.y4m", "--size", "700", *QUICK, "-o", "ab.inr"]
    done = execute(*arguments, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    before, after = (tmp_path / "a.inr").read_bytes(), (tmp_path / "ab.inr").read_bytes()
    assert (told["shape"], told["bytes"], told["version"]) == ([4, 16, 24], len(after), "1.3")
    assert told["added_bytes"] == len(after) - len(before) <= 700
    assert told["psnr_y_db"] > 10
    assert execute(*arguments, cwd=tmp_path).returncode == 1  # exists
    assert execute("verify", "ab.inr", cwd=tmp_path).returncode == 0
    listed = execute("info", "ab.inr", cwd=tmp_path).stdout.decode()
    assert "joined 2 frames, film" in listed
    for name, output in (("a", "old.y4m"), ("ab", "new.y4m")):
        done = execute("decode", f"{name}.inr", "--to", "2f", "-o", output, cwd=tmp_path)
        assert done.returncode == 0
    assert (tmp_path / "old.y4m").read_bytes() == (tmp_path / "new.y4m").read_bytes()


def test_statuses(tmp_path):
    (tmp_path / "a.inr").write_bytes(forge.make_file(forge.SPECTRUM))
    (tmp_path / "b.wav").write_bytes(written_sound(sound(tone()), "wav"))

    def status(*arguments):
        return execute("extend", *arguments, cwd=tmp_path).returncode

    assert status("a.inr", "b.wav") == 2  # nowhere to go
    assert status("a.inr", "b.wav", "-o", "a.inr", "-f") == 1
    assert status("a.inr", "b.wav", "-o", "b.wav", "-f") == 1
    assert status("a.inr", "b.wav", "-o", "c.inr", "--bpp", "1", "--size", "9") == 2
    (tmp_path / "film.inr").write_bytes(forge.make_file(forge.FILM))
    assert status("film.inr", "b.wav", "-o", "c.inr") == 1
    assert status("-", "-", "-o", "c.inr") == 2
    (tmp_path / "a.inr").write_bytes(forge.make_file(forge.SPECTRUM)[:-1])
    assert status("a.inr", "b.wav", "-o", "c.inr") == 3
    assert not (tmp_path / "c.inr").exists()


def test_headers_of_parts_say_nothing_of_one_another():
    """The file around a part is, but for its version, the file that was extended."""
    data = forge.make_file(forge.SPECTRUM)
    longer = parse_file(inrcodec.extend(data, audio(100), size=900, **FAST), Limits())
    assert pack_header(longer.header) == parse_file(data, Limits()).sections[0].payload
    assert [section.name for section in longer.sections][-1] == "JOINED"
