"""The CDF 9/7 wavelet (Cohen, Daubechies, Feauveau 1992) as lifting steps (Daubechies and
Sweldens 1998), scaled to be nearly orthonormal; in place, under NumPy and PyTorch alike.

A plane of even sides is held as its four polyphase parts, so that nothing is interleaved while
it is worked on: even or odd rows, of these the even or odd columns.
"""

import math
from collections.abc import Iterator
from typing import Any

Array = Any

# Lifting factors: predict, update, predict, update; then the scale of the low band.
_FACTORS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
_LOW = math.sqrt(2) / 1.230174104914001


def synthesise(low: Array, high: Array, axis: int) -> None:
    """Bands to even and odd samples along `axis`, in place."""
    low *= 1 / _LOW
    high *= _LOW
    for target, source, factor, backwards in _steps(low, high):
        _add(target, source, -factor, axis, backwards)


def analyse(even: Array, odd: Array, axis: int) -> None:
    """Even and odd samples to bands along `axis`, in place: the inverse of `synthesise`."""
    for target, source, factor, backwards in reversed(list(_steps(even, odd))):
        _add(target, source, factor, axis, backwards)
    even *= _LOW
    odd *= 1 / _LOW


def synthesise_adjoint(even: Array, odd: Array, axis: int) -> None:
    """Gradients by samples to gradients by bands, in place: the transpose of `synthesise`."""
    for target, source, factor, backwards in reversed(list(_steps(even, odd))):
        _add_adjoint(source, target, -factor, axis, backwards)
    even *= 1 / _LOW
    odd *= _LOW


def _steps(even: Array, odd: Array) -> Iterator[tuple[Array, Array, float, bool]]:
    """Lifting steps in the order of synthesis: target, source, factor; whether the target's
    second neighbour in the source lies before it."""
    predict_1, update_1, predict_2, update_2 = _FACTORS
    yield even, odd, update_2, True
    yield odd, even, predict_2, False
    yield even, odd, update_1, True
    yield odd, even, predict_1, False


def _add(target: Array, source: Array, factor: float, axis: int, backwards: bool) -> None:
    """target[i] += factor (source[i] + source[i -+ 1]), border samples repeated."""
    part = factor * source
    target += part
    first, last, head, tail = _slices(axis)
    if backwards:
        target[tail] += part[head]
        target[first] += part[first]
    else:
        target[head] += part[tail]
        target[last] += part[last]


def _add_adjoint(target: Array, source: Array, factor: float, axis: int, backwards: bool) -> None:
    """The transpose of `_add`, roles of target and source exchanged."""
    part = factor * source
    target += part
    first, last, head, tail = _slices(axis)
    if backwards:
        target[head] += part[tail]
        target[first] += part[first]
    else:
        target[tail] += part[head]
        target[last] += part[last]


def _slices(axis: int) -> tuple[Any, Any, Any, Any]:
    """First, last, all but the last and all but the first entry along axis -1 or -2."""
    rest = (slice(None),) * (-1 - axis)
    cuts = (slice(0, 1), slice(-1, None), slice(None, -1), slice(1, None))
    first, last, head, tail = ((..., cut, *rest) for cut in cuts)
    return first, last, head, tail


# A plane's polyphase parts in the order row parity, column parity: 00, 01, 10, 11.
def synthesise_plane(parts: list[Array]) -> None:
    """Bands LL, LH (columns high), HL (rows high), HH to samples 00, 01, 10, 11, in place."""
    synthesise(parts[0], parts[2], -2)
    synthesise(parts[1], parts[3], -2)
    synthesise(parts[0], parts[1], -1)
    synthesise(parts[2], parts[3], -1)


def analyse_plane(parts: list[Array]) -> None:
    """Samples 00, 01, 10, 11 to bands LL, LH, HL, HH, in place."""
    analyse(parts[0], parts[1], -1)
    analyse(parts[2], parts[3], -1)
    analyse(parts[0], parts[2], -2)
    analyse(parts[1], parts[3], -2)


def synthesise_plane_adjoint(parts: list[Array]) -> None:
    """The transpose of `synthesise_plane`, in place."""
    synthesise_adjoint(parts[0], parts[1], -1)
    synthesise_adjoint(parts[2], parts[3], -1)
    synthesise_adjoint(parts[0], parts[2], -2)
    synthesise_adjoint(parts[1], parts[3], -2)


def deinterleaved(plane: Array) -> list[Array]:
    """(..., 2 h, 2 w) to its parts 00, 01, 10, 11 of (..., h, w): views."""
    return [plane[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]


def interleave(parts: list[Array], out: Array) -> Array:
    """Parts 00, 01, 10, 11 of (..., h, w) written into `out` of (..., 2 h, 2 w)."""
    for target, part in zip(deinterleaved(out), parts, strict=True):
        target[...] = part
    return out
