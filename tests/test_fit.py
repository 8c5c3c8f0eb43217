"""The loop and its parts: guard, rounding, batches, masks."""

import itertools
import math

import numpy as np
import pytest
import torch

from inrcodec.encoder.describe import unit_values
from inrcodec.encoder.fit import Fit, Guard, Rounder, Schedule
from inrcodec.encoder.model import Model
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.rate import Grid, grids_for_levels, quantise_all
from inrcodec.encoder.samples import Samples, shuffled
from inrcodec.nets import Asmr, Siren
from inrcodec.quantise import dequantise
from inrcodec.signals import Signal
from inrcodec.weights.projection import Projection
from inrcodec.weights.storage import Direct, Projected

CPU = torch.device("cpu")
SIREN = Siren(shape=(7, 10), channels=2, width=8, layers=2)
ASMR = Asmr((7, 10), 2, 8, ((2, 3), (1, 1), (4, 4)))


def signal(shape=(7, 10), channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return Signal("image", rng.integers(0, 256, (*shape, channels), dtype=np.uint8))


def model(net=SIREN, storage=None, seed=0):
    return Model(net, storage or Direct(), seed, CPU)


def fit(net=SIREN, seed=0, picture=None):
    picture = picture or signal(net.shape, net.channels)
    return Fit(model(net), Samples(unit_values(picture), net, net.heads()[-1], CPU), seed)


def feed(guard, value, first=0, count=None):
    """Give the guard equal losses; True if the weights were set back."""
    steps = range(first, first + (count or guard.window))
    return [guard.add(step, torch.tensor(value)) for step in steps][-1]


def shift(model, by):
    with torch.no_grad():
        for leaf in model.stored.values():
            leaf += by


def assert_equal(left, right):
    assert all(np.array_equal(left[name], right[name]) for name in right)


@pytest.mark.parametrize("bad", [2.5, float("nan"), float("inf")])
def test_guard_goes_back_to_the_best(bad):
    fitted = model()
    guard = Guard(fitted, variance=4.0)
    assert not feed(guard, 1.0)
    best = fitted.arrays()
    shift(fitted, 1.0)
    assert not feed(guard, 1.9)  # worse, but not twice as bad: not the best either
    shift(fitted, 1.0)
    assert feed(guard, bad)
    assert (guard.factor, guard.recoveries) == (0.5, 1)
    assert_equal(fitted.arrays(), best)
    assert feed(guard, bad)
    assert (guard.factor, guard.recoveries) == (0.25, 2)


def test_guard_keeps_what_improves():
    fitted = model()
    guard = Guard(fitted, variance=4.0)
    for loss in (3.0, 1.0, 0.5):
        shift(fitted, 1.0)
        assert not feed(guard, loss)
    best = fitted.arrays()
    shift(fitted, 1.0)
    assert feed(guard, 1.1)
    assert_equal(fitted.arrays(), best)


def test_guard_goes_back_from_a_drift():
    guarded = model()
    guard = Guard(guarded, variance=100.0)
    assert not feed(guard, 1.0)
    best = guarded.arrays()
    shift(guarded, 0.1)
    for _ in range(guard.drift - 1):
        assert not feed(guard, 1.5)
    assert feed(guard, 1.5)
    assert_equal(guarded.arrays(), best)
    for _ in range(guard.drift - 1):  # counted anew, and only on end
        assert not feed(guard, 1.5)
    assert not feed(guard, 1.2)
    assert not feed(guard, 1.5)


def test_guard_starts_a_stalled_fit_again():
    fitted = model()
    start = fitted.arrays()
    guard = Guard(fitted, variance=1.0)
    shift(fitted, 1.0)
    assert not feed(guard, 5.0, first=0)
    guard = Guard(fitted, variance=1.0)
    shift(fitted, -1.0)
    assert feed(guard, 0.99, first=guard.patience)
    assert guard.factor == 0.5
    np.testing.assert_allclose(fitted.arrays()["W1"], start["W1"] + 1, atol=1e-6)


def test_guard_leaves_flat_signals_alone():
    guard = Guard(model(), variance=1e-9)
    assert not feed(guard, 1e-9, first=guard.patience)


def test_guard_waits_for_a_whole_window():
    guard = Guard(model(), variance=1.0)
    assert not feed(guard, float("nan"), count=guard.window - 1)
    assert feed(guard, 1.0, count=1)


def test_guard_restarts_with_other_losses():
    """Rounded weights lose more; that is no collapse."""
    fitted = model()
    guard = Guard(fitted, variance=4.0)
    feed(guard, 0.1)
    guard.restart()
    assert not feed(guard, 1.0)


def test_fit_recovers_from_broken_weights():
    broken = fit(picture=smooth())
    schedule = Schedule(1e-3, 1000)
    broken.run(schedule, Pace(150), None, lambda state: None, lambda: False)
    best = broken.psnr()
    with torch.no_grad():
        broken.model.stored["Wout"].fill_(float("nan"))
    broken.run(schedule, Pace(150), None, lambda state: None, lambda: False)
    assert broken.guard.recoveries >= 1
    assert broken.guard.factor <= 0.5
    assert broken.psnr() > best - 1


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 1e5])
@pytest.mark.parametrize("stopped", [False, True])
def test_weights_that_no_file_can_hold_do_not_last(value, stopped):
    """A fit shorter than the guard's window ends with weights that can be quantised."""
    broken = fit(picture=smooth())
    broken.run(Schedule(1e-3, 1000), Pace(1), None, lambda state: None, lambda: False)
    with torch.no_grad():
        broken.model.stored["W1"][0, 0] = value
    broken.run(Schedule(1e-3, 1000), Pace(30), None, lambda state: None, lambda: stopped)
    assert broken.guard.recoveries == 1
    assert all(np.abs(array).max() < 100 for array in broken.arrays().values())


def test_plans_are_made_for_numbers():
    broken, plans = fit(), []

    def planner(arrays, gains):
        plans.append(arrays)
        return grids_for_levels(arrays, 16)

    broken.run(Schedule(1e9, 1000), Pace(60), planner, lambda state: None, lambda: False)
    assert len(plans) == 3
    assert all(np.isfinite(array).all() for arrays in plans for array in arrays.values())


def smooth(shape=(7, 10), channels=2):
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [128 + 60 * np.sin(x / 4 + c) + 50 * np.cos(y / 3) for c in range(channels)]
    return Signal("image", np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("levels", [1, 2, 7, 64, 3000])
def test_rounder_gives_the_values_of_the_file(levels):
    fitted = model(ASMR)
    shift(fitted, 0.05)
    grids = [Grid(1, 0.25, 0.25)] * len(fitted.specs)
    if levels > 1:
        grids = grids_for_levels(fitted.arrays(), levels)
        # One range narrower than the values, as when weights move on after planning.
        grids[0] = Grid(levels, -0.125, 0.25)
    leaves = list(fitted.stored.values())
    rounded = Rounder(leaves, grids)(leaves)
    for leaf, values, stored in zip(
        leaves, rounded, quantise_all(fitted.arrays(), grids), strict=True
    ):
        assert values.shape == leaf.shape
        expected = dequantise(stored).reshape(leaf.shape)
        np.testing.assert_allclose(values.detach().numpy(), expected, rtol=1e-6, atol=2e-7)


def test_rounder_passes_gradients():
    leaves = [torch.randn(3, 4, requires_grad=True), torch.randn(5, requires_grad=True)]
    rounded = Rounder(leaves, [Grid(4, -1.0, 1.0), Grid(2, -0.5, 0.5)])(leaves)
    factors = [torch.randn(3, 4), torch.randn(5)]
    sum((r * f).sum() for r, f in zip(rounded, factors, strict=True)).backward()
    for leaf, factor in zip(leaves, factors, strict=True):
        assert torch.equal(leaf.grad, factor)


def test_shuffled_covers_every_row():
    generator = torch.Generator().manual_seed(3)
    batches = list(itertools.islice(shuffled(12, 4, generator), 6))
    for epoch in (batches[:3], batches[3:]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(12))
    assert torch.cat(batches[:3]).tolist() != torch.cat(batches[3:]).tolist()


def test_shuffled_reaches_all_rows_of_uneven_batches():
    generator = torch.Generator().manual_seed(3)
    batches = list(itertools.islice(shuffled(10, 4, generator), 20))
    assert {len(batch) for batch in batches} == {4}
    assert set(torch.cat(batches).tolist()) == set(range(10))


def test_shuffled_with_all_rows_at_once():
    assert list(itertools.islice(shuffled(5, 5, torch.Generator()), 3)) == [None] * 3


def test_masked_loss_ignores_padding():
    picture = signal()
    samples = Samples(unit_values(picture), ASMR, 1, CPU)
    inputs, targets, mask = samples.batch(None)
    assert targets.shape == (2 * 3, 4, 4, 2)
    assert mask.shape == (2 * 3, 4, 4, 1)
    assert mask.sum() == 70
    values = targets + 0.5
    assert float(samples.error(values, targets, mask)) == pytest.approx(0.25)
    anything = torch.where(mask > 0, values, torch.full_like(values, 1e6))
    assert float(samples.error(anything, targets, mask)) == pytest.approx(0.25)
    assert float(samples.error(values, targets, mask * 0)) == 0
    assert len(inputs) == 2


def ball(side=16):
    """A mask: 1 inside a ball."""
    place = np.mgrid[:side, :side, :side] - (side - 1) / 2
    return (np.square(place).sum(0) < (side / 3) ** 2).astype(np.float32)[..., None]


def test_a_mask_is_drawn_near_its_surface():
    net = Asmr((32, 32, 32), 1, 8, ((16, 16, 16), (1, 1, 1), (2, 2, 2)))
    samples = Samples(ball(32), net, 1, CPU, binary=True)
    mixed = (samples.targets.flatten(1).amax(1) != samples.targets.flatten(1).amin(1)).numpy()
    weights = samples.weights.numpy()
    assert 0 < mixed.sum() < 1000
    assert (weights[mixed] == 1).all()
    assert weights[0] == weights.min() < 0.2  # a corner
    batches = samples.batches(100, torch.Generator().manual_seed(0))
    drawn = torch.cat([next(batches) for _ in range(20)]).numpy()
    assert mixed[drawn].mean() > 2 * mixed.mean()


def test_a_mask_is_right_beyond_its_values():
    net = Asmr((16, 16, 16), 1, 8, ((8, 8, 8), (1, 1, 1), (2, 2, 2)))
    samples = Samples(ball(), net, 1, CPU, binary=True)
    beyond = samples.targets * 9 - 4
    assert float(samples.error(beyond, samples.targets, None)) == 0
    assert float(samples.error(1 - samples.targets, samples.targets, None)) == 1
    assert float(samples.error(samples.targets * 0, samples.targets, None)) > 0


@pytest.mark.parametrize("head", [0, 1])
def test_targets_are_the_pictures_blocks(head):
    picture = signal()
    samples = Samples(unit_values(picture), ASMR, head, CPU)
    block = ASMR.block(head)
    for y, x in np.ndindex(7, 10):
        row = y // block[0] * ASMR.rows(head)[1] + x // block[1]
        stored = samples.targets[row, y % block[0], x % block[1]].numpy() * 255
        np.testing.assert_allclose(stored, picture.samples[y, x], atol=1e-4)


def test_no_mask_without_padding():
    samples = Samples(unit_values(signal()), SIREN, 0, CPU)
    assert samples.mask is None
    assert (samples.rows, samples.count) == (70, 140)
    expected = (signal().samples / 255).var(axis=(0, 1)).mean()
    assert samples.variance == pytest.approx(expected)


def test_batches_keep_inputs_and_targets_together():
    samples = Samples(unit_values(signal()), ASMR, 1, CPU)
    index = torch.tensor([4, 1])
    inputs, targets, mask = samples.batch(index)
    assert all(torch.equal(a, b[index]) for a, b in zip(inputs, samples.inputs, strict=True))
    assert torch.equal(targets, samples.targets[index])
    assert torch.equal(mask, samples.mask[index])


def test_schedule():
    schedule, pace, rates = Schedule(0.5, 10, float_share=0.75, warm_up=20), Pace(200), []
    while not pace.reached(1.0):
        rates.append(schedule.rate(pace))
        pace.advance()
    assert len(rates) == 200
    assert rates[0] == pytest.approx(0.5 / 20)
    assert max(rates) == pytest.approx(0.5, rel=0.03)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 <= rates[-1] < 1e-3
    assert schedule.plans == (0.75, 0.8125, 0.875)


@pytest.mark.parametrize("net", [SIREN, ASMR], ids=["siren", "asmr"])
def test_fit_learns(net):
    fitted = fit(net, picture=smooth())
    before = fitted.psnr()
    fitted.run(Schedule(2e-3, 1000), Pace(200), None, lambda state: None, lambda: False)
    assert fitted.psnr() > before + 10
    assert fitted.steps_done == 200


def test_psnr_is_that_of_the_picture():
    fitted = fit(ASMR)
    values = fitted.model.forward(fitted.model.stored, fitted.samples.inputs, 1).detach()
    inside = fitted.samples.mask.numpy()
    error = (values.clamp(0, 1) - fitted.samples.targets).numpy() ** 2 * inside
    expected = -10 * math.log10(error.sum() / (70 * 2))
    assert fitted.psnr() == pytest.approx(expected, abs=1e-4)
    fitted.samples.chunk = 2
    assert fitted.psnr() == pytest.approx(expected, abs=1e-4)


def test_fit_reports_and_quantises():
    fitted, states, plans = fit(), [], []

    def planner(arrays, gains):
        plans.append((arrays, gains))
        return grids_for_levels(arrays, 16)

    stopped = fitted.run(Schedule(1e-3, 20), Pace(100), planner, states.append, lambda: False)
    assert not stopped
    assert [state.step for state in states] == [20, 40, 60, 80, 100]
    assert [state.quantised for state in states] == [False, False, False, True, True]
    assert all(state.steps == 100 and state.loss > 0 for state in states)
    assert len(plans) == 3
    assert all(gain > 0 for _, gains in plans for gain in gains.values())


def test_fit_stops_at_once():
    fitted = fit()
    answers = iter([False] * 7 + [True])
    schedule = Schedule(1e-3, 20)
    assert fitted.run(schedule, Pace(50), None, lambda state: None, lambda: next(answers))
    assert fitted.steps_done == 7


def test_same_seed_same_weights():
    runs = []
    for seed in (4, 4, 5):
        fitted = fit(seed=seed)
        fitted.run(Schedule(1e-3, 20), Pace(30), None, lambda state: None, lambda: False)
        runs.append(fitted.arrays())
    assert_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0]["W1"], runs[2]["W1"])


def test_gains_are_sensitivities():
    """Against the whole Jacobian: mean over entries of the mean over values of its squares."""
    fitted = fit()
    leaves = list(fitted.model.stored.values())
    inputs = fitted.samples.inputs

    def values(*stored):
        held = dict(zip(fitted.model.stored, stored, strict=True))
        return fitted.model.forward(held, inputs, 0).reshape(-1)

    jacobian = torch.autograd.functional.jacobian(values, tuple(leaves))
    gains = fitted.gains(batch=1000, probes=200)
    ratios = []
    for leaf, part, gain in zip(leaves, jacobian, gains.values(), strict=True):
        ratios.append(gain / math.sqrt(float(part.square().sum()) / leaf.numel()))
    # The scale is common to all; what counts is how tensors compare.
    assert max(ratios) / min(ratios) < 1.3


def test_starting_weights():
    fitted = model(SIREN, seed=1)
    for spec in SIREN.tensors():
        values = fitted.arrays()[spec.name]
        assert np.abs(values - spec.start).max() <= spec.bound
    assert_equal(model(SIREN, seed=1).arrays(), fitted.arrays())
    assert not np.array_equal(model(SIREN, seed=2).arrays()["W1"], fitted.arrays()["W1"])


def test_latents_learn_faster():
    fitted = model(SIREN, Projected(Projection(20, 3, 1)))
    assert fitted.rates[0] > 1
    assert set(fitted.rates[1:]) == {1.0}
