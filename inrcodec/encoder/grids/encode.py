"""Encoding latent grids to a size or a quality: plan, fit, and the file."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from inrcodec.decoder.grids_latents import latents_crc, write_latents
from inrcodec.encoder import picture_job
from inrcodec.encoder.grids.fit import FALL, FIRST_RATIO, GridsFit, fitted_frame, laplacian
from inrcodec.encoder.grids.grown import GrownFit
from inrcodec.encoder.latent_fit import Goal
from inrcodec.encoder.latent_job import ERROR_SHARE, StoredTensors, bisected, static_bits
from inrcodec.encoder.session import Session
from inrcodec.encoder.single import Candidate, device_of
from inrcodec.nets.grids import Grids

# Steps of each effort for a picture of up to 2^19 samples of luma; larger ones get fewer.
STEPS = {1: 25, 2: 50, 3: 80, 4: 120, 5: 250, 6: 450, 7: 850, 8: 2000, 9: 6000}
# Size of coefficients rounded to a step that a fit starts from, over that after it.
_EXCESS = 3.0
_LEAST_STEP = 0.25
_SAVED = 2.5
# Steps of a pilot, and those of fits that have one; their lambda at first over the pilot's last.
_PILOT_STEPS, _PILOTED_FROM, _BELOW = 120, 700, 0.7
# Where bits or error of a stopped fit are off by more, the file of the pilot is better.
_TOO_FAR = 1.1
_MOST_MACS = 2000  # a sample
# Sides of tiles of large pictures.
_TILE = 256


def plan(session: Session, budget_bits: float) -> Grids:
    """Sizes of the grids for a picture and a budget; at most 2,000 MACs a sample, if none is given
    by a setting."""
    signal, options = session.signal, session.options
    side = max(1, min(signal.shape))
    levels = max(1, min(6, int(math.log2(max(side, 16) / 8)), int(math.log2(max(signal.shape)))))
    rate = budget_bits / math.prod(signal.shape)
    # Networks take about a tenth of the budget, 5 bits a number.
    room = budget_bits / 50
    wide = 8 if room < 700 else 12 if room < 1200 else 16 if room < 2200 else 20
    colour = 1 if rate > 1.2 else 2 if rate > 0.45 else 3
    most = Grids(
        shape=signal.shape,
        channels=signal.channels,
        width={8: 12, 12: 16, 16: 24}.get(wide, 48),
        context_width=wide,
        levels=levels,
        colour_from=min(options.number("colour_from", colour), levels - 1),
        tile=picture_job.tile(session, _TILE),
    )
    net, part = most, 1.0
    while net.macs_per_sample() > _MOST_MACS:
        part *= 0.97
        width, context_width = (math.ceil(part * n) for n in (most.width, most.context_width))
        net = replace(net, width=width, context_width=context_width)
    return replace(
        net,
        width=options.number("width", net.width),
        context_width=options.number("context_width", net.context_width),
    )


def encode_to_size(session: Session, budget: int) -> Candidate:
    """Fit within a budget in bytes. Raises RateError."""
    return picture_job.encode_to_size(GridsJob, session, budget)


def encode_to_psnr(session: Session, target: float) -> Candidate:
    """Fit to a quality: its PSNR is between `target` and 0.2 dB more. Raises RateError."""
    return picture_job.encode_to_psnr(GridsJob, session, target)


class GridsJob(picture_job.PictureJob):
    """A fit of latent grids and the files that can be made of it."""

    steps_by_effort, weight_bits = STEPS, 7.4

    def fit(
        self,
        goal: Goal,
        exact: Callable[[], None],
        worth: Callable[[Candidate], tuple[float, ...]],
    ) -> Candidate:
        """As of a pyramid; long fits have a pilot, whose file is kept. Raises EncodeError."""
        steps, session = self._steps(), self.session
        if steps < _PILOTED_FROM or session.options.time_limit is not None:
            return super().fit(goal, exact, worth)
        first, last = session.share
        middle = first + (last - first) * _PILOT_STEPS / (steps + _PILOT_STEPS)
        session.expect(first, middle)
        kept = self._piloted(goal, exact)
        if kept.stopped:
            return kept
        session.expect(middle, last)
        pace = self._run(goal, steps)
        if self.stopped and abs(math.log(goal(self.fitted.measured()))) > math.log(_TOO_FAR):
            session.steps += self.fitted.steps_done
            return replace(kept, stopped=True)
        return max(self._finished(pace, exact, worth), kept, key=worth)

    def _piloted(self, goal: Goal, exact: Callable[[], None]) -> Candidate:
        """The file of a short fit, at whose lambda the fit in hand begins. Raises EncodeError."""
        session, pilot = self.session, self.fitted
        self._run(goal, _PILOT_STEPS)
        step = math.sqrt(_BELOW * pilot.lagrange / FIRST_RATIO)
        exact()
        kept = self._candidate()
        session.steps += pilot.steps_done
        self.fitted, self._weights_payload = self._fit_of(GrownFit, self.net, step), None
        return kept

    def _make(self, bits: float | None, error: float | None) -> tuple[Grids, GridsFit]:
        session, signal = self.session, self.session.signal
        samples = signal.samples.astype(np.float32) / signal.peak
        start = _Start(plan(session, bits or 1e5), samples)
        if bits is None:
            assert error is not None
            step = start.step_for_error(ERROR_SHARE * error)
            bits = start.bits(step) / _SAVED
        else:
            step = start.step_for_bits(_EXCESS * bits)
        net = plan(session, bits)
        return net, self._fit_of(GridsFit, net, step)

    def _fit_of(self, kind: type[GridsFit], net: Grids, step: float) -> GridsFit:
        signal, options = self.session.signal, self.session.options
        samples = signal.samples.astype(np.float32) / signal.peak
        least = _LEAST_STEP / signal.peak
        return kind(net, samples, max(step, least), least, options.seed, device_of(options))

    def _coded(self, stored: StoredTensors, latents: list[np.ndarray]) -> tuple[int, bytes]:
        payload = write_latents(self.net, stored.values, latents)
        return latents_crc(latents, stored.crc), payload


class _Start:
    """Planes of a picture, for finding the first step of a fit."""

    def __init__(self, net: Grids, samples: np.ndarray) -> None:
        _, target = fitted_frame(net, samples, 1.0)
        levels = [level for _, level in net.places()]
        planes = zip(laplacian(net, target), levels, strict=True)
        self._planes = [_in_fours(plane * 2.0 ** (FALL * level)) for plane, level in planes]
        self._areas = [4.0**level for level in levels]
        self._shares = [2.0 ** (-2 * FALL * level) for level in levels]

    def bits(self, step: float) -> float:
        """Estimated size of planes rounded to steps of which this is the finest plane's."""
        return sum(static_bits(plane / step) for plane in self._planes)

    def error(self, step: float) -> float:
        """About the squared error that rounding leaves in all samples."""
        return sum(
            float((p - (p / step).round() * step).square().sum()) * area * share
            for p, area, share in zip(self._planes, self._areas, self._shares, strict=True)
        )

    def step_for_bits(self, bits: float) -> float:
        """The step at which rounded planes take about `bits`."""
        return bisected(lambda step: self.bits(step) <= bits, 2.0**-14, 24)

    def step_for_error(self, error: float) -> float:
        """The step at which rounded planes have about `error`."""
        return bisected(lambda step: self.error(step) >= error, 2.0**-14, 24)


def _in_fours(plane: Tensor) -> Tensor:
    """A plane's values as (4, 1, n), the last ones repeated where they are too few."""
    flat = plane.reshape(-1)
    more = -len(flat) % 4
    whole = flat if not more else flat.repeat(5)[: len(flat) + more]
    return whole.view(4, 1, -1)
