"""Fitting: one loop, from random weights to quantised ones.

The learning rate warms up, then falls as a cosine. For the last part of the steps the weights
are rounded to their quantisation grids in the forward pass and gradients pass straight through
(Bengio et al. 2013), so that the network learns around its own rounding errors; the grids are
re-planned on coded size while the weights still move, then frozen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.model import Model
from inrcodec.encoder.optimiser import Soap
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.partition_samples import PartitionSamples
from inrcodec.encoder.rate import Arrays, Gains, Grid
from inrcodec.encoder.samples import Samples

GridPlanner = Callable[[Arrays, Gains], list[Grid]]
_LARGEST = float(np.finfo(np.float16).max)  # that the file can hold


@dataclass(frozen=True)
class Schedule:
    """How a fit goes. `batch` in rows; the share `float_share` of it without quantisation;
    `warm_up` in steps."""

    learning_rate: float
    batch: int
    float_share: float = 0.7
    warm_up: int = 50

    def rate(self, pace: Pace) -> float:
        """Learning rate of the step that comes next."""
        warm = min(1.0, (pace.taken + 1) / self.warm_up)
        return self.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * min(pace.share, 1.0)))

    @property
    def plans(self) -> tuple[float, ...]:
        """Shares of the fit at which grids are planned: at the start of quantisation, and twice
        more while the weights still move."""
        left = 1 - self.float_share
        return self.float_share, self.float_share + left / 4, self.float_share + left / 2


@dataclass(frozen=True)
class State:
    """Where a fit stands, for progress: `loss` is the running mean squared error."""

    step: int
    steps: int
    loss: float
    quantised: bool


class Guard:
    """Notices a fit that collapsed, stalled or left the numbers, and goes back.

    Every `window` steps the mean loss is compared with the best window. A fit that became
    twice as bad, or a third worse for `drift` windows on end, or explains nothing of the signal
    after `patience` steps, is set back to its best weights (at first: its start) with half the
    learning rate and a fresh optimiser.
    """

    window, patience, drift = 100, 600, 5

    def __init__(self, model: Model, variance: float) -> None:
        self.model, self.variance = model, variance
        self.factor = 1.0  # on the learning rate
        self.recoveries = 0
        self._best = math.inf
        self._worse = 0  # windows on end
        self._saved = model.arrays()
        self._losses: list[Tensor] = []

    def restart(self) -> None:
        """Forget past losses; the weights as they stand are the best so far."""
        self._best, self._saved, self._worse = math.inf, self.model.arrays(), 0
        self._losses.clear()

    def add(self, step: int, loss: Tensor) -> bool:
        """Record a loss; True if the weights were set back."""
        self._losses.append(loss.detach())
        if len(self._losses) < self.window:
            return False
        mean = float(torch.stack(self._losses).mean())
        self._losses.clear()
        stalled = step >= self.patience and mean > 0.97 * self.variance > 1e-5
        self._worse = self._worse + 1 if mean > 4 / 3 * self._best else 0
        drifted = self._worse >= self.drift
        if math.isfinite(mean) and mean <= 2 * self._best and not stalled and not drifted:
            if mean < self._best:
                self._best, self._saved = mean, self.model.arrays()
            return False
        self._go_back()
        return True

    def rescue(self) -> bool:
        """Set weights that no float16 can hold back, without waiting for a window's end."""
        arrays = self.model.arrays().values()
        if all(np.abs(array).max() <= _LARGEST for array in arrays):  # False for a NaN
            return False
        self._go_back()
        return True

    def _go_back(self) -> None:
        self._losses.clear()
        self._worse = 0
        self.model.load(self._saved)
        self.factor *= 0.5
        self.recoveries += 1


def _leaves(model: Model) -> list[Tensor]:
    return list(model.stored.values())


class Rounder:
    """Puts all stored tensors on their grids at once; gradients pass as if nothing was rounded.

    In float64, as `quantise` does: a number halfway between levels goes to the same one in both.
    """

    def __init__(self, leaves: Sequence[Tensor], grids: Sequence[Grid]) -> None:
        device = leaves[0].device
        self._sizes = [leaf.numel() for leaf in leaves]
        spread = [(g.low, g.high, _step(g)) for g in grids]
        per_tensor = torch.tensor(spread, dtype=torch.float64, device=device)
        sizes = torch.tensor(self._sizes, device=device)
        self._low, self._high, self._step = per_tensor.repeat_interleave(sizes, dim=0).unbind(1)

    def __call__(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """Rounded tensors of the leaves' shapes."""
        flat = torch.cat([leaf.reshape(-1) for leaf in leaves])
        with torch.no_grad():
            wide = flat.double()
            held = torch.minimum(torch.maximum(wide, self._low), self._high)
            rounded = torch.round((held - self._low) / self._step) * self._step + self._low
            offset = (rounded - wide).float()
        parts = (flat + offset).split(self._sizes)
        return [part.view(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]


def _step(grid: Grid) -> float:
    """Distance between levels; 1 where there is one level only, so that rounding finds it."""
    return (grid.high - grid.low) / (grid.levels - 1) if grid.levels > 1 else 1.0


class Fit:
    """One fit of a model to samples; `run` may be called again to go on with new schedules."""

    def __init__(self, model: Model, samples: Samples | PartitionSamples, seed: int) -> None:
        self.model, self.samples = model, samples
        self.guard = Guard(model, samples.variance)
        self.grids: list[Grid] | None = None
        self._rounder: Rounder | None = None
        self.steps_done = 0
        self._generator = torch.Generator().manual_seed((seed + 1) % 2**63)
        self._restart_optimiser()

    def run(
        self,
        schedule: Schedule,
        pace: Pace,
        planner: GridPlanner | None,
        report: Callable[[State], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Take the steps of a pace; `planner` None leaves out quantisation. True if stopped."""
        batches = self.samples.batches(schedule.batch, self._generator)
        running = torch.zeros(())
        plans = [*schedule.plans] if planner is not None else []
        while not pace.reached(1.0):
            if stop():
                self._rescue()
                return True
            if planner is not None and plans and pace.reached(plans[0]):
                plans.pop(0)
                self._rescue()
                self.use_grids(planner(self.model.arrays(), self.gains(schedule.batch)))
            loss = self._step(next(batches), schedule.rate(pace))
            running = loss if pace.taken == 0 else torch.lerp(running, loss, 0.05)
            if self.guard.add(pace.taken, loss):
                self._restart_optimiser()
            self.steps_done += 1
            pace.advance()
            if pace.taken % 20 == 0:
                quantised = self.grids is not None
                report(State(pace.taken, pace.steps, float(running), quantised))
        self._rescue()
        return False

    def _rescue(self) -> None:
        if self.guard.rescue():
            self._restart_optimiser()

    def _restart_optimiser(self) -> None:
        self._optimiser = Soap(_leaves(self.model), self.model.rates, self.model.stacked)

    def use_grids(self, grids: list[Grid] | None) -> None:
        """Round the weights to these grids from now on (None: not at all)."""
        self.grids = grids
        self._rounder = Rounder(_leaves(self.model), grids) if grids else None
        self.guard.restart()  # losses with and without rounding do not compare

    def _held(self) -> dict[str, Tensor]:
        """Stored tensors as the file would hold them."""
        if self._rounder is None:
            return self.model.stored
        return dict(zip(self.model.stored, self._rounder(_leaves(self.model)), strict=True))

    def gains(self, batch: int, probes: int = 8) -> dict[str, float]:
        """How strongly the output feels each stored tensor: root mean square over the tensor's
        entries of the change of all values per change of an entry.

        With random signs r over the values v, the squared gradient of r . v has the diagonal of
        J^T J as its mean (Hutchinson), so a few backward passes are enough.
        """
        generator = torch.Generator().manual_seed(self.steps_done)
        batches = self.samples.batches(batch, generator)
        leaves = _leaves(self.model)
        squares = [0.0] * len(leaves)
        for _ in range(probes):
            inputs, _, _ = self.samples.batch(next(batches))
            values = self.model.forward(self.model.stored, inputs, self.samples.head)
            signs = torch.randint(0, 2, values.shape, generator=generator).to(values) * 2 - 1
            gradients = torch.autograd.grad((values * signs).mean(), leaves)
            for i, gradient in enumerate(gradients):
                squares[i] += float(gradient.square().mean()) / probes
        return {
            name: math.sqrt(square) + 1e-12
            for name, square in zip(self.model.stored, squares, strict=True)
        }

    def _step(self, index: Tensor | None, learning_rate: float) -> Tensor:
        loss = self._gradients(index)
        self._optimiser.step(learning_rate * self.guard.factor)
        return loss

    def _gradients(self, index: Tensor | None) -> Tensor:
        inputs, targets, mask = self.samples.batch(index)
        for leaf in _leaves(self.model):
            leaf.grad = None
        values = self.model.forward(self._held(), inputs, self.samples.head)
        loss = self.samples.error(values, targets, mask)
        loss.backward()
        return loss.detach()

    @torch.no_grad()
    def psnr(self) -> float:
        """PSNR in dB over all samples, weights on their grids if they have any, values cut to
        0..1 but not rounded to code values."""
        held = self._held()
        total, chunk = 0.0, self.samples.chunk
        for first in range(0, self.samples.rows, chunk):
            index = torch.arange(first, min(first + chunk, self.samples.rows))
            inputs, targets, mask = self.samples.batch(index)
            values = self.model.forward(held, inputs, self.samples.head).clamp(0, 1)
            error = (values - targets).square()
            total += float((error if mask is None else error * mask).sum())
        return -10 * math.log10(max(total / self.samples.count, 1e-12))

    def arrays(self) -> dict[str, np.ndarray]:
        """The stored tensors as they stand, not rounded."""
        return self.model.arrays()
