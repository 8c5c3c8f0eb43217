"""What the files of all fits of latents share: their tensors, and figures to plan them by."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from inrcodec.container.weights_section import integers_crc, pack
from inrcodec.decoder.tensors import tensor_values
from inrcodec.encoder.goal import TOLERANCE_DB
from inrcodec.encoder.latent_fit import LatentFit
from inrcodec.encoder.rate import RECORD_BYTES, quantise_all
from inrcodec.encoder.single import Candidate
from inrcodec.errors import RateError
from inrcodec.nets.base import TensorSpec
from inrcodec.quantise import QuantisedTensor
from inrcodec.signals.signal import Signal

# Error of plain rounding over that of the fit at the same step, about.
ERROR_SHARE = 0.8
# Bits of a stored number before its grid is known.
WEIGHT_BITS = 5.0


@dataclass(frozen=True)
class StoredTensors:
    """A fit's tensors as its file has them: on their grids, and their values, float32 by name."""

    tensors: list[QuantisedTensor]
    values: dict[str, np.ndarray]

    @property
    def payload(self) -> bytes:
        """The WEIGHTS payload."""
        return pack(self.tensors)

    @property
    def crc(self) -> int:
        """CRC-32 of the integers."""
        return integers_crc(self.tensors)


def stored_tensors(specs: Sequence[TensorSpec], fitted: LatentFit) -> StoredTensors:
    """The tensors as the fit stands; it has grids."""
    assert fitted.grids is not None
    tensors = quantise_all(fitted.arrays(), fitted.grids)
    return StoredTensors(tensors, tensor_values(specs, tensors))


def expected_bytes(specs: Sequence[TensorSpec], bits: float = WEIGHT_BITS) -> float:
    """About the size of a WEIGHTS payload whose grids are not known yet."""
    return sum(t.size for t in specs) * bits / 8 + RECORD_BYTES * len(specs)


def error_for(signal: Signal, psnr_db: float) -> float:
    """Squared error over all samples, of peak 1, in the middle of what a quality allows."""
    values = math.prod(signal.shape) * signal.channels
    return 10 ** (-(psnr_db + TOLERANCE_DB / 2) / 10) * values


def require_quality(made: Candidate, psnr_db: float) -> Candidate:
    """A file as it is; RateError if it misses a quality without having been stopped."""
    if made.psnr_db < psnr_db and not made.stopped:
        raise RateError(f"{psnr_db} dB were not reached: {made.psnr_db:.2f} dB at best")
    return made


def bisected(large_enough: Callable[[float], bool], least: float, rounds: int) -> float:
    """The smallest step from `least` to 4 that is large enough, each round twice as near."""
    low, high = least, 4.0
    for _ in range(rounds):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if large_enough(middle) else (middle, high)
    return high


def static_bits(values: Tensor) -> float:
    """Bits of values (4, bands, n) after rounding, one Laplace scale for each band."""
    sizes = values.round().abs()
    mean = sizes.mean(dim=(0, 2)).clamp_min(1e-5)
    zero = (sizes < 0.5).float().mean(dim=(0, 2)).clamp(1e-6, 1 - 1e-6)
    significance = -(zero * zero.log2() + (1 - zero) * (1 - zero).log2())
    magnitude = 1.7 + (mean / (1 - zero) + 0.5).log2().clamp_min(0)
    return float((significance + (1 - zero) * magnitude).sum()) * 4 * values.shape[2]
