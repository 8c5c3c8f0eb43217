"""What a decode will cost, in plain integers, checked against limits before anything is made."""

import math
from dataclasses import dataclass

from inrcodec.container.header import Header
from inrcodec.errors import OptionError
from inrcodec.limits import Limits
from inrcodec.nets import Asmr, Net
from inrcodec.nets.pyramid import Pyramid
from inrcodec.network import network_of, storage_of
from inrcodec.weights.storage import Projected, Storage

# Floats that the rows of one chunk may need at once: 4 MiB a thread. With a quarter of that
# threads wait for one another in Python, and decoding a SIREN takes a third longer
# (benchmarks/startup.py).
_CHUNK_FLOATS = 2**20
# Floats that a single row may need: one row cannot be divided further.
_LARGEST_ROW_FLOATS = 2**24

Region = tuple[int, int, int, int]
Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Plan:
    """A decode that is within the limits.

    `box`: first and last+1 sample per axis. `head`: where rows of the network are taken.
    `chunk`: rows of the grid along axis 0 evaluated at a time.
    """

    net: Net
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


def plan_decode(header: Header, box: Box, limits: Limits) -> Plan:
    """Plan the decode of a box by a coordinate network.

    Raises LimitExceeded if the whole file asks for too much.
    """
    net, storage = network_of(header), storage_of(header)
    check_limits(net, storage, limits)
    return Plan(net, storage, box, _cheapest_head(net, box))


def check_limits(net: Net, storage: Storage, limits: Limits) -> None:
    """Compare what decoding a whole file takes with the limits."""
    for side in net.shape:
        limits.check("side", side)
    rows = net.rows(0)
    padded = math.prod(n * b for n, b in zip(rows, net.block(0), strict=True))
    limits.check("samples", math.prod(net.shape) * net.channels)
    limits.check("samples", padded * net.channels, "padded samples")
    tensors = net.tensors()
    limits.check("weights", sum(t.size for t in tensors))
    if isinstance(net, Asmr):
        largest = max(math.prod(level) for level in net.bases[1:])
        limits.check("weights", largest * net.channels * 2 * net.width)
    if isinstance(storage, Projected):
        limits.check("projection", storage.projection.entries(tensors))
        limits.check("weights", sum(t.size for t in storage.stored(net)))
    limits.check("macs", net.macs(math.prod(rows), 0))


def check_pyramid(net: Pyramid, limits: Limits) -> None:
    """Compare what decoding a whole pyramid takes with the limits."""
    for side in net.shape:
        limits.check("side", side)
    samples = math.prod(net.padded)
    limits.check("samples", samples * net.channels)
    limits.check("weights", sum(t.size for t in net.tensors()))
    limits.check("macs", math.ceil(samples * net.macs_per_sample()))


def floats_per_row(net: Net, head: int) -> int:
    """Floats alive at once for one row: sines and cosines of its cells, and its samples."""
    samples = math.prod(net.block(head)) * net.channels
    cells = math.prod(net.block(head)) // math.prod(net.bases[-1]) if isinstance(net, Asmr) else 1
    return max(cells, 1) * 3 * net.width + samples


def region_box(region: Region | None, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Axis ranges of a region (x, y, width, height); raises OptionError if it is not inside."""
    if region is None:
        return tuple((0, n) for n in shape)
    x, y, width, height = region
    rows, columns = shape
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > columns or y + height > rows:
        text = ",".join(map(str, region))
        raise OptionError(f"region {text} is not inside the picture of {columns}x{rows}")
    return ((y, y + height), (x, x + width))


def _cheapest_head(net: Net, box: tuple[tuple[int, int], ...]) -> int:
    """The head that covers a box with the fewest multiply-accumulates in bounded memory."""
    costs = {}
    for head in net.heads():
        pairs = zip(box, net.block(head), strict=True)
        rows = math.prod(-(-last // b) - first // b for (first, last), b in pairs)
        too_large = floats_per_row(net, head) > _LARGEST_ROW_FLOATS
        costs[head] = (too_large, net.macs(rows, head))
    return min(costs, key=lambda head: costs[head])
