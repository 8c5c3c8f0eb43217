"""The fit of a pyramid: latents, contexts and cell networks, towards a size or a quality."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.latent_fit import LatentFit, Weights
from inrcodec.encoder.pyramid.cells import StripeLearner
from inrcodec.encoder.pyramid.context import ContextModel
from inrcodec.encoder.pyramid.synthesis import Synthesis, analysed
from inrcodec.encoder.rate import Grid
from inrcodec.nets import wavelet
from inrcodec.nets.base import TensorSpec
from inrcodec.nets.pyramid import Pyramid, frame_parts

_WEIGHT_RATE, _STEP_RATE = 0.025, 0.001
_CONTEXT_TENSORS = ("near", "parents", "cross", "offsets", "slopes")
# By how much steps can still become finer and coarser on their grid: in octaves, 1 and 0.16.
_FINER_BY, _COARSER_BY = 1 / 16, 0.01
# The frame needs few bytes: it is stored finely, once. Errors of its means and axes are in all
# samples: with steps as fine as those for 16 bits they would be the larger part.
_FRAME_LEVELS, _FINER_LEVELS, _FINE_STEP = 1 << 14, 1 << 16, 2.0**-9


class PyramidFit(LatentFit):
    """One fit of a pyramid to samples in 0..1; `least_step`: no finer steps are of use."""

    ahead = 10
    # Zeros would mend what is too much, but lambda would be that of a larger file. Fits that have
    # no time to close in must be near their goal before (benchmarks/planning.py, "pyramid: pull").
    pull, closing, near = 12.0, 0.25, (0.97, 1.005)
    room = 0.8  # steps of single grids learn

    def __init__(
        self,
        net: Pyramid,
        samples: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.net = net
        self._context_model, self._synthesis = ContextModel(net, device), Synthesis(net)
        generator = torch.Generator().manual_seed(seed % 2**63)
        frame, planes = fitted_frame(net, samples, step)
        weights = first_weights(net.tensors(), frame, generator, device)
        planes = planes.to(device)
        self._target = _cells(planes)
        self._mask = _mask(net).to(device) if net.padded != net.shape else None
        self._shapes = [grid.shape for grid in net.grids()]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        coefficients = torch.cat([c.reshape(-1) for c in analysed(net, [planes[None]])])
        self._finest = [spec.name for spec in net.cells(0).tensors()] if net.stages else []
        self._learner = StripeLearner({name: weights[name] for name in self._finest})
        super().__init__(
            latents=coefficients / step,
            weights=weights,
            contexts=_CONTEXT_TENSORS,
            rates={
                name: _STEP_RATE if name == "frame" else _WEIGHT_RATE
                for name in weights
                if name not in (*_CONTEXT_TENSORS, *self._finest)
            },
            least_step=least_step,
            samples=math.prod(net.shape) * net.channels,
            generator=generator,
        )

    # --- steps and contexts ---

    def _steps(self, weights: Weights) -> Tensor:
        """Steps of the grids, the low band's first."""
        return torch.exp2(frame_parts(self.net, weights["frame"])[2])

    @property
    def step(self) -> float:
        """The mean step of the grids."""
        return float(self._steps(self.weights).detach().mean())

    @property
    def _square_step(self) -> float:
        steps = frame_parts(self.net, self.weights["frame"].detach())[2]
        return float(torch.exp2(2 * steps).mean())

    def _multiply_steps(self, octaves: float) -> None:
        c = self.net.channels
        self.weights["frame"][c * c + c :] += octaves / 16

    def _log_scales(self, weights: Weights, values: Tensor) -> Tensor:
        return self._context_model.log_scales(weights, self._magnitudes(values))

    def warm_up(self, steps: int = 25) -> None:
        """Contexts alone, on the rounded coefficients."""
        self._set_offsets()
        super().warm_up(steps)

    @torch.no_grad()
    def _set_offsets(self) -> None:
        """Offsets that give every band the mean scale of its magnitudes."""
        net, offsets = self.net, self.weights["offsets"]
        phases = 4 * (net.bands + net.channels)
        levels = offsets[phases:].view(net.levels, net.bands)
        low = offsets[4 * net.bands : phases].view(net.channels, 4)
        values = self._rounded()
        scales = self._parts(self._log_scales(self.weights, values))
        for grid, sizes, predicted in zip(
            net.grids(), self._magnitudes(values), scales, strict=True
        ):
            wanted = (sizes.mean(dim=(0, 2, 3)) + 0.02).log2() - predicted.mean(dim=(0, 2, 3))
            if grid.level is None:
                low += wanted[:, None]
            else:
                levels[grid.level, : grid.bands] += wanted

    def _parts(self, flat: Tensor) -> list[Tensor]:
        """Latents, or what belongs to each, by grid: (4, bands, rows, columns)."""
        pieces = flat.split(self._sizes)
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def _magnitudes(self, values: Tensor) -> list[Tensor]:
        return [part.abs() for part in self._parts(values)]

    # --- the error, in stripes ---

    def _low_cells(self, weights: Weights, values: Tensor) -> Tensor:
        """Input of the finest cell network."""
        steps = self._steps(weights)
        parts = [part * step for part, step in zip(self._parts(values), steps, strict=True)]
        return self._synthesis.low_cells(weights, parts)

    def _error(self, weights: Weights, values: Tensor) -> Tensor:
        difference = self._synthesis.forward(weights, self._low_cells(weights, values))
        difference = difference - self._target
        if self._mask is not None:
            difference = difference * self._mask
        return difference.square().sum()

    def _squared(self, cells: Tensor, first: int, last: int, scale: float) -> tuple[float, Tensor]:
        """Squared error of rows of cells over all samples inside, times a scale; its gradient."""
        difference = cells - self._target[:, first:last]
        if self._mask is not None:
            difference *= self._mask[:, first:last]
        error = float(difference.square().sum())
        return error * scale, difference.mul_(2 * scale)

    def _backward(self, weights: Weights, values: Tensor, bits: Tensor, rate: float) -> float:
        cells, lagrange = self._low_cells(weights, values), self.lagrange
        error, gradient = self._synthesis.backward(
            self._learner.current(),
            cells.detach(),
            lambda out, a, b: self._squared(out, a, b, 1 / lagrange),
            lambda: self._learner.learn(rate),
        )
        torch.autograd.backward([cells, bits], [gradient, torch.ones_like(bits)])
        keep_axes(self.weights["frame"], self.net.channels)
        return error * lagrange

    def _probe_error(self, values: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        cells = self._low_cells(self.weights, values)
        signs, scale = self._signs(cells.shape), 1 / math.sqrt(self.lagrange)
        _, gradient = self._synthesis.backward(
            self.weights, cells.detach(), lambda out, a, b: (0.0, signs[:, a:b] * scale)
        )
        return [cells], [gradient]

    # --- tensors on grids, and results ---

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        super().use_grids()
        assert self.grids is not None
        self._round_to(self.grids, frame=frame_grid(self.arrays()["frame"], self.step))
        by_name = dict(zip(self.weights, self.grids, strict=True))
        self._learner.use_grids([by_name[name] for name in self._finest])

    def integers(self) -> list[np.ndarray]:
        """Latents by grid, int32 (4, bands, rows, columns), as the file would hold them."""
        return [part.numpy() for part in self._parts(self._integers())]


def keep_axes(frame: Tensor, channels: int) -> None:
    """Axes and means stay; only the steps of a frame tensor learn."""
    if frame.grad is not None:
        frame.grad[: channels * channels + channels] = 0


def frame_grid(frame: np.ndarray, step: float) -> Grid:
    """The grid of a frame tensor, for latents of this step."""
    low = float(np.float16(frame.min() - _FINER_BY))
    high = float(np.float16(frame.max() + _COARSER_BY))
    return Grid(_FINER_LEVELS if step < _FINE_STEP else _FRAME_LEVELS, low, high)


def first_weights(
    specs: Sequence[TensorSpec],
    frame: np.ndarray,
    generator: torch.Generator,
    device: torch.device,
) -> dict[str, Tensor]:
    """Leaves in file order: the frame, all else at random."""
    weights = {}
    for spec in specs:
        values = torch.rand(spec.shape, generator=generator) * 2 - 1
        values = values * spec.bound + spec.start
        if spec.name == "frame":
            values = torch.from_numpy(frame)
        weights[spec.name] = values.to(device).requires_grad_()
    return weights


def fitted_frame(net: Pyramid, samples: np.ndarray, step: float) -> tuple[np.ndarray, Tensor]:
    """The frame tensor, float32, and planes (C, rows, columns) of padded sides in its axes.

    `samples`: (h, w, C) float32 in 0..1. The axes are principal components of the colours.
    """
    means, axes = principal_axes(samples)
    steps = np.full(net.levels + 1, math.log2(step) / 16)
    frame = np.concatenate([axes.ravel(), means, steps]).astype(np.float32)
    rows, columns = (p - n for p, n in zip(net.padded, net.shape, strict=True))
    padded = np.pad(samples, ((0, rows), (0, columns), (0, 0)), mode="edge")
    planes = (padded - means.astype(np.float32)) @ axes.astype(np.float32)
    return frame, torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))


def principal_axes(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
