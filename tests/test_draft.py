"""Drafts of pictures by coordinate networks: fewer samples, about the same means."""

import math
from dataclasses import replace
from itertools import product

import forge
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_nets import ASMR, random_weights

import inrcodec
from inrcodec.decoder import decode
from inrcodec.decoder.draft import mean_sides, places
from inrcodec.decoder.evaluate import box_means
from inrcodec.nets import LocalGlobal, Siren
from inrcodec.nets.base import grid_index
from inrcodec.signals.signal import Signal

SIZE = 50, 77
SETTINGS = {
    "siren": ("siren", {}),
    "doh": ("doh", {"target": "siren"}),
    "asmr": ("asmr", {"bases": "8,1,8/10,1,8"}),
    "asmr 6": ("asmr", {"bases": "9,1,6/13,1,6"}),
    "partitions": ("local-global", {"partitions": "3,4"}),
    "few in a box": ("local-global", {"partitions": "6,8"}),
}
PARTS = {name: forge.make_file(forge.WINDOWS[name]) for name in ("siren", "asmr", "partitions")}


@pytest.fixture(scope="module")
def files():
    """A calm picture by every kind of network."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    waves = [np.sin(y / 17 + 1), np.cos(x / 23), np.sin((x + y) / 31)]
    picture = np.stack([128 + 60 * wave for wave in waves], axis=-1).astype(np.uint8)
    return {
        name: inrcodec.encode(
            Signal("image", picture),
            size=6000,
            repr=kind,
            seed=1,
            threads=1,
            settings={"steps": "60", **settings},
        )
        for name, (kind, settings) in SETTINGS.items()
    }


def both(data, scale, region=None):
    """Exact means and a draft, as integers that can be negative."""
    made = (decode(data, scale=scale, region=region, draft=draft) for draft in (False, True))
    return [signal.samples.astype(int) for signal in made]


@pytest.mark.parametrize("region", [None, (5, 3, 41, 30), (16, 8, 40, 24)], ids=str)
@pytest.mark.parametrize("scale", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("name", SETTINGS)
def test_drafts_are_nearer_to_means_than_samples(files, name, scale, region):
    exact, draft = both(files[name], scale, region)
    assert draft.shape == exact.shape
    whole = decode(files[name], region=region).samples
    middles = np.ix_(
        *(np.minimum(np.arange(0, n, scale) + scale // 2, n - 1) for n in whole.shape[:2])
    )
    assert rms(draft - exact) <= 0.6 * rms(whole[middles] - exact) + 0.5


def rms(values):
    return np.sqrt(np.mean(values**2.0))


@given(data=st.data())
def test_any_part_at_any_scale_has_its_size(data):
    name = data.draw(st.sampled_from(sorted(PARTS)))
    height, width = forge.WINDOWS[name].shape
    left, top = (data.draw(st.integers(0, n - 1)) for n in (width, height))
    region = (left, top, *(data.draw(st.integers(1, n)) for n in (width - left, height - top)))
    exact, draft = both(PARTS[name], data.draw(st.integers(2, max(height, width))), region)
    assert draft.shape == exact.shape


@pytest.mark.parametrize("name", ASMR)
def test_means_of_the_last_level_are_those_of_samples(name):
    net = ASMR[name]
    weights = random_weights(net)
    for means in product(*(divisors(base) for base in net.bases[-1])):
        for head in net.heads():
            reduced = replace(net, means=means)
            index = grid_index((0,) * len(net.shape), net.rows(head))
            whole = net.forward(np, weights, net.inputs(index, head), head)
            small = reduced.forward(np, weights, reduced.inputs(index, head), head)
            for axis, side in enumerate(means):
                whole = box_means(whole, axis + 1, side)
            assert small.shape == (len(index), *reduced.block(head), net.channels)
            assert np.abs(small - whole).max() < 1e-4


def divisors(n):
    return [d for d in range(1, n + 1) if n % d == 0]


def test_parts_of_a_cell_tile_boxes_wherever_they_begin():
    net = replace(ASMR["asmr 2"], shape=(96, 96), bases=((8, 8), (12, 12)))
    assert mean_sides(net, ((0, 96), (0, 96)), 8) == (4, 4)
    assert mean_sides(net, ((2, 90), (3, 91)), 8) == (2, 1)
    assert mean_sides(net, ((24, 27), (0, 2)), 8) == (1, 2)


def test_places_are_the_middles_of_quarters():
    rows, columns = places(((0, 10), (3, 5)), 4)
    assert rows.tolist() == [0.5, 2.5, 4.5, 6.5, 8, 9]
    assert columns.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("name", "owner"), [("siren", Siren), ("partitions", LocalGlobal), ("doh", Siren)]
)
def test_drafts_evaluate_few_points(name, owner, files, monkeypatch):
    points, forward = [], owner.forward

    def counted(self, xp, weights, inputs, *rest):
        points.append(math.prod(inputs[-1].shape[:-1]))
        return forward(self, xp, weights, inputs, *rest)

    monkeypatch.setattr(owner, "forward", counted)
    whole, small = [], []
    for counts, draft in ((whole, False), (small, True)):
        points.clear()
        decode(files[name], scale=8, draft=draft)
        counts.append(sum(points))
    assert small[0] < whole[0] / 4
