"""Encoding a pyramid to a size or a quality: plan, fit, and the file."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from inrcodec.decoder.pyramid_latents import latents_crc, write_latents
from inrcodec.encoder import picture_job
from inrcodec.encoder.latent_job import (
    ERROR_SHARE,
    StoredTensors,
    bisected,
    static_bits,
)
from inrcodec.encoder.pyramid.fit import PyramidFit, fitted_frame
from inrcodec.encoder.pyramid.synthesis import analysed
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, device_of
from inrcodec.nets.pyramid import Pyramid

# Steps of each effort for a picture of up to 2^19 samples of luma; larger ones get fewer.
STEPS = {1: 15, 2: 30, 3: 60, 4: 120, 5: 240, 6: 500, 7: 1000, 8: 2400, 9: 5000}
# Sides of tiles of large pictures.
_TILE = 512
# Units in four flips: 0.15 to 0.3 dB better than others (benchmarks/planning.py).
_MIRRORED = True
# Finest step of the latents, in code values.
_LEAST_STEP = 0.25
# Size of a file with untrained contexts that a fit starts from, over that after it: what is zero at
# first hardly comes back, so that steps are fine at first and get coarser.
_EXCESS = 6.0
# Size of coefficients rounded to a step over that of a fit with as much error, about.
_SAVED = 1.9
# In bits for each position it stays below this: large latents take many steps to shrink.
_MOST_EXCESS = 0.6


def plan(session: Session, budget_bits: float) -> Pyramid:
    """Sizes of the pyramid for a picture and a budget."""
    signal, options = session.signal, session.options
    side = min(signal.shape)
    levels = max(1, min(5, int(math.log2(max(side, 16) / 8)), int(math.log2(max(signal.shape)))))
    rate = budget_bits / math.prod(signal.shape)
    # Networks take about a tenth of the budget, 5 bits a weight; at most 2,000 MACs a sample.
    width = int(min(max(budget_bits / 6000, 2), 10))
    stages = 2 if budget_bits > 40_000 else 1 if budget_bits > 8_000 else 0
    stages = min(options.number("stages", stages), levels)
    return Pyramid(
        shape=signal.shape,
        channels=signal.channels,
        width=options.number("width", width),
        layers=options.number("layers", 2),
        levels=levels,
        colour_from=min(0 if rate > 0.7 else 1, levels - 1),
        stages=stages,
        coarse_width=max(2, width // 2),
        tile=picture_job.tile(session, _TILE),
        mirrored=_MIRRORED and stages > 0,
    )


def encode_to_size(session: Session, budget: int) -> Candidate:
    """Fit within a budget in bytes. Raises RateError."""
    return picture_job.encode_to_size(PyramidJob, session, budget)


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError."""
    return picture_job.encode_to_psnr(PyramidJob, session, target)


class PyramidJob(picture_job.PictureJob):
    """A fit of a pyramid and the files that can be made of it."""

    steps_by_effort = STEPS

    def _make(self, bits: float | None, error: float | None) -> tuple[Any, Any]:
        """The network and its fit, at a first step."""
        signal, options = self.session.signal, self.session.options
        samples = signal.samples.astype(np.float32) / signal.peak
        start = Start(plan(self.session, bits or 1e5), samples)
        if bits is None:
            assert error is not None
            step = start.step_for_error(ERROR_SHARE * error)
            bits = start.bits(step) / _SAVED
        else:
            spare = min((_EXCESS - 1) * bits, _MOST_EXCESS * math.prod(signal.shape))
            step = start.step_for_bits(bits + spare)
        net, least = plan(self.session, bits), _LEAST_STEP / signal.peak
        step, device = max(step, least), device_of(options)
        return net, PyramidFit(net, samples, step, least, options.seed, device)

    def _coded(self, stored: StoredTensors, latents: list[np.ndarray]) -> tuple[int, bytes]:
        payload = write_latents(self.net, stored.values, latents)
        return latents_crc(latents, stored.crc), payload


class Start:
    """The wavelet coefficients of samples, for finding the first step of a fit."""

    def __init__(self, net: Pyramid, samples: np.ndarray) -> None:
        _, planes = fitted_frame(net, samples, 1.0)
        self._bands = [grid.reshape(4, grid.shape[1], -1) for grid in analysed(net, [planes[None]])]

    def bits(self, step: float) -> float:
        """Estimated size of coefficients rounded to a step."""
        return sum(static_bits(band / step) for band in self._bands)

    def error(self, step: float) -> float:
        """Squared error of coefficients rounded to a step."""
        return sum(
            float((band - (band / step).round() * step).square().sum()) for band in self._bands
        )

    def step_for_bits(self, bits: float) -> float:
        """The step at which rounded coefficients take about `bits`."""
        return _smallest_step(lambda step: self.bits(step) <= bits)

    def step_for_error(self, error: float) -> float:
        """The step at which rounded coefficients have about `error`."""
        return _smallest_step(lambda step: self.error(step) >= error)


def _smallest_step(large_enough: Callable[[float], bool]) -> float:
    """Of those that are large enough; samples are in 0..1."""
    return bisected(large_enough, 2.0**-14, 24)
