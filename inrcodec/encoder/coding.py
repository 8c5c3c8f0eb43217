"""From quantised tensors to the payloads of a file."""

from collections.abc import Sequence
from dataclasses import dataclass

from inrcodec.container.locals_section import in_file_order, pack_grouped
from inrcodec.container.weights_section import integers_crc, pack
from inrcodec.nets import LocalGlobal, Net
from inrcodec.quantise import QuantisedTensor
from inrcodec.weights.groups import all_groups
from inrcodec.weights.storage import Direct, Storage


@dataclass(frozen=True)
class Coded:
    """Payloads of WEIGHTS and, where there is one, LOCALS; CRC-32 of the integers."""

    weights: bytes
    partitions: bytes | None
    crc: int

    @property
    def size_bytes(self) -> int:
        """Size of both."""
        return len(self.weights) + len(self.partitions or b"")


def code(net: Net, storage: Storage, tensors: Sequence[QuantisedTensor]) -> Coded:
    """The payloads of a network's stored tensors."""
    if not isinstance(net, LocalGlobal) or not isinstance(storage, Direct):
        return Coded(pack(tensors), None, integers_crc(tensors))
    count = len(net.shared_tensors())
    shared, local = tensors[:count], tensors[count:]
    members = all_groups(net.partitions, storage.group).members()
    weights, partitions = pack_grouped(shared, local, members)
    return Coded(weights, partitions, integers_crc(in_file_order(shared, local, members)))
