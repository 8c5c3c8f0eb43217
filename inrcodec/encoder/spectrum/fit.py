"""The fit of one segment of a spectrum: latents and contexts together, towards a size or a quality.

The loss is D / lambda + R, in bits, as in encoder/pyramid/fit.py. The transform is orthonormal, so
that the error is that of the coefficients and no synthesis is needed to know it.
"""

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.fit import Rounder, State
from inrcodec.encoder.goal import Goal, Measured, ones_to_zeros, zeros_to_ones
from inrcodec.encoder.pyramid.rounding import hard_bits, soft_bits, soft_rounded
from inrcodec.encoder.rate import Grid, grids_for_step
from inrcodec.encoder.spectrum.context import ContextModel
from inrcodec.nets.spectrum import Spectrum, frame_parts

# lambda over the square of the step.
_RATIO = 0.1
_LATENT_RATE, _CONTEXT_RATE = 0.1, 0.04
# Shares of the steps from which tensors, then latents are rounded.
_WEIGHTS_FROM, LATENTS_FROM = 0.75, 0.96
_FIRST_TEMPERATURE, _LAST_TEMPERATURE = 0.3, 0.1
_FIRST_NOISE, _LAST_NOISE = 0.25, 0.2
_GAIN = 0.04
_CALIBRATE = 10
# Of the frame's numbers, fine enough for 16 bits: multiples of 2^-12 are exact.
FRAME_GRID = Grid((1 << 14) + 1, -2.0, 2.0)
_PROBES = 4
_LN2 = math.log(2)


class SpectrumFit:
    """One fit of a segment's coefficients.

    `coefficients`: (C, F, hop) float32 in the channel axes, full scale 1; `axes`: (C, C);
    `least_step`: no finer steps are of use.
    """

    def __init__(
        self,
        net: Spectrum,
        coefficients: np.ndarray,
        axes: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.net, self.device, self._least_step = net, device, least_step
        self._contexts = ContextModel(net, device)
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self.weights = self._start(axes, step)
        self.grids: list[Grid] | None = None
        self._rounder: Rounder | None = None
        self._target = torch.from_numpy(coefficients).to(device)
        self.latents = (self._target / step).requires_grad_()
        self._log_step = math.log2(step)
        contexts = [w for name, w in self.weights.items() if name != "frame"]
        groups = [
            {"params": [self.latents], "base": _LATENT_RATE},
            {"params": contexts, "base": _CONTEXT_RATE},
        ]
        self._optimiser = torch.optim.Adam(groups, lr=_LATENT_RATE, betas=(0.9, 0.99), fused=True)
        self.steps_done = 0
        self._bits_factor = self._error_factor = 1.0

    def _start(self, axes: np.ndarray, step: float) -> dict[str, Tensor]:
        weights = {}
        for spec in self.net.tensors():
            values = torch.full(spec.shape, spec.start)
            if spec.name == "frame":
                frame = np.concatenate([axes.ravel(), [math.log2(step) / 16, 0.0, 0.0]])
                values = torch.from_numpy(frame.astype(np.float32))
            weights[spec.name] = values.to(self.device).requires_grad_(spec.name != "frame")
        return weights

    @property
    def step(self) -> float:
        """The step of the latents."""
        return float(2**self._log_step)

    # --- the loop ---

    @torch.no_grad()
    def restart_at(self, step: float) -> None:
        """Begin again with the rounded coefficients at another step; contexts stay."""
        self._log_step = math.log2(max(step, self._least_step))
        self.latents.copy_(self._target / self.step)

    def warm_up(self, steps: int = 25) -> None:
        """Contexts alone, on the rounded coefficients."""
        contexts = [w for name, w in self.weights.items() if name != "frame"]
        optimiser = torch.optim.Adam(contexts, lr=0.08)
        integers = self.latents.detach().round()
        for _ in range(steps):
            optimiser.zero_grad()
            self._bits(self.weights, integers, soft=False).sum().backward()
            optimiser.step()

    def run(
        self,
        steps: int,
        goal: Goal,
        report: Callable[[State], None],
        stop: Callable[[], bool],
    ) -> bool:
        """Fit; True if stopped early. Tensors are on their grids afterwards in any case."""
        stopped = False
        for step in range(round(steps * LATENTS_FROM)):
            if stopped := stop():
                break
            share = step / steps
            if share >= _WEIGHTS_FROM and self.grids is None:
                self.use_grids()
            decay = 0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * share))
            measured = self._step(decay * min(1.0, (step + 1) / 10), share / LATENTS_FROM)
            if step % _CALIBRATE == _CALIBRATE - 1:
                hard = self.measured()
                self._bits_factor = hard.bits / max(measured.bits, 1.0)
                self._error_factor = hard.error / max(measured.error, 1e-12)
            as_hard = Measured(
                measured.bits * self._bits_factor, measured.error * self._error_factor
            )
            self.follow(goal(as_hard) ** _GAIN)
            if step % 5 == 4:
                loss = as_hard.error / self._target.numel()
                report(State(step + 1, steps, loss, self.grids is not None))
        if self.grids is None:
            self.use_grids()
        return stopped

    def settle(self, steps: int, stop: Callable[[], bool]) -> None:
        """Steps of the contexts alone, latents rounded for good."""
        integers = self.latents.detach().round()
        group = self._optimiser.param_groups[1]
        for step in range(steps):
            if stop():
                return
            group["lr"] = 0.2 * (1 - step / steps) * _CONTEXT_RATE
            self._optimiser.zero_grad(set_to_none=True)
            self._bits(self.held(), integers, soft=False).sum().backward()
            self._optimiser.step()
            self.steps_done += 1

    def _step(self, rate: float, share: float) -> Measured:
        """One step at a share of the latents' time."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["base"]
        self._optimiser.zero_grad(set_to_none=True)
        values = self._soft(share)
        bits = self._bits(self.held(), values, soft=True).sum()
        error = (values * self.step - self._target).square().sum()
        (bits + error / (_RATIO * self.step**2)).backward()
        self._optimiser.step()
        self.steps_done += 1
        return Measured(float(bits.detach()), float(error.detach()))

    def _soft(self, share: float) -> Tensor:
        temperature = _FIRST_TEMPERATURE + (_LAST_TEMPERATURE - _FIRST_TEMPERATURE) * share
        width = _FIRST_NOISE + (_LAST_NOISE - _FIRST_NOISE) * share
        noise = torch.rand(self.latents.shape, generator=self._generator).to(self.device)
        return soft_rounded(self.latents, noise.mul_(2 * width).sub_(width), temperature)

    def _bits(self, weights: dict[str, Tensor], values: Tensor, soft: bool) -> Tensor:
        scales = self._contexts.log_scales(weights, values.abs())
        if soft:
            return soft_bits(values, scales)
        return hard_bits(values, values, scales)

    @torch.no_grad()
    def measured(self) -> Measured:
        """Bits and error with the latents rounded."""
        values = self.latents.round()
        error = (values * self.step - self._target).square().sum()
        return Measured(float(self._bits(self.held(), values, soft=False).sum()), float(error))

    @property
    def finest(self) -> bool:
        """Whether finer steps would be of no use."""
        return self.step < 1.01 * self._least_step

    @torch.no_grad()
    def follow(self, factor: float) -> None:
        """Multiply lambda by a factor, the step by its root; coefficients stay as they are."""
        finest = (self._least_step / self.step) ** 2
        factor = max(min(max(factor, 0.7), 1.4), min(finest, 1.0))
        self._log_step += 0.5 * math.log2(factor)
        self.latents *= factor**-0.5

    # --- tensors and their grids ---

    def held(self) -> dict[str, Tensor]:
        """Tensors as the file would hold them; the frame's numbers follow at the end."""
        if self._rounder is None:
            return self.weights
        leaves = list(self.weights.values())
        return dict(zip(self.weights, self._rounder(leaves), strict=True))

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        gains = self._gains()
        arrays = self.arrays()
        self.grids = grids_for_step(arrays, gains, 1.0)
        self._rounder = Rounder(list(self.weights.values()), self.grids)

    @torch.no_grad()
    def finish_frame(self) -> None:
        """Write the step, and how much nearer to zero latents lie than their integers say, into
        the frame, and choose its grid."""
        frame, c = self.weights["frame"], self.net.channels
        frame[c * c] = self._log_step / 16
        sizes = self.latents.round().abs()
        excess = sizes - self._target.abs() / self.step
        for place, chosen in enumerate((sizes == 1, sizes > 1)):
            count = int(chosen.sum())
            mean = float((excess * chosen).sum()) / count if count else 0.0
            frame[c * c + 1 + place] = min(max(mean, 0.0), 0.3)
        assert self.grids is not None
        self.grids[list(self.weights).index("frame")] = FRAME_GRID
        self._rounder = Rounder(list(self.weights.values()), self.grids)
        held = self.held()["frame"].cpu().numpy()
        self._log_step = float(frame_parts(self.net, held)[1])

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors as they stand, float32."""
        return {name: w.detach().cpu().numpy() for name, w in self.weights.items()}

    def _gains(self) -> dict[str, float]:
        """1 / step of every tensor's best grid, by the Fisher information of the latents' bits
        (see encoder/pyramid/fit.py)."""
        squares = dict.fromkeys(self.weights, 1e-12)
        integers = self.latents.detach().round()
        names = [name for name in self.weights if name != "frame"]
        leaves = [self.weights[name] for name in names]
        for _ in range(_PROBES):
            bits = self._bits(self.weights, integers, soft=False)
            signs = torch.randint(0, 2, bits.shape, generator=self._generator).to(self.device)
            loss = ((signs * 2.0 - 1.0) * bits).sum() * math.sqrt(_LN2 / 2)
            for name, gradient in zip(names, torch.autograd.grad(loss, leaves), strict=True):
                squares[name] += float(gradient.square().mean()) / _PROBES
        return {name: math.sqrt(square * _LN2 / 6) for name, square in squares.items()}

    def seconds_per_step(self) -> float:
        """Time of a forward and backward pass; nothing changes."""
        started = time.perf_counter()
        self._bits(self.weights, self.latents.detach().round(), soft=False).sum().backward()
        self._optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - started

    # --- results ---

    def integers(self) -> np.ndarray:
        """Latents, int32 (C, F, hop), as the file would hold them."""
        limit = 2**15 - 1
        return self.latents.detach().round().clamp(-limit, limit).to(torch.int32).cpu().numpy()

    def ones(self) -> int:
        """Latents that round to 1 or -1."""
        return int((self.latents.detach().round().abs() == 1).sum())

    def drop(self, count: int) -> int:
        """Make zeros of the `count` ones nearest to it; how many there were."""
        return ones_to_zeros(self.latents, self._target / self.step, count)

    def add(self, count: int) -> int:
        """Make ones of the `count` zeros nearest to it; how many there were."""
        return zeros_to_ones(self.latents, self._target / self.step, count)
