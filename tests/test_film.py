"""Films: batches, motion, both contexts and syntheses, sizes and qualities met, parts, damage."""

import contextlib
import itertools
from dataclasses import replace
from fractions import Fraction

import forge
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inrcodec.comparison import compare
from inrcodec.container import parse_file
from inrcodec.decoder import decode, film, film_latents, info, verify
from inrcodec.encoder import encode_signal
from inrcodec.encoder.choice import representation
from inrcodec.encoder.film import motion as search
from inrcodec.encoder.film.context import FilmContexts
from inrcodec.encoder.film.encode import planned_film, planned_segment
from inrcodec.encoder.film.start import padded
from inrcodec.encoder.film.synthesis import Grids, Synthesis, synthesised
from inrcodec.encoder.pyramid.synthesis import analysed
from inrcodec.errors import InrError, OptionError, RateError
from inrcodec.limits import Limits
from inrcodec.nets import motion
from inrcodec.nets.film import Film
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal

NET = Film(
    shape=(7, 13, 22),
    channels=3,
    halved=True,
    levels=2,
    colour_from=1,
    interval=4,
    block=8,
    motion_levels=1,
)
NETS = {
    "4:2:0": NET,
    "4:2:0 of one level": replace(NET, levels=1),
    "rgb": replace(NET, halved=False),
    "rgb, late colour": replace(NET, halved=False, colour_from=2),
    "grey": replace(NET, halved=False, channels=1, colour_from=0, block=32, motion_levels=2),
    "one frame": replace(NET, shape=(1, 13, 22)),
}
CPU = torch.device("cpu")


def video(frames=4, shape=(16, 22), layout="4:2:0", seed=0):
    """A texture that drifts by a sample and a quarter a frame, and a little noise."""
    rng = np.random.default_rng(seed)
    t, y, x = np.mgrid[:frames, : shape[0], : shape[1]]
    x = x - 1.25 * t
    waves = [
        0.5 + 0.2 * np.sin(x / 3 + c) * np.cos(y / 4 - c) + 0.2 * np.sin((x + y) / 7)
        for c in range(3)
    ]
    values = np.stack(waves, axis=-1) + rng.normal(0, 0.01, (*t.shape, 3))
    samples = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
    rate = Fraction(25)
    if layout == "rgb":
        return Signal("video", samples, rate=rate)
    chroma = np.ascontiguousarray(samples[:, ::2, ::2, 1:]) if layout == "4:2:0" else None
    return Signal("video", samples[..., :1], rate=rate, chroma=chroma)


def encode(signal, steps=8, **options):
    wanted = {"repr": "film", "settings": {"steps": str(steps)} | options.pop("settings", {})}
    return encode_signal(signal, EncodeOptions(**wanted | options))


def weights_of(net, seed=0):
    """Tensors by name, float32: contexts at random, steps small."""
    rng = np.random.default_rng(seed)
    weights = {s.name: rng.uniform(-0.7, 0.7, s.shape) for s in net.tensors()}
    weights["steps"] = rng.uniform(-0.4, -0.25, weights["steps"].shape)
    return {name: w.astype(np.float32) for name, w in weights.items()}


def in_torch(weights, latents):
    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    values = [
        Grids(*([torch.from_numpy(g).float() for g in part] for part in (b.motion, b.picture)))
        for b in latents
    ]
    return tensors, values


# --- batches ---


@settings(max_examples=100, deadline=None)
@given(frames=st.integers(1, 400), interval=st.integers(0, 8))
def test_batches(frames, interval):
    """Every frame once, after those that it is predicted from and between them."""
    net = replace(NET, shape=(frames, 13, 22), interval=2**interval)
    done = set()
    for batch in net.batches:
        assert batch.level < net.classes
        assert len(batch.frames) == 1 or batch.level > 1
        assert batch.references <= done
        for frame, references in batch.predicted_from():
            assert frame not in done
            assert len(references) == min(batch.level, 2)
            assert abs(frame - references[0]) <= net.interval
            assert batch.level < 2 or references[0] < frame < references[1]
        done.update(batch.frames)
    assert done == set(range(frames))
    assert sum(len(batch.frames) for batch in net.batches) == frames


@settings(max_examples=30, deadline=None)
@given(frames=st.integers(1, 60), interval=st.integers(0, 5), name=st.sampled_from(sorted(NETS)))
def test_number_of_latents(frames, interval, name):
    net = replace(NETS[name], shape=(frames, 13, 22), interval=2**interval)
    batches = forge.random_batches(net, np.random.default_rng(0))
    assert net.latents() == sum(grid.size for batch in batches for grid in batch)


# --- motion ---


def planes(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 2, 2), (2, 5, 8), (3, 1, 9), (1, 16, 3)])
def test_doubling_and_moving_agree(shape):
    double = motion.doubled(planes(shape))
    tensor = search.doubled(torch.from_numpy(planes(shape))[None])
    np.testing.assert_allclose(double, tensor[0].numpy(), atol=1e-5)
    vectors = 6 * planes((2, *shape[1:]), 1)
    ours = motion.moved(double, vectors)
    theirs = search.moved(tensor, torch.from_numpy(vectors)[None])
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-4)


def test_doubling_keeps_samples_constants_and_slow_waves():
    flat = np.full((1, 4, 6), 0.3, dtype=np.float32)
    np.testing.assert_allclose(motion.doubled(flat), 0.3, atol=1e-6)
    x = np.arange(64)
    double = motion.doubled(np.sin(x / 4).astype(np.float32)[None, None])
    np.testing.assert_allclose(double[0, 0, ::2], np.sin(x / 4), atol=1e-6)
    np.testing.assert_allclose(double[0, 0, 9:-9:2], np.sin((x + 0.5) / 4)[4:-5], atol=2e-3)


def test_whole_vectors_move_samples():
    plane = planes((2, 9, 7))
    vectors = np.stack([np.full((9, 7), 2.0), np.full((9, 7), -3.0)]).astype(np.float32)
    samples = motion.moved(motion.doubled(plane), vectors)
    np.testing.assert_allclose(samples[:, :7, 3:], plane[:, 2:, :-3], atol=1e-6)
    np.testing.assert_allclose(samples[:, :7, 0], plane[:, 2:, 0], atol=1e-6)  # a border repeated


@pytest.mark.parametrize("value", [-1e9, 0, 1e9])
def test_vectors_far_outside_stay_at_the_border(value):
    vectors = np.full((2, 3, 4), value, dtype=np.float32)
    samples = motion.moved(motion.doubled(planes((1, 3, 4))), vectors)
    assert np.isfinite(samples).all()
    assert value == 0 or len(np.unique(samples)) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0])
def test_frames_of_steps_that_are_no_numbers_are_finite(value):
    net = NETS["4:2:0"]
    weights, latents = weights_of(net), forge.random_batches(net, np.random.default_rng(0))
    weights["steps"][-2:] = value
    for frame in frames_of(net, weights, latents).values():
        assert all(np.isfinite(plane).all() for plane in frame)


@pytest.mark.parametrize(("side", "block"), [(16, 4), (20, 8), (4, 8), (1, 16)])
def test_interpolation_between_the_middles_of_blocks(side, block):
    vectors = -(-side // block)
    matrix = motion.interpolation(side, block, vectors)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)
    middles = (np.arange(vectors) + 0.5) * block
    expected = np.interp(np.arange(side) + 0.5, middles, 3.0 * middles + 1)
    np.testing.assert_allclose(matrix @ (3 * middles + 1), expected, rtol=1e-5)


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-1.5, 0.5), (14, 9)])
def test_search_finds_a_shift(shift):
    """Seen from the samples that the shift leaves inside."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.normal(size=(1, 1, 24, 28)).astype(np.float32))
    whole = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic")
    place = torch.zeros(1, 2, 96, 112) + torch.tensor(shift).view(1, 2, 1, 1)
    current = search.moved(search.doubled(whole), place)
    found = search.matched(current, whole, 8)
    inner = found[0, :, 3:-3, 3:-3].flatten(1).median(dim=1).values
    np.testing.assert_allclose(inner.numpy(), shift, atol=0.26)


# --- contexts and synthesis ---


def frames_of(net, weights, latents, wanted=None):
    frames = {}
    wanted = range(net.shape[0]) if wanted is None else wanted
    film.synthesise(net, weights, latents, wanted, frames.__setitem__)
    return frames


class Scales:
    """In the place of an encoder: the scale indices of every plane."""

    def __init__(self):
        self.planes = []

    def add(self, values, scales):
        self.planes.append(scales)

    def finish(self):
        return b""


@pytest.mark.parametrize("name", NETS)
def test_both_context_models_find_the_same_scales(name, monkeypatch):
    net = NETS[name]
    weights = {n: np.rint(w * 64) / 64 for n, w in weights_of(net, 1).items()}
    weights = {n: w.astype(np.float32) for n, w in weights.items()}
    latents = forge.random_batches(net, np.random.default_rng(2))
    recorded = Scales()
    monkeypatch.setattr(film_latents, "LatentEncoder", lambda: recorded)
    film_latents.write_latents(net, weights, latents)
    tensors, values = in_torch(weights, latents)
    logs = FilmContexts(net, CPU).log_scales(tensors, values).numpy()
    exact, start, found = (40 + 8 * logs).clip(0, 119), 0, iter(recorded.planes)
    for grid in (grid for batch in latents for grid in batch):
        expected = exact[start : start + grid.size].reshape(grid.shape)
        start += grid.size
        for band, phase in np.ndindex(grid.shape[1], 4):
            assert np.abs(next(found) - expected[phase, band]).max() <= 0.75
    assert start == len(exact)
    assert len(np.unique(np.rint(exact))) > 20


@pytest.mark.parametrize("name", NETS)
def test_both_syntheses_give_the_same_frames(name):
    net = NETS[name]
    weights, latents = weights_of(net), forge.random_batches(net, np.random.default_rng(1))
    weights["colours"] *= 0
    if len(weights["colours"]) > net.channels:  # axes
        weights["colours"][: net.channels**2] = np.eye(net.channels).ravel()
    ours = frames_of(net, weights, latents)
    tensors, values = in_torch(weights, latents)
    for batch, found in Synthesis(net, CPU).batches(tensors, values):
        for i, frame in enumerate(batch.frames):
            for mine, theirs in zip(ours[frame], found, strict=True):
                np.testing.assert_allclose(mine, theirs[i].numpy(), atol=2e-3)


@pytest.mark.parametrize("name", NETS)
def test_some_frames_are_those_of_all(name):
    net = NETS[name]
    weights, latents = weights_of(net), forge.random_batches(net, np.random.default_rng(1))
    every = frames_of(net, weights, latents)
    for frame in range(net.shape[0]):
        (some,) = frames_of(net, weights, latents, [frame]).items()
        assert some[0] == frame
        for a, b in zip(some[1], every[frame], strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", NETS)
def test_analysis_is_the_inverse_of_synthesis(name):
    net, rng = NETS[name], np.random.default_rng(0)
    rows, columns = net.padded
    shapes = [(2, net.channels, rows, columns)]
    if net.halved:
        shapes = [(2, 1, rows, columns), (2, 2, rows // 2, columns // 2)]
    given = [torch.from_numpy(rng.normal(size=shape)).float() for shape in shapes]
    if net.colour_from > 0 and net.channels > 1 and not net.halved:
        given[0][:, 1:] = 0.25  # details that the finest levels do not have
    grids = analysed(net.picture(2), given)
    assert [tuple(g.shape) for g in grids] == [grid.shape for grid in net.picture(2).grids()]
    for a, b in zip(given, synthesised(net.picture(2), grids, 2, net.halved), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETS if name != "one frame"])
def test_latents_of_motion_stand_for_fields(name):
    net = NETS[name]
    maker, weights = Synthesis(net, CPU), in_torch(weights_of(net), [])[0]
    for batch in net.batches[1:]:
        fields = torch.from_numpy(planes((len(batch.frames), batch.fields, *net.vectors)))
        again = maker.fields(weights, batch, maker.motion_latents(weights, batch, fields))
        np.testing.assert_allclose(again, fields, atol=1e-5)


# --- files ---


@pytest.mark.parametrize(("layout", "size"), [("4:2:0", 500), ("grey", 1200)])
def test_size_is_filled_and_never_exceeded(layout, size):
    signal = video(layout=layout)
    coded = encode(signal, size=size)
    assert coded.representation == "film"
    assert 0.97 * size <= len(coded.data) <= size
    facts = verify(coded.data)
    assert (facts["repr"], facts["version"]) == ("film", "1.3")
    assert facts == info(coded.data)
    assert compare(signal, decode(coded.data))["psnr_db"] == coded.psnr_db


def test_more_bytes_are_nearer():
    few, many = (encode(video(), size=size).psnr_db for size in (400, 1600))
    assert many > few + 8


def test_films_need_less_than_their_frames_alone():
    """What is said once of a drifting texture holds for all frames."""
    signal = video(3, layout="grey")
    together = encode(signal, size=600).psnr_db
    alone = encode(signal, size=600, settings={"segment": "1"}).psnr_db
    assert together > alone + 2


@pytest.mark.parametrize(("layout", "target", "segment"), [("grey", 36.0, 2), ("4:2:0", 30.0, 4)])
def test_a_quality_is_met(layout, target, segment):
    coded = encode(video(layout=layout), psnr=target, settings={"segment": str(segment)}, steps=12)
    assert target <= coded.psnr_db <= target + 0.2


def test_the_finest_steps_give_all_samples_back():
    signal = video(2, (8, 8), "grey")
    coded = encode(signal, psnr=95.0)
    assert np.array_equal(decode(coded.data).samples, signal.samples)


@pytest.fixture(scope="module")
def coded():
    """Three segments, the last one shorter."""
    data = encode(video(8, (24, 34)), size=3000, steps=3, settings={"segment": "3"}).data
    facts = info(data)
    assert (facts["segments"], facts["segment"]) == (3, 3)
    return data


@pytest.mark.parametrize("span", [(0, 8), (0, 1), (2, 4), (3, 6), (5, 7), (7, 8)])
def test_frames_are_a_part_of_the_whole(coded, span):
    whole, part = decode(coded), decode(coded, span=span)
    assert np.array_equal(part.samples, whole.samples[slice(*span)])
    assert np.array_equal(part.chroma, whole.chroma[slice(*span)])


@pytest.mark.parametrize("region", [(0, 0, 34, 24), (0, 0, 1, 1), (32, 22, 2, 2), (6, 4, 13, 9)])
def test_region_is_a_part_of_the_whole(coded, region):
    x, y, width, height = region
    whole, part = decode(coded, span=(2, 5)), decode(coded, span=(2, 5), region=region)
    assert np.array_equal(part.samples, whole.samples[:, y : y + height, x : x + width])
    rows, columns = slice(y // 2, -(-(y + height) // 2)), slice(x // 2, -(-(x + width) // 2))
    assert np.array_equal(part.chroma, whole.chroma[:, rows, columns])


def test_smaller_scale(coded):
    whole, small = decode(coded), decode(coded, scale=2)
    means = whole.samples.astype(float).reshape(8, 12, 2, 17, 2).mean(axis=(2, 4))
    assert np.abs(small.samples[..., 0] - means).max() <= 1


@pytest.mark.parametrize(
    ("layout", "shape", "rate"),
    [
        ("4:2:0", (1, 1, 1), {"size": 900}),
        ("rgb", (1, 1, 1), {"psnr": 25.0}),
        ("4:2:0", (2, 1, 1), {"psnr": 25.0}),
        ("rgb", (1, 5, 9), {"size": 900}),
        ("4:2:0", (2, 3, 40), {"size": 900}),
        ("grey", (3, 17, 2), {"size": 900}),
    ],
)
def test_tiny_videos(layout, shape, rate):
    signal = video(shape[0], shape[1:], layout)
    coded = encode(signal, **rate, steps=3)
    decoded = decode(coded.data)
    assert decoded.samples.shape == signal.samples.shape
    assert (decoded.chroma is None) == (signal.chroma is None)
    assert coded.psnr_db >= 25.0


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_video_of_one_colour(value):
    samples = np.full((2, 16, 18, 3), value, dtype=np.uint8)
    coded = encode(Signal("video", samples, rate=Fraction(25)), size=800, steps=3)
    assert coded.psnr_db > 48


def test_same_seed_same_file():
    signal = video(2, (12, 16))
    data = [encode(signal, size=600, seed=seed, steps=3).data for seed in (3, 3, 4)]
    assert data[0] == data[1] != data[2]


def test_too_small_a_budget():
    with pytest.raises(RateError, match="header and metadata take 42 bytes, the budget is 40"):
        encode(video(2), size=40)
    with pytest.raises(RateError, match="segment 0 takes at least"):
        encode(video(2), size=100)


def test_a_budget_of_less_than_the_motion():
    frames = np.stack([np.roll(video(1).samples[0], 3 * n, axis=1) for n in range(3)])
    with pytest.raises(RateError, match="segment 0 takes at least"):
        encode(Signal("video", frames, rate=Fraction(25)), size=130, steps=20)


def test_a_time_limit_is_shared_by_segments(clock):
    coded = encode(video(5), size=1500, steps=100000, time_limit=2.0, settings={"segment": "2"})
    assert coded.seconds < 3
    assert len(coded.data) <= 1500
    assert coded.psnr_db > 25


@pytest.mark.parametrize("calls", [0, 5])
def test_stopping_gives_what_there_is(calls):
    count = itertools.count()
    options = EncodeOptions(size=2000, repr="film", settings={"steps": "500"})
    coded = encode_signal(video(), options, stop=lambda: next(count) >= calls)
    assert coded.stopped
    assert coded.steps <= calls
    assert len(coded.data) <= 2000


def test_progress_rises_over_segments():
    seen = []
    options = EncodeOptions(size=1500, repr="film", settings={"steps": "15", "segment": "2"})
    encode_signal(video(), options, progress=seen.append)
    fractions = [state.fraction for state in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(set(fractions)) > 6


def test_segments_are_about_as_long_and_fit_into_memory():
    tall = Signal("video", np.zeros((300, 1, 1, 1), dtype=np.uint8), rate=Fraction(25))
    assert planned_segment(tall, 0) == 100
    assert planned_segment(tall, 7) == 7
    assert planned_segment(tall, 129) == 129
    with pytest.raises(OptionError, match="setting segment = 1 makes 300 segments, of 120"):
        planned_segment(tall, 1)
    large = replace(tall, samples=np.broadcast_to(np.uint8(0), (20, 1080, 1920, 1)))
    assert planned_segment(large, 0) == 4
    assert planned_film(large, 4).levels == 4


def test_padding_repeats_borders():
    net = planned_film(video(2, (5, 9)), 2)
    luma, chroma = padded([torch.ones(2, 1, 5, 9), torch.ones(2, 2, 3, 5)], net)
    assert (luma.shape[2:], chroma.shape[2:]) == ((8, 12), (4, 6))
    assert bool((luma == 1).all() and (chroma == 1).all())


@pytest.mark.parametrize(
    ("signal", "kind"), [(Signal("image", np.zeros((4, 4, 1), dtype=np.uint8)), "image")]
)
def test_what_is_not_for_a_kind(signal, kind):
    with pytest.raises(OptionError, match=f"repr = film is not for {kind}"):
        encode(signal, size=900)


def test_a_block_can_be_asked_for():
    coded = encode(video(2), size=900, steps=3, settings={"block": "4"})
    assert info(coded.data)["block"] == 4


@pytest.mark.parametrize(
    ("given", "chosen"), [({}, "film"), ({"segment": "3"}, "film"), ({"width": "8"}, "asmr")]
)
def test_auto(given, chosen):
    assert representation(video(2), EncodeOptions(settings=given), 500) == chosen


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("film", {"width": "8"}, "width is not for video by film; .*: block, segment, steps"),
        ("auto", {"stages": "1"}, "stages is not for video by film"),
        ("siren", {"segment": "3", "hop": "64"}, "hop is not for video by siren"),
    ],
)
def test_settings_of_other_representations(kind, given, message):
    with pytest.raises(OptionError, match=message):
        representation(video(2), EncodeOptions(repr=kind, settings=given), 500)


# --- damage ---


def test_any_changed_byte_is_noticed(coded):
    for position in range(0, len(coded), 7):
        with pytest.raises(InrError):
            decode(coded[:position] + bytes([coded[position] ^ 1]) + coded[position + 1 :])


def test_changed_bytes_do_no_harm_without_checksums():
    """Samples of whatever value, or an error that says what is wrong; never a warning."""
    header = replace(forge.MOVING, shape=(3, 2, 3), segment=3, interval=2, motion_levels=1)
    data = forge.make_file(header)
    limits = Limits(samples=2**13, side=2**10, macs=2**22, weights=2**12)
    whole = decode(data, limits=limits).samples
    for position in range(0, len(data), 2):
        damaged = data[:position] + bytes([data[position] ^ 0xD5]) + data[position + 1 :]
        with contextlib.suppress(InrError):
            samples = decode(damaged, limits=limits, ignore_checksum=True).samples
            assert samples.dtype == whole.dtype


def test_wrong_latents_are_noticed_by_their_checksum(coded):
    """With the sections' checksums made right again."""
    sections = forge.payloads(coded)
    kind, payload = sections[2]
    for position in range(0, len(payload), 29):
        changed = payload[:position] + bytes([payload[position] ^ 4]) + payload[position + 1 :]
        with pytest.raises(InrError, match=r"segment 0: (LATENTS|WEIGHTS: CRC-32 of the integers)"):
            decode(forge.assemble([*sections[:2], (kind, changed), *sections[3:]]))


def test_frames_count_by_what_each_takes():
    """However small, a frame takes milliseconds."""
    header = replace(forge.MOVING_GREY, shape=(100, 1, 1), segment=100).with_crcs([0])
    data = forge.make_file(header)
    parse_file(data, Limits())
    decode(data, span=(0, 1), limits=Limits(samples=100 * 2**10))
    with pytest.raises(InrError, match="padded samples = 102400"):
        decode(data, limits=Limits(samples=100 * 2**10 - 1))
