"""The fit of latents with their contexts and networks, towards a size or a quality.

The loss is D / lambda + R, in bits: squared error of the samples and the size of everything. Steps
of the latents and lambda keep their ratio and follow a goal while the fit runs, so that one fit is
enough. Latents are rounded softly, with noise (Kim et al. 2024, section 3.2). Shortly before the
end the tensors are rounded to their grids, then the latents to integers; what can still learn
learns around them. Latents that went on learning with straight-through gradients got worse.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.fit import Rounder, State
from inrcodec.encoder.optimiser import Adam
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.rate import Grid, grids_for_step
from inrcodec.encoder.rounding import hard_bits, soft_bits, soft_rounded

_CONTEXT_RATE = 0.04
_WARM_RATE = 0.08  # of contexts alone
# Shares of the steps from which tensors, then latents are rounded.
_WEIGHTS_FROM, _LATENTS_FROM = 0.75, 0.96
# How strongly a step follows the goal; how often soft figures are compared with hard ones.
_GAIN = 0.04
_CALIBRATE = 10
# Steps from whose figures, and those of as many before, a fit knows where it is going.
_BEHIND = 5
_CLOSING_RATE, _CLOSING_GAIN = 0.1, 0.3
_SETTLING_RATE, _LEAST_SETTLING = 0.2, 5
_REPORT = 5
_PROBES = 4
_QUARTERS = (0.0, 0.5, 0.25, 0.75)
_LN2 = math.log(2)
_LARGEST = 2**15 - 1  # latent that the file can hold
_RATIO = 0.1


@dataclass(frozen=True)
class Measured:
    """What one step saw: `bits` of the latents, squared `error` over all samples inside."""

    bits: float
    error: float


Goal = Callable[[Measured], float]  # above 1: the file is too large, or better than asked
Report = Callable[[State], None]
Stop = Callable[[], bool]
Weights = Mapping[str, Tensor]


class LatentFit(ABC):
    """One fit of latents to a signal; a subclass knows what they stand for.

    It gives latents and tensors to `__init__`, and defines `step`, `_multiply_steps`,
    `_log_scales` and `_error`. Besides, where it has

    - steps that differ: `_square_step`; latents in other steps: `_multiply_latents`;
    - another `ratio`, lambda over the square of the step; steps to look `ahead`, or `closing` in;
      other `room`; another `latent_rate`, `momentum`, `temperature` or `noise`; another way to
      `_steer`;
    - networks, or an error whose gradient is found in pieces: `_backward`, `_probe_error`;
    - latents with means too: `_learn`, `_fit_contexts`, `measured` and `_probe`, and no scales;
    - tensors with fixed grids: `use_grids`;
    - an aim for each latent: `wanted`; another way to save bits: `saved`.
    """

    def __init__(
        self,
        latents: Tensor,
        weights: dict[str, Tensor],
        contexts: Sequence[str],
        rates: Mapping[str, float],
        least_step: float,
        samples: int,
        generator: torch.Generator,
    ) -> None:
        """`latents`: float32 of any shape, in steps. `weights`: the stored tensors in file order,
        leaves; of `contexts` the bits depend. `rates`: learning rates of other tensors; what is in
        neither does not learn here. `least_step`: no finer steps are of use; those at which the
        largest latent does not fit into a file are not taken either. `samples`: how many the error
        is summed over."""
        self.latents, self.weights = latents.requires_grad_(), weights
        self.samples, self.device = samples, latents.device
        self.grids: list[Grid] | None = None
        self.steps_done = 0
        self._contexts, self._generator = contexts, generator
        self._rounder: Rounder | None = None
        self._places: Tensor | None = None
        self._bits_factor = self._error_factor = 1.0
        rates = dict.fromkeys(contexts, _CONTEXT_RATE) | dict(rates)
        tensors = [self.latents, *(weights[name] for name in rates)]
        self._optimiser = Adam(
            tensors, [self.latent_rate, *rates.values()], momentum=self.momentum, decay=0.99
        )
        largest = float(self.latents.detach().abs().max())
        self._least_step = max(least_step, self.step * largest / (self.room * _LARGEST))
        if self.step < self._least_step:
            self._coarsen(self._least_step / self.step)

    # Short fits follow their goal by this power over the number of steps, where that is more.
    pull = 0.0
    # Steps that may follow where a goal was not reached, as a share of those planned, and what is
    # near enough to it.
    closing = 0.0
    near = (0.0, 1.02)
    # Share of what a file can hold that latents may take up before they learn.
    room = 0.98
    # How fast latents learn, and how slowly they turn.
    latent_rate, momentum = 0.1, 0.9
    # Temperature of soft rounding and half the width of the noise, at first and at last.
    temperature, noise = (0.3, 0.1), (0.25, 0.2)
    # How many steps ahead the goal is compared with what the fit is coming to by itself.
    ahead = 0

    # --- what latents stand for ---

    @property
    def ratio(self) -> float:
        """lambda over the square of the step."""
        return _RATIO

    @property
    @abstractmethod
    def step(self) -> float:
        """The step of the latents, or the mean of several."""

    @property
    def _square_step(self) -> float:
        """The square of the step, or the mean of several."""
        return self.step**2

    @abstractmethod
    def _multiply_steps(self, octaves: float) -> None:
        """Multiply all steps by 2^octaves."""

    def _multiply_latents(self, factor: float) -> None:
        """Multiply all latents that are counted in these steps."""
        self.latents *= factor

    def _log_scales(self, weights: Weights, values: Tensor) -> Tensor:
        """log2 of the Laplace scales of latents with these values, float32 of their shape."""
        raise TypeError(f"latents of {type(self).__name__} have more than scales")

    @abstractmethod
    def _error(self, weights: Weights, values: Tensor) -> Tensor:
        """Squared error over all samples of latents with these values, a scalar."""

    def _backward(self, weights: Weights, values: Tensor, bits: Tensor, rate: float) -> float:
        """Leave the gradients of bits + error / lambda in all that learns; the squared error.

        `rate`: the share of their learning rates for tensors that learn on the way.
        """
        error = self._error(weights, values)
        (bits + error / self.lagrange).backward()
        return float(error.detach())

    def _probe_error(self, values: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Tensors, and gradients by them, through which squared derivatives of the samples, under
        random signs and over lambda, reach networks: see `_gains`. None without networks."""
        return [], []

    def saved(self, count: int) -> int | None:
        """Change so many latents for fewer bits; how many there were. None: zeros for ones do."""
        return None

    def wanted(self) -> Tensor:
        """What latents would be without rounding, of their shape."""
        return self.latents

    # --- the loop ---

    def warm_up(self, steps: int = 25) -> None:
        """Contexts alone, on the rounded latents."""
        self._fit_contexts(steps)

    def refit_contexts(self, steps: int = 8) -> None:
        """Contexts alone once more, and grids for what they become: latents have changed much."""
        self._fit_contexts(steps)
        if self.grids is not None:
            self.use_grids()

    def _fit_contexts(self, steps: int) -> None:
        optimiser = Adam([self.weights[name] for name in self._contexts])
        values = self._rounded()
        for _ in range(steps):
            optimiser.clear()
            self._hard_bits(self.weights, values).sum().backward()
            optimiser.step(_WARM_RATE)

    def run(self, pace: Pace, goal: Goal, report: Report, stop: Stop) -> bool:
        """All steps but the settling; True if stopped. Tensors are on grids afterwards anyway."""
        stopped, course = False, _Course(self.ahead)
        while not pace.reached(_LATENTS_FROM):
            if stopped := stop():
                break
            if pace.share >= _WEIGHTS_FROM and self.grids is None:
                self.use_grids()
            decay = 0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * pace.share))
            rate = decay * min(1.0, (pace.taken + 1) / 10)
            soft = self._step(rate, pace.share / _LATENTS_FROM)
            pace.advance()
            if pace.taken % _CALIBRATE == 0:
                self._calibrate(soft)
            hard = Measured(soft.bits * self._bits_factor, soft.error * self._error_factor)
            self._steer(goal(hard) * course.expected(goal(soft)), goal, hard, pace)
            self._report(report, pace.taken, pace, hard)
        if self.grids is None:
            self.use_grids()
        return stopped or self._close_in(pace, goal, stop)

    def _steer(self, excess: float, goal: Goal, hard: Measured, pace: Pace) -> None:
        """Follow the goal after a step that saw `hard`; `excess` is over the goal by its course."""
        self.follow(excess ** max(_GAIN, self.pull / pace.steps))

    def _close_in(self, pace: Pace, goal: Goal, stop: Stop) -> bool:
        """Steps until the goal is reached, as many as there may be; True if stopped."""
        for _ in range(round(self.closing * pace.steps)):
            if stop():
                return True
            excess = goal(self.measured())
            if self.near[0] <= excess <= self.near[1] or pace.late:
                break
            self.follow(excess**_CLOSING_GAIN)
            self._step(_CLOSING_RATE, 1.0)
        return False

    def settle(self, pace: Pace, report: Report, stop: Stop) -> None:
        """The last steps of a fit: contexts and networks, latents rounded for good."""
        first, count = _soft_steps(pace.steps), _settling_steps(pace.steps)
        for step in range(count):
            if stop():
                return
            hard = self._step(_SETTLING_RATE * (1 - step / count), None)
            self._report(report, first + step + 1, pace, hard)

    def _report(self, report: Report, step: int, pace: Pace, hard: Measured) -> None:
        if step % _REPORT == 0:
            total = _soft_steps(pace.steps) + _settling_steps(pace.steps)
            loss = hard.error / self.samples
            report(State(min(step, total), total, loss, self.grids is not None))

    def _step(self, rate: float, share: float | None) -> Measured:
        """One step; `share` of the latents' time, or None when they are rounded for good."""
        self._optimiser.clear()
        values = self._rounded() if share is None else self._soft(share)
        seen = self._learn(self.held(), values, rate, hard=share is None)
        self._optimiser.step(rate)
        self.steps_done += 1
        return seen

    def _learn(self, weights: Weights, values: Tensor, rate: float, hard: bool) -> Measured:
        """Leave the gradients of a step in all that learns; what it saw. `hard`: the values are
        rounded, and latents do not learn."""
        if hard:
            bits = self._hard_bits(weights, values).sum()
        else:
            bits = soft_bits(values, self._log_scales(weights, values)).sum()
        error = self._backward(weights, values, bits, rate)
        return Measured(float(bits.detach()), error)

    def _soft(self, share: float) -> Tensor:
        temperature = _between(self.temperature, share)
        width = 2 * _between(self.noise, share)
        return soft_rounded(self.latents, self._uniform().sub_(0.5).mul_(width), temperature)

    def _uniform(self) -> Tensor:
        """Noise in 0..1. In four steps it has been in each quarter, for every latent: where their
        gradients add up it is a fraction of what it would be, and 240 steps of pyramids end 0.1 dB
        higher (benchmarks/planning.py, "pyramid: noise")."""
        turn = self.steps_done % len(_QUARTERS)
        if turn == 0 or self._places is None:
            places = torch.rand(self.latents.shape, generator=self._generator)
            self._places = places.to(self.device)
        return (self._places + _QUARTERS[turn]).frac_()

    def _rounded(self) -> Tensor:
        return self.latents.detach().round().clamp_(-_LARGEST, _LARGEST)

    def _hard_bits(self, weights: Weights, values: Tensor) -> Tensor:
        return hard_bits(values, self._log_scales(weights, values))

    # --- figures of rounded latents, and the goal ---

    @torch.no_grad()
    def measured(self) -> Measured:
        """Bits and error with the latents rounded."""
        weights, values = self.held(), self._rounded()
        bits = self._hard_bits(weights, values).sum()
        return Measured(float(bits), float(self._error(weights, values)))

    def psnr(self) -> float:
        """PSNR in dB of samples with peak 1, not cut to their range or to code values."""
        return -10 * math.log10(max(self.measured().error / self.samples, 1e-12))

    def _calibrate(self, soft: Measured) -> None:
        """Compare a soft step's figures with those of rounded latents."""
        hard = self.measured()
        self._bits_factor = hard.bits / max(soft.bits, 1.0)
        self._error_factor = hard.error / max(soft.error, 1e-12)

    @property
    def lagrange(self) -> float:
        """lambda: squared error of the samples for one bit."""
        return self.ratio * self._square_step

    @property
    def finest(self) -> bool:
        """Whether finer steps would be of no use."""
        return self.step < 1.01 * self._least_step

    @torch.no_grad()
    def follow(self, factor: float) -> None:
        """Multiply lambda by a factor, steps by its root; what latents stand for stays."""
        finest = (self._least_step / self.step) ** 2
        factor = max(min(max(factor, 0.7), 1.4), min(finest, 1.0))
        self._coarsen(factor**0.5)

    @torch.no_grad()
    def _coarsen(self, factor: float) -> None:
        """Multiply all steps by a factor; what latents stand for stays."""
        self._multiply_steps(math.log2(factor))
        self._multiply_latents(1 / factor)

    # --- tensors and their grids ---

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors as they stand, float32, not rounded."""
        return {name: w.detach().cpu().numpy() for name, w in self.weights.items()}

    def held(self) -> Weights:
        """Tensors as the file would hold them."""
        if self._rounder is None:
            return self.weights
        leaves = list(self.weights.values())
        return dict(zip(self.weights, self._rounder(leaves), strict=True))

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        self._round_to(grids_for_step(self.arrays(), self._gains(), 1.0))

    def _round_to(self, grids: list[Grid], **fixed: Grid) -> None:
        """Use these grids, but for tensors with `fixed` ones."""
        named = zip(self.weights, grids, strict=True)
        self.grids = [fixed.get(name, grid) for name, grid in named]
        self._rounder = Rounder(list(self.weights.values()), self.grids)

    def _gains(self) -> dict[str, float]:
        """1 / step of every tensor's best grid.

        A step d adds S d^2 / 12 to a number's loss, S the loss's curvature, and -log2 d to its
        bits. S is estimated by random signs (Hutchinson): from squared derivatives of the samples
        for the networks, and of the latents' bits (Fisher information) for the contexts.
        """
        squares = dict.fromkeys(self.weights, 1e-12)
        for _ in range(_PROBES):
            for name, gradient in self._probe().items():
                squares[name] += float(gradient.square().mean()) / _PROBES
        return {name: math.sqrt(square * _LN2 / 6) for name, square in squares.items()}

    def _probe(self) -> dict[str, Tensor]:
        """Derivatives of the loss's terms under random signs; their squares have S / 2 as mean."""
        for tensor in self.weights.values():
            tensor.grad = None
        values = self._rounded()
        outputs, gradients = self._probe_error(values)
        bits = self._hard_bits(self.weights, values)
        # Bits' second derivative in nats is their Fisher information: half of it, times ln 2.
        signs = self._signs(bits.shape) * math.sqrt(_LN2 / 2)
        torch.autograd.backward([*outputs, bits], [*gradients, signs])
        found = {n: w.grad.detach() for n, w in self.weights.items() if w.grad is not None}
        self._optimiser.clear()
        return found

    def _signs(self, shape: torch.Size) -> Tensor:
        signs = torch.randint(0, 2, shape, generator=self._generator).to(self.device)
        return signs * 2.0 - 1.0

    # --- results ---

    def _integers(self) -> Tensor:
        """Latents as the file would hold them, int32 on the CPU."""
        return self._rounded().to(torch.int32).cpu()


class _Course:
    """Where a fit is going by itself: latents take long to follow lambda, so that what falls goes
    on falling."""

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._passed: list[float] = []

    def expected(self, excess: float) -> float:
        """By what the excess over the goal will have been multiplied in the steps ahead, as it was
        from the steps before to the last ones: means, for single steps are noisy."""
        self._passed = [*self._passed, math.log(excess)][-2 * _BEHIND :]
        if len(self._passed) < 2 * _BEHIND:
            return 1.0
        slope = (sum(self._passed[_BEHIND:]) - sum(self._passed[:_BEHIND])) / _BEHIND**2
        return math.exp(self._ahead * slope)


def _between(ends: tuple[float, float], share: float) -> float:
    first, last = ends
    return first + (last - first) * share


def _soft_steps(steps: int) -> int:
    return round(steps * _LATENTS_FROM)


def _settling_steps(steps: int) -> int:
    return max(_LEAST_SETTLING, round(steps * (1 - _LATENTS_FROM)))
