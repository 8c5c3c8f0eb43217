"""The LOCALS section: the integers of partitions, a rANS stream for each group of them.

Records of the tensors are in WEIGHTS, so that a group is nothing but its length and its stream and
can be left out.
"""

from collections.abc import Sequence

import numpy as np

from inrcodec.container.fields import Reader
from inrcodec.container.streams import join
from inrcodec.container.weights_section import (
    Record,
    decode_integers,
    encode_integers,
    fit_models,
    pack_record,
    read_records,
)
from inrcodec.quantise import QuantisedTensor

# Partitions of each group: places along axis 0 of a local tensor.
Members = Sequence[np.ndarray]


def pack_grouped(
    shared: Sequence[QuantisedTensor], local: Sequence[QuantisedTensor], members: Members
) -> tuple[bytes, bytes]:
    """WEIGHTS and LOCALS payloads. WEIGHTS has the records of all tensors and the integers of the
    shared ones.

    Raises ValueError as `weights_section.pack`.
    """
    models = fit_models([*shared, *local])
    records = b"".join(map(pack_record, (*shared, *local), models))
    own = models[len(shared) :]
    streams = [
        encode_integers(list(zip(tensors, own, strict=True))) for tensors in grouped(local, members)
    ]
    weights = records + encode_integers(list(zip(shared, models, strict=False)))
    return weights, join(streams)


def grouped(local: Sequence[QuantisedTensor], members: Members) -> list[list[QuantisedTensor]]:
    """The tensors of each group: those of all partitions taken apart."""
    count = sum(map(len, members))

    def part(tensor: QuantisedTensor, group: np.ndarray) -> QuantisedTensor:
        integers = tensor.integers.reshape(count, -1)[group].reshape(-1)
        return QuantisedTensor(tensor.levels, tensor.minimum, tensor.maximum, integers)

    return [[part(tensor, group) for tensor in local] for group in members]


def unpack_shared(
    payload: bytes, sizes: Sequence[int], local: int, offset: int = 0
) -> tuple[list[QuantisedTensor], list[Record]]:
    """Tensors that all partitions share, of these sizes, and the records of the `local` others,
    from a WEIGHTS payload that begins at byte `offset`. Raises Corrupt."""
    reader = Reader(payload, "WEIGHTS", offset)
    records = read_records(reader, len(sizes) + local)
    return decode_integers(reader, records[: len(sizes)], sizes), records[len(sizes) :]


def unpack_groups(
    streams: Sequence[tuple[bytes, int]],
    records: Sequence[Record],
    sizes: Sequence[int],
    members: Members,
) -> list[QuantisedTensor]:
    """The tensors of all partitions. `streams`: of the groups, from `split`; `sizes`: elements of
    each tensor in one partition. Raises Corrupt."""
    count = sum(map(len, members))
    integers = [np.zeros((count, size), dtype=np.uint16) for size in sizes]
    for group, (stream, start) in zip(members, streams, strict=True):
        reader = Reader(stream, "LOCALS", start)
        tensors = decode_integers(reader, records, [len(group) * size for size in sizes])
        for whole, tensor in zip(integers, tensors, strict=True):
            whole[group] = tensor.integers.reshape(len(group), -1)
    return [
        QuantisedTensor(levels, minimum, maximum, whole.reshape(-1))
        for (levels, minimum, maximum, _), whole in zip(records, integers, strict=True)
    ]


def in_file_order(
    shared: Sequence[QuantisedTensor], local: Sequence[QuantisedTensor], members: Members
) -> list[QuantisedTensor]:
    """All tensors in the order of the file, whose integers HEAD's CRC-32 is taken over."""
    return [*shared, *(tensor for group in grouped(local, members) for tensor in group)]
