"""The optimisers: Adam (Kingma and Ba 2015, algorithm 1), and SOAP, which is Adam in the eigenbasis
of Shampoo's preconditioner (Vyas et al. 2024, algorithm 3).

Coordinate networks are small and badly conditioned: the preconditioners are tiny (width x width)
and cost a millisecond, and the same PSNR is reached in a fraction of Adam's steps
(benchmarks/planning.py). Tensors of one shape are stacked and stepped together.

Adam is here because torch.optim imports a compiler at its first use: two seconds, as much as ten
steps of a pyramid.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Adam:
    """Optimiser over leaf tensors; those without a gradient stay as they are.

    `learning_rate` may be changed between steps; `scales` multiplies it per tensor.
    """

    def __init__(
        self,
        tensors: Sequence[Tensor],
        scales: Sequence[float] | None = None,
        *,
        momentum: float = 0.9,
        decay: float = 0.999,
    ) -> None:
        self._momentum, self._decay = momentum, decay
        every = zip(tensors, scales or [1.0] * len(tensors), strict=True)
        self._moments = [_Moments(tensor, scale) for tensor, scale in every]

    def clear(self) -> None:
        """Forget all gradients."""
        for each in self._moments:
            each.tensor.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update of every tensor that has a gradient."""
        for each in self._moments:
            each.step(learning_rate, self._momentum, self._decay)


class _Moments:
    """A tensor, and running means of its gradient and of its square."""

    def __init__(self, tensor: Tensor, scale: float) -> None:
        self.tensor, self._scale, self._steps = tensor, scale, 0
        self._mean, self._square = (torch.zeros_like(tensor, requires_grad=False) for _ in "ms")

    def step(self, learning_rate: float, momentum: float, decay: float) -> None:
        gradient = self.tensor.grad
        if gradient is None:
            return
        self._steps += 1
        self._mean.lerp_(gradient, 1 - momentum)
        self._square.mul_(decay).addcmul_(gradient, gradient, value=1 - decay)
        root = self._square.sqrt().mul_((1 - decay**self._steps) ** -0.5).add_(1e-8)
        rate = learning_rate * self._scale / (1 - momentum**self._steps)
        self.tensor.addcdiv_(self._mean, root, value=-rate)


class Soap:
    """Optimiser over leaf tensors whose `.grad` is set; vectors get plain Adam.

    `learning_rate` may be changed between steps; `scales` multiplies it per tensor. `stacked`:
    whether axis 0 of a tensor counts tensors that are stepped each for itself (None: nowhere).
    """

    def __init__(
        self,
        tensors: Sequence[Tensor],
        scales: Sequence[float],
        stacked: Sequence[bool] | None = None,
        *,
        momentum: float = 0.95,
        decay: float = 0.95,
        refresh: int = 10,
        largest: int = 1024,
    ) -> None:
        groups: dict[tuple[tuple[int, ...], float], list[Tensor]] = {}
        stacks = stacked or [False] * len(tensors)
        for tensor, scale, stack in zip(tensors, scales, stacks, strict=True):
            shape = tuple(tensor.shape)[1 if stack else 0 :]
            groups.setdefault((shape, scale), []).append(tensor)
        self._groups = [
            _Group(members, shape, scale, momentum, decay, refresh, largest)
            for (shape, scale), members in groups.items()
        ]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update of every tensor."""
        for group in self._groups:
            group.step(learning_rate)


class _Group:
    """Tensors of one shape, stacked: (k, m, n) matrices or (k, n) vectors. Members that are stacks
    themselves count as often as they have tensors."""

    def __init__(
        self,
        members: list[Tensor],
        shape: tuple[int, ...],
        scale: float,
        momentum: float,
        decay: float,
        refresh: int,
        largest: int,
    ) -> None:
        self.members, self.shape, self.scale = members, shape, scale
        self.counts = [member.numel() // math.prod(shape) for member in members]
        self.momentum, self.decay = momentum, decay
        stacked = self._stacked(members)
        # QR costs the cube of a side, a step its square: wide layers turn their bases less often.
        self.refresh = refresh * (1 + max(stacked.shape[1:]) // 128)
        self.mean = torch.zeros_like(stacked)
        self.square = torch.zeros_like(stacked)  # second moment, in the eigenbasis
        self.sides: dict[int, tuple[Tensor, Tensor]] = {}  # side -> covariance, eigenbasis
        matrix = stacked.ndim == 3
        self.rotated = [s for s in (0, 1) if matrix and 1 < stacked.shape[s + 1] <= largest]
        self.steps = 0

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        gradient = self._stacked([m.grad for m in self.members])  # type: ignore[misc]
        if self.steps == 1:
            for side in self.rotated:
                covariance = _covariance(gradient, side)
                basis = torch.linalg.eigh(covariance)[1]
                self.sides[side] = ((1 - self.decay) * covariance, basis)
        self.mean.lerp_(gradient, 1 - self.momentum)
        rotated = self._rotate(gradient)
        self.square.mul_(self.decay).addcmul_(rotated, rotated, value=1 - self.decay)
        update = self._adam_update().split(self.counts)
        for member, change in zip(self.members, update, strict=True):
            member.add_(change.reshape(member.shape), alpha=-learning_rate * self.scale)
        self._track(gradient)

    def _stacked(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([tensor.reshape(-1, *self.shape) for tensor in tensors])

    def _adam_update(self) -> Tensor:
        mean = self._rotate(self.mean) / (1 - self.momentum**self.steps)
        square = self.square / (1 - self.decay**self.steps)
        # A rare direction that wakes up would get a step of 1/sqrt(1 - decay): cut it.
        ratio = (mean / (square.sqrt() + 1e-10)).clamp_(-3, 3)
        return self._rotate_back(ratio)

    def _rotate(self, x: Tensor) -> Tensor:
        if 0 in self.sides:
            x = self.sides[0][1].mT @ x
        return x @ self.sides[1][1] if 1 in self.sides else x

    def _rotate_back(self, x: Tensor) -> Tensor:
        if 0 in self.sides:
            x = self.sides[0][1] @ x
        return x @ self.sides[1][1].mT if 1 in self.sides else x

    def _track(self, gradient: Tensor) -> None:
        for side, (covariance, basis) in self.sides.items():
            covariance.lerp_(_covariance(gradient, side), 1 - self.decay)
            if self.steps % self.refresh == 0:
                self.sides[side] = (covariance, self._refreshed(covariance, basis, side))

    def _refreshed(self, covariance: Tensor, basis: Tensor, side: int) -> Tensor:
        """One step of power iteration with QR, eigenvectors kept in falling order."""
        product = covariance @ basis
        order = (basis * product).sum(dim=1).argsort(dim=1, descending=True)  # (k, m)
        picks = order[:, None, :].expand_as(product)
        along = order[:, :, None] if side == 0 else order[:, None, :]
        self.square = self.square.gather(side + 1, along.expand_as(self.square))
        return torch.linalg.qr(product.gather(2, picks))[0]


def _covariance(gradient: Tensor, side: int) -> Tensor:
    return gradient @ gradient.mT if side == 0 else gradient.mT @ gradient
