"""Latents in tiles: the same samples as without, parts from the tiles that they need alone."""

from dataclasses import replace

import forge
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inrcodec
from inrcodec.container import parse_file
from inrcodec.container.header_fields import TILED
from inrcodec.container.streams import join, split
from inrcodec.decoder import decode, grids_latents, info, pyramid_latents, verify
from inrcodec.encoder import picture_job
from inrcodec.errors import Corrupt, OptionError
from inrcodec.limits import Limits
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid
from inrcodec.network import grids_of, pyramid_of
from inrcodec.signals.signal import Metadata, Signal

HEADERS = {
    name: replace(header, shape=(300, 270))
    for name, header in (("pyramid", forge.PYRAMID), ("grids", forge.GRIDS))
}
IN_TILES = {
    name: replace(header, tiling=TILED, tile=128).with_crcs([0]) for name, header in HEADERS.items()
}
CONTENTS = {name: forge.random_contents(header) for name, header in HEADERS.items()}
FILES, TILES = (
    {name: forge.make_parted(header, CONTENTS[name]) for name, header in headers.items()}
    for headers in (HEADERS, IN_TILES)
)
SAMPLES = {name: decode(data).samples for name, data in TILES.items()}
NETS = {"pyramid": pyramid_of(IN_TILES["pyramid"]), "grids": grids_of(IN_TILES["grids"])}
# Of files without tiles and with them.
VERSIONS = {"pyramid": ("1.1", "1.4"), "grids": ("1.7", "1.8")}
each = pytest.mark.parametrize("name", HEADERS)


def streams_of(name):
    """The sections of a file in tiles, and its streams."""
    sections = forge.payloads(TILES[name])
    count = len(list(NETS[name].tiles()))
    return sections, [stream for stream, _ in split(sections[2][1], count, "LATENTS", "tile")]


def with_streams(sections, streams):
    return forge.assemble([*sections[:2], (sections[2][0], join(streams))])


def areas_of(net):
    return net.grids() if isinstance(net, Pyramid) else net.planes()


@each
def test_samples_do_not_depend_on_tiles(name):
    assert np.array_equal(decode(FILES[name]).samples, SAMPLES[name])
    facts = info(FILES[name]), info(TILES[name])
    assert tuple(f["version"] for f in facts) == VERSIONS[name]
    assert [f.get("tile") for f in facts] == [None, 128]


@each
def test_tiles_lie_next_to_one_another(name):
    whole = areas_of(NETS[name])
    seen = [np.zeros((area.rows, area.columns), dtype=int) for area in whole]
    for tile in NETS[name].tiles():
        for count, outer, area in zip(seen, whole, tile, strict=True):
            count[outer.part(area)] += 1
    assert all((count == 1).all() for count in seen)


@each
@settings(max_examples=20, deadline=None)
@given(x=st.integers(0, 269), y=st.integers(0, 299), data=st.data())
def test_a_part_is_that_of_the_whole(name, x, y, data):
    width, height = data.draw(st.integers(1, 270 - x)), data.draw(st.integers(1, 300 - y))
    part = decode(TILES[name], region=(x, y, width, height)).samples
    assert np.array_equal(part, SAMPLES[name][y : y + height, x : x + width])


@each
@settings(max_examples=10, deadline=None)
@given(x=st.integers(0, 269), y=st.integers(0, 299), scale=st.sampled_from([2, 3, 4, 8]))
def test_a_draft_of_a_part_is_that_without_tiles(name, x, y, scale):
    region = (x, y, max(1, (270 - x) // 2), max(1, (300 - y) // 2))
    scale = min(scale, *region[2:])
    draft, same = (
        decode(data[name], region=region, scale=scale, draft=True).samples
        for data in (TILES, FILES)
    )
    assert np.array_equal(draft, same)


@each
@pytest.mark.parametrize("region", [(110, 120, 80, 70), (0, 0, 50, 50), (200, 203, 70, 97)])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_draft_of_a_crop_is_that_of_the_part(name, region, scale):
    for data in (FILES[name], TILES[name]):
        draft = decode(inrcodec.crop(data, region=region), scale=scale, draft=True).samples
        same = decode(data, region=region, scale=scale, draft=True).samples
        assert np.array_equal(draft, same)


@each
def test_a_part_needs_the_tiles_around_it_alone(name):
    sections, streams = streams_of(name)
    damaged = with_streams(sections, [*streams[:-1], b"nonsense"])  # the last tile
    part = decode(damaged, region=(0, 0, 60, 60)).samples
    assert np.array_equal(part, SAMPLES[name][:60, :60])
    assert inrcodec.crop(damaged, region=(0, 0, 60, 60))
    for call in (decode, verify):
        with pytest.raises(Corrupt, match="LATENTS: stream at byte"):
            call(damaged)
    with pytest.raises(Corrupt, match="LATENTS: stream at byte"):
        decode(damaged, region=(200, 200, 60, 60))


@each
def test_other_integers_are_found_in_the_whole(name):
    sections, streams = streams_of(name)
    swapped = with_streams(sections, [streams[1], streams[0], *streams[2:]])
    with pytest.raises(Corrupt):
        verify(swapped)


@each
def test_drafts_read_tiles_as_far_as_needed(name):
    for scale in (4, 8):
        draft, same = (
            decode(data[name], scale=scale, draft=True).samples for data in (TILES, FILES)
        )
        assert np.array_equal(draft, same)


@each
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_what_is_written_is_read(name, data, seed):
    shape = tuple(data.draw(st.integers(1, 400)) for _ in range(2))
    box = None
    if data.draw(st.booleans()):
        starts = [data.draw(st.integers(0, n - 1)) for n in shape]
        sizes = [data.draw(st.integers(1, n - a)) for a, n in zip(starts, shape, strict=True)]
        box = tuple((a, a + n) for a, n in zip(starts, sizes, strict=True))
    levels = data.draw(st.integers(1, max(1, min(6, max(shape).bit_length() - 1))))
    if name == "pyramid":
        latents_module = pyramid_latents
        net = Pyramid(shape, 1, 2, 1, levels, 0, 0, 1, box, 128)
    else:
        latents_module = grids_latents
        net = Grids(shape, 1, 2, 2, levels, 0, box, 128)
    rng = np.random.default_rng(seed)
    weights = {t.name: rng.normal(0, 0.5, t.shape).astype(np.float32) for t in net.tensors()}
    latents = forge.sparse(rng, [area.shape for area in areas_of(net)])
    payload = latents_module.write_latents(net, weights, latents)
    found = latents_module.read_latents(net, weights, payload, 0)
    for values, expected in zip(found, latents, strict=True):
        assert np.array_equal(values, expected)


def picture(shape=(150, 140)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    samples = 128 + 60 * np.sin(x / 9) + 40 * np.cos(y / 7)
    return Signal("image", samples.astype(np.uint8)[..., None], Metadata())


def encoded(name, tile):
    given_settings = {"steps": "10"} | ({"tile": tile} if tile else {})
    return inrcodec.encode(picture(), size=1500, repr=name, settings=given_settings)


@each
def test_the_setting(name):
    data = encoded(name, "128")
    assert len(data) <= 1500
    assert len(list(split(parse_file(data, Limits()).segments[0].latents, 4, "", ""))) == 4
    assert "tile" not in info(encoded(name, "0"))
    for wrong in ("100", "64"):
        with pytest.raises(OptionError, match=f"tile = {wrong}"):
            encoded(name, wrong)


@pytest.mark.parametrize(("name", "side"), [("pyramid", 512), ("grids", 256)])
def test_large_pictures_have_tiles(name, side, monkeypatch):
    monkeypatch.setattr(picture_job, "_UNTILED_SAMPLES", 150 * 140 - 1)
    assert info(encoded(name, None))["tile"] == side
    monkeypatch.setattr(picture_job, "_UNTILED_SAMPLES", 150 * 140)
    assert "tile" not in info(encoded(name, None))
