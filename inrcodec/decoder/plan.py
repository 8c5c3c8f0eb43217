"""What a decode will cost, in plain integers, checked against limits before anything is made."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.header_fields import Kind
from inrcodec.container.header_fields import Net as NetId
from inrcodec.limits import Limits
from inrcodec.nets import Asmr, LocalGlobal, Net, RowNet
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid
from inrcodec.network import (
    film_of,
    grids_of,
    groups_of,
    network_of,
    pyramid_of,
    spectrum_of,
    storage_of,
)
from inrcodec.weights.groups import Groups
from inrcodec.weights.storage import Projected, Storage

# Floats that a chunk of tiles may need at once: 4 MiB a thread. With a quarter of that threads
# wait for one another in Python, and decoding a SIREN takes a third longer
# (benchmarks/startup.py).
_CHUNK_FLOATS = 2**20
# Samples and rows of a tile. BLAS sums a row in an order that depends on its place in a product
# and on the product's size; in tiles that lie where they lie in the whole grid, a part has
# exactly the samples of the whole.
_TILE_SAMPLES, _TILE_ROWS = 4096, 256
_TILE_SIDE = 16
# Samples that a frame of a film counts as at least: each takes milliseconds, however small it is.
_LEAST_FRAME = 2**10

_ONCE = Fraction(1)

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Plan:
    """A decode of a box of one segment, tile by tile.

    `box`: first and last+1 sample per axis. A tile is a box of rows of the network. `places`: where
    samples lie in the grid of a SIREN, per axis (None: at its points).
    """

    net: RowNet
    storage: Storage
    box: Box
    places: tuple[np.ndarray, ...] | None = None

    def placed(self, index: np.ndarray) -> np.ndarray:
        """Where rows `index` (..., D) int lie in the grid."""
        return index if self.places is None else placed(self.places, index)

    def enlarged(self, factor: Fraction, axes: Sequence[int]) -> "Plan":
        """The same box of a finer grid of a SIREN: `factor` times the points along these axes,
        rounded, over the same coordinates."""
        if factor == 1:
            return self
        shape, box = list(self.net.shape), list(self.box)
        for axis in axes:
            shape[axis], first, last = (_rounded(n * factor) for n in (shape[axis], *box[axis]))
            box[axis] = (first, last)
        return replace(self, net=replace(self.net, shape=tuple(shape)), box=tuple(box))

    @property
    def head(self) -> int:
        """Where rows of the network are taken: the most shared whose blocks fit a tile."""
        heads = self.net.heads()
        small = (h for h in heads if math.prod(self.net.block(h)) <= _TILE_SAMPLES)
        return next(small, heads[-1])

    @property
    def tile(self) -> tuple[int, ...]:
        """Rows of a tile per axis, powers of two: more on the last axes."""
        left = min(_TILE_ROWS, max(1, _TILE_SAMPLES // math.prod(self.net.block(self.head))))
        sides: list[int] = []
        for rows in reversed(self.net.rows(self.head)):
            most = left if len(self.net.shape) == 1 else min(left, _TILE_SIDE)
            sides.insert(0, 1 << (min(most, 1 << (rows - 1).bit_length()).bit_length() - 1))
            left //= sides[0]
        return tuple(sides)

    @property
    def tile_samples(self) -> tuple[int, ...]:
        """Samples of a tile per axis."""
        return tuple(t * b for t, b in zip(self.tile, self.net.block(self.head), strict=True))

    def chunks(self) -> Iterator[Box]:
        """Boxes of tiles, first and last+1 per axis, that are evaluated together."""
        ranges = [
            range(first // side, -(-last // side))
            for (first, last), side in zip(self.box, self.tile_samples, strict=True)
        ]
        left = max(1, _CHUNK_FLOATS // (math.prod(self.tile) * floats_per_row(self.net, self.head)))
        counts: list[int] = []
        for tiles in reversed(ranges):
            counts.insert(0, min(len(tiles), left))
            left //= counts[0]
        cuts = [
            [(start, min(start + max(count, 1), tiles.stop)) for start in tiles[:: max(count, 1)]]
            for tiles, count in zip(ranges, counts, strict=True)
        ]
        return product(*cuts)


def placed(places: Sequence[np.ndarray], index: np.ndarray) -> np.ndarray:
    """Places by their numbers `index` (..., D) int per axis; those after the last one, there."""
    axes = enumerate(places)
    return np.stack([at[np.minimum(index[..., i], len(at) - 1)] for i, at in axes], axis=-1)


def _rounded(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def plan_decode(header: Header, box: Box) -> Plan:
    """Plan the decode of a box of a segment by a coordinate network."""
    net = network_of(header)
    assert not isinstance(net, LocalGlobal)
    return Plan(net, storage_of(header), box)


def check_file(parsed: ParsedFile, limits: Limits, times: Fraction = _ONCE) -> None:
    """Check a file and those joined to it, each and all together; enlarged, networks are evaluated
    at so many `times` the points. Raises LimitExceeded."""
    macs = sum(check_limits(file.header, limits) for file in parsed.files)
    limits.check("macs", math.ceil(macs * times))
    limits.check("samples", math.prod(parsed.whole.shape) * parsed.header.channels)


def check_limits(header: Header, limits: Limits) -> int:
    """Compare what decoding a whole file takes with the limits; its multiply-accumulates. Raises
    LimitExceeded."""
    timed = header.kind in (Kind.AUDIO, Kind.VIDEO)
    for side in header.shape[1 if timed else 0 :]:
        limits.check("side", side)
    limits.check("samples", math.prod(header.shape) * header.channels)
    if header.net == NetId.PYRAMID:
        macs = _check_pyramid(pyramid_of(header), limits)
    elif header.net == NetId.GRIDS:
        macs = _check_grids(grids_of(header), limits)
    elif header.net == NetId.SPECTRUM:
        net = spectrum_of(header)
        limits.check("samples", header.segments * header.segment * net.channels, "padded samples")
        limits.check("weights", sum(t.size for t in net.tensors()))
        macs = math.ceil(math.prod(header.coded_shape) * net.channels * net.macs_per_sample())
    elif header.net == NetId.FILM:
        macs = _check_film(header, limits)
    else:
        macs = header.segments * _check_coordinates(header, limits)
    limits.check("macs", macs)
    return macs


def _check_coordinates(header: Header, limits: Limits) -> int:
    """Check a coordinate network; multiply-accumulates of a segment."""
    net, storage = network_of(header), storage_of(header)
    if isinstance(net, LocalGlobal):
        return _check_partitions(net, groups_of(header), limits)
    rows = net.rows(0)
    padded = math.prod(n * b for n, b in zip(rows, net.block(0), strict=True))
    limits.check("samples", header.segments * padded * net.channels, "padded samples")
    tensors = net.tensors()
    limits.check("weights", sum(t.size for t in tensors))
    if isinstance(net, Asmr):
        largest = max(math.prod(level) for level in net.bases[1:])
        limits.check("weights", largest * net.channels * 2 * net.width)
    if isinstance(storage, Projected):
        limits.check("projection", storage.projection.entries(tensors))
        limits.check("weights", sum(t.size for t in storage.stored(net)))
    return net.macs(math.prod(rows), 0)


def _check_partitions(net: LocalGlobal, groups: Groups, limits: Limits) -> int:
    """Check a network of partitions, those that the file has; its multiply-accumulates."""
    padded = groups.count * math.prod(net.side)
    limits.check("samples", padded * net.channels, "padded samples")
    tensors = net.shared_tensors() + net.local_tensors(groups.count)
    limits.check("weights", sum(t.size for t in tensors))
    return net.macs(groups.count)


def _check_pyramid(net: Pyramid, limits: Limits) -> int:
    """Check a pyramid; its multiply-accumulates."""
    samples = net.synthesised
    limits.check("samples", samples * net.channels, "padded samples")
    limits.check("weights", sum(t.size for t in net.tensors()))
    return math.ceil(samples * net.macs_per_sample())


def _check_grids(net: Grids, limits: Limits) -> int:
    """Check latent grids; their multiply-accumulates."""
    limits.check("samples", sum(plane.size for plane in net.planes()), "latents")
    limits.check("weights", sum(t.size for t in net.tensors()))
    return net.macs()


def _check_film(header: Header, limits: Limits) -> int:
    """Check a film; the multiply-accumulates of all segments."""
    net, last = film_of(header, 0), film_of(header, header.segments - 1)
    samples = max(math.prod(net.padded) * net.channels, _LEAST_FRAME)
    limits.check("samples", samples * header.coded_shape[0], "padded samples")
    latents = net.latents() * (header.segments - 1) + last.latents()
    limits.check("samples", latents, "latents")
    limits.check("weights", sum(t.size for t in net.tensors()))
    for side, vectors in zip(net.padded, net.vectors, strict=True):
        limits.check("samples", side * vectors, "interpolated vectors")
    return math.ceil(math.prod(net.padded) * header.coded_shape[0] * net.macs_per_sample())


def floats_per_row(net: Net, head: int) -> int:
    """Floats alive at once for one row: sines and cosines of its cells, and its samples."""
    samples = math.prod(net.block(head)) * net.channels
    within = net.bases[head + 1 : -1] if isinstance(net, Asmr) else ()
    return math.prod(map(math.prod, within)) * 3 * net.width + samples
