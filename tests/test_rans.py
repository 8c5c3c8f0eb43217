"""The range coder: exact bytes, round trips, and every way a stream can be wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inrcodec.entropy import rans
from inrcodec.errors import Corrupt

FREQUENCIES = np.array([8851, 14928, 17799, 15009, 8949])
SYMBOLS = np.array([2, 2, 1, 3, 0, 4, 2, 1, 2, 3])
STREAM = bytes.fromhex("475fe23700 60c1")


def encode(symbols, frequencies):
    starts = np.cumsum(frequencies) - frequencies
    return rans.encode(starts[symbols], frequencies[symbols])


def decode(stream, count, frequencies):
    decoder = rans.Decoder(stream)
    symbols = decoder.read(count, frequencies)
    decoder.finish()
    return symbols


def skewed(weights):
    """Frequencies that follow integer weights."""
    sums = np.cumsum([0, *weights])
    return np.diff(np.arange(len(sums)) + sums * (65536 - len(weights)) // sums[-1])


def test_exact_bytes():
    assert encode(SYMBOLS, FREQUENCIES) == STREAM
    assert decode(STREAM, 10, FREQUENCIES).tolist() == SYMBOLS.tolist()


def test_nothing_takes_one_state():
    assert encode(SYMBOLS[:0], FREQUENCIES) == bytes.fromhex("0000000100")
    assert decode(bytes.fromhex("0000000100"), 0, FREQUENCIES).size == 0


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(0, 2**20), min_size=2, max_size=40).filter(any),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 400),
)
def test_round_trip(weights, seed, count):
    frequencies = skewed(weights)
    symbols = np.random.default_rng(seed).integers(0, len(weights), count)
    stream = encode(symbols, frequencies)
    assert decode(stream, count, frequencies).tolist() == symbols.tolist()


def test_rarest_and_commonest_symbol():
    frequencies = np.array([1, 65534, 1])
    symbols = np.array([0] * 50 + [1] * 50 + [2] * 50)
    assert decode(encode(symbols, frequencies), 150, frequencies).tolist() == symbols.tolist()


def test_many_symbols_in_several_blocks():
    frequencies = np.diff(np.arange(1001) * 65536 // 1000)
    symbols = np.random.default_rng(0).integers(0, 1000, rans._BLOCK + 5)
    decoded = decode(encode(symbols, frequencies), symbols.size, frequencies)
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, symbols)


def test_size_is_near_the_entropy():
    frequencies = skewed([1, 2, 4, 8, 4, 2, 1])
    symbols = np.random.default_rng(0).choice(7, 5000, p=frequencies / 65536)
    ideal = float((16 - np.log2(frequencies[symbols])).sum()) / 8
    assert ideal < len(encode(symbols, frequencies)) < ideal + 8


def test_two_models_in_one_stream():
    other = np.array([32768, 32768])
    starts = np.concatenate([(np.cumsum(FREQUENCIES) - FREQUENCIES)[SYMBOLS], [32768, 0]])
    stream = rans.encode(starts, np.concatenate([FREQUENCIES[SYMBOLS], [32768, 32768]]))
    decoder = rans.Decoder(stream)
    assert decoder.read(10, FREQUENCIES).tolist() == SYMBOLS.tolist()
    assert decoder.read(2, other).tolist() == [1, 0]
    decoder.finish()


@pytest.mark.parametrize("length", [0, 4, 6])
def test_length_that_no_stream_has(length):
    with pytest.raises(Corrupt, match=f"at byte 77 has {length} bytes"):
        rans.Decoder(STREAM[:length], 77)


@pytest.mark.parametrize("state", [0, 2**24 - 1])
def test_state_below_the_invariant(state):
    with pytest.raises(Corrupt, match="begins in state"):
        rans.Decoder(state.to_bytes(5, "little"))


def test_every_first_state_is_below_the_upper_bound():
    assert rans.Decoder(b"\xff" * 5).read(0, FREQUENCIES).size == 0


def test_words_run_out():
    with pytest.raises(Corrupt, match="ends before its last symbol"):
        decode(STREAM[:5], 10, FREQUENCIES)


def test_words_left():
    with pytest.raises(Corrupt, match="words left"):
        decode(STREAM + b"\0\0", 10, FREQUENCIES)


def test_last_state():
    with pytest.raises(Corrupt, match="ends in state"):
        decode(STREAM, 9, FREQUENCIES)
