"""One encode as the user sees it: its clock, its stop button and its progress."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inrcodec.container.header import Header, net_shape
from inrcodec.container.header_fields import Net as NetId
from inrcodec.container.header_fields import Storage as StorageId
from inrcodec.encoder.describe import grid_of, signal_fields
from inrcodec.encoder.fit import State
from inrcodec.encoder.pace import Pace
from inrcodec.nets import Net
from inrcodec.nets.film import Film
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid
from inrcodec.nets.spectrum import Spectrum
from inrcodec.network import header_of
from inrcodec.options import EncodeOptions
from inrcodec.signals.signal import Signal
from inrcodec.weights.storage import Storage


@dataclass(frozen=True)
class Progress:
    """`fraction` 0..1 over all phases; `eta_s`, `psnr_db`, `size_bytes` None while unknown."""

    phase: str
    fraction: float
    eta_s: float | None
    psnr_db: float | None
    size_bytes: int | None


_NO_NET: dict[str, Any] = {"net": NetId.SIREN, "storage": StorageId.DIRECT}


class Session:
    """What lasts over all fits of one encode."""

    def __init__(
        self,
        signal: Signal,
        options: EncodeOptions,
        progress: Callable[[Progress], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        self.signal, self.options = signal, options
        self.fields = signal_fields(signal)  # of the header of a file with this signal
        self.started = time.monotonic()
        self.size_bytes: int | None = None
        self.representation = options.repr
        self.steps = 0
        self._progress, self._stop = progress, stop
        self.share = (0.0, 1.0)  # of the whole, taken by the fit in hand

    def part(self, signal: Signal, **fields: Any) -> "Session":
        """The same encode, for a part of its signal with these fields of the header."""
        part = copy.copy(self)
        part.signal, part.fields = signal, self.fields | {"shape": signal.shape} | fields
        return part

    def instead(self, representation: str, effort: int) -> "Session":
        """The same encode by another representation, at another effort."""
        other = copy.copy(self)
        other.representation = representation
        other.options = replace(self.options, repr=representation, effort=effort)
        return other

    @property
    def grid(self) -> tuple[tuple[int, ...], int]:
        """The grid of a coordinate network for the signal, and the values at each of its points."""
        _, channels = grid_of(self.signal)
        return net_shape(Header(**self.fields, **_NO_NET)), channels

    def header(
        self, net: Net | Pyramid | Grids | Spectrum | Film, storage: Storage, crcs: Sequence[int]
    ) -> Header:
        """The header of the signal's file. `crcs`: CRC-32 of the integers of each segment."""
        options = self.options
        return header_of(
            net, storage, self.fields, seed=options.seed, effort=options.effort, crcs=crcs
        )

    @property
    def ends(self) -> tuple[float, float]:
        """Samples that the values 0 and 1 of a network stand for."""
        if "low" in self.fields:
            return self.fields["low"], self.fields["high"]
        return 0.0, float(self.signal.peak)

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float:
        """Time until --time-limit, infinite without one."""
        limit = self.options.time_limit
        return math.inf if limit is None else limit - self.seconds

    def pace(self, steps: int, share: float = 1.0, after: float = 0.05) -> Pace:
        """Of a fit of at most `steps` that has a share of the time left, `after` of it for what
        follows the fit."""
        return Pace(steps, share * max(self.seconds_left, 0.0), after)

    def interrupted(self) -> bool:
        """Whether the user asked to stop."""
        return self._stop is not None and self._stop()

    def should_stop(self) -> bool:
        """Whether to end fitting now, for either reason."""
        return self.seconds_left <= 0 or self.interrupted()

    def late(self, share: float) -> bool:
        """Whether the user asked to stop, or so large a share of a time limit is over."""
        limit = self.options.time_limit
        return self.interrupted() or (limit is not None and self.seconds > share * limit)

    def expect(self, first: float, last: float) -> None:
        """The next fit runs from `first` to `last` of the whole."""
        self.share = (first, last)

    def fitting(self, state: State) -> None:
        """Report a fit's state."""
        first, last = self.share
        fraction = 0.97 * (first + (last - first) * state.step / state.steps)
        psnr = -10 * math.log10(max(state.loss, 1e-12)) if math.isfinite(state.loss) else None
        phase = "quantise" if state.quantised else "fit"
        self.report(phase, fraction, psnr)

    def searching(self) -> None:
        """Report that what a fit will start from is looked for."""
        self.report("search", 0.97 * self.share[0])

    def checking(self) -> None:
        """Report that the fit in hand is done and its file is decoded and measured."""
        self.report("check", 0.97 * self.share[1])

    def report(self, phase: str, fraction: float, psnr_db: float | None = None) -> None:
        """Tell the caller where the encode stands."""
        if self._progress is None:
            return
        eta = self.seconds * (1 - fraction) / fraction if fraction > 0.01 else None
        self._progress(Progress(phase, fraction, eta, psnr_db, self.size_bytes))
