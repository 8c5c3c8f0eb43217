"""Drafts of coordinate networks: a picture at 1/k of its size from few of its samples.

An ASMR network gives means over those parts of its last level's cells that lie within one box, of
values before they are cut to their range (nets/asmr.py). Others are evaluated at four places of a
box, the middles of its quarters.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.decoder import local_global
from inrcodec.decoder.evaluate import box_filter, box_means, evaluate
from inrcodec.decoder.plan import Box, Plan, plan_decode
from inrcodec.decoder.tensors import read_weights
from inrcodec.nets import Asmr, LocalGlobal
from inrcodec.network import network_of

_PER_SIDE = 2  # places of a box


def draft(parsed: ParsedFile, box: Box, scale: int, ignore_checksum: bool) -> np.ndarray:
    """About the means of scale x scale boxes of a part of an image by a coordinate network, float32
    (h, w, C). `scale`: 2 or more. Raises Corrupt."""
    header, net = parsed.header, network_of(parsed.header)
    if isinstance(net, LocalGlobal):
        shared = local_global.read_weights(parsed, ignore_checksum)
        values = local_global.values_at(header, shared, places(box, scale))
        return box_filter(np.clip(values, 0, 1), _PER_SIDE)
    plan = plan_decode(header, box)
    weights = read_weights(parsed, 0, plan, ignore_checksum)
    if isinstance(net, Asmr):
        return _means(plan, net, weights, scale)
    at = places(box, scale)
    plan = replace(plan, box=tuple((0, len(axis)) for axis in at), places=at)
    return box_filter(np.clip(evaluate(plan, weights), 0, 1), _PER_SIDE)


def places(box: Box, scale: int) -> tuple[np.ndarray, ...]:
    """Where boxes are evaluated, in samples of the grid, per axis in ascending order: float64 (2n,)
    for n boxes. The last box ends where `box` does."""
    axes = []
    for first, last in box:
        starts = np.arange(first, last, scale)
        lengths = np.minimum(scale, last - starts) / _PER_SIDE
        within = (np.arange(_PER_SIDE) + 0.5) * lengths[:, None] - 0.5
        axes.append((starts[:, None] + within).reshape(-1))
    return tuple(axes)


def _means(plan: Plan, net: Asmr, weights: Mapping[str, np.ndarray], scale: int) -> np.ndarray:
    """Means of boxes. Those that the border cuts are made apart, or all would have to be made of
    means that tile what is left of them."""
    rows, columns = (_divided(ends, scale) for ends in plan.box)
    return np.concatenate(
        [
            np.concatenate([_part(plan, net, weights, scale, (r, c)) for c in columns], axis=1)
            for r in rows
        ]
    )


def _divided(ends: tuple[int, int], scale: int) -> list[tuple[int, int]]:
    """A range in one of whole boxes and one of the last, if it is cut."""
    first, last = ends
    cut = last - (last - first) % scale
    return [part for part in ((first, cut), (cut, last)) if part[0] < part[1]]


def _part(
    plan: Plan, net: Asmr, weights: Mapping[str, np.ndarray], scale: int, box: Box
) -> np.ndarray:
    """Means of boxes, of which `box` has only whole ones, or on an axis one."""
    sides = mean_sides(net, box, scale)
    ends = tuple((a // side, b // side) for (a, b), side in zip(box, sides, strict=True))
    means = evaluate(replace(plan, net=replace(net, means=sides), box=ends), weights)
    for axis, side in enumerate(sides):
        means = box_means(means, axis, scale // side)
    return means


def mean_sides(net: Asmr, box: Box, scale: int) -> tuple[int, ...]:
    """Sides of the largest means that tile cells, the boxes of a part, and the part, per axis."""
    ends = zip(net.bases[-1], box, strict=True)
    return tuple(math.gcd(base, scale, first, last) for base, (first, last) in ends)
