"""Pyramids in tiles: the same samples as without, parts from the tiles that they need alone."""

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
from inrcodec.decoder import decode, info, verify
from inrcodec.decoder.pyramid_latents import read_latents, write_latents
from inrcodec.encoder.pyramid import encode
from inrcodec.errors import Corrupt, OptionError
from inrcodec.limits import Limits
from inrcodec.nets.pyramid import Pyramid
from inrcodec.signals.signal import Metadata, Signal

WHOLE = replace(forge.PYRAMID, shape=(300, 270))
IN_TILES = replace(WHOLE, tiling=TILED, tile=128)
CONTENTS = forge.random_contents(WHOLE)
FILE, TILES = (forge.make_parted(header, CONTENTS) for header in (WHOLE, IN_TILES))
SAMPLES = decode(TILES).samples


def streams_of(data):
    """The sections of a file in tiles, and its streams."""
    sections = forge.payloads(data)
    count = len(list(IN_PYRAMID.tiles()))
    return sections, [stream for stream, _ in split(sections[2][1], count, "LATENTS", "tile")]


def with_streams(sections, streams):
    return forge.assemble([*sections[:2], (sections[2][0], join(streams))])


IN_PYRAMID = Pyramid((300, 270), 3, 3, 2, 3, 1, 2, 2, tile=128)


def test_samples_do_not_depend_on_tiles():
    assert np.array_equal(decode(FILE).samples, SAMPLES)
    assert (FILE[5], TILES[5]) == (1, 4)
    facts = info(TILES)
    assert (facts["version"], facts["tile"]) == ("1.4", 128)
    assert "tile" not in info(FILE)


def test_tiles_lie_next_to_one_another():
    seen = [np.zeros(grid.shape[2:], dtype=int) for grid in IN_PYRAMID.grids()]
    for tile in IN_PYRAMID.tiles():
        for count, whole, grid in zip(seen, IN_PYRAMID.grids(), tile, strict=True):
            count[whole.part(grid)] += 1
    assert all((count == 1).all() for count in seen)


@settings(max_examples=20, deadline=None)
@given(x=st.integers(0, 269), y=st.integers(0, 299), data=st.data())
def test_a_part_is_that_of_the_whole(x, y, data):
    width, height = data.draw(st.integers(1, 270 - x)), data.draw(st.integers(1, 300 - y))
    part = decode(TILES, region=(x, y, width, height)).samples
    assert np.array_equal(part, SAMPLES[y : y + height, x : x + width])


def test_a_part_needs_the_tiles_around_it_alone():
    sections, streams = streams_of(TILES)
    damaged = with_streams(sections, [*streams[:-1], b"nonsense"])  # the last tile
    assert np.array_equal(decode(damaged, region=(0, 0, 60, 60)).samples, SAMPLES[:60, :60])
    assert inrcodec.crop(damaged, region=(0, 0, 60, 60))
    for call in (decode, verify):
        with pytest.raises(Corrupt, match="LATENTS: stream at byte"):
            call(damaged)
    with pytest.raises(Corrupt, match="LATENTS: stream at byte"):
        decode(damaged, region=(200, 200, 60, 60))


def test_other_integers_are_found_in_the_whole():
    sections, streams = streams_of(TILES)
    swapped = with_streams(sections, [streams[1], streams[0], *streams[2:]])
    with pytest.raises(Corrupt):
        verify(swapped)


def test_drafts_read_tiles_as_far_as_needed():
    for scale in (4, 8):
        draft, same = (decode(data, scale=scale, draft=True).samples for data in (TILES, FILE))
        assert np.array_equal(draft, same)


@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_what_is_written_is_read(data, seed):
    shape = tuple(data.draw(st.integers(1, 400)) for _ in range(2))
    box = None
    if data.draw(st.booleans()):
        starts = [data.draw(st.integers(0, n - 1)) for n in shape]
        sizes = [data.draw(st.integers(1, n - a)) for a, n in zip(starts, shape, strict=True)]
        box = tuple((a, a + n) for a, n in zip(starts, sizes, strict=True))
    levels = data.draw(st.integers(1, max(1, min(6, max(shape).bit_length() - 1))))
    net = Pyramid(shape, 1, 2, 1, levels, 0, 0, 1, box, 128)
    rng = np.random.default_rng(seed)
    weights = {t.name: rng.normal(0, 0.5, t.shape).astype(np.float32) for t in net.tensors()}
    latents = forge.sparse(rng, [grid.shape for grid in net.grids()])
    payload = write_latents(net, weights, latents)
    for found, values in zip(read_latents(net, weights, payload, 0), latents, strict=True):
        assert np.array_equal(found, values)


def picture(shape=(150, 140)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    samples = 128 + 60 * np.sin(x / 9) + 40 * np.cos(y / 7)
    return Signal("image", samples.astype(np.uint8)[..., None], Metadata())


def encoded(tile):
    settings = {"steps": "10"} | ({"tile": tile} if tile else {})
    return inrcodec.encode(picture(), size=700, repr="pyramid", settings=settings)


def test_the_setting():
    data = encoded("128")
    assert len(data) <= 700
    assert len(list(split(parse_file(data, Limits()).segments[0].latents, 4, "", ""))) == 4
    assert "tile" not in info(encoded("0"))
    for wrong in ("100", "64"):
        with pytest.raises(OptionError, match=f"tile = {wrong}"):
            encoded(wrong)


def test_large_pictures_have_tiles(monkeypatch):
    monkeypatch.setattr(encode, "_TILED_SAMPLES", 150 * 140 - 1)
    assert info(encoded(None))["tile"] == 512
    monkeypatch.setattr(encode, "_TILED_SAMPLES", 150 * 140)
    assert "tile" not in info(encoded(None))
