"""From a budget to a Local-Global network: partitions, widths, and groups of partitions.

Ashkenazi and Treister 2024 cut pictures into partitions of about 32x32, sounds of 7 and 12 s into
32, and video and volumes into boxes of about 64 a side. They give the global network and Merge 5 to
15 % of the weights; here it is 1 %, for every sample passes through all of them.
"""

import bisect
import math
from dataclasses import replace

from inrcodec.encoder.rate import RECORD_BYTES, STREAM_BYTES
from inrcodec.errors import OptionError, RateError
from inrcodec.nets import LocalGlobal, TensorSpec
from inrcodec.options import EncodeOptions
from inrcodec.weights.groups import all_groups
from inrcodec.weights.storage import Direct

# Grid points of a partition per axis, where the budget allows: of sound, pictures, and the rest.
_SIDES = {1: 2**13, 2: 32, 3: 32}
# Numbers of a local network below which partitions are made larger: 32x32 of a picture have 466 at
# the paper's size, 199 K in all, and half as many at half the rate are no network any more.
_LEAST_NUMBERS = 400
# Of the numbers, for the global network and Merge. 0.1 with 1,500 steps beside 0.03 and 0.01 with
# 2,250: Kodak 04 at 2 bits per pixel 36.2, 36.8 and 36.8 dB in 135, 126 and 93 s, Bach at 64 kbps
# 24.2, 24.5 and 25.1 dB in 106, 104 and 79 s; 400 steps of each, carphone at 0.4 bpp: 31.6 dB in
# 55 s with 0.1, 31.9 in 25 with 0.01.
_SHARE = 0.01
_LAYERS = 4
_MAX_WIDTH = 1024
# A group's stream costs 5 or 6 bytes: at most 2 % of what it holds.
_LEAST_GROUP_BYTES = 300
_GROUP_BYTES = STREAM_BYTES + 1


def plan_partitions(
    grid: tuple[tuple[int, ...], int], options: EncodeOptions, budget: float, bits: float
) -> tuple[LocalGlobal, Direct]:
    """The network for WEIGHTS and LOCALS payloads of at most `budget` bytes at `bits` a number, and
    how partitions are grouped. Raises RateError if none fits, OptionError for settings that
    contradict one another."""
    net = _sized(_framed(grid, options, budget * 8 / bits), options, budget, bits)
    return net, Direct(_group(net, options, bits))


def _framed(
    grid: tuple[tuple[int, ...], int], options: EncodeOptions, numbers: float
) -> LocalGlobal:
    """All that does not depend on widths."""
    shape, channels = grid
    side = _sides(shape, options, numbers)
    w0, w0_global = _factors(shape, side)
    return LocalGlobal(
        shape=shape,
        channels=channels,
        width=1,
        layers=options.number("layers", _LAYERS),
        global_width=1,
        side=side,
        w0_first=options.number("w0", w0),
        w0_hidden=options.number("w0_hidden", 30),
        w0_global=options.number("w0_global", w0_global),
        learned=options.learned,
        merged_once=True,
    )


def _factors(shape: tuple[int, ...], side: tuple[int, ...]) -> tuple[int, int]:
    """Frequency factors of the first local and the first global layer.

    256x256 of Kodak 04, 32x32 a partition, 300 steps: 39.2 dB with 20 and 100, 39.0 with 20 or 40
    and 30, 38.4 with 10 and 30, 37.7 with 20 and 250. Bach, 32 partitions, 200 or 300 steps of
    local networks alone: 36.3 dB with 300, 32.7 with 100, 28.1 with 30, nothing with 1000. Both in
    proportion to what they see, within limits that small grids set.
    """
    if len(shape) == 1:
        return min(max(20, side[0] // 32), 1000), min(max(10, shape[0] // 3), 300)
    return min(max(5, 5 * max(side) // 8), 20), min(max(10, max(shape) // 3), 100)


def _sides(shape: tuple[int, ...], options: EncodeOptions, numbers: float) -> tuple[int, ...]:
    """Grid points of a partition, about the same in all. An axis has one or an even number, so that
    a crop to its half cuts none in two."""
    if options.setting("partitions") is not None:
        counts = _axes(options, "partitions", len(shape))
        return tuple(-(-n // min(count, n)) for n, count in zip(shape, counts, strict=True))
    side = _SIDES[len(shape)]
    while side < max(shape):
        partitions = math.prod(_parts(n, side) for n in shape)
        if numbers * (1 - _SHARE) >= _LEAST_NUMBERS * partitions:
            break
        side *= 2
    return tuple(-(-n // _parts(n, side)) for n in shape)


def _parts(size: int, side: int) -> int:
    """Parts of an axis of at most `side` grid points each: 1, or as few as are even."""
    return 1 if size <= side else 2 * -(-size // (2 * side))


def _axes(options: EncodeOptions, key: str, axes: int) -> tuple[int, ...]:
    """A setting with a number for each axis, such as 16,24."""
    text = str(options.setting(key))
    try:
        values = tuple(int(value) for value in text.split(","))
    except ValueError:
        values = ()
    if len(values) != axes or min(values) < 1:
        raise OptionError(f"setting {key} = {text!r} is not {axes} numbers of 1 or more: 16,24")
    return values


def _sized(net: LocalGlobal, options: EncodeOptions, budget: float, bits: float) -> LocalGlobal:
    """The widest local networks that leave the global one its share, then the widest global one."""
    share = options.real("global_share", _SHARE)
    numbers = budget * 8 / bits
    if width := options.number("width", 0):
        net = replace(net, width=width)
        numbers = min(numbers, _numbers(net.local_tensors()) / (1 - share))
        return _with_global(net, share * numbers)
    least = net.layers if options.setting("layers") is not None else 1
    for layers in range(net.layers, least - 1, -1):

        def needed(width: int, layers: int = layers) -> float:
            made = replace(net, width=width, layers=layers)
            return _bytes(_with_global(made, share * numbers), bits)

        width = bisect.bisect_right(range(1, _MAX_WIDTH + 1), budget, key=needed)
        if width > 0:
            return _with_global(replace(net, width=width, layers=layers), share * numbers)
    smallest = replace(net, layers=least)
    if (required := _bytes(smallest, 2)) > budget:
        raise RateError(
            f"{budget:.0f} bytes are too few for the weights of the smallest network of"
            f" {math.prod(net.partitions)} partitions, which needs about {math.ceil(required)}"
        )
    return smallest


def _with_global(net: LocalGlobal, numbers: float) -> LocalGlobal:
    """The network with the widest global network of at most so many shared numbers."""

    def needed(width: int) -> int:
        return _numbers(replace(net, global_width=width).shared_tensors())

    width = bisect.bisect_right(range(1, _MAX_WIDTH + 1), numbers, key=needed)
    return replace(net, global_width=max(width, 1))


def _numbers(tensors: list[TensorSpec]) -> int:
    return sum(t.size for t in tensors)


def _bytes(net: LocalGlobal, bits: float) -> float:
    """Payload at `bits` per number, with streams of about `_LEAST_GROUP_BYTES`."""
    tensors = net.tensors()
    plain = _numbers(tensors) * bits / 8
    groups = max(1, min(math.prod(net.partitions), plain / _LEAST_GROUP_BYTES))
    return plain + len(tensors) * RECORD_BYTES + STREAM_BYTES + groups * _GROUP_BYTES


def _group(net: LocalGlobal, options: EncodeOptions, bits: float) -> tuple[int, ...]:
    """Partitions per axis of a group: as few as are worth a stream."""
    partitions = net.partitions
    if options.setting("group") is not None:
        wanted = _axes(options, "group", len(partitions))
        return tuple(min(g, n) for g, n in zip(wanted, partitions, strict=True))
    each = _numbers(net.local_tensors(1)) * bits / 8
    group = [1] * len(partitions)
    while math.prod(group) * each < _LEAST_GROUP_BYTES:
        open_axes = [a for a, n in enumerate(partitions) if group[a] < n]
        if not open_axes:
            break
        axis = min(open_axes, key=lambda a: (group[a], -a))
        group[axis] = min(2 * group[axis], partitions[axis])
    kept = all_groups(partitions, tuple(group)).kept
    return tuple(-(-n // k) for n, k in zip(partitions, kept, strict=True))
