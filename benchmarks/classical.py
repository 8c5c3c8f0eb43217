"""Classical codecs from Pillow, each given the same number of bytes."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from inrcodec import metrics


@dataclass(frozen=True)
class Peer:
    """A codec of Pillow's: range of its quality, and settings of which the best is kept.

    `parameters`: what a quality is to Pillow.
    """

    format: str
    qualities: range
    variants: tuple[Mapping[str, Any], ...]
    suffix: str
    parameters: Callable[[int], Mapping[str, Any]] = lambda quality: {"quality": quality}


def _ratio(quality: int) -> Mapping[str, Any]:
    """A ratio of compression for JPEG 2000, which has no quality: 7 % of the bytes a step."""
    return {"quality_mode": "rates", "quality_layers": [1000 * 2 ** (-quality / 10)]}


# Colour at full and at half resolution: which of them has the higher PSNR depends on the rate.
_SAMPLINGS = ("4:4:4", "4:2:0")
PEERS = {
    "jpeg": Peer(
        "JPEG",
        range(1, 101),
        tuple({"optimize": True, "progressive": True, "subsampling": s} for s in _SAMPLINGS),
        ".jpg",
    ),
    "webp": Peer("WEBP", range(0, 101), ({"method": 6},), ".webp"),
    "avif": Peer(
        "AVIF", range(0, 101), tuple({"speed": 4, "subsampling": s} for s in _SAMPLINGS), ".avif"
    ),
    # Pillow leaves the colour transform out unless told: 2 dB less at 0.3 bpp, 4 to 5 at 1.2.
    "jpeg2000": Peer(
        "JPEG2000", range(0, 100), ({"irreversible": True, "mct": 1},), ".jp2", _ratio
    ),
}


@dataclass(frozen=True)
class Coded:
    """A picture as a peer coded it: the whole file, and the PSNR of what it decodes to."""

    data: bytes
    quality: int
    settings: str
    psnr_db: float


def largest_quality(
    size_of: Callable[[int], int], qualities: range, budget_bytes: int
) -> int | None:
    """Largest quality whose file is within the budget, None if none is.

    Found by bisection: sizes grow with quality, and where they waver by a few bytes the quality
    found is still within the budget.
    """
    low, high, best = 0, len(qualities) - 1, None
    while low <= high:
        middle = (low + high) // 2
        if size_of(qualities[middle]) <= budget_bytes:
            low, best = middle + 1, qualities[middle]
        else:
            high = middle - 1
    return best


def encode_within(name: str, samples: np.ndarray, budgets: Sequence[int]) -> list[Coded | None]:
    """The best file of at most so many bytes that a peer makes of (H, W, 3) uint8, per budget.

    None where even its smallest file is larger.
    """
    peer = PEERS[name]
    per_variant = [_within(peer, variant, samples, budgets) for variant in peer.variants]
    return [
        max((c for c in found if c), key=lambda coded: coded.psnr_db, default=None)
        for found in zip(*per_variant, strict=True)
    ]


def psnr_at(name: str, samples: np.ndarray, size: int) -> float | None:
    """PSNR in dB that a peer reaches on (H, W, 3) uint8 with exactly `size` bytes.

    Between the two neighbouring qualities it is linear in the logarithm of the size, so that a
    peer does not lose what its coarse scale leaves unused; the best variant counts. None where
    even its smallest file is larger.
    """
    peer = PEERS[name]
    found = (_interpolated(peer, variant, samples, size) for variant in peer.variants)
    return max((psnr for psnr in found if psnr is not None), default=None)


def _interpolated(
    peer: Peer, variant: Mapping[str, Any], samples: np.ndarray, size: int
) -> float | None:
    coded = _coder(peer, variant, samples)
    below = largest_quality(lambda q: len(coded(q)), peer.qualities, size)
    if below is None:
        return None
    psnr = metrics.psnr(samples, decoded(coded(below)))
    if below == peer.qualities[-1] or len(coded(below)) == size:
        return psnr
    first, last = len(coded(below)), len(coded(below + 1))
    more = metrics.psnr(samples, decoded(coded(below + 1))) - psnr
    return psnr + more * math.log(size / first) / math.log(last / first)


def _coder(peer: Peer, variant: Mapping[str, Any], samples: np.ndarray) -> Callable[[int], bytes]:
    """Files by quality, each made once."""
    picture = Image.fromarray(samples)

    @cache
    def coded(quality: int) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, peer.format, **peer.parameters(quality), **variant)
        return buffer.getvalue()

    return coded


def _within(
    peer: Peer, variant: Mapping[str, Any], samples: np.ndarray, budgets: Sequence[int]
) -> list[Coded | None]:
    """The largest quality within each budget, under one variant of the settings."""
    coded = _coder(peer, variant, samples)
    settings = " ".join(f"{key}={value}" for key, value in variant.items())
    results: list[Coded | None] = []
    for budget in budgets:
        quality = largest_quality(lambda q: len(coded(q)), peer.qualities, budget)
        if quality is None:
            results.append(None)
            continue
        psnr = metrics.psnr(samples, decoded(coded(quality)))
        results.append(Coded(coded(quality), quality, settings, psnr))
    return results


def decoded(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 of a peer's file."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))
