"""The WEIGHTS section: a record per tensor, then the integers of all tensors in one rANS stream."""

import struct
from collections.abc import Iterator, Sequence
from math import isfinite
from zlib import crc32

import numpy as np

from inrcodec.container.fields import Reader, pack_integer
from inrcodec.entropy import rans
from inrcodec.entropy.models import Model, ModelKind, fit_model, frequencies, split
from inrcodec.quantise import MAX_LEVELS, QuantisedTensor

_LEVELS = range(1, MAX_LEVELS + 1)
_KINDS = range(len(ModelKind))

# levels, minimum, maximum and model of a tensor.
Record = tuple[int, float, float, Model]


def pack(tensors: Sequence[QuantisedTensor]) -> bytes:
    """The WEIGHTS payload of tensors in the network's order; the best model is found for each.

    Raises ValueError for a minimum or maximum that is not exactly a float16, or integers out of
    range.
    """
    models = fit_models(tensors)
    records = b"".join(map(pack_record, tensors, models))
    return records + encode_integers(list(zip(tensors, models, strict=True)))


def unpack(payload: bytes, sizes: Sequence[int], offset: int = 0) -> list[QuantisedTensor]:
    """Read a WEIGHTS payload that begins at byte `offset` of its file.

    `sizes`: number of elements of each tensor, in the network's order. Raises Corrupt.
    """
    reader = Reader(payload, "WEIGHTS", offset)
    records = read_records(reader, len(sizes))
    return decode_integers(reader, records, sizes)


def read_records(reader: Reader, count: int) -> list[Record]:
    """Records of so many tensors. Raises Corrupt."""
    return [_read_record(reader, f"tensor {index}") for index in range(count)]


def fit_models(tensors: Sequence[QuantisedTensor]) -> list[Model]:
    """The best model for each tensor. Raises ValueError for integers out of range."""
    for index, tensor in enumerate(tensors):
        if _has_too_large(tensor):
            raise ValueError(f"tensor {index} has an integer above levels = {tensor.levels}")
    return [fit_model(tensor.integers, tensor.levels) for tensor in tensors]


def encode_integers(tensors: Sequence[tuple[QuantisedTensor, Model]]) -> bytes:
    """One rANS stream of the integers of tensors, which are in range."""
    parts = [part for pair in tensors for part in _intervals(*pair)]
    starts = [start for start, _ in parts] or [np.zeros(0, dtype=np.int64)]
    sizes = [size for _, size in parts] or [np.zeros(0, dtype=np.int64)]
    return rans.encode(np.concatenate(starts), np.concatenate(sizes))


def decode_integers(
    reader: Reader, records: Sequence[Record], sizes: Sequence[int]
) -> list[QuantisedTensor]:
    """Tensors of these sizes from the rest of a section, which is one rANS stream. Raises
    Corrupt."""
    start = reader.offset
    decoder = rans.Decoder(reader.rest(), start, reader.name)
    tensors = [
        QuantisedTensor(levels, minimum, maximum, _read_integers(decoder, levels, model, size))
        for (levels, minimum, maximum, model), size in zip(records, sizes, strict=True)
    ]
    for index, tensor in enumerate(tensors):
        if _has_too_large(tensor):
            raise reader.fail(f"tensor {index} has an integer above levels = {tensor.levels}")
    decoder.finish()
    return tensors


def integers_crc(tensors: Sequence[QuantisedTensor]) -> int:
    """CRC-32 of all coded integers as little-endian u16, in file order (HEAD's `integers_crc`)."""
    checksum = 0
    for tensor in tensors:
        if tensor.levels > 1:
            checksum = crc32(tensor.integers.astype("<u2").tobytes(), checksum)
    return checksum


def _has_too_large(tensor: QuantisedTensor) -> bool:
    return bool((tensor.integers >= tensor.levels).any())


def _float16(value: float) -> bytes:
    packed = struct.pack("<e", value)
    if not isfinite(value) or struct.unpack("<e", packed)[0] != value:
        raise ValueError(f"range limit {value} is not a finite float16")
    return packed


def pack_record(tensor: QuantisedTensor, model: Model) -> bytes:
    record = pack_integer(tensor.levels, "varint", _LEVELS, "levels")
    record += _float16(tensor.minimum) + _float16(tensor.maximum) + bytes([model.kind])
    return record + bytes([model.location, model.scale] if model.kind else [])


def _read_record(reader: Reader, name: str) -> Record:
    """levels, minimum, maximum and model of one tensor."""
    start = reader.offset
    levels = reader.integer("varint", _LEVELS, f"{name} levels")
    minimum, maximum = struct.unpack("<ee", reader.take(4, f"{name} range"))
    if not (isfinite(minimum) and isfinite(maximum) and minimum <= maximum):
        raise reader.fail(f"{name} has range {minimum}..{maximum}", start)
    model = Model(ModelKind(reader.integer("u8", _KINDS, f"{name} model")))
    if levels == 1 and (minimum != maximum or model.kind):
        raise reader.fail(f"{name} has levels = 1 and a range or a model", start)
    if model.kind:
        location, scale = reader.take(2, f"{name} location and scale")
        model = Model(model.kind, location, scale)
    return levels, minimum, maximum, model


def _intervals(tensor: QuantisedTensor, model: Model) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(starts, sizes) of a tensor's symbols: all high parts under the model, then all low parts."""
    if tensor.levels == 1:
        return
    symbols, shift = split(tensor.levels)
    sizes = frequencies(model.kind, model.location, model.scale, symbols)
    starts = np.cumsum(sizes) - sizes
    high = tensor.integers >> shift
    yield starts[high], sizes[high]
    if shift:
        low = (tensor.integers & ((1 << shift) - 1)).astype(np.int64)
        size = rans.TOTAL >> shift
        yield low * size, np.full(low.shape, size)


def _read_integers(decoder: rans.Decoder, levels: int, model: Model, count: int) -> np.ndarray:
    """Integers of one tensor: uint16, shape (count,)."""
    if levels == 1:
        return np.zeros(count, dtype=np.uint16)
    symbols, shift = split(levels)
    high = decoder.read(count, frequencies(model.kind, model.location, model.scale, symbols))
    if not shift:
        return high
    low = decoder.read(count, frequencies(ModelKind.UNIFORM, 0, 0, 1 << shift))
    whole: np.ndarray = high << shift | low
    return whole
