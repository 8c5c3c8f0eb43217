"""The fit of a pyramid: latents, contexts and cell networks together, towards a size or a quality.

The loss is D / lambda + R, in bits: squared error of the samples and the size of everything. Steps
of the grids and lambda keep their ratio and follow a goal while the fit runs, so that one fit is
enough. Latents are rounded softly, with noise (Kim et al. 2024, section 3.2). Shortly before the
end the tensors are rounded to their grids, then the latents to integers; what can still learn
learns around them. Latents that went on learning with straight-through gradients got worse.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.fit import Rounder, State
from inrcodec.encoder.goal import Goal, Measured, ones_to_zeros, zeros_to_ones
from inrcodec.encoder.pyramid.cells import StripeLearner
from inrcodec.encoder.pyramid.context import ContextModel
from inrcodec.encoder.pyramid.rounding import hard_bits, soft_bits, soft_rounded
from inrcodec.encoder.pyramid.synthesis import Synthesis, analyse
from inrcodec.encoder.rate import Grid, grids_for_step
from inrcodec.nets import wavelet
from inrcodec.nets.pyramid import Pyramid, frame_parts

# lambda over the square of the step.
_RATIO = 0.1
_LATENT_RATE, _WEIGHT_RATE, _CONTEXT_RATE, _STEP_RATE = 0.1, 0.025, 0.04, 0.001
_CONTEXT_TENSORS = ("near", "parents", "cross", "offsets", "slopes")
# Shares of the steps from which tensors, then latents are rounded.
_WEIGHTS_FROM, LATENTS_FROM = 0.75, 0.96
_FIRST_TEMPERATURE, _LAST_TEMPERATURE = 0.3, 0.1
_FIRST_NOISE, _LAST_NOISE = 0.25, 0.2
# How strongly a step follows the goal, and how often soft figures are compared with hard ones.
_GAIN = 0.04
_CALIBRATE = 10
_SETTLING_RATE = 0.2
# The frame needs few bytes: it is stored finely, once.
_FRAME_LEVELS = 1 << 14
_PROBES = 4
_LN2 = math.log(2)


class PyramidFit:
    """One fit of a pyramid to samples in 0..1; `least_step`: no finer steps are of use."""

    def __init__(
        self,
        net: Pyramid,
        samples: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.net, self.device, self._least_step = net, device, least_step
        self._contexts, self._synthesis = ContextModel(net, device), Synthesis(net)
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        frame, planes = fitted_frame(net, samples, step)
        self.weights = self._start(frame)
        self.grids: list[Grid] | None = None
        self._rounder: Rounder | None = None
        planes = planes.to(device)
        self._target = _cells(planes)
        self._mask = _mask(net).to(device) if net.padded != net.shape else None
        self.samples = math.prod(net.shape) * net.channels
        shapes = [grid.shape for grid in net.grids()]
        self._shapes, self._sizes = shapes, [math.prod(shape) for shape in shapes]
        coefficients = torch.cat([c.reshape(-1) for c in analyse(planes, net)])
        self.latents = (coefficients / step).requires_grad_()
        self.ratio = _RATIO
        finest = (spec.name for spec in net.cell_tensors(0)) if net.stages else ()
        self._finest = {name: self.weights[name] for name in finest}
        self._learner = StripeLearner(self._finest)
        self._optimiser = self._make_optimiser()
        self.steps_done = 0
        self._bits_factor = self._error_factor = 1.0

    def _start(self, frame: np.ndarray) -> dict[str, Tensor]:
        weights = {}
        for spec in self.net.tensors():
            values = torch.rand(spec.shape, generator=self._generator) * 2 - 1
            values = values * spec.bound + spec.start
            if spec.name == "frame":
                values = torch.from_numpy(frame)
            weights[spec.name] = values.to(self.device).requires_grad_()
        return weights

    def _make_optimiser(self) -> torch.optim.Optimizer:
        rates = dict.fromkeys(_CONTEXT_TENSORS, _CONTEXT_RATE) | {"frame": _STEP_RATE}
        groups = [{"params": [self.latents], "base": _LATENT_RATE}]
        groups += [
            {"params": [tensor], "base": rates.get(name, _WEIGHT_RATE)}
            for name, tensor in self.weights.items()
            if name not in self._finest
        ]
        return torch.optim.Adam(groups, lr=_LATENT_RATE, betas=(0.9, 0.99), fused=True)

    # --- the loop ---

    def warm_up(self, steps: int = 25) -> None:
        """Contexts alone, on the rounded coefficients."""
        tensors = [self.weights[name] for name in _CONTEXT_TENSORS]
        optimiser = torch.optim.Adam(tensors, lr=0.08)
        integers = self.latents.detach().round()
        magnitudes = [part.abs() for part in self._parts(integers)]
        self._set_offsets(magnitudes)
        for _ in range(steps):
            optimiser.zero_grad()
            scales = self._contexts.log_scales(self.weights, magnitudes)
            hard_bits(integers, integers, scales).sum().backward()
            optimiser.step()

    @torch.no_grad()
    def _set_offsets(self, magnitudes: Sequence[Tensor]) -> None:
        """Offsets that give every band the mean scale of its magnitudes."""
        net, offsets = self.net, self.weights["offsets"]
        phases = 4 * (net.bands + net.channels)
        levels = offsets[phases:].view(net.levels, net.bands)
        low = offsets[4 * net.bands : phases].view(net.channels, 4)
        scales = self._parts(self._contexts.log_scales(self.weights, magnitudes))
        for grid, sizes, predicted in zip(net.grids(), magnitudes, scales, strict=True):
            wanted = (sizes.mean(dim=(0, 2, 3)) + 0.02).log2() - predicted.mean(dim=(0, 2, 3))
            if grid.level is None:
                low += wanted[:, None]
            else:
                levels[grid.level, : grid.bands] += wanted

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
            measured = self._step(decay * min(1.0, (step + 1) / 10), share)
            if step % _CALIBRATE == _CALIBRATE - 1:
                self._calibrate(measured)
            self.follow(goal(self._as_hard(measured)) ** _GAIN)
            if step % 5 == 4:
                loss = measured.error / self.samples
                report(State(step + 1, steps, loss, self.grids is not None))
        if self.grids is None:
            self.use_grids()
        return stopped

    def settle(self, steps: int, report: Callable[[State], None], stop: Callable[[], bool]) -> None:
        """Steps of contexts and networks, latents rounded for good."""
        for step in range(steps):
            if stop():
                return
            measured = self._step(_SETTLING_RATE * (1 - step / steps), None)
            if step % 5 == 4:
                report(State(step + 1, steps, measured.error / self.samples, True))

    def _calibrate(self, soft: Measured) -> None:
        """Compare a soft step's figures with those of rounded latents."""
        hard = self.measured()
        self._bits_factor = hard.bits / max(soft.bits, 1.0)
        self._error_factor = hard.error / max(soft.error, 1e-9)

    def _as_hard(self, soft: Measured) -> Measured:
        return Measured(soft.bits * self._bits_factor, soft.error * self._error_factor)

    @torch.no_grad()
    def measured(self) -> Measured:
        """Bits and error with the latents rounded."""
        weights, values = self.held(), self.latents.round()
        bits = self._bits(weights, values, soft=False).sum()
        cells = self._synthesis.low_cells(weights, self._dequantised(weights, values))
        difference = self._synthesis.forward(weights, cells) - self._target
        if self._mask is not None:
            difference = difference * self._mask
        return Measured(float(bits), float(difference.square().sum()))

    def _step(self, rate: float, share: float | None) -> Measured:
        """One step; `share` of the fit, or None for latents that are rounded for good."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["base"]
        self._optimiser.zero_grad(set_to_none=True)
        weights = self.held()
        hard = share is None
        values = self._soft(share / LATENTS_FROM) if share is not None else self._integers()
        bits = self._bits(weights, values, soft=share is not None).sum()
        cells = self._synthesis.low_cells(weights, self._dequantised(weights, values))
        lagrange = self.lagrange
        error, gradient = self._synthesis.backward(
            self._learner.current(),
            cells.detach(),
            lambda out, first, last: self._squared(out, first, last) / lagrange,
            lambda: self._learner.learn(rate),
        )
        torch.autograd.backward([cells, bits], [gradient, torch.ones_like(bits)])
        if hard:
            self.latents.grad = None
        self._keep_frame()
        self._optimiser.step()
        self.steps_done += 1
        return Measured(float(bits.detach()), error * lagrange)

    def _integers(self) -> Tensor:
        return self.latents.detach().round()

    def _soft(self, share: float) -> Tensor:
        temperature = _FIRST_TEMPERATURE + (_LAST_TEMPERATURE - _FIRST_TEMPERATURE) * share
        width = _FIRST_NOISE + (_LAST_NOISE - _FIRST_NOISE) * share
        noise = torch.rand(self.latents.shape, generator=self._generator).to(self.device)
        return soft_rounded(self.latents, noise.mul_(2 * width).sub_(width), temperature)

    def _keep_frame(self) -> None:
        """Axes and means stay; only the steps learn."""
        c = self.net.channels
        frame = self.weights["frame"]
        if frame.grad is not None:
            frame.grad[: c * c + c] = 0

    @property
    def finest(self) -> bool:
        """Whether finer steps would be of no use."""
        steps = frame_parts(self.net, self.weights["frame"].detach())[2]
        return float(torch.exp2(steps).mean()) < 1.01 * self._least_step

    @torch.no_grad()
    def follow(self, factor: float) -> None:
        """Multiply lambda by a factor, the steps by its root; coefficients stay as they are."""
        steps = torch.exp2(frame_parts(self.net, self.weights["frame"])[2])
        finest = (self._least_step / float(steps.mean())) ** 2
        factor = max(min(max(factor, 0.7), 1.4), min(finest, 1.0))
        c = self.net.channels
        self.weights["frame"][c * c + c :] += 0.5 * math.log2(factor) / 16
        self.latents *= factor**-0.5

    @property
    def lagrange(self) -> float:
        """lambda: squared error of samples in 0..1 for one bit."""
        steps = frame_parts(self.net, self.weights["frame"].detach())[2]
        return self.ratio * float(torch.exp2(2 * steps).mean())

    # --- its parts ---

    def held(self) -> dict[str, Tensor]:
        """Tensors as the file would hold them."""
        if self._rounder is None:
            return self.weights
        leaves = list(self.weights.values())
        return dict(zip(self.weights, self._rounder(leaves), strict=True))

    def _parts(self, flat: Tensor) -> list[Tensor]:
        pieces = flat.split(self._sizes)
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def _dequantised(self, weights: Mapping[str, Tensor], values: Tensor) -> list[Tensor]:
        steps = torch.exp2(frame_parts(self.net, weights["frame"])[2])
        return [part * step for part, step in zip(self._parts(values), steps, strict=True)]

    def _bits(self, weights: Mapping[str, Tensor], values: Tensor, soft: bool) -> Tensor:
        scales = self._contexts.log_scales(weights, [part.abs() for part in self._parts(values)])
        if soft:
            return soft_bits(values, scales)
        return hard_bits(self.latents, values.detach(), scales)

    def _squared(self, out: Tensor, first: int, last: int) -> Tensor:
        difference = (out - self._target[:, first:last]).square()
        if self._mask is not None:
            difference = difference * self._mask[:, first:last]
        return difference.sum()

    # --- grids of the tensors ---

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        gains = self._gains()
        arrays = {name: w.detach().cpu().numpy() for name, w in self.weights.items()}
        self.grids = grids_for_step(arrays, gains, 1.0)
        frame = arrays["frame"]
        low, high = float(np.float16(frame.min() - 0.01)), float(np.float16(frame.max() + 0.01))
        self.grids[list(arrays).index("frame")] = Grid(_FRAME_LEVELS, low, high)
        self._rounder = Rounder(list(self.weights.values()), self.grids)
        by_name = dict(zip(self.weights, self.grids, strict=True))
        self._learner.use_grids([by_name[name] for name in self._finest])

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

    def seconds_per_step(self) -> float:
        """Time of a forward and backward pass; nothing changes."""
        started = time.perf_counter()
        self._probe()
        return time.perf_counter() - started

    def _probe(self) -> dict[str, Tensor]:
        """Derivatives of the loss's terms under random signs; their squares have S / 2 as mean."""
        for tensor in self.weights.values():
            tensor.grad = None
        values = self.latents.detach().round()
        bits = self._bits(self.weights, values, soft=False)
        cells = self._synthesis.low_cells(self.weights, self._dequantised(self.weights, values))
        scale = 1 / math.sqrt(self.lagrange)
        signs = [self._signs(t.shape) for t in (cells, bits)]
        _, gradient = self._synthesis.backward(
            self.weights, cells.detach(), lambda out, a, b: (out * signs[0][:, a:b]).sum() * scale
        )
        # Bits' second derivative in nats is their Fisher information: half of it, times ln 2.
        torch.autograd.backward([cells, bits], [gradient, signs[1] * math.sqrt(_LN2 / 2)])
        found = {n: w.grad.detach() for n, w in self.weights.items() if w.grad is not None}
        self._optimiser.zero_grad(set_to_none=True)
        return found

    def _signs(self, shape: torch.Size) -> Tensor:
        signs = torch.randint(0, 2, shape, generator=self._generator).to(self.device)
        return signs * 2.0 - 1.0

    # --- results ---

    def integers(self) -> list[np.ndarray]:
        """Latents by grid, int32, as the file would hold them."""
        limit = 2**15 - 1
        flat = self.latents.detach().round().clamp(-limit, limit).to(torch.int32).cpu()
        return [part.numpy() for part in self._parts(flat)]

    @torch.no_grad()
    def psnr(self) -> float:
        """PSNR in dB over all samples, values cut to 0..1 but not to code values."""
        error = self.measured().error / self.samples
        return -10 * math.log10(max(error, 1e-12))

    def ones(self) -> int:
        """Latents that round to 1 or -1."""
        return int((self.latents.detach().round().abs() == 1).sum())

    def drop(self, count: int) -> int:
        """Make zeros of the `count` ones that were nearest to it; how many there were."""
        return ones_to_zeros(self.latents, self.latents, count)

    def add(self, count: int) -> int:
        """Make ones of the `count` zeros that were nearest to it; how many there were."""
        return zeros_to_ones(self.latents, self.latents, count)


def fitted_frame(net: Pyramid, samples: np.ndarray, step: float) -> tuple[np.ndarray, Tensor]:
    """The frame tensor, float32, and planes (C, rows, columns) of padded sides in its axes.

    `samples`: (h, w, C) float32 in 0..1. The axes are principal components of the colours.
    """
    means, axes = _principal_axes(samples)
    steps = np.full(net.levels + 1, math.log2(step) / 16)
    frame = np.concatenate([axes.ravel(), means, steps]).astype(np.float32)
    rows, columns = (p - n for p, n in zip(net.padded, net.shape, strict=True))
    padded = np.pad(samples, ((0, rows), (0, columns), (0, 0)), mode="edge")
    planes = (padded - means.astype(np.float32)) @ axes.astype(np.float32)
    return frame, torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))


def _principal_axes(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (C,) of the colours of (h, w, C), and their principal axes in columns, by falling
    variance; row by row, for float64 copies of large pictures are larger still."""
    means = samples.mean(axis=(0, 1), dtype=np.float64)
    rows = ((row - means).astype(np.float64) for row in samples)
    scatter = sum((row.T @ row for row in rows), start=np.zeros((len(means),) * 2))
    return means, np.linalg.eigh(scatter)[1][:, ::-1]


def _cells(planes: Tensor) -> Tensor:
    """(C, 2 h, 2 w) to cells (4 C, h, w)."""
    parts = torch.stack(wavelet.deinterleaved(planes), dim=1)
    return parts.reshape(-1, *parts.shape[2:])


def _mask(net: Pyramid) -> Tensor:
    """1 where a cell's sample is inside the picture: (4 C, h, w)."""
    inside = torch.zeros(net.channels, *net.padded)
    inside[:, : net.shape[0], : net.shape[1]] = 1
    return _cells(inside)
