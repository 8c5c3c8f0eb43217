"""A segment's tensors, from its WEIGHTS section."""

from collections.abc import Sequence

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.sections import Segment
from inrcodec.container.weights_section import integers_crc, unpack
from inrcodec.decoder.plan import Plan
from inrcodec.errors import Corrupt
from inrcodec.nets.base import TensorSpec
from inrcodec.quantise import QuantisedTensor, dequantise


def read_tensors(
    specs: Sequence[TensorSpec], segment: Segment
) -> tuple[list[QuantisedTensor], dict[str, np.ndarray]]:
    """The integers of a segment's tensors, and their values, float32 by name. Raises Corrupt."""
    tensors = unpack(segment.weights, [t.size for t in specs], segment.weights_offset)
    return tensors, tensor_values(specs, tensors)


def tensor_values(
    specs: Sequence[TensorSpec], tensors: Sequence[QuantisedTensor]
) -> dict[str, np.ndarray]:
    """Values of tensors, float32 in the shapes of their `specs`, by name."""
    return {
        spec.name: dequantise(tensor).reshape(spec.shape)
        for spec, tensor in zip(specs, tensors, strict=True)
    }


def read_weights(
    parsed: ParsedFile, number: int, plan: Plan, ignore_checksum: bool = False
) -> dict[str, np.ndarray]:
    """Every tensor of a segment's coordinate network, float32. Raises Corrupt."""
    specs = plan.storage.stored(plan.net)
    tensors, stored = read_tensors(specs, parsed.segments[number])
    check_crc(integers_crc(tensors), parsed.header, number, ignore_checksum)
    return plan.storage.weights(plan.net, stored)


def check_crc(crc: int, header: Header, number: int, ignore_checksum: bool) -> None:
    """Raise Corrupt if the integers of segment `number` are not those of the header."""
    stored = header.crcs[number]
    if crc != stored and not ignore_checksum:
        raise Corrupt(f"WEIGHTS: CRC-32 of the integers is {crc:08x}, HEAD says {stored:08x}")
