"""Entropy coder of sparse integer planes: a Laplace model per latent, cost per nonzero latent.

A plane is read in row-major order, as symbols of the waiting-time model (survival.py):

    until the plane is full:
        zeros       trials at ZERO_COST of each latent from here; it happens: a nonzero latent
        magnitude   trials at STEP_COST of that latent; it happens: its magnitude is 1 + trials
        sign        one trial of one bit; it happens: positive

`PLAIN` is the model of latents around 0, by scale index; centred.py has another, in which a zero
and a sign cost otherwise where the middle of the distribution is not an integer.

A symbol of the first two kinds covers a chunk: trials up to the first one before which the cost
exceeds CHUNK_COST, or to the plane's end. If nothing happens in a chunk the next one begins, at
cost 0.

The symbols' slots are coded by rANS. Invariant between two symbols: LOW <= state < LOW << 32. A
symbol of frequency f maps [f << 1, f << 33) onto that interval, so that the encoder emits at most
one 32-bit word before a symbol and the decoder reads at most one after it. The encoder works from
the last symbol to the first and starts at LOW, where the decoder must end.

With a state as small as 2^31 low slots cost less than their share and high ones more, 0.016 bit at
most on average over states; over slots as the model expects them it cancels out (0.02 % measured).
"""

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inrcodec.entropy.survival import (
    ASCENDING,
    BIT_COST,
    CHUNK_COST,
    NEVER,
    SCALES,
    SLOT_BITS,
    SLOTS,
    STEP_COST,
    SURVIVAL,
    ZERO_COST,
    last_survived,
    survival,
)
from inrcodec.errors import Corrupt

MAX_MAGNITUDE = 1 << 15
LOW = 1 << 31
STATE_BYTES = 8
_MASK = SLOTS - 1
_NEAR = 32  # latents among which the next nonzero one is looked for first
_BLOCK = 1 << 16  # symbols held as Python integers at a time, to bound memory

_ZERO_COSTS = np.array(ZERO_COST, dtype=np.int64)
_STEP_COSTS = np.array(STEP_COST, dtype=np.int64)
_SURVIVALS = np.array(SURVIVAL, dtype=np.int64)


class Model(NamedTuple):
    """What latents cost, by an index that each has: of a zero, of each step by which a magnitude
    passes 1, of not being positive, all in units."""

    kind: type[np.generic]  # of the indices
    zero: np.ndarray
    step: Sequence[int]
    sign: Sequence[int]
    once: Sequence[int]  # slots of all magnitudes above 1
    negative: Sequence[int]  # slots of a sign


def model(zero: np.ndarray, step: Sequence[int], sign: Sequence[int]) -> Model:
    """The model of these costs; indices are uint8 where that holds them, else int16."""
    kind = np.uint8 if len(zero) <= 256 else np.int16
    return Model(kind, zero, step, sign, [*map(survival, step)], [*map(survival, sign)])


PLAIN = model(_ZERO_COSTS, STEP_COST, (BIT_COST,) * SCALES)


def _check(indices: np.ndarray, used: Model = PLAIN) -> None:
    if indices.dtype != used.kind:
        raise ValueError(f"scale indices are {indices.dtype}, not {np.dtype(used.kind)}")
    if indices.size and indices.max() >= len(used.zero):
        raise ValueError(f"scale index {indices.max()} is not below {len(used.zero)}")


def _zero_costs(
    scales: np.ndarray, table: np.ndarray, room: "array[int] | None" = None
) -> "array[int]":
    """Cost of the zeros before each latent of a plane, and of all: size + 1 integers, the first of
    an array, which is `room` if that is large enough.

    An array takes 8 bytes a latent, a list 40; bisect needs 0.37 us in it, 0.28 in a list.
    """
    costs = room if room and len(room) > scales.size else array("q", (0,)) * (scales.size + 1)
    own = np.frombuffer(costs, dtype=np.int64)[1 : scales.size + 1]
    np.take(table, scales.ravel(), out=own, mode="clip")  # into `own` itself in this mode
    np.cumsum(own, out=own)
    return costs


def cost_bits(values: np.ndarray, scales: np.ndarray) -> float:
    """Bits that `values` (integers) cost under `scales` (uint8, same shape).

    A stream of planes takes their sum and 4 to 8 bytes, to within a thousandth.
    """
    _check(scales)
    zeros = _ZERO_COSTS / BIT_COST
    steps = _STEP_COSTS / BIT_COST
    events = 1 - np.log2(1 - 2**-zeros) - np.log2(1 - 2**-steps)  # sign, not zero, last step
    magnitudes, at = np.abs(values[values != 0].astype(np.int64)), scales[values != 0]
    zero_counts = np.bincount(scales[values == 0], minlength=SCALES)
    return float(zero_counts @ zeros + (events[at] + (magnitudes - 1) * steps[at]).sum())


class LatentEncoder:
    """Writes planes, in the order of the calls of `add`, into one stream."""

    def __init__(self, used: Model = PLAIN) -> None:
        self._model = used
        self._steps = np.array(used.step, dtype=np.int64)
        self._signs = np.array(used.sign, dtype=np.int64)
        self._symbols = array("i")  # each symbol's costs where it begins and where it ends

    def add(self, values: np.ndarray, scales: np.ndarray) -> None:
        """Add a plane: `values` integers of magnitude <= 2^15, `scales` of the same shape: indices
        into the model, uint8 or int16 as it says."""
        _check(scales, self._model)
        if values.shape != scales.shape or not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f"latents {values.dtype}{values.shape}, scales {scales.shape}")
        if values.size and (values.min() < -MAX_MAGNITUDE or values.max() > MAX_MAGNITUDE):
            raise ValueError(f"a latent's magnitude is above {MAX_MAGNITUDE}")
        costs, start = _zero_costs(scales, self._model.zero), 0
        positions = np.flatnonzero(values)
        indices = scales.ravel()[positions]
        columns = (positions, values.ravel()[positions], self._steps[indices], self._signs[indices])
        for position, value, step, sign in zip(*(c.tolist() for c in columns), strict=True):
            start = self._add_zeros(costs, start, position)
            base = costs[start]
            self._symbols.extend((costs[position] - base, costs[position + 1] - base))
            self._add_value(value, step, sign)
            start = position + 1
        start = self._add_zeros(costs, start, scales.size)
        if start < scales.size:
            self._symbols.extend((costs[-1] - costs[start], NEVER))

    def finish(self) -> bytes:
        """The stream: the final state (8 bytes) and the words (4 bytes each) in decoding order."""
        symbols = np.frombuffer(self._symbols, dtype=np.intc).reshape(-1, 2)
        state = LOW
        words: list[int] = []
        for end in range(len(symbols), 0, -_BLOCK):
            state = _push(state, symbols[max(0, end - _BLOCK) : end], words)
        return state.to_bytes(STATE_BYTES, "little") + struct.pack(f"<{len(words)}I", *words[::-1])

    def _add_zeros(self, costs: "array[int]", start: int, stop: int) -> int:
        """Add the chunks that end by `stop`; return where the one that does not begins."""
        while costs[stop] - costs[start] > CHUNK_COST:
            end = bisect_right(costs, costs[start] + CHUNK_COST, start)
            self._symbols.extend((costs[end] - costs[start], NEVER))
            start = end
        return start

    def _add_value(self, value: int, step: int, sign: int) -> None:
        """Add a nonzero latent, given the costs of a step and of its sign."""
        chunk = CHUNK_COST // step + 1
        chunks, trials = divmod(abs(value) - 1, chunk)
        self._symbols.extend((chunk * step, NEVER) * chunks)
        self._symbols.extend((trials * step, (trials + 1) * step))
        self._symbols.extend((0, sign) if value > 0 else (sign, NEVER))


def _push(state: int, symbols: np.ndarray, words: list[int]) -> int:
    """Code a block of symbols, int32 (n, 2), from its last to its first; return the state after."""
    slots = _SURVIVALS[symbols & (BIT_COST - 1)] >> (symbols >> 12)
    for high, low in slots[::-1].tolist():
        frequency = high - low
        if state >= frequency << 33:
            words.append(state & 0xFFFFFFFF)
            state >>= 32
        whole, rest = divmod(state, frequency)
        state = (whole << SLOT_BITS) + rest + low
    return state


class LatentDecoder:
    """Reads the planes of a stream, given the scales that each was coded with.

    `data`: the whole stream; `offset`: where it begins in the file, for messages alone. Raises
    Corrupt if the stream is shorter than a state, holds part of a word, or begins outside the
    invariant.
    """

    def __init__(self, data: bytes, offset: int = 0, used: Model = PLAIN) -> None:
        self._model = used
        self._where = f"LATENTS: stream at byte {offset}"
        if len(data) < STATE_BYTES or (len(data) - STATE_BYTES) % 4:
            raise Corrupt(f"{self._where} has {len(data)} bytes, not 8 and a multiple of 4")
        self._state = int.from_bytes(data[:STATE_BYTES], "little")
        if not LOW <= self._state < LOW << 32:
            raise Corrupt(f"{self._where} begins in state {self._state}, outside 2^31..2^63 - 1")
        self._words = iter(np.frombuffer(data, dtype="<u4", offset=STATE_BYTES).tolist())
        self._costs: array[int] | None = None

    def plane(self, scales: np.ndarray) -> np.ndarray:
        """The next plane, int32, of the shape of its `scales`, indices into the model. Raises
        Corrupt."""
        _check(scales, self._model)
        self._costs = _zero_costs(scales, self._model.zero, self._costs)
        positions, values = array("q"), array("i")
        try:
            self._fill(self._costs, scales.ravel().data, positions, values)
        except StopIteration:
            raise Corrupt(f"{self._where} ends before its last latent") from None
        plane = np.zeros(scales.size, dtype=np.int32)
        plane[np.asarray(positions)] = values
        return plane.reshape(scales.shape)

    def finish(self) -> None:
        """Raise Corrupt unless every word was used and the state is back where encoding began."""
        if next(self._words, None) is not None:
            raise Corrupt(f"{self._where} has words left after its last latent")
        if self._state != LOW:
            raise Corrupt(f"{self._where} ends in state {self._state}, not 2^31")

    def _fill(
        self,
        costs: "array[int]",
        indices: memoryview,
        positions: "array[int]",
        values: "array[int]",
    ) -> None:
        """Find the nonzero latents of a plane. One loop on local names, with `survival`,
        `last_survived` and `_take` written out: half the time of calls."""
        state, words, table, ascending = self._state, self._words, SURVIVAL, ASCENDING
        steps, onces, negatives = self._model.step, self._model.once, self._model.negative
        size, start = len(indices), 0
        while start < size:
            slot, base = state & _MASK, costs[start]
            bits = SLOT_BITS - slot.bit_length()
            last = (bits << 12 | 4095) - bisect_left(ascending, (slot + 1) << bits)
            near = start + _NEAR  # as a rule the next is not far
            if near > size or costs[near] <= base + last:
                near = size + 1
            position = bisect_right(costs, base + last, start, near) - 1
            begin = costs[position] - base
            if position == size or begin > CHUNK_COST:
                start = min(bisect_right(costs, base + CHUNK_COST, start, size + 1), size)
                begin = costs[start] - base
                state = (table[begin & 4095] >> (begin >> 12)) * (state >> SLOT_BITS) + slot
                if state < LOW:
                    state = state << 32 | next(words)
                continue
            end = costs[position + 1] - base
            low = table[end & 4095] >> (end >> 12)
            high = table[begin & 4095] >> (begin >> 12)
            state = (high - low) * (state >> SLOT_BITS) + slot - low
            if state < LOW:
                state = state << 32 | next(words)
            slot, index = state & _MASK, indices[position]
            once = onces[index]
            if slot >= once:  # the commonest magnitude, without a search
                magnitude = 1
                state = (SLOTS - once) * (state >> SLOT_BITS) + slot - once
                if state < LOW:
                    state = state << 32 | next(words)
            else:
                step = steps[index]
                bits = SLOT_BITS - slot.bit_length()
                last = (bits << 12 | 4095) - bisect_left(ascending, (slot + 1) << bits)
                begin = last // step * step
                if begin <= CHUNK_COST:
                    magnitude, end = 1 + last // step, begin + step
                    low = table[end & 4095] >> (end >> 12)
                    high = table[begin & 4095] >> (begin >> 12)
                    state = (high - low) * (state >> SLOT_BITS) + slot - low
                    if state < LOW:
                        state = state << 32 | next(words)
                else:  # more than one chunk, which is rare
                    self._state = state
                    magnitude = self._magnitude(step)
                    state = self._state
            slot = state & _MASK
            negative = negatives[index]
            positive = slot >= negative
            if positive:
                state = (SLOTS - negative) * (state >> SLOT_BITS) + slot - negative
            else:
                state = negative * (state >> SLOT_BITS) + slot
            if state < LOW:
                state = state << 32 | next(words)
            positions.append(position)
            values.append(magnitude if positive else -magnitude)
            start = position + 1
        self._state = state

    def _magnitude(self, step: int) -> int:
        """A magnitude, given its STEP_COST."""
        chunk, magnitude = CHUNK_COST // step + 1, 1
        while (trials := last_survived(self._state & _MASK) // step) >= chunk:
            self._take(survival(chunk * step), 0)
            magnitude += chunk
            if magnitude > MAX_MAGNITUDE:
                break
        if magnitude + trials > MAX_MAGNITUDE:
            raise Corrupt(f"{self._where} has a latent of magnitude above {MAX_MAGNITUDE}")
        self._take(survival(trials * step), survival((trials + 1) * step))
        return magnitude + trials

    def _take(self, high: int, low: int) -> None:
        """Pass the symbol of slots low <= slot < high, in which the state is."""
        state = self._state
        state = (high - low) * (state >> SLOT_BITS) + (state & _MASK) - low
        if state < LOW:
            state = state << 32 | next(self._words)
        self._state = state
