"""A second decoder, written from bitstream_spec.md alone and in its order: plain, slow, complete.

It imports nothing from inrcodec, so that the specification and not the code is what it tests.
"""

import math
import struct
from bisect import bisect_right
from itertools import accumulate
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import zstandard


class SpecError(Exception):
    """A verdict: "NotInr", "Unsupported" or "Corrupt", and why."""

    def __init__(self, verdict: str, reason: str) -> None:
        super().__init__(f"{verdict}: {reason}")
        self.verdict = verdict


def require(condition: bool, message: str) -> None:
    if not condition:
        raise SpecError("Corrupt", message)


# 1. Conventions


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, count: int) -> bytes:
        require(self.position + count <= len(self.data), "cut short")
        self.position += count
        return self.data[self.position - count : self.position]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def varint(self, bits: int = 32) -> int:
        groups = [self.u8()]
        while groups[-1] & 0x80:
            require(len(groups) < -(-bits // 7), "varint too long")
            groups.append(self.u8())
        require(len(groups) == 1 or groups[-1] != 0, "varint not in its shortest form")
        value = sum((group & 0x7F) << 7 * i for i, group in enumerate(groups))
        require(value < 2**bits, "varint too large")
        return value

    def at_end(self) -> bool:
        return self.position == len(self.data)


# 2. File header, 3. Sections

HEAD, WEIGHTS, METADATA = 0x01, 0x02, 0x81


def read_sections(data: bytes) -> dict[int, bytes]:
    """Payloads of the known sections by type."""
    if data[:4] != bytes.fromhex("89494E52"):
        raise SpecError("NotInr", "magic number")
    require(len(data) >= 12, "file header cut short")
    major, _, count, reserved, checksum = struct.unpack("<BBBBI", data[4:12])
    require(crc32(data[:8]) == checksum, "file header crc32")
    if major != 1 or reserved != 0:
        raise SpecError("Unsupported", "version or reserved byte")
    cursor = Cursor(data)
    cursor.take(12)
    sections = [read_section(cursor) for _ in range(count)]
    require(cursor.at_end(), "bytes after the last section")
    return check_sections(sections)


def read_section(cursor: Cursor) -> tuple[int, bytes]:
    start = cursor.position
    kind, length = cursor.u8(), cursor.varint()
    head = cursor.data[start : cursor.position]
    checksum, payload = cursor.u32(), cursor.take(length)
    require(crc32(head + payload) == checksum, "section crc32")
    return kind, payload


def check_sections(sections: list[tuple[int, bytes]]) -> dict[int, bytes]:
    known: dict[int, bytes] = {}
    for kind, payload in sections:
        require(kind not in known, "second section of a type")
        if kind in (HEAD, WEIGHTS, METADATA):
            known[kind] = payload
        elif not kind & 0x80:
            raise SpecError("Unsupported", "critical section")
    require(bool(sections) and sections[0][0] == HEAD, "HEAD is not first")
    require(WEIGHTS in known, "no WEIGHTS")
    return known


# 4. HEAD


def within(value: int, low: int, high: int) -> int:
    require(low <= value <= high, f"{value} is not in {low}..{high}")
    return value


def read_head(payload: bytes) -> dict[str, Any]:
    c = Cursor(payload)
    head: dict[str, Any] = {"kind": within(c.u8(), 1, 1), "channels": within(c.u8(), 1, 4)}
    head["depth"] = c.u8()
    require(head["depth"] in (8, 16), "depth")
    head["ndim"] = within(c.u8(), 2, 2)
    head["shape"] = [within(c.varint(), 1, 2**20) for _ in range(head["ndim"])]
    head["net"], head["storage"] = within(c.u8(), 1, 2), within(c.u8(), 1, 2)
    for name, low, high in (
        ("width", 1, 4096),
        ("layers", 1, 64),
        ("w0_first", 1, 4096),
        ("w0_hidden", 1, 4096),
        ("frequencies", 0, 16),
    ):
        head[name] = within(c.varint(), low, high)
    if head["net"] == 2:
        head["w0_modulator"] = within(c.varint(), 1, 4096)
        head["bases"] = [read_level(c, head["ndim"]) for _ in range(head["layers"] + 1)]
        for size, bases in zip(head["shape"], zip(*head["bases"], strict=True), strict=True):
            within(math.prod(bases), size, 2**24)
    if head["storage"] == 2:
        head["latent"], head["groups"] = within(c.varint(), 1, 2**26), within(c.varint(), 1, 2**16)
        head["projection_seed"] = c.varint(64)
        require(head["groups"] <= head["latent"], "groups > latent")
    head["seed"], head["effort"] = c.varint(64), within(c.u8(), 0, 9)
    head["integers_crc"] = c.u32()
    require(c.at_end(), "bytes after HEAD")
    return head


def read_level(cursor: Cursor, ndim: int) -> list[int]:
    first = within(cursor.varint(), 0, 2**20)
    if first == 0:
        return [1] * ndim
    bases = [first] + [within(cursor.varint(), 1, 2**20) for _ in range(ndim - 1)]
    require(max(bases) > 1, "bases all 1 and not written as 0")
    return bases


# 5. METADATA


def read_metadata(payload: bytes) -> dict[int, bytes]:
    """ICC under 1, EXIF under 2."""
    cursor = Cursor(read_frame(payload))
    blocks: dict[int, bytes] = {}
    while not cursor.at_end():
        tag, length = cursor.u8(), cursor.varint()
        require(length >= 1, "empty block")
        require(tag not in (1, 2) or tag not in blocks, "second block")
        blocks[tag] = cursor.take(length)
    return {tag: block for tag, block in blocks.items() if tag in (1, 2)}


def read_frame(payload: bytes) -> bytes:
    try:
        require(payload[:4] == b"\x28\xb5\x2f\xfd", "no zstd frame")
        size = zstandard.get_frame_parameters(payload).content_size
        require(0 < size < 2**32, "no content size")
        return zstandard.ZstdDecompressor().decompress(payload, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise SpecError("Corrupt", str(error)) from None


# 6. WEIGHTS


class Tensor(NamedTuple):
    levels: int
    minimum: float
    maximum: float
    model: tuple[int, int, int]  # model, location, scale


def read_record(c: Cursor) -> Tensor:
    levels = within(c.varint(), 1, 65536)
    minimum, maximum = struct.unpack("<ee", c.take(4))
    require(math.isfinite(minimum) and math.isfinite(maximum), "range not finite")
    require(minimum <= maximum, "range upside down")
    model = within(c.u8(), 0, 2)
    require(levels > 1 or (minimum == maximum and model == 0), "one level")
    return Tensor(levels, minimum, maximum, (model, c.u8(), c.u8()) if model else (0, 0, 0))


def read_weights(payload: bytes, counts: list[int]) -> list[tuple[Tensor, list[int]]]:
    """Record and integers of each tensor."""
    cursor = Cursor(payload)
    tensors = [read_record(cursor) for _ in counts]
    stream = Rans(payload[cursor.position :])
    integers = [read_integers(stream, t, n) for t, n in zip(tensors, counts, strict=True)]
    stream.finish()
    return list(zip(tensors, integers, strict=True))


def read_integers(stream: "Rans", tensor: Tensor, count: int) -> list[int]:
    n = tensor.levels
    if n == 1:
        return [0] * count
    shift = max(0, (n - 1).bit_length() - 10)
    integers = stream.read(count, starts_of(*tensor.model, ((n - 1) >> shift) + 1))
    if shift:
        low = stream.read(count, starts_of(0, 0, 0, 2**shift))
        integers = [(h << shift) + part for h, part in zip(integers, low, strict=True)]
    require(all(q < n for q in integers), "integer >= levels")
    return integers


def check_integers(tensors: list[tuple[Tensor, list[int]]], expected: int) -> None:
    coded = [q for tensor, integers in tensors if tensor.levels > 1 for q in integers]
    require(crc32(struct.pack(f"<{len(coded)}H", *coded)) == expected, "integers_crc")


def values_of(tensor: Tensor, integers: list[int]) -> np.ndarray:
    if tensor.levels == 1:
        return np.full(len(integers), tensor.minimum, dtype=np.float32)
    step = (tensor.maximum - tensor.minimum) / (tensor.levels - 1)
    return np.array([tensor.minimum + q * step for q in integers]).astype(np.float32)


# 7. Models and rANS

ROOTS = (65536, 68438, 71468, 74632, 77936, 81386, 84990, 88752)
ROOTS += (92682, 96785, 101070, 105545, 110218, 115098, 120194, 125515)
HALVINGS = (1073730468, 1073719111, 1073696399, 1073650976, 1073560135, 1073378477)
HALVINGS += (1073015252, 1072289173, 1070838486, 1067942999, 1062175491, 1050733751)
HALVINGS += (1028218693, 984625594, 902905651, 759250125)


def weights_of(model: int, location: int, scale: int, symbols: int) -> list[int]:
    if model == 0:
        return [1] * symbols
    p, exponents = 256 - scale, []
    for k in range(symbols):
        distance = abs(255 * k - location * (symbols - 1))
        y = min(((distance * ROOTS[p % 16]) << (p // 16)) // 1044480, 64 << 16)
        exponents.append((y * y) >> 16 if model == 1 else y)
    smallest, weights = min(exponents), []
    for exponent in exponents:
        e, w = min(exponent - smallest, 40 << 16), 2**30
        for b in range(16):
            if e >> b & 1:
                w = (w * HALVINGS[b]) >> 30
        weights.append(w >> (e >> 16))
    return weights


def starts_of(model: int, location: int, scale: int, symbols: int) -> list[int]:
    """start_0 .. start_K; start_K is 65536."""
    sums = [0, *accumulate(weights_of(model, location, scale, symbols))]
    return [k + s * (65536 - symbols) // sums[-1] for k, s in enumerate(sums)]


class Rans:
    def __init__(self, stream: bytes) -> None:
        require(len(stream) >= 5 and len(stream) % 2 == 1, "stream length")
        self.x = int.from_bytes(stream[:5], "little")
        require(2**24 <= self.x < 2**40, "first state")
        self.words = [word for (word,) in struct.iter_unpack("<H", stream[5:])][::-1]

    def read(self, count: int, starts: list[int]) -> list[int]:
        symbols = []
        for _ in range(count):
            slot = self.x % 65536
            k = bisect_right(starts, slot) - 1
            self.x = (starts[k + 1] - starts[k]) * (self.x >> 16) + slot - starts[k]
            if self.x < 2**24:
                require(bool(self.words), "words run out")
                self.x = (self.x << 16) + self.words.pop()
            symbols.append(k)
        return symbols

    def finish(self) -> None:
        require(self.x == 2**24, "last state")
        require(not self.words, "words left over")


# 8. Random projection

MASK = 2**64 - 1


def philox(k0: int, k1: int, n: int) -> tuple[int, int, int, int]:
    """Block n of the stream under the key (k0, k1)."""
    c0, c1, c2, c3 = n + 1, 0, 0, 0
    for turn in range(10):
        if turn:
            k0, k1 = k0 + 0x9E3779B97F4A7C15 & MASK, k1 + 0xBB67AE8584CAA73B & MASK
        h0, l0 = divmod(0xD2E7470EE14C6C93 * c0, 2**64)
        h1, l1 = divmod(0xCA5A826395121157 * c2, 2**64)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
    return c0, c1, c2, c3


def entries(seed: int, matrix: int, count: int) -> np.ndarray:
    blocks = (philox(seed, matrix, n) for n in range(-(-count // 32)))
    stream = b"".join(struct.pack("<4Q", *block) for block in blocks)
    return 2 * np.frombuffer(stream[:count], dtype=np.uint8).astype(np.float64) - 255


def project(
    head: dict[str, Any], matrix: int, size: int, bound: float, z: np.ndarray
) -> np.ndarray:
    groups = head["groups"]
    m = -(-head["latent"] // groups)
    padded = np.zeros(groups * m)
    padded[: len(z)] = z
    u = entries(head["projection_seed"], matrix, -(-size // groups) * groups * m)
    products = (u.reshape(-1, groups, m) * padded.reshape(groups, m)).sum(axis=2)
    scale = np.float32(bound * math.sqrt(3) / math.sqrt(65535 * m))
    return (products.reshape(-1)[:size] * float(scale)).astype(np.float32)


# 9. Networks


class Spec(NamedTuple):
    name: str
    shape: tuple[int, ...]
    bound: float | None  # None: bias


def tensors_of(head: dict[str, Any]) -> list[Spec]:
    dims, d = head["ndim"], head["width"]
    encoded = dims * (1 + 2 * head["frequencies"])
    hidden = math.sqrt(6 / d) / head["w0_hidden"]
    first = math.sqrt(6 / encoded) / head["w0_first"] if head["frequencies"] else 1 / dims
    specs = []
    for i in range(1, head["layers"] + 1):
        specs.append(Spec(f"W_{i}", (d, encoded if i == 1 else d), first if i == 1 else hidden))
        specs.append(Spec(f"b_{i}", (d,), None))
        if head["net"] == 2 and max(head["bases"][i]) > 1:
            specs.append(Spec(f"M_{i}", (d, dims), 1 / dims))
    channels = head["channels"]
    return [*specs, Spec("W_out", (channels, d), hidden), Spec("b_out", (channels,), None)]


def stored_counts(head: dict[str, Any]) -> list[int]:
    specs = tensors_of(head)
    if head["storage"] == 1:
        return [math.prod(spec.shape) for spec in specs]
    return [head["latent"]] + [spec.shape[0] for spec in specs if spec.bound is None]


def network_weights(head: dict[str, Any], stored: list[np.ndarray]) -> dict[str, np.ndarray]:
    values, result, matrix = iter(stored), {}, 0
    z = next(values) if head["storage"] == 2 else np.zeros(0)
    for name, shape, bound in tensors_of(head):
        if head["storage"] == 1 or bound is None:
            result[name] = next(values).reshape(shape)
        else:
            result[name] = project(head, matrix, math.prod(shape), bound, z).reshape(shape)
            matrix += 1
    return result


def encode_position(x: np.ndarray, frequencies: int) -> np.ndarray:
    factors = [np.float32(np.pi) * np.float32(2**k) for k in range(frequencies)]
    arguments = [x[:, a] * factor for a in range(x.shape[1]) for factor in factors]
    columns = [*x.T, *map(np.sin, arguments), *map(np.cos, arguments)]
    return np.stack(columns, axis=1)


def siren(head: dict[str, Any], w: dict[str, np.ndarray], index: np.ndarray) -> np.ndarray:
    x = ((2 * index + 1) / np.array(head["shape"]) - 1).astype(np.float32)
    z = encode_position(x, head["frequencies"])
    for i in range(1, head["layers"] + 1):
        w0 = np.float32(head["w0_first" if i == 1 else "w0_hidden"])
        z = np.sin(w0 * (z @ w[f"W_{i}"].T + w[f"b_{i}"]))
    return z @ w["W_out"].T + w["b_out"]


def digits(head: dict[str, Any], index: np.ndarray, level: int) -> np.ndarray:
    """x_level of every grid point."""
    bases = np.array(head["bases"])
    digit = index // bases[level + 1 :].prod(axis=0) % bases[level]
    return np.where(bases[level] > 1, digit / np.maximum(bases[level] - 1, 1), 0).astype(np.float32)


def asmr(head: dict[str, Any], w: dict[str, np.ndarray], index: np.ndarray) -> np.ndarray:
    z = digits(head, index, 0)
    if head["frequencies"]:
        z = encode_position(2 * z - 1, head["frequencies"])
    for i in range(1, head["layers"] + 1):
        w0 = np.float32(head["w0_first" if i == 1 else "w0_hidden"])
        argument = z @ w[f"W_{i}"].T + w[f"b_{i}"]
        if f"M_{i}" in w:
            modulator = digits(head, index, i) @ w[f"M_{i}"].T
            argument = argument + np.float32(head["w0_modulator"]) * modulator
        z = np.sin(w0 * argument)
    return z @ w["W_out"].T + w["b_out"]


# 10. Samples


def samples_of(head: dict[str, Any], w: dict[str, np.ndarray]) -> np.ndarray:
    index = np.stack(np.indices(head["shape"]), axis=-1).reshape(-1, head["ndim"])
    v = (siren if head["net"] == 1 else asmr)(head, w, index)
    peak = 2 ** head["depth"] - 1
    samples = np.floor(v.clip(0, 1).astype(np.float64) * peak + 0.5)
    kind = np.uint8 if head["depth"] == 8 else np.uint16
    return samples.astype(kind).reshape(*head["shape"], head["channels"])


class Decoded(NamedTuple):
    head: dict[str, Any]
    integers: list[list[int]]  # one list per stored tensor
    weights: dict[str, np.ndarray]  # every tensor of the network
    metadata: dict[int, bytes]


def read_file(data: bytes) -> Decoded:
    """Everything but the samples. Raises SpecError."""
    sections = read_sections(data)
    head = read_head(sections[HEAD])
    tensors = read_weights(sections[WEIGHTS], stored_counts(head))
    check_integers(tensors, head["integers_crc"])
    metadata = read_metadata(sections[METADATA]) if METADATA in sections else {}
    weights = network_weights(head, [values_of(*tensor) for tensor in tensors])
    return Decoded(head, [integers for _, integers in tensors], weights, metadata)


def decode(data: bytes) -> np.ndarray:
    """Samples, (rows, columns, channels), uint8 or uint16."""
    decoded = read_file(data)
    return samples_of(decoded.head, decoded.weights)
