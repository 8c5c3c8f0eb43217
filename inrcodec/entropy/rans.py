"""Range asymmetric numeral system (rANS; Duda 2013): one state, 16-bit words, 1/65536 steps.

Invariant between two symbols: LOW <= state < LOW << 16. A symbol with frequency f maps
[f << 8, f << 24) onto that interval, so the encoder emits at most one word before a symbol and the
decoder reads at most one word after it. The encoder works from the last symbol to the first and
starts at LOW; a decoder that does not end at LOW, with no word left, was given damaged bytes.
"""

import struct
from functools import lru_cache
from itertools import accumulate

import numpy as np

from inrcodec.errors import Corrupt

TOTAL_BITS = 16
TOTAL = 1 << TOTAL_BITS  # the frequencies of a model sum to this
LOW = 1 << 24
STATE_BYTES = 5
_MASK = TOTAL - 1
_BLOCK = 1 << 16  # symbols held as Python integers at a time, to bound memory


def encode(starts: np.ndarray, frequencies: np.ndarray) -> bytes:
    """Code a list of symbols, each given by its interval of the 65536 slots.

    `starts`, `frequencies`: integer arrays of equal length in decoding order, with
    0 <= start, 1 <= frequency and start + frequency <= 65536. Returns the final state (5 bytes) and
    the words in decoding order.
    """
    state = LOW
    words: list[int] = []
    emit = words.append
    for start, frequency in zip(starts[::-1].tolist(), frequencies[::-1].tolist(), strict=True):
        if state >= frequency << 24:
            emit(state & _MASK)
            state >>= 16
        whole, rest = divmod(state, frequency)
        state = (whole << 16) + rest + start
    return state.to_bytes(STATE_BYTES, "little") + struct.pack(f"<{len(words)}H", *words[::-1])


class Decoder:
    """Reads symbols from the bytes that `encode` returned.

    `data`: the whole stream; `offset`: where it begins in the file, `section`: the name of what
    holds it, for messages alone. Raises Corrupt if the stream is shorter than a state, holds half a
    word, or begins outside the invariant.
    """

    def __init__(self, data: bytes, offset: int = 0, section: str = "WEIGHTS") -> None:
        self._where = f"{section}: stream at byte {offset}"
        if len(data) < STATE_BYTES or (len(data) - STATE_BYTES) % 2:
            raise Corrupt(f"{self._where} has {len(data)} bytes, not 5 and a multiple of 2")
        self._state = int.from_bytes(data[:STATE_BYTES], "little")
        if not LOW <= self._state < LOW << 16:
            raise Corrupt(f"{self._where} begins in state {self._state}, outside 2^24..2^40 - 1")
        self._words = iter(np.frombuffer(data, dtype="<u2", offset=STATE_BYTES).tolist())

    def read(self, count: int, frequencies: np.ndarray) -> np.ndarray:
        """Decode `count` symbols under one model.

        `frequencies`: int64, shape (K,), each >= 1, sum 65536. Returns uint16, shape (count,), in
        0..K-1. Raises Corrupt if the words run out.
        """
        table, sizes = _slot_table(frequencies.tobytes()), frequencies.tolist()
        starts = [0, *accumulate(sizes)]
        symbols = np.empty(count, dtype=np.uint16)
        try:
            for first in range(0, count, _BLOCK):
                block = symbols[first : first + _BLOCK]
                block[:] = self._read_block(len(block), table, sizes, starts)
        except StopIteration:
            raise Corrupt(f"{self._where} ends before its last symbol") from None
        return symbols

    def _read_block(
        self, count: int, table: bytes | list[int], sizes: list[int], starts: list[int]
    ) -> list[int]:
        """The inner loop, on local names and literals for speed: 0.15 us a symbol."""
        state, words = self._state, self._words
        symbols: list[int] = []
        append = symbols.append
        for _ in range(count):
            slot = state & 0xFFFF
            symbol = table[slot]
            state = sizes[symbol] * (state >> 16) + slot - starts[symbol]
            if state < 0x1000000:
                state = state << 16 | next(words)
            append(symbol)
        self._state = state
        return symbols

    def finish(self) -> None:
        """Raise Corrupt unless every word was used and the state is back where encoding began."""
        if next(self._words, None) is not None:
            raise Corrupt(f"{self._where} has words left after its last symbol")
        if self._state != LOW:
            raise Corrupt(f"{self._where} ends in state {self._state}, not 2^24")


@lru_cache(maxsize=64)
def _slot_table(packed: bytes) -> bytes | list[int]:
    """Symbol of each of the 65536 slots, in whichever type is fastest to index; kept, because
    streams of many groups have the same few models. `packed`: frequencies, int64."""
    frequencies = np.frombuffer(packed, dtype=np.int64)
    count = len(frequencies)
    if count <= 256:
        return np.repeat(np.arange(count, dtype=np.uint8), frequencies).tobytes()
    return np.repeat(np.arange(count, dtype=np.uint16), frequencies).tolist()
