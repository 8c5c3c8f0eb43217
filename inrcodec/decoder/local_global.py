"""Decoding Local-Global networks: the partitions that a box touches, and no others."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.locals_section import in_file_order, unpack_groups, unpack_shared
from inrcodec.container.streams import split
from inrcodec.container.weights_section import integers_crc
from inrcodec.decoder.plan import placed
from inrcodec.decoder.tensors import check_crc
from inrcodec.nets.base import grid_index
from inrcodec.nets.local_global import LocalGlobal
from inrcodec.network import groups_of, local_global_of
from inrcodec.quantise import QuantisedTensor, dequantise
from inrcodec.weights.groups import Box, Groups

# Floats that the points of one product may need at once: 4 MiB a thread.
_CHUNK_FLOATS = 2**20


def read_integers(
    parsed: ParsedFile, ignore_checksum: bool = False
) -> tuple[list[QuantisedTensor], list[QuantisedTensor]]:
    """Shared tensors, and those of the partitions that the file has, in file order. Raises
    Corrupt."""
    part, net, groups = parsed.segments[0], local_global_of(parsed.header), groups_of(parsed.header)
    assert part.locals is not None
    specs = net.local_tensors(1)
    shared, records = unpack_shared(
        part.weights, [t.size for t in net.shared_tensors()], len(specs), part.weights_offset
    )
    streams = split(part.locals, math.prod(groups.kept), "LOCALS", "group", part.locals_offset)
    members = groups.members()
    local = unpack_groups(streams, records, [t.size for t in specs], members)
    crc = integers_crc(in_file_order(shared, local, members))
    check_crc(crc, parsed.header, 0, ignore_checksum)
    return shared, local


def read_weights(parsed: ParsedFile, ignore_checksum: bool = False) -> dict[str, np.ndarray]:
    """Every tensor by name, float32; local ones of the partitions that the file has. Raises
    Corrupt."""
    net = local_global_of(parsed.header)
    specs = net.shared_tensors() + net.local_tensors(groups_of(parsed.header).count)
    shared, local = read_integers(parsed, ignore_checksum)
    return {
        spec.name: dequantise(tensor).reshape(spec.shape)
        for spec, tensor in zip(specs, [*shared, *local], strict=True)
    }


def samples(
    header: Header,
    weights: Mapping[str, np.ndarray],
    box: Box,
    finish: Callable[[np.ndarray], np.ndarray],
    dtype: np.dtype,
) -> np.ndarray:
    """Samples of a box of the network's grid: (*box, channels) of `dtype`.

    `weights`: from `read_weights`. `finish` turns float32 values of nominal range 0..1 into what is
    kept. The file must have the partitions that the box meets.
    """
    net, groups = local_global_of(header), groups_of(header)
    touched = _touched(net, box)
    out = np.empty((*(last - first for first, last in box), net.channels), dtype=dtype)
    within = grid_index((0,) * len(net.side), net.side)

    def work(index: np.ndarray) -> None:
        parts = [_overlap(partition * np.asarray(net.side), net.side, box) for partition in index]
        needed = _points_between([here[0] for here, _ in parts], net.side)
        values = _values(net, groups, weights, index, within, needed)
        blocks = values.reshape(-1, *net.side, net.channels)
        for block, (here, there) in zip(blocks, parts, strict=True):
            out[*there] = finish(np.nan_to_num(block[*here]))

    _in_chunks(net, touched, math.prod(net.side), work)
    return out


def values_at(
    header: Header, weights: Mapping[str, np.ndarray], places: Sequence[np.ndarray]
) -> np.ndarray:
    """Values between the samples of the network's grid: (*places, channels) float32, nominal range
    0..1. `places`: where, in samples, in ascending order per axis."""
    net, groups = local_global_of(header), groups_of(header)
    touched, firsts, lasts = _with_places(net, places)
    most = tuple((lasts - firsts).max(axis=0).tolist())
    out = np.empty((*map(len, places), net.channels), dtype=np.float32)

    def work(chosen: np.ndarray) -> None:
        index, first, last = touched[chosen], firsts[chosen], lasts[chosen]
        numbers = first[:, None] + grid_index((0,) * len(most), most)
        within = placed(places, numbers) - (index * np.asarray(net.side))[:, None]
        blocks = _values(net, groups, weights, index, within).reshape(-1, *most, net.channels)
        for values, a, b in zip(blocks, first.tolist(), last.tolist(), strict=True):
            here = (slice(end - start) for start, end in zip(a, b, strict=True))
            out[*map(slice, a, b)] = np.nan_to_num(values[*here])

    _in_chunks(net, np.arange(len(touched)), math.prod(most), work)
    return out


def _with_places(
    net: LocalGlobal, places: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Partitions from the first to the last place (n, D), and the numbers of the first and the
    last+1 place in each of them, per axis (n, D)."""
    owners = [
        np.floor((at + 0.5) / side).astype(np.int64)
        for at, side in zip(places, net.side, strict=True)
    ]
    touched = grid_index(
        tuple(int(axis[0]) for axis in owners), tuple(int(axis[-1]) + 1 for axis in owners)
    )
    pairs = list(zip(owners, touched.T, strict=True))
    firsts = np.stack([np.searchsorted(axis, i, "left") for axis, i in pairs], axis=-1)
    lasts = np.stack([np.searchsorted(axis, i, "right") for axis, i in pairs], axis=-1)
    return touched, firsts, lasts


def _in_chunks(
    net: LocalGlobal, touched: np.ndarray, points: int, work: Callable[[np.ndarray], None]
) -> None:
    """Do work on so many partitions at once, of so many points each, as memory holds."""
    count = max(1, _points_at_once(net) // points)
    chunks = (touched[start : start + count] for start in range(0, len(touched), count))
    # One thread a chunk; BLAS threads of its own would fight with them.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(work, chunks):
            pass


def _touched(net: LocalGlobal, box: Box) -> np.ndarray:
    """Partitions that meet a box: (n, D) int64."""
    firsts = tuple(first // side for (first, _), side in zip(box, net.side, strict=True))
    lasts = tuple(-(-last // side) for (_, last), side in zip(box, net.side, strict=True))
    return grid_index(firsts, lasts)


def _points_at_once(net: LocalGlobal) -> int:
    """Points that memory holds: the size of a product, which depends on the network alone, so that
    a part of the signal has exactly the samples of the whole."""
    return max(1, _CHUNK_FLOATS // (3 * net.width + 2 * net.global_width))


def _values(
    net: LocalGlobal,
    groups: Groups,
    weights: Mapping[str, np.ndarray],
    index: np.ndarray,
    within: np.ndarray,
    needed: range | None = None,
) -> np.ndarray:
    """Values of partitions `index` (n, D) at their points `within` (m, D), or each at its own
    (n, m, D): (n, m, channels). Of points that are not `needed` they may be anything."""
    boxes = [tuple((i, i + 1) for i in partition) for partition in index.tolist()]
    numbers = np.concatenate([groups.numbers(box) for box in boxes])
    own = {t.name for t in net.local_tensors(1)}
    chosen = {name: w[numbers] if name in own else w for name, w in weights.items()}
    starts = (index * np.asarray(net.side))[:, None]
    values = np.empty((len(index), within.shape[-2], net.channels), dtype=np.float32)
    step = _points_at_once(net)
    needed = needed or range(values.shape[1])
    for first in range(needed.start // step * step, needed.stop, step):
        points = within[..., first : first + step, :]
        inputs = net.local_inputs(points), net.global_inputs(starts + points)
        # Overflow in a forged file's weights gives NaN, which the caller makes 0.
        with np.errstate(all="ignore"):
            values[:, first : first + step] = net.forward(np, chosen, inputs)
    return values


def _points_between(rows: Sequence[slice], side: tuple[int, ...]) -> range:
    """Numbers of the points of a partition from the first to the last row that any needs."""
    each = math.prod(side[1:])
    return range(min(r.start for r in rows) * each, max(r.stop for r in rows) * each)


def _overlap(
    start: np.ndarray, side: tuple[int, ...], box: Box
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a partition and a box meet, in the partition and in the box."""
    here, there = [], []
    for a, n, (first, last) in zip(start.tolist(), side, box, strict=True):
        low, high = max(a, first), min(a + n, last)
        here.append(slice(low - a, high - a))
        there.append(slice(low - first, high - first))
    return tuple(here), tuple(there)
