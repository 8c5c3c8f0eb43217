"""Decoding at more samples than were coded, from networks that are defined between them."""

from dataclasses import replace
from fractions import Fraction

import forge
import numpy as np
import pytest
from cli_fakes import call, describe_picture

import inrcodec
from inrcodec.decoder import decode
from inrcodec.errors import LimitExceeded, OptionError
from inrcodec.limits import Limits

SLOW = {"w0_first": 2, "w0_hidden": 2}  # smooth enough to be seen between samples
SIREN = replace(forge.SIREN, shape=(12, 17), channels=3, width=8, **SLOW)
DOH = replace(SIREN, storage=forge.PROJECTED.storage, latent=90, groups=4, projection_seed=3)
FILMS = {
    "film": replace(forge.FILM_GREY, shape=(5, 6, 8), **SLOW),
    "volume": replace(forge.VOLUME, shape=(6, 4, 5), segment=3, **SLOW),
}


@pytest.mark.parametrize("header", [SIREN, DOH], ids=["siren", "doh"])
@pytest.mark.parametrize("factor", [2, 3, 1.5, Fraction(7, 3)])
def test_samples_lie_between_those_of_the_file(header, factor):
    data = forge.make_file(header)
    whole, large = decode(data).samples, decode(data, enlarge=factor).samples
    assert len(np.unique(whole)) > 10
    assert large.shape == (*(int(n * factor + 0.5) for n in header.shape), 3)
    for axis in (0, 1):
        ours = (np.arange(large.shape[axis]) + 0.5) / large.shape[axis] * header.shape[axis] - 0.5
        low = np.clip(np.floor(ours).astype(int), 0, header.shape[axis] - 2)
        share = (ours - low).reshape([-1 if a == axis else 1 for a in range(3)])
        first, second = whole.take(low, axis), whole.take(low + 1, axis)
        whole = first * (1 - share) + second * share
    assert np.abs(whole - large).mean() <= 1  # where values are cut to the range it is more


@pytest.mark.parametrize("factor", [3, 5])
def test_odd_factors_keep_the_coded_samples(factor):
    """Every coded sample is the one in the middle of its new ones."""
    data = forge.make_file(SIREN)
    middle = slice(factor // 2, None, factor)
    large = decode(data, enlarge=factor).samples[middle, middle]
    assert np.abs(large.astype(int) - decode(data).samples).max() <= 1


@pytest.mark.parametrize("name", FILMS)
def test_films_and_volumes(name):
    data = forge.make_file(FILMS[name])
    whole, large = decode(data).samples, decode(data, enlarge=3).samples
    middle = slice(1, None, 3)
    along = slice(None) if name == "film" else middle  # a film has no frames between its frames
    within = 1 if name == "film" else 1e-4
    assert np.abs(large[along, middle, middle].astype(float) - whole).max() <= within


def test_parts_are_those_of_the_enlarged_whole():
    data = forge.make_file(SIREN)
    large = decode(data, enlarge=2).samples
    part = decode(data, enlarge=2, region=(3, 4, 5, 6)).samples
    assert np.array_equal(part, large[8:20, 6:16])
    odd = decode(data, enlarge=1.5).samples
    parts = [decode(data, enlarge=1.5, region=(x, 0, 1, 12)).samples for x in range(17)]
    assert np.array_equal(np.concatenate(parts, axis=1), odd)


def test_crops_are_enlarged_alike():
    data = forge.make_file(FILMS["film"])
    crop = inrcodec.crop(data, span=(1, 4), region=(2, 2, 3, 3))
    whole = decode(data, span=(1, 4), region=(2, 2, 3, 3), enlarge=2)
    assert np.array_equal(decode(crop, enlarge=2).samples, whole.samples)


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        (forge.PYRAMID, {"enlarge": 2}, "by siren networks, and doh .* not for image by pyramid"),
        (forge.PROJECTED, {"enlarge": 1.5}, "scale 1.5 is for .* not for image by asmr"),
        (forge.SOUND, {"enlarge": 2}, "not for audio by siren"),
        (forge.SPECTRUM, {"enlarge": 2}, "not for audio by spectrum"),
        (SIREN, {"enlarge": 2, "scale": 2}, "scale 1/2 and enlarging by 2 exclude"),
        (SIREN, {"enlarge": 0.5}, "scale 0.5 is not between 1 and 64"),
        (SIREN, {"enlarge": 65}, "not between 1 and 64"),
        (SIREN, {"enlarge": float("nan")}, "not between 1 and 64"),
    ],
)
def test_what_cannot_be_enlarged(header, options, message):
    with pytest.raises(OptionError, match=message):
        decode(forge.make_file(header), **options)


def test_video_of_4_2_0_is_not_enlarged():
    header = replace(
        forge.FILM, net=forge.SIREN.net, w0_modulator=0, bases=(), storage=forge.SIREN.storage
    )
    with pytest.raises(OptionError, match="not for 4:2:0 video"):
        decode(forge.make_file(header), enlarge=2)


@pytest.mark.parametrize("limits", [Limits(samples=2447), Limits(macs=50_000)])
def test_limits_count_enlarged_samples(limits):
    data = forge.make_file(SIREN)
    assert decode(data, limits=limits).shape == (12, 17)
    with pytest.raises(LimitExceeded):
        decode(data, enlarge=2, limits=limits)


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.inr").write_bytes(forge.make_file(SIREN))
    assert call("decode", "a.inr", "--scale", "1.5").exit_code == 0
    assert describe_picture(tmp_path / "a.png")[1] == (26, 18)
    (tmp_path / "b.inr").write_bytes(forge.make_file(forge.PYRAMID))
    result = call("decode", "b.inr", "--scale", "2")
    assert (result.exit_code, "siren" in result.stderr) == (2, True)
