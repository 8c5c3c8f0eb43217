"""Rounding of latents and their rate, with gradients: custom functions of a flat tensor.

Each function computes its gradient in its forward pass, in place: a graph of elementary
operations would touch the same half million floats several times as often.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

_LN2 = math.log(2)
# Scales from the middle up to where a mass is worked out, and what a step beyond it costs at most,
# 12 bits, in nats.
_FAR, _STEEPEST = 14.0, 12 * _LN2
# log2 of the scales that the coder has.
SMALLEST, LARGEST = -5.0, 9.875


def soft_rounded(latents: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """Soft rounding, noise, soft rounding (Agustsson and Theis 2020; Kim et al. 2024, 3.2)."""
    rounded: Tensor = _SoftRound.apply(latents, noise, temperature)
    return rounded


def soft_bits(latents: Tensor, log_scales: Tensor) -> Tensor:
    """Bits of every softly rounded latent: Laplace mass of [y - 1/2, y + 1/2].

    `log_scales`: log2 of the Laplace scales.
    """
    bits: Tensor = _SoftBits.apply(latents, log_scales)
    return bits


def hard_bits(integers: Tensor, log_scales: Tensor) -> Tensor:
    """Bits of every rounded latent, with gradients by the scales alone."""
    bits: Tensor = _HardBits.apply(integers, log_scales)
    return bits


def _soft_round(values: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Rounded softly, and the derivative."""
    factor = 0.5 / math.tanh(0.5 / temperature)
    middle = torch.floor(values).add_(0.5)
    bend = torch.tanh((values - middle).div_(temperature))
    slope = (1 - bend * bend).mul_(factor / temperature)
    return middle.add_(bend, alpha=factor), slope


class _SoftRound(Function):
    @staticmethod
    def forward(ctx: Any, latents: Tensor, noise: Tensor, temperature: float) -> Tensor:
        once, first = _soft_round(latents, temperature)
        twice, second = _soft_round(once.add_(noise), temperature)
        ctx.save_for_backward(first.mul_(second))
        return twice

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient * ctx.saved_tensors[0], None, None


def _inverse_scales(log_scales: Tensor) -> Tensor:
    return torch.exp2(-log_scales.clamp(SMALLEST, LARGEST))


def laplace(
    values: Tensor, log_scales: Tensor, unbounded: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Bits as of `soft_bits`, and their derivatives by values and by log2 of the scales.

    Far out, where the mass is lost in float32, bits stand still at 23 or, `unbounded`, grow as they
    do in a file: as the scale says, by 12 bits a step at most. Latents of coarse planes lie that
    far from predicted means at first. With it short fits of tones miss their quality.
    """
    inverse, size = _inverse_scales(log_scales), values.abs()
    near = (size - 0.5).mul_(inverse)
    farther = (near - _FAR).clamp_min_(0) if unbounded else None
    if farther is not None:
        near -= farther
    far = near + inverse
    e_near, e_far = torch.exp(-near.abs()), torch.exp(-far)
    difference = e_near - e_far
    mass = torch.where(near > 0, 0.5 * difference, 1 - 0.5 * (e_near + e_far))
    mass.clamp_min_(1e-12 if unbounded else 1e-7)
    by_value = difference.mul_(inverse).mul_(values.sign()).div_(mass).mul_(0.5 / _LN2)
    # near e^-|near| has the sign of near on both branches.
    by_scale = far.mul_(e_far).sub_(near.mul_(e_near)).div_(mass).mul_(0.5)
    bits = mass.log2_().neg_()
    if farther is not None:
        farther *= (_STEEPEST / inverse).clamp_max_(1)
        by_scale -= farther
        bits.add_(farther, alpha=1 / _LN2)
    by_scale *= log_scales > SMALLEST
    return bits, by_value, by_scale


def through_relu(gradient: Tensor, units: Tensor) -> Tensor:
    """The gradient by what a ReLU reads, in place, from that by its `units`."""
    torch.ops.aten.threshold_backward.grad_input(gradient, units, 0, grad_input=gradient)
    return gradient


class _SoftBits(Function):
    @staticmethod
    def forward(ctx: Any, latents: Tensor, log_scales: Tensor) -> Tensor:
        bits, by_latent, by_scale = laplace(latents, log_scales)
        ctx.save_for_backward(by_latent, by_scale)
        return bits

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        by_latent, by_scale = ctx.saved_tensors
        return gradient * by_latent, gradient * by_scale


class _HardBits(Function):
    @staticmethod
    def forward(ctx: Any, integers: Tensor, log_scales: Tensor) -> Tensor:
        inverse, size = _inverse_scales(log_scales), integers.abs()
        half = torch.exp(-0.5 * inverse)
        whole = half * half
        nonzero = size > 0.5
        bits = torch.where(
            nonzero,
            1 + ((size - 0.5) * inverse - torch.log1p(-whole)) / _LN2,
            -torch.log1p(-half) / _LN2,
        )
        slope = torch.where(nonzero, size - 0.5 - whole / (1 - whole), -0.5 * half / (1 - half))
        ctx.save_for_backward(-slope * inverse * (log_scales > SMALLEST))
        return bits

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient * ctx.saved_tensors[0]
