"""The fit of latent grids: latents, contexts and synthesis, towards a size or a quality."""

import math
from collections.abc import Sequence

import array_api_compat.torch as xp
import numpy as np
import torch
from torch import Tensor

from inrcodec.encoder.beside import Beside, Cut
from inrcodec.encoder.grids.context import ContextModel
from inrcodec.encoder.grids.synthesis import Tile, backward, forward, stacked
from inrcodec.encoder.latent_fit import LatentFit, Measured, Weights
from inrcodec.encoder.pyramid.cells import StripeLearner
from inrcodec.encoder.pyramid.fit import first_weights, frame_grid, keep_axes, principal_axes
from inrcodec.nets.grids import Grids, doubled

_STEP_RATE = 0.001
# Gradients by taps take a tenth of a step, and they change little.
_TAPS_RATE, _TAPS_EVERY = 0.003, 4
_CONTEXT_SHARE = 0.5  # of the learners' rate
_WARM_PASSES, _WARM_RATE = 8, 2.0
# Steps fall by so many octaves from level to level: a coarse latent changes four times the samples.
FALL = 0.85
# lambda over the square of the finest step at first.
FIRST_RATIO = 0.15
# Bicubic interpolation between four values, a quarter of the way.
_FIRST_TAPS = (-0.0351562, 0.2617188, 0.8789062, -0.1054688)


# Bits that a latent's move saves at least, to be worth it; of how many one is chosen.
_LEAST_SAVING, _LIKELY = 1.0, 30


class GridsFit(LatentFit):
    """One fit of latent grids to samples in 0..1; `least_step`: no finer steps are of use."""

    ahead = 10
    # What is too much is left to the fit: coarser steps at once, and zeros made of ones, take away
    # what contexts lean on (1 to 3 dB of fits of 45 to 120 steps).
    pull, closing, near = 6.0, 0.25, (0.97, 1.005)
    room = 0.8
    # Wider than elsewhere: 0.1 dB (300 steps of a picture; 0.5 to 0.3 gives as little).
    noise = (0.35, 0.25)
    # The finest plane's at most, of samples in 0..1; lambda is that of the step asked for.
    largest_first_step = math.inf

    def __init__(
        self,
        net: Grids,
        samples: np.ndarray,
        step: float,
        least_step: float,
        seed: int,
        device: torch.device,
    ) -> None:
        self.net = net
        self._model, self._beside = ContextModel(net), Beside()
        generator = torch.Generator().manual_seed(seed % 2**63)
        frame, target = fitted_frame(net, samples, min(step, self.largest_first_step))
        weights = _first_weights(net, frame, generator, device)
        self._target = target.to(device)
        self._shapes = [plane.shape for plane in net.planes()]
        self._sizes = [plane.size for plane in net.planes()]
        self._lagrange = FIRST_RATIO * step**2
        contexts = [s.name for n in net.networks() for s in net.context_tensors(n)]
        networks = [n for n in weights if n not in (*contexts, "frame", "taps")]
        self._context_learner = StripeLearner({n: weights[n] for n in contexts})
        self._learner = StripeLearner({n: weights[n] for n in networks})
        self._learned = {"contexts": contexts, "networks": networks}
        steps = torch.exp2(net.frame_parts(weights["frame"].detach())[2])
        planes = zip(self._first_planes(self._target), steps, strict=True)
        super().__init__(
            latents=torch.cat([(plane / s).reshape(-1) for plane, s in planes]),
            weights=weights,
            contexts=(),
            rates={"frame": _STEP_RATE, "taps": _TAPS_RATE},
            least_step=least_step,
            samples=math.prod(net.shape) * net.channels,
            generator=generator,
        )

    def _first_planes(self, target: Tensor) -> Sequence[Tensor]:
        """What planes hold at first, in file order."""
        return laplacian(self.net, target)

    # --- steps ---

    @property
    def step(self) -> float:
        """The step of the finest plane."""
        return float(torch.exp2(16 * self.weights["frame"].detach()[-1]))

    def _multiply_steps(self, octaves: float) -> None:
        c = self.net.channels
        self.weights["frame"][c * c + c :] += octaves / 16
        self._lagrange *= 4.0**octaves

    @property
    def lagrange(self) -> float:
        """lambda: squared error of the samples for one bit. Steps learn beside it."""
        return self._lagrange

    # --- bits ---

    def _parts(self, flat: Tensor) -> list[Tensor]:
        pieces = flat.split(self._sizes)
        return [piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]

    def _order(self) -> list[int]:
        order: list[int] = torch.randperm(
            len(self._model.pieces), generator=self._generator
        ).tolist()
        return order

    def _context_pass(self, values: Tensor, gradient: Tensor | None, rate: float) -> float:
        """Bits; their gradient by latents is added to `gradient`, and contexts learn."""
        learner = self._context_learner

        def learn() -> Weights:
            for tensor in learner.current_leaves.values():
                if tensor.grad is None:
                    tensor.grad = torch.zeros_like(tensor)
            return learner.learn(_CONTEXT_SHARE * rate)

        parts = self._parts(gradient) if gradient is not None else None
        weights = learner.current()
        return self._model.run(weights, self._parts(values), parts, self._order(), None, learn)

    def _fit_contexts(self, steps: int) -> None:
        self._teach_contexts(min(steps, _WARM_PASSES), _WARM_RATE)

    def _teach_contexts(self, passes: int, rate: float) -> None:
        values = self._rounded()
        with self._beside.alone():
            for _ in range(passes):
                self._context_pass(values, torch.zeros_like(values), rate)

    def saved(self, count: int) -> int | None:
        """Latents move by one towards zero where a bit costs the error least: coarse ones are worth
        more than fine ones, and what others are predicted from more than its own bits.

        Slopes where latents are say which may be worth it; those half the way, what it brings.
        """
        values = self._rounded()
        by_error, by_bits = self._slopes(values)
        moves = -values.sign()
        likely = _cheapest(moves * by_error + self._bends(), moves * by_bits, _LIKELY * count)
        middle = values.clone()
        middle[likely] += 0.5 * moves[likely]
        by_error, by_bits = (slope[likely] * moves[likely] for slope in self._slopes(middle))
        chosen = likely[_cheapest(by_error, by_bits, count)]
        self.latents.detach()[chosen] = values[chosen] + moves[chosen]
        return len(chosen)

    def _bends(self) -> Tensor:
        """About what the squared error grows by where a latent is off by one."""
        steps = self._steps_of(self.weights).detach()
        areas = steps.new_tensor([4.0**level for _, level in self.net.places()])
        sizes = torch.tensor(self._sizes, device=steps.device)
        return (areas * steps**2).repeat_interleave(sizes)

    @torch.enable_grad()
    def _slopes(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives of the squared error and of the bits by latents with these values."""
        free, leaf = Cut(self.held()).leaves, values.clone().requires_grad_()
        by_bits = torch.zeros_like(values)
        order = range(len(self._model.pieces))
        with self._beside.alone():
            self._model.run(free, self._parts(values), self._parts(by_bits), order)
            stack = self._stack(free, leaf)
            _, gradient = backward(
                free, stack.detach(), lambda out, tile: self._squared(out, tile, 1.0)
            )
            stack.backward(gradient)
        assert leaf.grad is not None
        return leaf.grad, by_bits

    # --- a step ---

    def _steps_of(self, weights: Weights) -> Tensor:
        """The steps of all planes."""
        return torch.exp2(self.net.frame_parts(weights["frame"])[2])

    def _stack(self, weights: Weights, values: Tensor) -> Tensor:
        steps = self._steps_of(weights)
        planes = [p * s for p, s in zip(self._parts(values), steps, strict=True)]
        return stacked(self.net, weights, planes)

    def _learn(self, weights: Weights, values: Tensor, rate: float, hard: bool) -> Measured:
        cut = Cut({"frame": weights["frame"], "taps": weights["taps"], "latents": values})
        leaf, by_bits = cut.leaves["latents"], torch.zeros_like(values)
        with self._beside.alone():
            bits = self._beside.start(lambda: self._context_pass(leaf.detach(), by_bits, rate))
            error = self._synthesis_pass(cut.leaves, leaf, rate)
            measured = Measured(bits(), error)
        assert leaf.grad is not None
        leaf.grad += by_bits
        cut.pass_on()
        keep_axes(self.weights["frame"], self.net.channels)
        return measured

    def _synthesis_pass(self, weights: Weights, leaf: Tensor, rate: float) -> float:
        """Squared error; its gradient over lambda is left in `leaf`, and networks learn."""
        if self.steps_done % _TAPS_EVERY:
            weights = {**weights, "taps": weights["taps"].detach()}
        stack, scale = self._stack(weights, leaf), 1 / self.lagrange
        error, gradient = backward(
            self._learner.current(),
            stack.detach(),
            lambda out, tile: self._squared(out, tile, scale),
            lambda: self._learner.learn(rate),
        )
        stack.backward(gradient)
        return error * self.lagrange

    def _squared(self, out: Tensor, tile: Tile, scale: float) -> tuple[float, Tensor]:
        difference = out - self._target[:, tile[0], tile[1]]
        return float(difference.square().sum()) * scale, difference.mul_(2 * scale)

    @torch.no_grad()
    def measured(self) -> Measured:
        """Bits and error with the latents rounded."""
        values, weights = self._rounded(), self.held()
        parts, pieces = self._parts(values), range(len(self._model.pieces))
        with self._beside.alone():
            bits = self._beside.start(lambda: self._model.run(weights, parts, None, pieces))
            error = float(self._error(weights, values))
            return Measured(bits(), error)

    def _error(self, weights: Weights, values: Tensor) -> Tensor:
        out = forward(weights, self._stack(weights, values))
        return (out - self._target).square().sum()

    def _probe(self) -> dict[str, Tensor]:
        for tensor in self.weights.values():
            tensor.grad = None
        values = self._rounded()
        parts, zeros = self._parts(values), self._parts(torch.zeros_like(values))
        signs = self._parts(self._signs(values.shape) * math.sqrt(math.log(2) / 2))
        scale = 1 / math.sqrt(self.lagrange)
        random = self._signs(self._target.shape) * scale
        with self._beside.alone():
            self._model.run(self.weights, parts, zeros, range(len(self._model.pieces)), signs)
            stack = self._stack(self.weights, values)
            _, gradient = backward(
                self.weights, stack.detach(), lambda out, tile: (0.0, random[:, tile[0], tile[1]])
            )
            stack.backward(gradient)
        found = {n: w.grad.detach() for n, w in self.weights.items() if w.grad is not None}
        for tensor in self.weights.values():
            tensor.grad = None
        return found

    # --- tensors on grids, and results ---

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        super().use_grids()
        assert self.grids is not None
        self._round_to(self.grids, frame=frame_grid(self.arrays()["frame"], self.step))
        by_name = dict(zip(self.weights, self.grids, strict=True))
        self._context_learner.use_grids([by_name[n] for n in self._learned["contexts"]])
        self._learner.use_grids([by_name[n] for n in self._learned["networks"]])

    def integers(self) -> list[np.ndarray]:
        """Latents by plane, int32 (rows, columns), as the file would hold them."""
        return [part.numpy() for part in self._parts(self._integers())]


def _cheapest(error: Tensor, bits: Tensor, count: int) -> Tensor:
    """Numbers of so many moves at most that save bits, those at the least error for one first."""
    cost = torch.where(bits < -_LEAST_SAVING, error / -bits, math.inf)
    order = cost.argsort()[:count]
    return order[cost[order].isfinite()]


def _first_weights(
    net: Grids, frame: np.ndarray, generator: torch.Generator, device: torch.device
) -> dict[str, Tensor]:
    """Leaves in file order: planes add up to channels, the rest at random."""
    weights = first_weights(net.tensors(), frame, generator, device)
    with torch.no_grad():
        weights["taps"].copy_(torch.tensor(_FIRST_TAPS))
        for place, (channel, _) in enumerate(net.places()):
            weights["skip"][channel, place] = 1.0
    return weights


def fitted_frame(net: Grids, samples: np.ndarray, step: float) -> tuple[np.ndarray, Tensor]:
    """The frame tensor, float32, for a step of the finest plane, and channels (C, h, w) in its
    axes. `samples`: (h, w, C) float32 in 0..1."""
    means, axes = principal_axes(samples)
    steps = [(math.log2(step) - FALL * level) / 16 for _, level in net.places()]
    frame = np.concatenate([axes.ravel(), means, steps]).astype(np.float32)
    channels = (samples - means.astype(np.float32)) @ axes.astype(np.float32)
    return frame, torch.from_numpy(np.ascontiguousarray(channels.transpose(2, 0, 1)))


def laplacian(net: Grids, target: Tensor) -> Sequence[Tensor]:
    """What every plane adds to those doubled from below (Burt and Adelson 1983), in file order."""
    smaller = [target]
    for _ in range(net.levels):
        smaller.append(_halved(smaller[-1]))
    taps = torch.tensor(_FIRST_TAPS, device=target.device)
    planes, sums = [], torch.zeros_like(smaller[-1])
    for level in range(net.levels, -1, -1):
        whole = smaller[level]
        if level < net.levels:
            sums = doubled(xp, sums, taps)[:, : whole.shape[1], : whole.shape[2]]
        count = net.channels if level >= net.colour_from else 1
        details = whole[:count] - sums[:count]
        planes += list(details)
        sums = torch.cat([sums[:count] + details, sums[count:]])
    return planes


def _halved(planes: Tensor) -> Tensor:
    """Means of 2x2 samples, of those there are at odd ends."""
    rows, columns = planes.shape[1:]
    even = torch.nn.functional.pad(planes[None], (0, columns % 2, 0, rows % 2), mode="replicate")
    return torch.nn.functional.avg_pool2d(even, 2)[0]
