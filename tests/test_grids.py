"""Latent grids: contexts in integers and floats, doubling, parts, drafts, rates."""

import math
from dataclasses import replace
from fractions import Fraction

import array_api_compat.torch as xp
import forge
import numpy as np
import pytest
import spec_decoder
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import inrcodec
from inrcodec.container import Net, parse_file
from inrcodec.decoder import grids_latents
from inrcodec.decoder.grids import synthesise
from inrcodec.encoder import choice, encode_signal
from inrcodec.encoder.grids import encode
from inrcodec.encoder.grids.context import ContextModel
from inrcodec.encoder.grids.fit import GridsFit, laplacian
from inrcodec.encoder.grids.grown import GrownFit
from inrcodec.encoder.grids.synthesis import backward, forward, stacked
from inrcodec.encoder.latent_fit import Measured
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.pyramid import encode as pyramid_encode
from inrcodec.encoder.session import Session
from inrcodec.entropy import centred
from inrcodec.entropy.survival import BIT_COST, SCALES, STEP_COST
from inrcodec.errors import Corrupt, OptionError, RateError
from inrcodec.limits import Limits
from inrcodec.nets.grids import CONVOLUTIONS, Grids, by_level, doubled, synthesised
from inrcodec.network import grids_of
from inrcodec.options import EncodeOptions
from inrcodec.signals import Metadata, Signal

SETTINGS = {"steps": "30"}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bpp", [0.01, 0.1, 0.3, 0.6, 1.5, 8.0])
def test_a_sample_takes_at_most_2000_macs(channels, bpp):
    signal = Signal("image", np.zeros((768, 512, channels), dtype=np.uint8))
    session = Session(signal, EncodeOptions(repr="grids"), None, None)
    assert 100 < encode.plan(session, bpp * 768 * 512).macs_per_sample() <= 2000


def picture(shape=(70, 45), channels=3, depth=8):
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [
        0.5 + 0.3 * np.sin(x / 4 + c) * np.cos(y / 5) + 0.1 * (x + y > 20) for c in range(channels)
    ]
    samples = np.rint(np.stack(planes, axis=-1) * (2**depth - 1))
    return Signal("image", samples.astype(np.uint8 if depth == 8 else np.uint16))


def random_weights(net, seed=0):
    rng = np.random.default_rng(seed)
    weights = {
        spec.name: rng.uniform(-1, 1, spec.shape).astype(np.float32) * max(spec.bound, 0.2)
        for spec in net.tensors()
    }
    weights["frame"][-net.count :] = -0.2
    return weights


def random_latents(net, seed=0):
    rng = np.random.default_rng(seed)
    return [np.rint(rng.laplace(0, 0.5, p.shape)).astype(np.int32) for p in net.planes()]


@pytest.fixture(scope="module")
def coded():
    return inrcodec.encode(picture(), size=1500, repr="grids", settings=SETTINGS)


@pytest.mark.parametrize(
    ("shape", "channels", "depth"), [((1, 1), 1, 8), ((9, 140), 2, 8), ((33, 21), 4, 16)]
)
def test_any_size_is_coded_within_its_budget_and_the_second_decoder_agrees(shape, channels, depth):
    data = inrcodec.encode(
        picture(shape, channels, depth), size=1400, repr="grids", settings=SETTINGS
    )
    samples = inrcodec.decode(data).samples
    assert len(data) <= 1400
    assert samples.shape == (*shape, channels)
    difference = np.abs(samples.astype(int) - spec_decoder.decode(data).astype(int)).max()
    assert difference <= (1 if depth == 8 else 8)


def test_a_fit_comes_near_the_picture(coded):
    assert inrcodec.compare(picture(), inrcodec.decode(coded))["psnr_db"] > 38
    assert inrcodec.info(coded)["version"] == "1.7"


def test_a_quality_is_met():
    data = inrcodec.encode(picture(), psnr=36.0, repr="grids", settings=SETTINGS)
    assert inrcodec.compare(picture(), inrcodec.decode(data))["psnr_db"] >= 36


def test_a_region_and_a_crop_have_the_samples_of_the_whole(coded):
    whole = inrcodec.decode(coded).samples
    region = (7, 30, 20, 36)
    part = whole[30:66, 7:27]
    assert np.array_equal(inrcodec.decode(coded, region=region).samples, part)
    smaller = inrcodec.crop(coded, region=region)
    assert len(smaller) < len(coded)
    assert np.array_equal(inrcodec.decode(smaller).samples, part)


@pytest.mark.parametrize("scale", [2, 4, 6, 8])
def test_a_draft_is_like_the_reduced_picture(coded, scale):
    exact = inrcodec.decode(coded, scale=scale).samples
    draft = inrcodec.decode(coded, scale=scale, draft=True).samples
    assert draft.shape == exact.shape
    assert np.abs(draft.astype(int) - exact.astype(int)).mean() < 12


def test_what_is_written_is_read():
    net = Grids((70, 33), 4, 3, 5, 4, 2)
    weights, latents = random_weights(net), random_latents(net)
    latents[0][0, 0] = 2**15 - 1
    data = grids_latents.write_latents(net, weights, latents)
    read = grids_latents.read_latents(net, weights, data, 0)
    assert all(np.array_equal(a, b) for a, b in zip(read, latents, strict=True))


def test_a_latent_beyond_what_files_hold_is_rejected():
    net = Grids((4, 4), 1, 2, 2, 1, 0)
    weights = random_weights(net)
    weights["p3.0"][:] = (7.99, 7.0)
    latents = [np.full(p.shape, 2**15 + 5, dtype=np.int32) for p in net.planes()]
    data = grids_latents.write_latents(net, weights, latents)
    with pytest.raises(Corrupt, match="level 1 has a latent of magnitude above 32767"):
        grids_latents.read_latents(net, weights, data, 0)


def test_integers_do_not_depend_on_threads(coded):
    from threadpoolctl import threadpool_limits

    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(inrcodec.decode(coded).samples)
    assert np.array_equal(*found)


@pytest.mark.parametrize("tile", [0, 128])
def test_contexts_in_floats_cost_what_the_stream_takes(tile):
    net = Grids((150, 135), 3, 3, 6, 3, 1, tile=tile)
    weights, latents = random_weights(net, 1), random_latents(net, 1)
    data = grids_latents.write_latents(net, weights, latents)
    model = ContextModel(net)
    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    values = [torch.from_numpy(q).float() for q in latents]
    bits = model.run(tensors, values, None, range(len(model.pieces)))
    assert bits == pytest.approx(8 * len(data), rel=0.01)


@pytest.mark.parametrize(("shape", "tile"), [((13, 10), 0), ((131, 10), 128)])
def test_gradients_of_bits_are_those_of_differences(shape, tile):
    net = Grids(shape, 3, 3, 4, 2, 1, tile=tile)
    tensors = {n: torch.from_numpy(w).requires_grad_() for n, w in random_weights(net, 2).items()}
    values = [torch.from_numpy(q).float() + 0.2 for q in random_latents(net, 2)]
    model = ContextModel(net)
    order, gradients = range(len(model.pieces)), [torch.zeros_like(v) for v in values]
    model.run(tensors, values, gradients, order)
    change = [0.01 * g for g in gradients]
    after, before = (
        model.run(tensors, [v + s * c for v, c in zip(values, change, strict=True)], None, order)
        for s in (1, -1)
    )
    slope = sum(float((g * c).sum()) for g, c in zip(gradients, change, strict=True))
    assert (after - before) / 2 == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("shape", [(19, 13), (8, 24), (1, 5)])
def test_the_stack_with_gradients_is_the_plain_one(shape):
    net = Grids(shape, 2, 3, 4, 2, 1)
    generator = torch.Generator().manual_seed(0)

    def leaf(*sides: int) -> torch.Tensor:
        values = torch.randn(*sides, dtype=torch.float64, generator=generator)
        return values.requires_grad_()

    leaves = [leaf(2, 4), *(leaf(*plane.shape) for plane in net.planes())]
    weights, planes = {"taps": leaves[0]}, leaves[1:]
    plain = plain_stack(net, weights, planes)
    stack = stacked(net, weights, planes)
    torch.testing.assert_close(stack[:-1], plain)
    assert (stack[-1] == 1).all()
    slope = torch.randn(plain.shape, dtype=torch.float64, generator=generator)
    found = [torch.autograd.grad((x * slope).sum(), leaves) for x in (stack[:-1], plain)]
    torch.testing.assert_close(*found)


def plain_stack(net, weights, planes):
    """All planes at the finest size with borders, under autograd."""
    stack = None
    for i, own in enumerate(by_level(net, planes)):
        joining = [plane[None] for plane in own]
        if stack is not None:
            rows, columns = own[0].shape
            larger = doubled(xp, stack, weights["taps"][i - 1])
            joining.insert(0, larger[:, :rows, :columns])
        stack = torch.cat(joining)
    return torch.nn.functional.pad(stack[None], (CONVOLUTIONS,) * 4, mode="replicate")[0]


def test_synthesis_with_gradients_is_that_of_the_decoder():
    net = Grids((67, 200), 3, 5, 4, 3, 1)
    weights = {
        name: torch.from_numpy(w).requires_grad_() for name, w in random_weights(net, 4).items()
    }
    generator = torch.Generator().manual_seed(0)
    stack = torch.randn(net.count + 1, 71, 204, generator=generator)
    stack[-1] = 1
    target = torch.randn(3, 67, 200, generator=generator)
    used = [name for name in weights if name not in ("frame", "taps") and name[0] not in "pP"]

    def loss(out, tile):
        difference = out - target[:, tile[0], tile[1]]
        return float(difference.square().sum()), 2 * difference

    total, gradient = backward(weights, stack, loss)
    by_hand = [weights[name].grad for name in used]
    planes = stack[:-1].detach().requires_grad_()
    plain = (synthesised(xp, weights, planes) - target).square().sum()
    assert total == pytest.approx(float(plain.detach()), rel=1e-4)
    found = torch.autograd.grad(plain, [planes, *(weights[name] for name in used)])
    torch.testing.assert_close(gradient[:-1], found[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(by_hand, list(found[1:]), rtol=1e-3, atol=1e-2)


def test_the_laplacian_adds_up_to_the_picture_through_the_first_weights():
    samples = picture((37, 22)).samples.astype(np.float32) / 255
    net = Grids((37, 22), 3, 4, 4, 3, 0)
    fitted = GridsFit(net, samples, 0.01, 1e-4, 0, torch.device("cpu"))
    steps = torch.exp2(net.frame_parts(fitted.weights["frame"].detach())[2])
    planes = [p * s for p, s in zip(fitted._parts(fitted.latents.detach()), steps, strict=True)]
    weights = {n: w.detach() * (0 if n.startswith("K") else 1) for n, w in fitted.weights.items()}
    out = forward(weights, stacked(net, weights, planes))
    torch.testing.assert_close(out, fitted._target, atol=1e-5, rtol=0)
    assert len(laplacian(net, fitted._target)) == net.count


@pytest.mark.parametrize("options", [{"bpp": 2.0}, {"psnr": 33.0}])
def test_planes_of_a_long_fit_grow_from_nothing(monkeypatch, options):
    monkeypatch.setattr(encode, "_PILOTED_FROM", 60)
    monkeypatch.setattr(encode, "_PILOT_STEPS", 20)
    begun, steer = [], GrownFit._steer

    def steered(fitted, *arguments):
        if not begun:
            begun.append(float(fitted.latents.detach().abs().mean()))
        steer(fitted, *arguments)

    monkeypatch.setattr(GrownFit, "_steer", steered)
    signal, progress = picture(), []
    wanted = EncodeOptions(repr="grids", settings={"steps": "150"}, **options)
    data = encode_signal(signal, wanted, progress.append).data
    assert begun[0] < 0.5
    assert inrcodec.compare(signal, inrcodec.decode(data))["psnr_db"] >= options.get("psnr", 28.0)
    assert len(data) <= options.get("bpp", 24.0) * math.prod(signal.shape) / 8
    assert progress[0].fraction < 0.12  # of which the pilot takes 20 of 170 steps


def test_moves_that_save_bits_are_towards_zero_and_save_them():
    net = Grids((64, 48), 3, 6, 6, 3, 1)
    samples = picture((64, 48)).samples.astype(np.float32) / 255
    fitted = GridsFit(net, samples, 0.02, 1e-4, 0, torch.device("cpu"))
    fitted.warm_up()
    fitted.run(Pace(20), lambda measured: 1.0, lambda state: None, lambda: False)
    before, bits = fitted._rounded(), fitted.measured().bits
    assert fitted.saved(20) == 20
    after = fitted._rounded()
    assert (after.abs() <= before.abs()).all() and (after != before).sum() == 20
    assert fitted.measured().bits < bits - 20


def test_a_second_thread_changes_nothing_but_time():
    files = [
        inrcodec.encode(picture(), bpp=4.0, repr="grids", threads=threads, settings=SETTINGS)
        for threads in (1, 2)
    ]
    assert files[0] == files[1]


@pytest.fixture
def short_efforts(monkeypatch):
    monkeypatch.setattr(choice, "_LEAST_GRIDS", 0)
    monkeypatch.setitem(encode.STEPS, 8, 20)
    monkeypatch.setitem(pyramid_encode.STEPS, 7, 20)


@pytest.mark.parametrize("steps", [10, 60])
def test_long_fits_are_the_better_of_latent_grids_and_a_pyramid(monkeypatch, short_efforts, steps):
    monkeypatch.setitem(encode.STEPS, 8, steps)
    signal, progress = picture(), []
    wanted = EncodeOptions(bpp=4.0, effort=8)
    made = encode_signal(signal, wanted, progress.append)
    both = [
        encode_signal(signal, replace(wanted, repr=name, effort=effort))
        for name, effort in (("grids", 8), ("pyramid", 7))
    ]
    best = max(both, key=lambda each: each.psnr_db)
    assert (made.data, made.representation) == (best.data, best.representation)
    assert made.steps == sum(each.steps for each in both)
    fractions = [state.fraction for state in progress]
    assert fractions == sorted(fractions)


def test_a_long_fit_that_is_stopped_soon_is_a_pyramid(short_efforts):
    seen = []
    made = encode_signal(
        picture(), EncodeOptions(bpp=4.0, effort=8), seen.append, lambda: len(seen) > 1
    )
    assert made.stopped and made.representation == "pyramid"


def test_a_long_fit_that_is_stopped_has_the_file_of_its_pilot(monkeypatch):
    monkeypatch.setattr(encode, "_PILOTED_FROM", 60)
    monkeypatch.setattr(encode, "_PILOT_STEPS", 20)
    signal, seen = picture(), []
    wanted = EncodeOptions(repr="grids", size=1500, settings={"steps": "60"})
    made = encode_signal(
        signal, wanted, seen.append, lambda: bool(seen) and seen[-1].fraction > 0.4
    )
    assert made.stopped and len(made.data) <= 1500
    assert inrcodec.compare(signal, inrcodec.decode(made.data))["psnr_db"] > 28


def test_a_grown_fit_goes_back_once_it_is_known_to_miss_its_goal():
    net = Grids((32, 32), 3, 4, 4, 2, 0)
    samples = picture((32, 32)).samples.astype(np.float32) / 255
    fitted = GrownFit(net, samples, 0.01, 1e-4, 0, torch.device("cpu"))
    pace, first = Pace(100), fitted.lagrange
    pace.back_to(0.8)
    step = fitted.step
    fitted._steer(1.0, lambda measured: measured.bits / 100, Measured(130.0, 1.0), pace)
    assert pace.share < 0.6 and pace.taken == round(pace.share * 100)
    assert fitted.lagrange > 1.2 * first and fitted.step == step
    pace.back_to(0.8)
    fitted._steer(1.0, lambda measured: measured.bits / 100, Measured(103.0, 1.0), pace)
    assert pace.share == 0.8


def test_moves_save_bits_and_break_little():
    net = Grids((48, 64), 3, 6, 6, 3, 1)
    samples = picture((48, 64)).samples.astype(np.float32) / 255
    fitted = GridsFit(net, samples, 0.03, 1e-4, 0, torch.device("cpu"))
    fitted.warm_up()
    for _ in range(30):
        fitted._step(0.5, 0.9)
    before, old = fitted.measured(), fitted._rounded()
    assert fitted.saved(20) == 20
    after, moved = fitted.measured(), (fitted._rounded() - old).abs()
    assert moved.max() == 1 and moved.sum() == 20
    assert after.bits < before.bits - 20 and after.error < 1.1 * before.error


def test_decoder_and_encoder_synthesise_alike():
    net = Grids((40, 51), 3, 5, 4, 3, 1)
    weights, latents = random_weights(net, 3), random_latents(net, 3)
    weights["frame"][:12] = [*np.eye(3, dtype=np.float32).ravel(), 0, 0, 0]
    samples = synthesise(net, weights, latents, net.whole)
    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    steps = torch.exp2(net.frame_parts(tensors["frame"])[2])
    planes = [torch.from_numpy(q) * s for q, s in zip(latents, steps, strict=True)]
    out = forward(tensors, stacked(net, tensors, planes))
    np.testing.assert_allclose(samples, out.numpy().transpose(1, 2, 0), rtol=1e-3, atol=1e-3)


def test_costs_are_chances_and_near_no_middle():
    model = centred.centred()
    offsets = range(centred.FIRST_OFFSET, centred.FIRST_OFFSET + centred.OFFSETS)
    for row, f in enumerate(offsets):
        for i in range(SCALES):
            for cost in (centred.zero_cost(f, i), centred.sign_cost(f, i)):
                if 1 < cost < 12 * BIT_COST:
                    assert abs(cost % 1 - 0.5) > 1e-5
            s = 2 ** ((i - 40) / 8)
            negative = 0.5 * math.exp((-f / 16 - 0.5) / s)
            positive = 0.5 * math.exp((f / 16 - 0.5) / s)
            zero = 2 ** (-model.zero[row * SCALES + i] / BIT_COST)
            if 1 < model.zero[row * SCALES + i] < 12 * BIT_COST:
                assert zero == pytest.approx(1 - negative - positive, abs=2e-4)
            sign = 2 ** (-model.sign[row * SCALES + i] / BIT_COST)
            if 1 < model.sign[row * SCALES + i] < 12 * BIT_COST:
                assert sign == pytest.approx(negative / (negative + positive), rel=2e-4)
    assert len(model.zero) == len(model.sign) == len(model.step) == 16 * len(STEP_COST)


@pytest.mark.parametrize("name", ["grids", "pyramid"])
def test_metadata_that_leaves_no_room_is_told(name):
    profile = np.random.default_rng(0).bytes(2000)
    signal = replace(picture(), metadata=Metadata(icc=profile))
    with pytest.raises(RateError, match=r"the budget is 1500 \(the metadata can be left out\)"):
        encode_signal(signal, EncodeOptions(repr=name, size=1500, settings=SETTINGS))


def test_grids_are_for_pictures():
    sound = Signal("audio", np.zeros((50, 1), dtype=np.float32), rate=Fraction(8000))
    with pytest.raises(OptionError, match="repr = grids is not for audio"):
        inrcodec.encode(sound, size=500, repr="grids")


def test_a_file_says_what_it_costs():
    facts = inrcodec.info(forge.make_file(forge.GRIDS))
    assert facts["repr"] == "grids"
    assert facts["macs_per_sample"] > 0


@settings(max_examples=25, deadline=None)
@given(header=forge.headers(side=70, width=4, layers=3, nets=(Net.GRIDS,)), seed=st.integers(0, 99))
def test_same_latents_and_samples_as_the_second_decoder(header, seed):
    header = replace(header, levels=min(header.levels, 4))
    header = replace(header, colour_from=min(header.colour_from, header.levels))
    tensors = forge.random_tensors(header, seed)
    data = forge.make_file(header, tensors, latents=forge.random_latents(header, seed))
    part = parse_file(data, Limits()).segments[0]
    weights = forge.weights_of(header, tensors)
    read = grids_latents.read_latents(grids_of(header), weights, part.latents, 0)
    decoded = spec_decoder.read_file(data)
    coded = spec_decoder.coded_parts(decoded.head, decoded.segments[0].arrays())
    assert all(np.array_equal(a, b) for a, b in zip(read, coded, strict=True))
    # Some random files reach numbers at which float32 is coarser than 16-bit samples.
    assume(np.abs(spec_decoder.values_at_samples(decoded, 0)).max() < 2**13)
    ours = inrcodec.decode(data).samples.astype(int)
    theirs = spec_decoder.samples_of(decoded).astype(int)
    # The numbers are far from a picture's; 16-bit samples show float32's last digits.
    assert np.abs(ours - theirs).max() <= (1 if header.depth == 8 else 8)
