"""A second decoder, written from bitstream_spec.md alone and in its order: plain, slow, complete.

It imports nothing from inrcodec, so that the specification and not the code is what it tests.
"""

import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal, localcontext
from functools import partial
from itertools import accumulate, pairwise, product, repeat
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

    def f32(self) -> float:
        value: float = struct.unpack("<f", self.take(4))[0]
        require(math.isfinite(value), "float32 not finite")
        return value

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

HEAD, WEIGHTS, LATENTS, JOINED, LOCALS, METADATA = 0x01, 0x02, 0x03, 0x04, 0x05, 0x81


def read_sections(data: bytes) -> dict[int, list[bytes]]:
    """Payloads of the known sections by type, in the order of the file."""
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


def check_sections(sections: list[tuple[int, bytes]]) -> dict[int, list[bytes]]:
    known: dict[int, list[bytes]] = {
        kind: [] for kind in (HEAD, WEIGHTS, LATENTS, JOINED, LOCALS, METADATA)
    }
    for kind, payload in sections:
        require(kind not in (HEAD, METADATA) or not known[kind], "second section of a type")
        if kind in known:
            known[kind].append(payload)
        elif not kind & 0x80:
            raise SpecError("Unsupported", "critical section")
    require(bool(sections) and sections[0][0] == HEAD, "HEAD is not first")
    require(bool(known[WEIGHTS]), "no WEIGHTS")
    return known


def check_numbers(head: dict[str, Any], sections: dict[int, list[bytes]]) -> None:
    """One section of each type for each segment."""
    segments = segments_of(head)
    require(len(sections[WEIGHTS]) == segments, "number of WEIGHTS")
    wanted = segments if head["net"] in (3, 4, 5, 7) else 0
    require(len(sections[LATENTS]) == wanted, "number of LATENTS")
    require(len(sections[LOCALS]) == (head["net"] == LOCAL_GLOBAL), "number of LOCALS")


# 4. HEAD

IMAGE, AUDIO, VIDEO, VOLUME = 1, 2, 3, 4
SIREN, ASMR, PYRAMID, SPECTRUM, FILM, LOCAL_GLOBAL, GRIDS = 1, 2, 3, 4, 5, 6, 7


class Rules(NamedTuple):
    """What a kind may be."""

    channels: Collection[int]
    depths: Collection[int]
    axes: Collection[int]
    nets: Collection[int]


KINDS = {
    IMAGE: Rules(range(1, 5), (8, 16), (2,), (SIREN, ASMR, PYRAMID, LOCAL_GLOBAL, GRIDS)),
    AUDIO: Rules(range(1, 65), (16, 24, 32), (1,), (SIREN, ASMR, SPECTRUM, LOCAL_GLOBAL)),
    VIDEO: Rules((1, 3), (8,), (3,), (SIREN, ASMR, FILM, LOCAL_GLOBAL)),
    VOLUME: Rules(range(1, 5), (1, 8, 16, 32), (1, 2, 3), (SIREN, ASMR, LOCAL_GLOBAL)),
}
# By numbers: unsigned, signed, floating-point.
DEPTHS_OF_NUMBERS = ((1, 8, 16), (8, 16), (32,))


def within(value: int, low: int, high: int) -> int:
    require(low <= value <= high, f"{value} is not in {low}..{high}")
    return value


def one_of(value: int, allowed: Collection[int]) -> int:
    require(value in allowed, f"{value} is not in {allowed}")
    return value


LAYERS = (("width", 1, 4096), ("layers", 1, 64))
FACTORS = (*LAYERS, ("w0_first", 1, 4096), ("w0_hidden", 1, 4096))
SINES = (*FACTORS, ("frequencies", 0, 16))
# Fields of each net that are varints between two limits.
NET_FIELDS: dict[int, tuple[tuple[str, int, int], ...]] = {
    SIREN: SINES,
    ASMR: (*SINES, ("w0_modulator", 1, 4096)),
    PYRAMID: (
        *LAYERS,
        ("levels", 1, 16),
        ("colour_from", 0, 16),
        ("stages", 0, 16),
        ("coarse_width", 1, 4096),
    ),
    GRIDS: (
        ("width", 1, 4096),
        ("levels", 1, 16),
        ("colour_from", 0, 16),
        ("context_width", 1, 4096),
    ),
    SPECTRUM: (("hop", 32, 16384),),
    FILM: (
        ("levels", 1, 16),
        ("colour_from", 0, 16),
        ("interval", 1, 256),
        ("block", 4, 128),
        ("motion_levels", 1, 8),
    ),
    LOCAL_GLOBAL: (*FACTORS, ("global_width", 1, 4096), ("w0_global", 1, 4096)),
}


def read_head(payload: bytes) -> dict[str, Any]:
    c = Cursor(payload)
    excerpt = payload[:1] == b"\x10" and c.u8() == 16
    head = read_signal(c, excerpt)
    net = c.u8()
    for name, mark in (("activation", 16), ("tiling", 32), ("mirroring", 64), ("merging", 128)):
        head[name] = mark if net == mark else 0
        net = c.u8() if net == mark else net
    head["net"] = one_of(net, KINDS[head["kind"]].nets)
    head["storage"] = within(c.u8(), 1, 2)
    for name, low, high in NET_FIELDS[head["net"]]:
        head[name] = within(c.varint(), low, high)
    head["tile"] = one_of(c.varint(), [2**n for n in range(7, 17)]) if head["tiling"] else 0
    if head["net"] == ASMR:
        head["bases"] = [read_level(c, head["ndim"]) for _ in range(head["layers"] + 1)]
    if head["net"] == LOCAL_GLOBAL:
        for name, least in (("side", 1), ("group", 1), ("first_group", 0), ("groups_kept", 1)):
            head[name] = [within(c.varint(), least, 2**32 - 2 + least) for _ in head["shape"]]
    if head["storage"] == 2:
        head["latent"], head["groups"] = within(c.varint(), 1, 2**26), within(c.varint(), 1, 2**16)
        head["projection_seed"] = c.varint(64)
        require(head["groups"] <= head["latent"], "groups > latent")
    head["seed"], head["effort"] = c.varint(64), within(c.u8(), 0, 9)
    if head["kind"] == IMAGE:
        head["integers_crc"] = c.u32()
    else:
        head["segment_crcs"] = [c.u32() for _ in range(segments_of(head))]
    require(c.at_end(), "bytes after HEAD")
    check_net(head)
    return head


def read_signal(c: Cursor, excerpt: bool) -> dict[str, Any]:
    """The fields that say what the signal is."""
    kind = within(c.u8(), 1, 4)
    rules = KINDS[kind]
    head: dict[str, Any] = {"kind": kind, "channels": one_of(c.u8(), rules.channels)}
    head["depth"], head["ndim"] = one_of(c.u8(), rules.depths), one_of(c.u8(), rules.axes)
    timed = kind in (AUDIO, VIDEO)
    longest = [2**32 - 1 if timed and axis == 0 else 2**20 for axis in range(head["ndim"])]
    head["shape"] = [within(c.varint(), 1, most) for most in longest]
    head["coded"], head["excerpt"] = head["shape"], excerpt
    if excerpt:
        head["coded"] = [within(c.varint(), 1, most) for most in longest]
        head["first"] = [within(c.varint(), 0, 2**32 - 2) for _ in longest]
        for axis in range(head["ndim"]):
            within(head["first"][axis] + head["shape"][axis], 1, head["coded"][axis])
    if kind == VOLUME:
        head["numbers"] = within(c.u8(), 0, 2)
        one_of(head["depth"], DEPTHS_OF_NUMBERS[head["numbers"]])
    if kind in (AUDIO, VOLUME):
        head["low"], head["high"] = c.f32(), c.f32()
        require(head["low"] <= head["high"], "high below low")
    if timed:
        head["rate"] = within(c.varint(), 1, 2**32 - 1)
        head["rate_seconds"] = within(c.varint(), 1, 2**32 - 1)
    if kind == VIDEO:
        head["layout"] = within(c.u8(), 1, 2)
        require(head["layout"] == 1 or head["channels"] == 3, "4:2:0 of one channel")
        odd = excerpt and any(first % 2 for first in head["first"][1:])
        require(head["layout"] == 1 or not odd, "4:2:0 from odd places")
    if kind != IMAGE:
        head["segment"] = within(c.varint(), 1, 2**32 - 1)
    return head


def check_net(head: dict[str, Any]) -> None:
    """Rules that bind more than one field."""
    if head["net"] == ASMR:
        for size, bases in zip(net_grid(head), zip(*head["bases"], strict=True), strict=True):
            within(math.prod(bases), size, 2**24)
    if head["net"] == PYRAMID:
        levels = head["levels"]
        require(head["storage"] == 1, "a pyramid by projection")
        require(levels == 1 or 2**levels <= max(head["coded"]), "levels")
        require(max(head["colour_from"], head["stages"]) <= levels, "colour_from or stages")
        require(head["tile"] % 2 ** (levels + 1) == 0, "tile")
    if head["net"] == GRIDS:
        levels = head["levels"]
        require(head["storage"] == 1, "grids by projection")
        require(levels == 1 or 2**levels <= max(head["coded"]), "levels")
        require(head["colour_from"] <= levels, "colour_from")
        require(head["tile"] % 2**levels == 0, "tile")
    if head["net"] == SPECTRUM:
        require(head["storage"] == 1, "a spectrum by projection")
        require(head["hop"].bit_count() == 1, "hop is no power of two")
        require(head["segment"] % head["hop"] == 0, "segment is no multiple of hop")
        require(head["low"] == -head["high"], "low is not -high")
    if head["net"] == FILM:
        levels = head["levels"]
        require(head["storage"] == 1, "a film by projection")
        require(head["interval"].bit_count() == 1, "interval is no power of two")
        require(head["block"].bit_count() == 1, "block is no power of two")
        require(levels == 1 or 2**levels <= max(head["coded"][1:]), "levels")
        within(head["colour_from"], 1 if packed(head) else 0, levels)

    if head["net"] == LOCAL_GLOBAL:
        require(head["storage"] == 1, "partitions by projection")
        require(segments_of(head) == 1, "partitions in segments")
        check_groups(head)
    require(not head["activation"] or head["net"] in (SIREN, ASMR, LOCAL_GLOBAL), "activation")
    require(not head["tiling"] or head["net"] in (PYRAMID, GRIDS), "tiling")
    require(not head["mirroring"] or head["net"] == PYRAMID, "mirroring")
    require(not head["merging"] or head["net"] == LOCAL_GLOBAL, "merging")


def check_groups(head: dict[str, Any]) -> None:
    for axis, size in enumerate(net_grid(head)):
        side, group = head["side"][axis], head["group"][axis]
        first, kept = head["first_group"][axis], head["groups_kept"][axis]
        require(side <= size and group <= -(-size // side), "side or group")
        require(first + kept <= -(-size // (side * group)), "no such groups")
        start = head["first"][axis] if head["excerpt"] else 0
        ends = [start, start + head["shape"][axis] - 1]
        for shown in [end // 2 for end in ends] if packed(head) and axis else ends:
            require(first <= shown // side // group < first + kept, "shown and not there")


def segments_of(head: dict[str, Any]) -> int:
    return 1 if head["kind"] == IMAGE else -(-head["coded"][0] // head["segment"])


def length_of(head: dict[str, Any], n: int) -> int:
    """Grid points of segment n along axis 0."""
    return min(head.get("segment", head["coded"][0]), head["coded"][0] - n * head.get("segment", 0))


def packed(head: dict[str, Any]) -> bool:
    return bool(head.get("layout") == 2)


def net_grid(head: dict[str, Any]) -> list[int]:
    sides = [-(-side // 2) if packed(head) else side for side in head["coded"][1:]]
    whole = head["excerpt"] and head["kind"] != IMAGE
    return [head["segment"] if whole else length_of(head, 0), *sides]


def net_channels(head: dict[str, Any]) -> int:
    return 6 if packed(head) else int(head["channels"])


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


def read_shared(
    payload: bytes, counts: list[int], locals_: int
) -> tuple[list[tuple[Tensor, list[int]]], list[Tensor]]:
    """Record and integers of shared tensors, records of local ones."""
    cursor = Cursor(payload)
    tensors = [read_record(cursor) for _ in range(len(counts) + locals_)]
    stream = Rans(payload[cursor.position :])
    shared = [(t, read_integers(stream, t, n)) for t, n in zip(tensors, counts, strict=False)]
    stream.finish()
    return shared, tensors[len(counts) :]


def read_locals(
    head: dict[str, Any], payload: bytes, tensors: list[Tensor]
) -> list[list[tuple[Tensor, list[int]]]]:
    """For each group, record and integers of local tensors."""
    cursor, groups = Cursor(payload), []
    for partitions in groups_of(head):
        stream = Rans(cursor.take(cursor.varint()))
        counts = [len(partitions) * math.prod(spec.shape) for spec in local_tensors(head)]
        group = [(t, read_integers(stream, t, n)) for t, n in zip(tensors, counts, strict=True)]
        stream.finish()
        groups.append(group)
    require(cursor.at_end(), "bytes after LOCALS")
    return groups


def groups_of(head: dict[str, Any]) -> list[list[tuple[int, ...]]]:
    """Places of the partitions of each group in the file."""
    groups = []
    for place in np.ndindex(*head["groups_kept"]):
        ranges = []
        for axis, size in enumerate(net_grid(head)):
            group, partitions = head["group"][axis], -(-size // head["side"][axis])
            start = (head["first_group"][axis] + place[axis]) * group
            ranges.append(range(start, min(start + group, partitions)))
        groups.append(list(product(*ranges)))
    return groups


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


def check_integers(
    tensors: list[tuple[Tensor, list[int]]], latents: list[np.ndarray], expected: int
) -> None:
    coded = [q for tensor, integers in tensors if tensor.levels > 1 for q in integers]
    coded += [q % 65536 for grid in latents for q in grid.reshape(-1).tolist()]
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
    if head["net"] == PYRAMID:
        return pyramid_tensors(head)
    if head["net"] == GRIDS:
        return grids_tensors(head)
    if head["net"] == SPECTRUM:
        return spectrum_tensors(head)
    if head["net"] == FILM:
        return film_tensors(head)
    if head["net"] == LOCAL_GLOBAL:
        return shared_tensors(head) + local_tensors(head)
    dims, d = head["ndim"], head["width"]
    encoded = dims * (1 + 2 * head["frequencies"])
    hidden = math.sqrt(6 / d) / head["w0_hidden"]
    first = math.sqrt(6 / encoded) / head["w0_first"] if head["frequencies"] else 1 / dims
    specs = []
    for i in range(1, head["layers"] + 1):
        specs.append(Spec(f"W_{i}", (d, encoded if i == 1 else d), first if i == 1 else hidden))
        specs.append(Spec(f"b_{i}", (d,), None))
        if head["net"] == ASMR and max(head["bases"][i]) > 1:
            specs.append(Spec(f"M_{i}", (d, dims), 1 / dims))
    channels = net_channels(head)
    specs += [Spec("W_out", (channels, d), hidden), Spec("b_out", (channels,), None)]
    return [*specs, Spec("s", (4,), None)] if head["activation"] else specs


def shared_tensors(head: dict[str, Any]) -> list[Spec]:
    dims, d, e = head["ndim"], head["width"], head["global_width"]
    specs = []
    for i in range(1, head["layers"] + 1):
        specs += [Spec(f"U_{i}", (e, dims if i == 1 else e), None), Spec(f"h_{i}", (e,), None)]
    specs += [Spec("V", (d, d), None), Spec("Y", (d, e), None), Spec("c", (d,), None)]
    return [*specs, Spec("s", (12,), None)] if head["activation"] else specs


def local_tensors(head: dict[str, Any]) -> list[Spec]:
    """Of one partition."""
    dims, d, channels = head["ndim"], head["width"], net_channels(head)
    specs = []
    for i in range(1, head["layers"] + 1):
        specs += [Spec(f"W_{i}", (d, dims if i == 1 else d), None), Spec(f"b_{i}", (d,), None)]
    return [*specs, Spec("W_out", (channels, d), None), Spec("b_out", (channels,), None)]


def stored_counts(head: dict[str, Any]) -> list[int]:
    specs = tensors_of(head)
    if head["net"] == LOCAL_GLOBAL:
        here = sum(map(len, groups_of(head)))
        own = [here * math.prod(spec.shape) for spec in local_tensors(head)]
        return [math.prod(spec.shape) for spec in shared_tensors(head)] + own
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


def pyramid_tensors(head: dict[str, Any]) -> list[Spec]:
    channels, levels = head["channels"], head["levels"]
    specs = [Spec("frame", (channels * channels + channels + levels + 1,), None)]
    specs += context_tensors(channels, levels)
    for stage in range(head["stages"]):
        layers = head["layers"] if stage == 0 else 1
        width = head["width"] if stage == 0 else head["coarse_width"]
        specs.append(Spec(f"K_{stage}", ((2 if head["mirroring"] else 8) * channels, 9), None))
        for i in range(1, layers + 1):
            units = (4 if head["mirroring"] else 1) * width
            inputs = 12 * channels if i == 1 else units
            specs.append(Spec(f"W_{stage}_{i}", (width, inputs), None))
            specs.append(Spec(f"b_{stage}_{i}", (width,), None))
        specs.append(Spec(f"Wout_{stage}", (4 * channels, width), None))
    return specs


def context_tensors(channels: int, levels: int) -> list[Spec]:
    bands = 3 * channels
    return [
        Spec("near", (bands + channels, 6), None),
        Spec("parents", (bands, 6), None),
        Spec("cross", (2, bands * (bands - 1) // 2), None),
        Spec("offsets", (4 * (bands + channels) + levels * bands,), None),
        Spec("slopes", (bands + channels,), None),
    ]


def encode_position(x: np.ndarray, frequencies: int) -> np.ndarray:
    factors = [np.float32(np.pi) * np.float32(2**k) for k in range(frequencies)]
    arguments = [x[:, a] * factor for a in range(x.shape[1]) for factor in factors]
    columns = [*x.T, *map(np.sin, arguments), *map(np.cos, arguments)]
    return np.stack(columns, axis=1)


def wave(head: dict[str, Any], w: dict[str, np.ndarray], x: np.ndarray, k: int = 0) -> np.ndarray:
    """sin x, or with learned scalars s_k .."""
    if not head["activation"]:
        return np.sin(x)
    s = w["s"][k : k + 4]
    return np.exp(s[0]) * np.sin(np.exp(s[1]) * x + s[2]) + s[3]


def siren(head: dict[str, Any], w: dict[str, np.ndarray], index: np.ndarray) -> np.ndarray:
    x = ((2 * index + 1) / np.array(net_grid(head)) - 1).astype(np.float32)
    z = encode_position(x, head["frequencies"])
    for i in range(1, head["layers"] + 1):
        w0 = np.float32(head["w0_first" if i == 1 else "w0_hidden"])
        z = wave(head, w, w0 * (z @ w[f"W_{i}"].T + w[f"b_{i}"]))
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
        z = wave(head, w, w0 * argument)
    return z @ w["W_out"].T + w["b_out"]


def local_global(head: dict[str, Any], segment: "Segment", index: np.ndarray) -> np.ndarray:
    """Grid points one partition after another."""
    shared, sides = segment.weights, np.array(head["side"])
    assert segment.partitions is not None
    places = index // sides
    v = np.zeros((len(index), net_channels(head)))
    for place, own in segment.partitions.items():
        here = (places == place).all(axis=1)
        x = ((2 * (index[here] % sides) + 1) / sides - 1).astype(np.float32)
        whole = ((2 * index[here] + 1) / np.array(net_grid(head)) - 1).astype(np.float32)
        v[here] = one_partition(head, shared, own, x, whole)
    return v


def one_partition(
    head: dict[str, Any],
    shared: dict[str, np.ndarray],
    own: dict[str, np.ndarray],
    z: np.ndarray,
    g: np.ndarray,
) -> np.ndarray:
    hidden = np.float32(head["w0_hidden"])
    for i in range(1, head["layers"] + 1):
        w0 = np.float32(head["w0_first"]) if i == 1 else hidden
        w0_global = np.float32(head["w0_global"]) if i == 1 else hidden
        g = wave(head, shared, w0_global * (g @ shared[f"U_{i}"].T + shared[f"h_{i}"]), 4)
        local = wave(head, shared, w0 * (z @ own[f"W_{i}"].T + own[f"b_{i}"]))
        if head["merging"] and i < head["layers"]:
            z = local
            continue
        merged = local @ shared["V"].T + g @ shared["Y"].T + shared["c"]
        z = wave(head, shared, hidden * merged, 8)
    return z @ own["W_out"].T + own["b_out"]


# 10. Latent pyramid


class Grid(NamedTuple):
    level: int | None  # None: LL
    bands: int
    rows: int  # of a phase
    columns: int


PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
LOG2 = [round(64 * math.log2(1 + (j + 0.5) / 64)) for j in range(64)]


def grids_of(head: dict[str, Any]) -> list[Grid]:
    channels, levels = head["channels"], head["levels"]
    multiple = 2 ** (levels + 1)
    rows, columns = (-(-side // multiple) * multiple for side in head["coded"])
    grids = [Grid(None, channels, rows // 2 ** (levels + 1), columns // 2 ** (levels + 1))]
    for level in reversed(range(levels)):
        bands = 3 * (channels if level >= head["colour_from"] else 1)
        grids.append(Grid(level, bands, rows // 2 ** (level + 2), columns // 2 ** (level + 2)))
    return grids


def coded_latents(head: dict[str, Any], grid: Grid) -> tuple[slice, ...]:
    """Rows and columns of each phase that are coded."""
    if not head["excerpt"]:
        return slice(0, grid.rows), slice(0, grid.columns)
    last = head["levels"] - 1 if grid.level is None else grid.level
    found = []
    for first, shown, size in zip(head["first"], head["shape"], head["coded"], strict=True):
        multiple = 2 ** (head["levels"] + 1)
        padded, a, b = -(-size // multiple) * multiple, first, first + shown
        for level in range(last + 1):
            a, b = max(0, a // 2 - 3), min(padded >> (level + 1), -(-b // 2) + 3)
        found.append(slice(a // 2, -(-b // 2)))
    return tuple(found)


def tiles_of(head: dict[str, Any]) -> list[list[tuple[slice, ...]]]:
    """Of every tile, rows and columns of each phase by grid."""
    grids = grids_of(head)
    coded = [coded_latents(head, grid) for grid in grids]
    if not head["tile"]:
        return [coded]
    sides = []
    for grid in grids:
        level = head["levels"] - 1 if grid.level is None else grid.level
        sides.append(head["tile"] // 2 ** (level + 2))
    spans = [range(place.start // sides[0], -(-place.stop // sides[0])) for place in coded[0]]
    return [
        [
            tuple(cut(place, n * side, side) for place, n in zip(places, tile, strict=True))
            for places, side in zip(coded, sides, strict=True)
        ]
        for tile in product(*spans)
    ]


def cut(place: slice, first: int, size: int) -> slice:
    """What a place has of `size` rows or columns from the first on."""
    start = max(place.start, first)
    return slice(start, max(start, min(place.stop, first + size)))


def coded_parts(head: dict[str, Any], latents: list[np.ndarray]) -> list[np.ndarray]:
    """The latents that are coded."""
    if head["net"] == GRIDS:
        planes = zip(latents, latent_planes(head), strict=True)
        return [
            q[plane.rows.start : plane.rows.stop, plane.columns.start : plane.columns.stop]
            for q, plane in planes
        ]
    if head["net"] != PYRAMID:
        return latents
    places = [coded_latents(head, grid) for grid in grids_of(head)]
    return [q[..., *place] for q, place in zip(latents, places, strict=True)]


def joined(phases: np.ndarray) -> np.ndarray:
    """(.., 4, rows, columns) to whole bands."""
    *lead, _, rows, columns = phases.shape
    whole = np.zeros((*lead, 2 * rows, 2 * columns), dtype=phases.dtype)
    for p, (a, b) in enumerate(PHASES):
        whole[..., a::2, b::2] = phases[..., p, :, :]
    return whole


# Contexts


def squares(values: np.ndarray) -> np.ndarray:
    u = np.floor(64 * values.astype(np.float64) + 0.5).clip(-1023, 1023).astype(np.int64)
    return u * u


def at(m: np.ndarray, i: int, j: int) -> np.ndarray:
    """The element [row + i, column + j] for every row and column, 0 outside."""
    rows, columns = m.shape
    return np.pad(m, 1)[1 + i : 1 + i + rows, 1 + j : 1 + j + columns]


def own_energy(n: np.ndarray, m: np.ndarray, p: int) -> np.ndarray:
    if p == 0:
        return np.zeros_like(m[0])
    if p == 1:
        return n[0] * (m[0] + at(m[0], 0, 1) + at(m[0], 1, 0) + at(m[0], 1, 1))
    if p == 2:
        return n[1] * (m[0] + at(m[0], 0, 1)) + n[2] * (at(m[1], -1, 0) + m[1])
    corners = at(m[2], 0, -1) + m[2] + at(m[2], 1, -1) + at(m[2], 1, 0)
    return n[3] * (m[0] + at(m[0], 1, 0)) + n[4] * (at(m[1], 0, -1) + m[1]) + n[5] * corners


class Contexts:
    """`more`: what is added to the offsets of LL and of levels L - 1 .. 0."""

    def __init__(
        self, head: dict[str, Any], w: dict[str, np.ndarray], more: np.ndarray | None = None
    ) -> None:
        self.channels, self.levels = head["channels"], head["levels"]
        self.more = np.zeros(self.levels + 1) if more is None else more.astype(np.float64)
        self.near, self.parents, self.cross = map(squares, (w["near"], w["parents"], w["cross"]))
        self.offsets, self.slopes = w["offsets"].astype(np.float64), w["slopes"].astype(np.float64)

    def indices(
        self,
        grid: Grid,
        b: int,
        p: int,
        m: np.ndarray,
        coarser: np.ndarray | None,
        past: np.ndarray | int = 0,
    ) -> np.ndarray:
        """Of phase p of band b; m: (bands, 4, rows, columns), coarser: (bands, rows, columns);
        past: energy of frames before."""
        r = 3 * self.channels + b if grid.level is None else b
        energy = own_energy(self.near[r], m[b], p) + past
        if grid.level is not None:
            energy = energy + self.earlier_bands(b, p, m)
            if coarser is not None:
                energy = energy + self.level_above(b, coarser)
        return scale_indices(energy, self.offset(grid, b, p, r), self.slopes[r])

    def earlier_bands(self, b: int, p: int, m: np.ndarray) -> np.ndarray:
        energy = np.zeros_like(m[b, p])
        for k in range(b):
            x, y = self.cross[:, b * (b - 1) // 2 + k]
            energy = energy + x * m[k].sum(axis=0) + y * m[k, p]
        return energy

    def level_above(self, b: int, coarser: np.ndarray) -> np.ndarray:
        energy = np.zeros_like(coarser[0])
        for o in range(3):
            whole = coarser[b // 3 * 3 + o]
            sums = sum(at(whole, i, j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            energy = energy + self.parents[b, o] * whole + self.parents[b, 3 + o] * sums
        return energy

    def offset(self, grid: Grid, b: int, p: int, r: int) -> float:
        if grid.level is None:
            return self.offsets[4 * r + p] + self.more[0]
        bands = 3 * self.channels
        of_level = self.offsets[16 * self.channels + bands * grid.level + b]
        return self.offsets[4 * r + p] + (of_level + self.more[self.levels - grid.level])


def scale_indices(energy: np.ndarray, offset: float, slope: float) -> np.ndarray:
    f = math.floor(min(max(40 + 8 * offset, -10000), 10000) * 4096 + 0.5)
    g = math.floor(min(max(slope, -16), 16) * 512 + 0.5)
    energy = energy + 410
    e = sum((energy >> k > 0).astype(np.int64) for k in range(1, 60))
    j = (energy >> (e - 6)) - 64
    lg = 64 * e + np.array(LOG2)[j] - 768
    return ((f + g * lg + 2048) >> 12).clip(0, 119)


# LATENTS

ZERO_COST = """
    1 1 1 1 1 1 1 1 2 4 7 12 21 33 51 76 109 153 208 277 360 459 575 708 859 1029 1216 1422
    1646 1887 2145 2420 2710 3016 3335 3669 4015 4373 4742 5122 5512 5911 6319 6735 7158 7588
    8025 8467 8915 9368 9826 10288 10755 11224 11698 12174 12653 13135 13620 14107 14595 15086
    15578 16072 16568 17065 17563 18062 18562 19063 19565 20068 20572 21076 21581 22087 22593
    23100 23607 24114 24622 25130 25639 26148 26657 27166 27675 28185 28695 29205 29715 30226
    30736 31247 31758 32269 32780 33291 33802 34313 34824 35335 35847 36358 36870 37381 37893
    38404 38916 39428 39939 40451 40963 41475 41986 42498 43010 43522 44034 44546
"""
STEP_COST = """
    49152 49152 49152 49152 49152 49152 49152 49152 49152 49152 49152 49152 49152 49152 49152
    49152 47274 43351 39753 36453 33428 30654 28109 25776 23637 21675 19876 18227 16714 15327
    14055 12888 11819 10838 9938 9113 8357 7663 7027 6444 5909 5419 4969 4557 4178 3832 3514
    3222 2955 2709 2485 2278 2089 1916 1757 1611 1477 1355 1242 1139 1045 958 878 806 739 677
    621 570 522 479 439 403 369 339 311 285 261 239 220 201 185 169 155 142 131 120 110 101 92
    85 78 71 65 60 55 50 46 42 39 36 33 30 27 25 23 21 19 18 16 15 14 13 12 11 10 9 8 7 7 6
"""
ZERO_COSTS, STEP_COSTS = [[int(n) for n in text.split()] for text in (ZERO_COST, STEP_COST)]
with localcontext(prec=60):
    SURVIVAL = [int(2 ** (30 - Decimal(f) / 4096)) for f in range(4096)]


def survival(cost: int) -> int:
    return SURVIVAL[cost % 4096] >> cost // 4096


class LatentStream:
    def __init__(self, stream: bytes) -> None:
        self.zero, self.sign = ZERO_COSTS, [4096] * 120
        require(len(stream) >= 8 and len(stream) % 4 == 0, "stream length")
        self.x = int.from_bytes(stream[:8], "little")
        require(2**31 <= self.x < 2**63, "first state")
        self.words = [word for (word,) in struct.iter_unpack("<I", stream[8:])][::-1]

    def take(self, low: int, high: int) -> None:
        self.x = (high - low) * (self.x >> 30) + self.x % 2**30 - low
        if self.x < 2**31:
            require(bool(self.words), "words run out")
            self.x = (self.x << 32) + self.words.pop()

    def chunk(self, costs: Iterable[int]) -> tuple[int, bool]:
        """Trials passed, and whether it happens in the next; `costs` of the trials to come."""
        slot, begin = self.x % 2**30, 0
        passed = 0
        for cost in costs:
            if begin > 32768:
                break
            if slot >= survival(begin + cost):
                self.take(survival(begin + cost), survival(begin))
                return passed, True
            begin, passed = begin + cost, passed + 1
        self.take(0, survival(begin))
        return passed, False

    def magnitude(self, cost: int) -> int:
        magnitude, happened = 1, False
        while not happened:
            passed, happened = self.chunk(repeat(cost))
            magnitude += passed
            require(magnitude <= 32768, "magnitude")
        return magnitude

    def plane(self, indices: np.ndarray) -> np.ndarray:
        flat = indices.reshape(-1).tolist()
        values, position = np.zeros(len(flat), dtype=np.int64), 0
        while position < len(flat):
            passed, happened = self.chunk(self.zero[index] for index in flat[position:])
            position += passed
            if happened:
                index = flat[position]
                magnitude = self.magnitude(STEP_COSTS[index % 120])
                negative = survival(self.sign[index])
                positive = self.x % 2**30 >= negative
                self.take(*((negative, 2**30) if positive else (0, negative)))
                values[position] = magnitude if positive else -magnitude
                position += 1
        return values.reshape(indices.shape)

    def finish(self) -> None:
        require(self.x == 2**31, "last state")
        require(not self.words, "words left over")


def read_latents(
    head: dict[str, Any], w: dict[str, np.ndarray], payload: bytes
) -> list[np.ndarray]:
    """For each grid the latents, (bands, 4, rows, columns)."""
    tiles, contexts, c = tiles_of(head), Contexts(head, w), Cursor(payload)
    parts = []
    for places in tiles:
        stream = LatentStream(c.take(c.varint()) if head["tile"] else payload)
        parts.append(read_pyramid(stream, head, contexts, places))
        stream.finish()
    require(not head["tile"] or c.at_end(), "bytes after the last tile")
    return [sum(of_grid[1:], of_grid[0]) for of_grid in zip(*parts, strict=True)]


def read_pyramid(
    stream: LatentStream,
    head: dict[str, Any],
    contexts: Contexts,
    places: list[tuple[slice, ...]],
    past: Callable[[int, int, int], np.ndarray | int] = lambda number, b, p: 0,
) -> list[np.ndarray]:
    """`places`: coded rows and columns by grid. `past`: energy besides, given the number of the
    grid, band and phase."""
    latents, coarser = [], None
    for number, grid in enumerate(grids_of(head)):
        q = np.zeros((grid.bands, 4, grid.rows, grid.columns), dtype=np.int64)
        for b, p in np.ndindex(grid.bands, 4):
            more = past(number, b, p)
            indices = contexts.indices(grid, b, p, np.abs(q), coarser, more)
            q[b, p][places[number]] = stream.plane(indices[places[number]])
        latents.append(q)
        coarser = None if grid.level is None else joined(np.abs(q))
    return latents


# Synthesis


def merged(e: np.ndarray, o: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Along the first axis."""
    scale = math.sqrt(2) / 1.230174104914001
    e, o = e / scale, o * scale
    for even, odd in (
        (0.443506852043971, 0.882911075530934),
        (-0.052980118572961, -1.586134342059924),
    ):
        e = e - even * (o + np.concatenate([o[:1], o[:-1]]))
        o = o - odd * (e + np.concatenate([e[1:], e[-1:]]))
    return e, o


def parts_of(bands: list[np.ndarray]) -> list[np.ndarray]:
    """Parts 00, 01, 10, 11 from the low band and the orientations."""
    p00, p01, p10, p11 = bands
    p00, p10 = merged(p00, p10)
    p01, p11 = merged(p01, p11)
    p00, p01 = (part.T for part in merged(p00.T, p01.T))
    p10, p11 = (part.T for part in merged(p10.T, p11.T))
    return [p00, p01, p10, p11]


def filter_of(head: dict[str, Any], kernels: np.ndarray, m: int, k: int) -> np.ndarray:
    """Filter k of input m, (3, 3); a mirrored network has those of the first sample of a cell."""
    if not head["mirroring"]:
        return kernels[2 * m + k].reshape(3, 3).astype(np.float64)
    taps = kernels[2 * (m // 4) + k].reshape(3, 3).astype(np.float64)
    return taps[:: -1 if m & 2 else 1, :: -1 if m & 1 else 1]


def cell_network(
    head: dict[str, Any], w: dict[str, np.ndarray], stage: int, cells: np.ndarray
) -> np.ndarray:
    """What is added to cells (4 C, rows, columns)."""
    count, rows, columns = cells.shape
    turns = range(4 if head["mirroring"] else 1)
    u = np.pad(cells * (8 / 2**stage), ((0, 0), (1, 1), (1, 1)), mode="edge")
    filtered = np.zeros((count, 2, rows, columns))
    for m, k in np.ndindex(count, 2):
        taps = filter_of(head, w[f"K_{stage}"], m, k)
        for i, j in np.ndindex(3, 3):
            filtered[m, k] += taps[i, j] * u[m, i : i + rows, j : j + columns]
    z = []
    for g in turns:
        turned = [m ^ g for m in range(count)]
        z.append([*u[turned, 1:-1, 1:-1], *filtered[turned].reshape(-1, rows, columns)])
    for i in range(1, (head["layers"] if stage == 0 else 1) + 1):
        weights, biases = w[f"W_{stage}_{i}"], w[f"b_{stage}_{i}"][:, None, None]
        if i == 1:
            sums = [np.tensordot(weights, z[g], 1) for g in turns]
        else:
            parts = np.split(weights, len(turns), axis=1)
            sums = [sum(np.tensordot(parts[g ^ k], z[k], 1) for k in turns) for g in turns]
        z = [np.maximum(total + biases, 0) for total in sums]
    outputs = [np.tensordot(w[f"Wout_{stage}"], z[g], 1) for g in turns]
    change = [sum(outputs[g][m ^ g] for g in turns) for m in range(count)]
    return 2**stage / 32 * np.array(change)


def one_level(
    head: dict[str, Any],
    w: dict[str, np.ndarray],
    level: int,
    low: np.ndarray,
    details: np.ndarray,
) -> np.ndarray:
    """The planes (C, 2 h, 2 w) of low bands (C, h, w) and details (bands, h, w)."""
    channels, rows, columns = low.shape
    bands = np.zeros((3 * channels, rows, columns))
    bands[: len(details)] = details
    cells = np.array([parts_of([low[c], *bands[3 * c : 3 * c + 3]]) for c in range(channels)])
    cells = cells.reshape(-1, rows, columns)
    if level < head["stages"]:
        cells = cells + cell_network(head, w, level, cells)
    planes = np.zeros((channels, 2 * rows, 2 * columns))
    for c, a, b in np.ndindex(channels, 2, 2):
        planes[c, a::2, b::2] = cells[4 * c + 2 * a + b]
    return planes


def pyramid(
    head: dict[str, Any], w: dict[str, np.ndarray], latents: list[np.ndarray]
) -> np.ndarray:
    channels, frame = head["channels"], w["frame"].astype(np.float64)
    axes = frame[: channels**2].reshape(channels, channels)
    means, steps = frame[channels**2 :][:channels], frame[channels**2 + channels :]
    bands = [
        joined(q) * float(np.float32(2 ** (16 * t))) for q, t in zip(latents, steps, strict=True)
    ]
    low = bands[0]
    for grid, details in zip(grids_of(head)[1:], bands[1:], strict=True):
        low = one_level(head, w, grid.level, low, details)
    rows, columns = head["coded"]
    return np.moveaxis(np.tensordot(axes, low[:, :rows, :columns], 1), 0, -1) + means


# 10. Latent grids


class LatentPlane(NamedTuple):
    channel: int
    level: int
    rows: range  # that are coded
    columns: range


def latent_planes(head: dict[str, Any]) -> list[LatentPlane]:
    ends: list[list[range]] = []  # by axis and level
    for axis, size in enumerate(head["coded"]):
        a = head["first"][axis] if head["excerpt"] else 0
        b, of_axis = a + head["shape"][axis] if head["excerpt"] else size, []
        for level in range(head["levels"] + 1):
            if level:
                a, b = a // 2, -(-b // 2)
            a, b = max(0, a - 2), min(-(-size // 2**level), b + 2)
            of_axis.append(range(a, b))
        ends.append(of_axis)
    return [
        LatentPlane(c, level, ends[0][level], ends[1][level])
        for level in reversed(range(head["levels"] + 1))
        for c in range(head["channels"] if level >= head["colour_from"] else 1)
    ]


def grids_tensors(head: dict[str, Any]) -> list[Spec]:
    c, d, levels, planes = head["channels"], head["width"], head["levels"], len(latent_planes(head))
    shapes: list[tuple[str, tuple[int, ...]]] = [
        ("frame", (c * c + c + planes,)),
        ("taps", (levels, 4)),
        ("skip", (c, planes)),
        ("W_in", (d, planes)),
        ("b_in", (d,)),
        ("W_out", (c, d)),
        ("b_out", (c,)),
    ]
    for i in (0, 1):
        shapes += [(f"K_{i}", (c, 9 * c)), (f"k_{i}", (c,))]
    for s in range(min(c, 2)):
        n, e = (27, -(-head["context_width"] // 2)) if s else (25, head["context_width"])
        shapes += [(f"P1_{s}", (e, n)), (f"p1_{s}", (e,)), (f"P2_{s}", (e, e)), (f"p2_{s}", (e,))]
        shapes += [(f"P3_{s}", (2, e)), (f"p3_{s}", (levels + 1, 2))]
    return [Spec(name, shape, None) for name, shape in shapes]


def nearest(cost: float) -> int:
    return math.floor(min(max(cost, 1), 49152) + 0.5)


def offset_costs(f: int) -> tuple[list[int], list[int]]:
    """Of a zero and of a sign, by index."""
    zero, sign = [], []
    for index in range(120):
        s = 2 ** ((index - 40) / 8)
        share = math.exp((abs(f) / 16 - 0.5) / s) + math.exp((-abs(f) / 16 - 0.5) / s)
        zero.append(nearest(-4096 * math.log2(max(1 - share / 2, 1e-9))))
        sign.append(nearest(4096 * math.log2(1 + math.exp(min(f / 8 / s, 99)))))
    return zero, sign


OWN = [
    (y, x)
    for y, columns in (
        (-3, range(-1, 2)),
        (-2, range(-2, 3)),
        (-1, range(-3, 2)),
        (0, range(-3, 0)),
    )
    for x in columns
]


def latent_tiles(head: dict[str, Any]) -> list[list[LatentPlane]]:
    """Of every tile, what is coded of each plane."""
    planes = latent_planes(head)
    if not head["tile"]:
        return [planes]
    side = head["tile"] // 2 ** head["levels"]
    spans = [
        range(r.start // side, -(-r.stop // side)) for r in (planes[0].rows, planes[0].columns)
    ]
    tiles = []
    for tile in product(*spans):
        cut_planes = []
        for plane in planes:
            size = head["tile"] // 2**plane.level
            ranges = zip((plane.rows, plane.columns), tile, strict=True)
            places = [cut(slice(r.start, r.stop), n * size, size) for r, n in ranges]
            rows, columns = (range(place.start, place.stop) for place in places)
            cut_planes.append(LatentPlane(plane.channel, plane.level, rows, columns))
        tiles.append(cut_planes)
    return tiles


def read_planes(head: dict[str, Any], w: dict[str, np.ndarray], payload: bytes) -> list[np.ndarray]:
    """Latents of every plane, (rows, columns), those that are not coded too."""
    c, tiles = Cursor(payload), []
    for planes in latent_tiles(head):
        stream = LatentStream(c.take(c.varint()) if head["tile"] else payload)
        tiles.append(read_tile(head, w, planes, stream))
    require(not head["tile"] or c.at_end(), "bytes after the last tile")
    return [sum(of_plane[1:], of_plane[0]) for of_plane in zip(*tiles, strict=True)]


def read_tile(
    head: dict[str, Any], w: dict[str, np.ndarray], planes: list[LatentPlane], stream: LatentStream
) -> list[np.ndarray]:
    """The same, those outside of a tile being 0."""
    pairs = [offset_costs(f) for f in range(-8, 8)]
    stream.zero, stream.sign = ([cost for pair in pairs for cost in pair[k]] for k in (0, 1))
    whole: dict[tuple[int, int], np.ndarray] = {}
    for plane in planes:
        sides = [-(-side // 2**plane.level) for side in head["coded"]]
        q = whole[plane.channel, plane.level] = np.zeros(sides, dtype=np.int64)
        fronts: dict[int, list[tuple[int, int]]] = {}
        for i, j in product(range(len(plane.rows)), range(len(plane.columns))):
            fronts.setdefault(j + 2 * (i % 64), []).append((i, j))
        for _, places in sorted(fronts.items()):
            found = [predict(head, w, whole, plane, i, j) for i, j in places]
            indices = np.array([120 * (f + 8) + index for _, f, index in found])
            for (i, j), (g, _, _), d in zip(places, found, stream.plane(indices), strict=True):
                require(abs(g + d) <= 32767, "latent")
                q[plane.rows[i], plane.columns[j]] = g + d
    stream.finish()
    return list(whole.values())


def predict(
    head: dict[str, Any],
    w: dict[str, np.ndarray],
    whole: dict[tuple[int, int], np.ndarray],
    plane: LatentPlane,
    i: int,
    j: int,
) -> tuple[int, int, int]:
    """Centre, f and index of a latent."""
    c, level, s = plane.channel, plane.level, min(plane.channel, 1)
    y, x = plane.rows[i], plane.columns[j]

    def latent(channel: int, level: int, row: int, column: int) -> int:
        q = whole.get((channel, level))
        inside = q is not None and 0 <= row < q.shape[0] and 0 <= column < q.shape[1]
        return min(max(int(q[row, column]), -127), 127) if inside else 0

    context = [
        latent(c, level, y + a, x + b)
        if (i + a) // 64 == i // 64 and 0 <= j + b < len(plane.columns)
        else 0
        for a, b in OWN
    ]
    context += [latent(c, level + 1, y // 2 + a - 1, x // 2 + b - 1) for a, b in np.ndindex(3, 3)]
    if s:
        context += [latent(0, level, y, x), latent(c - 1, level, y, x) if c > 1 else 0]

    def units(name: str) -> np.ndarray:
        scaled = np.floor(w[f"{name}_{s}"].astype(np.float64) * 1024 + 0.5)
        return scaled.clip(-8191, 8191).astype(np.int64)

    h = (units("P1") @ np.array(context) + units("p1")).clip(0, 2**22)
    t = ((units("P2") @ h >> 10) + units("p2")).clip(0, 2**22)
    o = units("P3") @ (h + t) + 1024 * units("p3")[level]
    m = min(max((int(o[0]) + 2**15) >> 16, -16 * 32767 - 8), 16 * 32767 - 8)
    g = (m + 8) // 16
    return g, m - 16 * g, min(max((int(o[1]) + 2**16 >> 17) + 40, 0), 119)


def doubled(x: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Along the last axis but one and the last."""
    for axis in (-2, -1):
        lines = np.moveaxis(x, axis, -1)
        long = np.concatenate([lines[..., :1]] * 2 + [lines] + [lines[..., -1:]] * 2, axis=-1)
        size = lines.shape[-1]
        both = np.zeros((*lines.shape[:-1], 2 * size))
        for k in range(4):
            both[..., 0::2] += taps[k] * long[..., k : k + size]
            both[..., 1::2] += taps[3 - k] * long[..., k + 1 : k + 1 + size]
        x = np.moveaxis(both, -1, axis)
    return x


def latent_grids(
    head: dict[str, Any], w: dict[str, np.ndarray], latents: list[np.ndarray]
) -> np.ndarray:
    channels, w = head["channels"], {name: t.astype(np.float64) for name, t in w.items()}
    frame = w["frame"]
    axes = frame[: channels**2].reshape(channels, channels)
    means, steps = frame[channels**2 :][:channels], frame[channels**2 + channels :]
    stack = np.zeros((0, 1, 1))
    for level in reversed(range(head["levels"] + 1)):
        own = [
            q * float(np.float32(2 ** (16 * t)))
            for plane, q, t in zip(latent_planes(head), latents, steps, strict=True)
            if plane.level == level
        ]
        if len(stack):
            rows, columns = own[0].shape
            stack = doubled(stack, w["taps"][head["levels"] - 1 - level])[:, :rows, :columns]
            own = [*stack, *own]
        stack = np.stack(own)
    v = np.pad(stack, ((0, 0), (2, 2), (2, 2)), mode="edge")
    bias = {name: w[name][:, None, None] for name in ("b_in", "b_out", "k_0", "k_1")}
    hidden = np.maximum(np.tensordot(8 * w["W_in"], v, 1) + bias["b_in"], 0)
    y = np.tensordot(w["skip"], v, 1) + (np.tensordot(w["W_out"], hidden, 1) + bias["b_out"]) / 8
    for k in (0, 1):
        rows, columns = (n - 2 for n in y.shape[1:])
        near = [y[:, a : a + rows, b : b + columns] for a, b in np.ndindex(3, 3)]
        n = np.stack(near, axis=1).reshape(9 * channels, rows, columns)
        change = np.tensordot(w[f"K_{k}"], n, 1) + bias[f"k_{k}"]
        y = y[:, 1:-1, 1:-1] + (change if k else np.maximum(change, 0))
    return np.moveaxis(np.tensordot(axes, y, 1), 0, -1) + means


# 11. Spectrum

FRAME_PHASES = ((0, 4), (2, 4), (1, 2))  # first bin, and the distance to the next


def region(k: int) -> int:
    if k < 8:
        return k // 2
    e = k.bit_length() - 1
    return 4 + 2 * (e - 3) + (k >> (e - 1)) % 2


def spectrum_tensors(head: dict[str, Any]) -> list[Spec]:
    channels, regions = head["channels"], region(head["hop"] - 1) + 1
    specs = [
        Spec("frame", (channels * channels + 3,), None),
        Spec("before", (3 * channels, 7), None),
        Spec("own", (channels, 3), None),
        Spec("cross", (3 * (channels - 1), 2), None),
        Spec("offsets", (3 * channels + channels * regions,), None),
        Spec("slopes", (3 * channels,), None),
    ]
    return [spec for spec in specs if spec.shape[0]]


def frames_of(head: dict[str, Any], n: int) -> int:
    last = n == segments_of(head) - 1
    return -(-length_of(head, n) // head["hop"]) + (1 if last else 0)


class FrameContexts:
    """Of one segment; a latent at a time, from magnitudes m[c, f, k]."""

    def __init__(self, head: dict[str, Any], w: dict[str, np.ndarray], m: np.ndarray) -> None:
        self.channels, self.hop, self.m = head["channels"], head["hop"], m
        names = ("before", "own", "cross") if self.channels > 1 else ("before", "own")
        self.weights = {name: squares(w[name]).tolist() for name in names}
        self.offsets, self.slopes = w["offsets"].tolist(), w["slopes"].tolist()

    def at(self, c: int, f: int, k: int) -> int:
        return int(self.m[c, f, k]) if f >= 0 and 0 <= k < self.hop else 0

    def pair(self, c: int, f: int, k: int, distance: int) -> int:
        return self.at(c, f, k - distance) + self.at(c, f, k + distance)

    def energy(self, c: int, f: int, p: int, k: int) -> int:
        a, o = self.weights["before"][3 * c + p], self.weights["own"][c]
        total = a[0] * self.at(c, f - 1, k) + a[1] * self.pair(c, f - 1, k, 1)
        total += a[2] * self.pair(c, f - 1, k, 2)
        total += a[3] * sum(self.pair(c, f - 1, k, distance) for distance in (3, 4, 5, 6))
        total += a[4] * self.at(c, f - 2, k) + a[5] * self.pair(c, f - 2, k, 1)
        total += a[6] * (self.at(c, f - 3, k) + self.at(c, f - 4, k))
        if p == 1:
            total += o[0] * self.pair(c, f, k, 2)
        if p == 2:
            total += o[1] * self.pair(c, f, k, 1) + o[2] * self.pair(c, f, k, 3)
        if c > 0:
            x = self.weights["cross"][3 * (c - 1) + p]
            total += x[0] * sum(self.at(b, f, k) for b in range(c))
            total += x[1] * sum(self.pair(b, f, k, 1) for b in range(c))
        return int(total)

    def index(self, c: int, f: int, p: int, k: int) -> int:
        regions = region(self.hop - 1) + 1
        offset = self.offsets[3 * c + p] + self.offsets[3 * self.channels + regions * c + region(k)]
        energy = np.array(self.energy(c, f, p, k), dtype=np.int64)
        return int(scale_indices(energy, offset, self.slopes[3 * c + p]))


def read_frames(
    head: dict[str, Any], w: dict[str, np.ndarray], payload: bytes, n: int
) -> np.ndarray:
    """The latents of segment n, (channels, frames, hop)."""
    stream, frames = LatentStream(payload), frames_of(head, n)
    q = np.zeros((head["channels"], frames, head["hop"]), dtype=np.int64)
    m = np.zeros_like(q)
    contexts = FrameContexts(head, w, m)
    for f, c, p in np.ndindex(frames, head["channels"], 3):
        first, step = FRAME_PHASES[p]
        bins = range(first, head["hop"], step)
        q[c, f, bins] = stream.plane(np.array([contexts.index(c, f, p, k) for k in bins]))
        m[c, f, bins] = np.abs(q[c, f, bins])
    stream.finish()
    return q


def cosines(hop: int) -> np.ndarray:
    """What a coefficient k of 1 gives at the sample n of its frame, (n, k)."""
    n, k = np.mgrid[: 2 * hop, :hop]
    window = np.sin(np.pi / (2 * hop) * (n + 0.5))
    return window * math.sqrt(2 / hop) * np.cos(np.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5))


def spectrum(decoded: "Decoded") -> np.ndarray:
    """(samples, channels), of nominal range -1..1."""
    head, f = decoded.head, 0
    channels, hop = head["channels"], head["hop"]
    table = cosines(hop)
    blocks = -(-head["coded"][0] // hop)
    out = np.zeros(((blocks + 2) * hop, channels))  # from block -1 on
    for segment in decoded.segments:
        frame = segment.weights["frame"].astype(np.float64)
        axes = frame[: channels**2].reshape(channels, channels)
        t, s_1, s_more = frame[channels**2 :]
        for q in np.moveaxis(segment.latents[0], 1, 0):  # (channels, hop)
            size = np.abs(q)
            size = size - np.where(q == 0, 0, np.where(size == 1, s_1, s_more))
            with np.errstate(over="ignore", invalid="ignore"):
                x = np.sign(q) * size * np.float64(np.float32(np.exp2(16 * t)))
                out[f * hop : (f + 2) * hop] += table @ x.T @ axes.T
            f += 1
    return out[hop : hop + head["coded"][0]]


# 12. Film


class Batch(NamedTuple):
    number: int  # of the class
    frames: list[int]
    references: list[tuple[int, ...]]  # of each frame: none, the one before, or before and after

    @property
    def fields(self) -> int:
        return 0 if self.number == 0 else 2 if self.number == 1 else 5


def batches_of(head: dict[str, Any], frames: int) -> list[Batch]:
    anchors = [*range(0, frames - 1, head["interval"]), frames - 1]
    batches = [Batch(0, [0], [()])]
    batches += [Batch(1, [b], [(a,)]) for a, b in pairwise(anchors)]
    known, number = anchors, 2
    while gaps := [(a, b) for a, b in pairwise(known) if b - a > 1]:
        middles = [(a + b) // 2 for a, b in gaps]
        batches.append(Batch(number, middles, list(gaps)))
        known, number = sorted(known + middles), number + 1
    return batches


def classes_of(head: dict[str, Any]) -> int:
    return 2 + int(head["interval"] - 1).bit_length()


def multiple_of(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def picture_sides(head: dict[str, Any]) -> list[int]:
    """R and S."""
    return [multiple_of(side, 2 ** (head["levels"] + 1)) for side in head["coded"][1:]]


def field_sides(head: dict[str, Any]) -> list[int]:
    """R' and S'."""
    return [-(-side // head["block"]) for side in picture_sides(head)]


def tall_pictures(head: dict[str, Any], count: int) -> dict[str, Any]:
    """What `grids_of` needs to know of frames under one another."""
    rows, columns = picture_sides(head)
    return head | {"coded": [count * rows, columns], "excerpt": 0, "stages": 0}


def tall_fields(head: dict[str, Any], count: int) -> dict[str, Any]:
    levels = head["motion_levels"]
    rows, columns = (multiple_of(side, 2 ** (levels + 1)) for side in field_sides(head))
    sizes = {"coded": [count * rows, columns], "excerpt": 0, "channels": 1, "levels": levels}
    return sizes | {"colour_from": 0, "stages": 0, "tile": 0}


def has_axes(head: dict[str, Any]) -> bool:
    return head["channels"] > 1 and not packed(head)


def film_tensors(head: dict[str, Any]) -> list[Spec]:
    channels, scales = head["channels"], classes_of(head) * (head["levels"] + 1)
    specs = [
        Spec("colours", (channels * (channels if has_axes(head) else 0) + channels,), None),
        Spec("steps", (scales + 2,), None),
        Spec("classes", (scales,), None),
        *context_tensors(channels, head["levels"]),
        Spec("past", (3 * channels, 2), None),
    ]
    for name, shape, bound in context_tensors(1, head["motion_levels"]):
        specs.append(Spec(f"motion.{name}", shape, bound))
    return specs


class FilmGrids(NamedTuple):
    """Latents of a batch by grid, (bands, 4, rows, columns)."""

    motion: list[np.ndarray]
    picture: list[np.ndarray]


class Past:
    """Magnitudes of all frames read so far, by grid."""

    def __init__(self, w: dict[str, np.ndarray]) -> None:
        self.weights = squares(w["past"])
        self.frames: dict[int, list[np.ndarray]] = {}

    def keep(self, batch: Batch, picture: list[np.ndarray]) -> None:
        for i, frame in enumerate(batch.frames):
            parts = []
            for q in picture:
                rows = q.shape[2] // len(batch.frames)
                parts.append(np.abs(q[:, :, i * rows : (i + 1) * rows]))
            self.frames[frame] = parts

    def energy(self, batch: Batch, number: int, b: int, p: int) -> np.ndarray | int:
        if batch.number == 0 or number == 0:
            return 0
        sums = []
        for references in batch.references:
            magnitudes = [self.frames[frame][number][b] for frame in references]
            sums.append(sum(magnitudes) * (2 if len(references) == 1 else 1))
        tall = np.concatenate(sums, axis=1)
        cells = tall.sum(axis=0)
        around = sum(at(cells, i, j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        here, near = self.weights[b]
        return here * tall[p] + near * around


def read_film(
    head: dict[str, Any], w: dict[str, np.ndarray], payload: bytes, n: int
) -> list[FilmGrids]:
    """The latents of every batch of segment n."""
    stream, past = LatentStream(payload), Past(w)
    moving = {name.removeprefix("motion."): v for name, v in w.items() if "motion." in name}
    scales = w["classes"].reshape(classes_of(head), -1)
    latents = []
    for batch in batches_of(head, length_of(head, n)):
        count, motion = len(batch.frames), []
        if batch.fields:
            tall = tall_fields(head, count * batch.fields)
            motion = read_pyramid(stream, tall, Contexts(tall, moving), tiles_of(tall)[0])
        tall = tall_pictures(head, count)
        contexts = Contexts(tall, w, scales[batch.number])
        picture = read_pyramid(
            stream, tall, contexts, tiles_of(tall)[0], partial(past.energy, batch)
        )
        past.keep(batch, picture)
        latents.append(FilmGrids(motion, picture))
    stream.finish()
    return latents


def planes_under(
    tall: dict[str, Any], latents: list[np.ndarray], steps: np.ndarray, i: int, count: int
) -> list[np.ndarray]:
    """Planes of the ith of `count` pictures under one another: (C, rows, columns), and before the
    last level."""
    bands = []
    for q, step in zip(latents, steps, strict=True):
        rows = q.shape[2] // count
        bands.append(joined(q[:, :, i * rows : (i + 1) * rows]) * float(step))
    planes = [bands[0]]
    for grid, details in zip(grids_of(tall)[1:], bands[1:], strict=True):
        planes.append(one_level(tall, {}, grid.level, planes[-1], details))
    return planes[-1:] + planes[-2:-1]


def line_doubled(x: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    n = x.shape[-1]
    doubled = np.zeros((*x.shape[:-1], 2 * n))
    for i in range(n):
        doubled[..., 2 * i] = x[..., i]
        for k, tap in enumerate((40, -11, 4, -1)):
            pair = x[..., max(i - k, 0)] + x[..., min(i + 1 + k, n - 1)]
            doubled[..., 2 * i + 1] += tap / 64 * pair
    return doubled


def plane_doubled(plane: np.ndarray) -> np.ndarray:
    return line_doubled(line_doubled(plane).swapaxes(-1, -2)).swapaxes(-1, -2)


def linear(field: np.ndarray, block: int, side: int) -> np.ndarray:
    """A field along its first axis at every sample of a side."""
    rows = []
    for i in range(side):
        d = min(max((i + 0.5) / block - 0.5, 0), len(field) - 1)
        k = min(math.floor(d), max(len(field) - 2, 0))
        after = field[min(k + 1, len(field) - 1)]
        rows.append(field[k] + (d - k) * (after - field[k]))
    return np.array(rows)


def moved(double: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(C, rows, columns) from doubled planes, by vectors (rows, columns)."""
    _, height, width = double.shape
    samples = np.zeros((len(double), *down.shape))
    for i, j in np.ndindex(*down.shape):
        y = min(max(2 * (i + np.nan_to_num(down[i, j])), 0), height - 1)
        x = min(max(2 * (j + np.nan_to_num(across[i, j])), 0), width - 1)
        row, column = min(int(y), height - 2), min(int(x), width - 2)
        corners = double[:, row : row + 2, column : column + 2]
        left, right = corners[:, :, 0], corners[:, :, 1]
        line = left + (x - column) * (right - left)
        samples[:, i, j] = line[:, 0] + (y - row) * (line[:, 1] - line[:, 0])
    return samples


class Frames:
    """The frames of a segment, as they are found."""

    def __init__(self, head: dict[str, Any], segment: "Segment", count: int) -> None:
        self.head, self.segment, self.count = head, segment, count
        octaves = 16 * segment.weights["steps"].astype(np.float64)
        steps = np.exp2(octaves).astype(np.float32)
        self.steps, self.motion_steps = steps[:-2].reshape(classes_of(head), -1), steps[-2:]
        self.planes: dict[int, list[np.ndarray]] = {}  # as they are, and doubled
        self.doubled: dict[int, list[np.ndarray]] = {}

    def all(self) -> list[list[np.ndarray]]:
        """In the order of time, planes (C, rows, columns): all, or luma and chroma."""
        batches = batches_of(self.head, self.count)
        for batch, grids in zip(batches, self.segment.latents, strict=True):
            for i, frame in enumerate(batch.frames):
                planes = self.left(batch, grids, i)
                if batch.fields:
                    predicted = self.predicted(batch, grids, i)
                    planes = [a + b for a, b in zip(planes, predicted, strict=True)]
                self.planes[frame] = planes
                self.doubled[frame] = [plane_doubled(plane) for plane in planes]
        return [self.planes[frame] for frame in range(self.count)]

    def left(self, batch: Batch, grids: FilmGrids, i: int) -> list[np.ndarray]:
        """What prediction leaves."""
        count = len(batch.frames)
        tall, steps = tall_pictures(self.head, count), self.steps[batch.number]
        whole, low = planes_under(tall, grids.picture, steps, i, count)
        return [whole[:1], low[1:]] if packed(self.head) else [whole]

    def fields(self, batch: Batch, grids: FilmGrids, i: int) -> list[np.ndarray]:
        """Of the ith frame, at the samples of luma."""
        head, count = self.head, len(batch.frames) * batch.fields
        rows, columns = field_sides(head)
        height, width = picture_sides(head)
        tall, ones = tall_fields(head, count), np.ones(head["motion_levels"] + 1)
        fields = []
        for k in range(batch.fields):
            number = i * batch.fields + k
            whole = planes_under(tall, grids.motion, ones, number, count)[0][0]
            field = whole[:rows, :columns] * float(self.motion_steps[0 if k < 4 else 1])
            dense = linear(field, head["block"], height)
            fields.append(linear(dense.T, head["block"], width).T)
        return fields

    def predicted(self, batch: Batch, grids: FilmGrids, i: int) -> list[np.ndarray]:
        fields = self.fields(batch, grids, i)
        every = [fields]
        if packed(self.head):
            means = [
                (f[0::2, 0::2] + f[0::2, 1::2] + f[1::2, 0::2] + f[1::2, 1::2]) / 4 for f in fields
            ]
            every.append([mean / 2 if k < 4 else mean for k, mean in enumerate(means)])
        predicted = []
        for number, field in enumerate(every):
            planes = [self.doubled[frame][number] for frame in batch.references[i]]
            if len(planes) == 1:
                predicted.append(moved(planes[0], *field[:2]))
                continue
            share = (field[4] + 0.5).clip(0, 1)
            before = moved(planes[0], field[2] + field[0], field[3] + field[1])
            after = moved(planes[1], field[2] - field[0], field[3] - field[1])
            predicted.append(share * before + (1 - share) * after)
        return predicted


@np.errstate(all="ignore")
def film(decoded: "Decoded", n: int) -> list[np.ndarray]:
    """Values of segment n, (frames, rows, columns, C): all channels, or luma and chroma."""
    head, segment = decoded.head, decoded.segments[n]
    frames = Frames(head, segment, length_of(head, n)).all()
    colours, channels = segment.weights["colours"].astype(np.float64), head["channels"]
    planes = [np.stack(each) for each in zip(*frames, strict=True)]
    if has_axes(head):
        axes = colours[: channels**2].reshape(channels, channels)
        planes = [np.einsum("kc,ncij->nkij", axes, planes[0])]
    means, first, values = colours[-channels:], 0, []
    for number, plane in enumerate(planes):
        rows, columns = (-(-side // (1 + number)) for side in head["coded"][1:])
        mean = means[first : first + plane.shape[1], None, None]
        values.append(np.moveaxis((plane + mean)[:, :, :rows, :columns], 1, -1))
        first += plane.shape[1]
    return values


# 13. Samples


def values_at_samples(decoded: "Decoded", n: int) -> np.ndarray:
    """Values of segment n, over its own part of the grid of the network."""
    head, w = decoded.head, decoded.segments[n].weights
    if head["net"] == PYRAMID:
        return pyramid(head, w, decoded.segments[n].latents)
    if head["net"] == GRIDS:
        return latent_grids(head, w, decoded.segments[n].latents)
    grid = [length_of(head, n), *net_grid(head)[1:]]
    index = np.stack(np.indices(grid), axis=-1).reshape(-1, head["ndim"])
    if head["net"] == LOCAL_GLOBAL:
        v = local_global(head, decoded.segments[n], index)
    else:
        v = (siren if head["net"] == SIREN else asmr)(head, w, index)
    return v.reshape(*grid, net_channels(head))


def finished(head: dict[str, Any], v: np.ndarray) -> np.ndarray:
    """Samples from values."""
    v = np.nan_to_num(v).clip(0, 1).astype(np.float64)
    if head["kind"] in (IMAGE, VIDEO):
        samples = np.floor(v * (2 ** head["depth"] - 1) + 0.5)
        return samples.astype(np.uint8 if head["depth"] == 8 else np.uint16)
    x = head["low"] + v * (head["high"] - head["low"])
    if head["kind"] == AUDIO or head["numbers"] == 2:
        return x.astype(np.float32)
    depth, signed = head["depth"], head["numbers"] == 1
    least = -(2 ** (depth - 1)) if signed else 0
    samples = np.floor(x + 0.5).clip(least, least + 2**depth - 1)
    return samples.astype(f"{'i' if signed else 'u'}{max(depth // 8, 1)}")


def planes_of(decoded: "Decoded") -> list[np.ndarray]:
    """Samples of the whole signal; luma and chroma apart with 4:2:0."""
    files = [windowed(file.head, coded_planes(file)) for file in (decoded, *decoded.joined)]
    return [np.concatenate(planes) for planes in zip(*files, strict=True)]


def windowed(head: dict[str, Any], planes: list[np.ndarray]) -> list[np.ndarray]:
    """What is shown of all coded samples."""
    if not head["excerpt"]:
        return planes
    ends = [(a, a + n) for a, n in zip(head["first"], head["shape"], strict=True)]
    if not packed(head):
        return [plane[*(slice(a, b) for a, b in ends)] for plane in planes]
    half = [ends[0], *((a // 2, -(-b // 2)) for a, b in ends[1:])]
    return [
        plane[*(slice(a, b) for a, b in box)]
        for plane, box in zip(planes, (ends, half), strict=True)
    ]


def coded_planes(decoded: "Decoded") -> list[np.ndarray]:
    """Samples of all coded grid points of one file."""
    head = decoded.head
    if head["net"] == SPECTRUM:
        largest = float(np.finfo(np.float32).max)
        x = np.nan_to_num(spectrum(decoded) * head["high"], posinf=largest, neginf=-largest)
        return [x.clip(-largest, largest).astype(np.float32)]
    if head["net"] == FILM:
        segments = [film(decoded, n) for n in range(len(decoded.segments))]
        return [finished(head, np.concatenate(v)) for v in zip(*segments, strict=True)]
    parts = [finished(head, values_at_samples(decoded, n)) for n in range(len(decoded.segments))]
    samples = np.concatenate(parts)
    if not packed(head):
        return [samples]
    frames, rows, columns = head["coded"]
    luma = np.zeros((frames, rows, columns, 1), dtype=np.uint8)
    for t, i, j in np.ndindex(frames, rows, columns):
        luma[t, i, j, 0] = samples[t, i // 2, j // 2, 2 * (i % 2) + j % 2]
    return [luma, samples[..., 4:]]


def samples_of(decoded: "Decoded") -> np.ndarray:
    return planes_of(decoded)[0]


class Segment(NamedTuple):
    integers: list[list[int]]  # one list per stored tensor
    weights: dict[str, np.ndarray]  # every tensor of the network
    # Pyramid: by grid, (bands, 4, rows, columns); spectrum: one array; film: FilmGrids by batch.
    latents: list[Any]
    # Local-global: local tensors of each partition by its place; `weights` are the shared ones.
    partitions: dict[tuple[int, ...], dict[str, np.ndarray]] | None = None

    def arrays(self) -> list[np.ndarray]:
        """All latents in the order of the CRC-32."""
        arrays: list[np.ndarray] = []
        for part in self.latents:
            arrays += [*part.motion, *part.picture] if isinstance(part, FilmGrids) else [part]
        return arrays


class Decoded(NamedTuple):
    head: dict[str, Any]
    segments: list[Segment]
    metadata: dict[int, bytes]
    joined: list["Decoded"]


def all_integers(decoded: Decoded) -> list[int]:
    """Every integer that the file codes, in its order; 0 for a tensor of one level."""
    integers = []
    for segment in decoded.segments:
        integers += [q for tensor in segment.integers for q in tensor]
        integers += [
            q
            for grid in coded_parts(decoded.head, segment.arrays())
            for q in grid.reshape(-1).tolist()
        ]
    for file in decoded.joined:
        integers += all_integers(file)
    return integers


def read_partitions(head: dict[str, Any], sections: dict[int, list[bytes]]) -> Segment:
    specs = shared_tensors(head)
    counts = [math.prod(spec.shape) for spec in specs]
    shared, records = read_shared(sections[WEIGHTS][0], counts, len(local_tensors(head)))
    groups = read_locals(head, sections[LOCALS][0], records)
    tensors = shared + [tensor for group in groups for tensor in group]
    crcs = [head["integers_crc"]] if head["kind"] == IMAGE else head["segment_crcs"]
    check_integers(tensors, [], crcs[0])
    weights = {
        spec.name: values_of(*tensor).reshape(spec.shape)
        for spec, tensor in zip(specs, shared, strict=True)
    }
    partitions = {}
    for places, group in zip(groups_of(head), groups, strict=True):
        for number, place in enumerate(places):
            partitions[place] = {
                spec.name: values_of(*tensor).reshape(-1, *spec.shape)[number]
                for spec, tensor in zip(local_tensors(head), group, strict=True)
            }
    return Segment([integers for _, integers in tensors], weights, [], partitions)


def read_segment(head: dict[str, Any], sections: dict[int, list[bytes]], n: int) -> Segment:
    if head["net"] == LOCAL_GLOBAL:
        return read_partitions(head, sections)
    tensors = read_weights(sections[WEIGHTS][n], stored_counts(head))
    weights = network_weights(head, [values_of(*tensor) for tensor in tensors])
    latents: list[Any] = []
    if head["net"] == PYRAMID:
        latents = read_latents(head, weights, sections[LATENTS][n])
    if head["net"] == GRIDS:
        latents = read_planes(head, weights, sections[LATENTS][n])
    if head["net"] == SPECTRUM:
        latents = [read_frames(head, weights, sections[LATENTS][n], n)]
    if head["net"] == FILM:
        latents = read_film(head, weights, sections[LATENTS][n], n)
    segment = Segment([integers for _, integers in tensors], weights, latents)
    crcs = [head["integers_crc"]] if head["kind"] == IMAGE else head["segment_crcs"]
    check_integers(tensors, coded_parts(head, segment.arrays()), crcs[n])
    return segment


# Fields that joined files have in common.
COMMON = ("kind", "channels", "depth", "ndim", "numbers", "rate", "rate_seconds", "layout")


def read_structure(data: bytes) -> tuple[dict[str, Any], dict[int, list[bytes]]]:
    """HEAD and sections."""
    sections = read_sections(data)
    head = read_head(sections[HEAD][0])
    check_numbers(head, sections)
    return head, sections


def check_joined(head: dict[str, Any], data: bytes) -> None:
    require(data[:4] == bytes.fromhex("89494E52"), "joined is no .inr file")
    other, sections = read_structure(data)
    require(head["kind"] != IMAGE and not sections[JOINED], "joined to an image or twice")
    require(all(head.get(name) == other.get(name) for name in COMMON), "joined is another kind")
    require(head["shape"][1:] == other["shape"][1:], "joined is of another size")


def read_contents(data: bytes) -> Decoded:
    head, sections = read_structure(data)
    for payload in sections[JOINED]:
        check_joined(head, payload)
    segments = [read_segment(head, sections, n) for n in range(segments_of(head))]
    return Decoded(head, segments, {}, [read_contents(payload) for payload in sections[JOINED]])


def read_file(data: bytes) -> Decoded:
    """Everything but the samples. Raises SpecError."""
    decoded, payloads = read_contents(data), read_sections(data)[METADATA]
    return decoded._replace(metadata=read_metadata(payloads[0])) if payloads else decoded


def decode(data: bytes) -> np.ndarray:
    """Samples, (*shape, channels); of a 4:2:0 video the luma."""
    return samples_of(read_file(data))
