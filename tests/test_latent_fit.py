"""What all fits of latents share, on the smallest one: four scales for 400 values."""

import math

import numpy as np
import pytest
import torch

from inrcodec.encoder.fit import State
from inrcodec.encoder.goal import meet_budget, meet_quality
from inrcodec.encoder.latent_fit import LatentFit
from inrcodec.encoder.pace import Pace

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
