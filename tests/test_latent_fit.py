"""What all fits of latents share, on the smallest one: four scales for 400 values."""

import math

import numpy as np
import pytest
import torch

from inrcodec.encoder.fit import State
from inrcodec.encoder.goal import meet_budget, meet_quality
from inrcodec.encoder.latent_fit import LatentFit
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.rounding import laplace

COUNT, STEPS = 400, 100


class PlainFit(LatentFit):
    def __init__(self, step=0.5, least_step=0.001):
        generator = torch.Generator().manual_seed(1)
        spread = torch.tensor([0.5, 0.8, 1.1, 1.7]).repeat_interleave(COUNT // 4)
        self.target = torch.randn(COUNT, generator=generator) * spread
        self.log_step = math.log2(step)
        weights = {"scales": torch.zeros(4, requires_grad=True)}
        super().__init__(self.target / step, weights, ["scales"], {}, least_step, COUNT, generator)

    @property
    def step(self):
        return 2**self.log_step

    def _multiply_steps(self, octaves):
        self.log_step += octaves

    def _log_scales(self, weights, values):
        return weights["scales"].repeat_interleave(COUNT // 4)

    def _error(self, weights, values):
        return (values * self.step - self.target).square().sum()


def never():
    return False


def run(fitted, goal=lambda measured: 1.0, report=lambda state: None, stop=never):
    fitted.warm_up()
    return fitted.run(Pace(STEPS), goal, report, stop)


@pytest.mark.parametrize("bits", [1000, 1400])
def test_a_fit_follows_a_size(bits):
    fitted = PlainFit()
    run(fitted, lambda measured: measured.bits / bits)
    assert fitted.measured().bits == pytest.approx(bits, rel=0.1)


def test_noise_has_been_in_every_quarter_after_four_steps():
    fitted, seen = PlainFit(), []
    for fitted.steps_done in range(8):
        seen.append(fitted._uniform())
    for four in (seen[:4], seen[4:]):
        quarters = (4 * torch.stack(four)).floor()
        assert all(torch.equal(each.sort().values, torch.arange(4.0)) for each in quarters.T)
    assert not torch.equal(seen[0], seen[4])


@pytest.mark.parametrize("bits", [800, 1000, 1700])
def test_steps_after_the_last_one_bring_a_fit_nearer(bits):
    """Above the goal and below it; where there is time."""

    def ended(closing, seconds=math.inf):
        fitted, pace = PlainFit(), Pace(20, seconds)
        fitted.closing, fitted.near = closing, (0.98, 1.01)
        if seconds < math.inf:
            while not pace.reached(1.0):
                pace.advance()
        fitted.run(pace, lambda measured: measured.bits / bits, lambda state: None, never)
        return abs(math.log(fitted.measured().bits / bits))

    assert ended(4.0) < 0.03 < ended(0.0)
    assert ended(4.0, seconds=0.0) > 0.03


def test_short_fits_follow_their_goal_faster():
    def ended(pull):
        fitted = PlainFit()
        fitted.pull = pull
        fitted.run(Pace(20), lambda measured: measured.bits / 800, lambda state: None, never)
        return fitted.measured().bits

    assert abs(math.log(ended(6.0) / 800)) < 0.5 * abs(math.log(ended(0.0) / 800))


@pytest.mark.parametrize("size", [0.0, 0.3, 1.0, 5.0, 40.0, 900.0])
@pytest.mark.parametrize("log_scale", [-2.0, 0.0, 3.0, 6.0])
def test_bits_of_a_laplace_variable_however_far_out(size, log_scale):
    """Against logarithms that lose nothing, with slopes that the coder's steps have too."""
    values, scales = (torch.tensor([x], dtype=torch.float32) for x in (-size, log_scale))
    bits, by_value, by_scale = laplace(values, scales, unbounded=True)

    def exact(size, log_scale):
        scale = 2**log_scale
        if size < 0.5:
            inner = (math.exp((x - 0.5) / scale) for x in (size, -size))
            return -math.log2(1 - 0.5 * sum(inner))
        return ((size - 0.5) / scale - math.log(0.5 * -math.expm1(-1 / scale))) / math.log(2)

    near, step = 1e-3, 1e-4
    slope = (exact(size + step, log_scale) - exact(abs(size - step), log_scale)) / (2 * step)
    rise = (exact(size, log_scale + step) - exact(size, log_scale - step)) / (2 * step)
    assert bits.item() == pytest.approx(exact(size, log_scale), rel=near, abs=near)
    assert by_value.item() == pytest.approx(-slope, rel=0.01, abs=near)
    assert by_scale.item() == pytest.approx(rise, rel=0.01, abs=near)


def test_far_out_a_step_costs_at_most_what_it_does_in_a_file():
    values, scales = torch.tensor([100.0, 101.0]), torch.full((2,), -5.0)
    bits, _, _ = laplace(values, scales, unbounded=True)
    assert bits[1] - bits[0] == pytest.approx(12, rel=1e-3)


def test_coarser_steps_get_contexts_of_their_own():
    """Under contexts of finer steps zeros alone would cost too much, and all would be dropped."""
    fitted = PlainFit(step=0.05)
    run(fitted)
    budget = int(fitted.measured().bits / 8 / 5)
    meet_budget(fitted, lambda: math.ceil(fitted.measured().bits / 8), budget, never)
    assert 0.9 * budget <= fitted.measured().bits / 8 <= budget
    assert int(fitted.latents.detach().round().count_nonzero()) > COUNT // 8


def test_a_fit_follows_a_quality():
    fitted = PlainFit()
    run(fitted, lambda measured: 4.0 / measured.error)
    assert fitted.measured().error == pytest.approx(4.0, rel=0.05)


def test_steps_do_not_become_finer_than_the_least():
    fitted = PlainFit(least_step=0.04)
    run(fitted, lambda measured: 0.01)
    assert fitted.finest
    assert fitted.step == pytest.approx(0.04)


def test_tensors_end_on_their_grids():
    fitted = PlainFit()
    run(fitted)
    (grid,) = fitted.grids
    levels = np.linspace(grid.low, grid.high, grid.levels)
    held = fitted.held()["scales"].detach().numpy()
    assert np.abs(held[:, None] - levels).min(axis=1).max() < 1e-6


def test_settling_leaves_the_latents():
    fitted = PlainFit()
    run(fitted)
    before = fitted.latents.detach().clone()
    fitted.settle(Pace(STEPS), lambda state: None, never)
    assert torch.equal(fitted.latents, before)
    assert fitted.steps_done == STEPS + 1


def test_progress_only_rises():
    fitted = PlainFit()
    states: list[State] = []
    run(fitted, report=states.append)
    fitted.settle(Pace(STEPS), states.append, never)
    shares = [state.step / state.steps for state in states]
    assert shares == sorted(shares)
    assert shares[-1] > 0.98
    assert [state.quantised for state in states[::19]] == [False, True]


def test_a_stopped_fit_has_grids_all_the_same():
    fitted = PlainFit()
    assert run(fitted, stop=lambda: True)
    assert fitted.grids is not None


def test_ones_and_zeros_bring_a_size_under_its_budget():
    fitted = PlainFit(step=1.0)

    def size():
        return int(np.count_nonzero(fitted.latents.detach().round()))

    budget = size() - 20
    meet_budget(fitted, size, budget, never)
    assert 0.99 * budget <= size() <= budget


def test_ones_and_zeros_bring_a_quality_near_its_target():
    fitted = PlainFit(step=0.5)
    target = fitted.psnr() - 1
    meet_quality(fitted, lambda: fitted.psnr() - target)
    assert 0 <= fitted.psnr() - target <= 0.2


def test_ones_that_bring_nothing_are_taken_back():
    fitted = PlainFit(step=0.5)
    before = fitted.latents.detach().clone()
    meet_quality(fitted, lambda: -1.0)
    assert torch.equal(fitted.latents.detach(), before)
