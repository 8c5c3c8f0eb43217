"""What a decode will cost, in plain integers, checked against limits before anything is made."""

import math
from dataclasses import dataclass

from inrcodec.container.header import Header, Kind
from inrcodec.container.header import Net as NetId
from inrcodec.limits import Limits
from inrcodec.nets import Asmr, LocalGlobal, Net, RowNet
from inrcodec.nets.pyramid import Pyramid
from inrcodec.network import groups_of, network_of, pyramid_of, spectrum_of, storage_of
from inrcodec.weights.groups import Groups
from inrcodec.weights.storage import Projected, Storage

# Floats that the rows of one chunk may need at once: 4 MiB a thread. With a quarter of that
# threads wait for one another in Python, and decoding a SIREN takes a third longer
# (benchmarks/startup.py).
_CHUNK_FLOATS = 2**20
# Floats that a single row may need: one row cannot be divided further.
_LARGEST_ROW_FLOATS = 2**24

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Plan:
    """A decode of one segment.

    `box`: first and last+1 sample per axis. `head`: where rows of the network are taken.
    `chunk`: rows of the grid along axis 0 evaluated at a time.
    """

    net: RowNet
    storage: Storage
    box: tuple[tuple[int, int], ...]
    head: int

    @property
    def row_box(self) -> tuple[tuple[int, int], ...]:
        """First and last+1 row per axis that meet the box."""
        return tuple(
            (first // b, -(-last // b))
            for (first, last), b in zip(self.box, self.net.block(self.head), strict=True)
        )

    @property
    def chunk(self) -> int:
        """Rows along axis 0 that are evaluated together."""
        across = math.prod(b - a for a, b in self.row_box[1:])
        return max(1, _CHUNK_FLOATS // (across * floats_per_row(self.net, self.head)))


def plan_decode(header: Header, box: Box) -> Plan:
    """Plan the decode of a box of a segment by a coordinate network."""
    net = network_of(header)
    assert not isinstance(net, LocalGlobal)
    return Plan(net, storage_of(header), box, _cheapest_head(net, box))


def check_limits(header: Header, limits: Limits) -> None:
    """Compare what decoding a whole file takes with the limits; raises LimitExceeded."""
    timed = header.kind in (Kind.AUDIO, Kind.VIDEO)
    for side in header.shape[1 if timed else 0 :]:
        limits.check("side", side)
    limits.check("samples", math.prod(header.shape) * header.channels)
    if header.net == NetId.PYRAMID:
        macs = _check_pyramid(pyramid_of(header), limits)
    elif header.net == NetId.SPECTRUM:
        net = spectrum_of(header)
        limits.check("samples", header.segments * header.segment * net.channels, "padded samples")
        limits.check("weights", sum(t.size for t in net.tensors()))
        macs = math.ceil(math.prod(header.shape) * net.channels * net.macs_per_sample())
    else:
        macs = header.segments * _check_coordinates(header, limits)
    limits.check("macs", macs)


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
    samples = math.prod(net.padded)
    limits.check("samples", samples * net.channels, "padded samples")
    limits.check("weights", sum(t.size for t in net.tensors()))
    return math.ceil(samples * net.macs_per_sample())


def floats_per_row(net: Net, head: int) -> int:
    """Floats alive at once for one row: sines and cosines of its cells, and its samples."""
    samples = math.prod(net.block(head)) * net.channels
    cells = math.prod(net.block(head)) // math.prod(net.bases[-1]) if isinstance(net, Asmr) else 1
    return max(cells, 1) * 3 * net.width + samples


def _cheapest_head(net: Net, box: tuple[tuple[int, int], ...]) -> int:
    """The head that covers a box with the fewest multiply-accumulates in bounded memory."""
    costs = {}
    for head in net.heads():
        pairs = zip(box, net.block(head), strict=True)
        rows = math.prod(-(-last // b) - first // b for (first, last), b in pairs)
        too_large = floats_per_row(net, head) > _LARGEST_ROW_FLOATS
        costs[head] = (too_large, net.macs(rows, head))
    return min(costs, key=lambda head: costs[head])
