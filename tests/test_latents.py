"""The latents' entropy coder: exact tables and bytes, round trips, and damaged streams."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inrcodec.entropy import latents, survival
from inrcodec.entropy.latents import MAX_MAGNITUDE, LatentDecoder, LatentEncoder, cost_bits
from inrcodec.entropy.survival import CHUNK_COST, SCALES, SLOTS
from inrcodec.errors import Corrupt

VALUES = np.array([[0, 3, 0, 0], [-1, 0, 0, 40], [0, 2, -700, 0]], dtype=np.int32)
INDICES = np.array([[10, 40, 20, 30], [25, 8, 50, 60], [115, 15, 119, 0]], dtype=np.uint8)
STREAM = bytes.fromhex("cedc9da704000000 47dab7e672f48c3f")
EMPTY = bytes.fromhex("0000008000000000")


def encode(*planes):
    encoder = LatentEncoder()
    for values, scales in planes:
        encoder.add(values, scales)
    return encoder.finish()


def decode(stream, *scales):
    decoder = LatentDecoder(stream)
    planes = [decoder.plane(indices) for indices in scales]
    decoder.finish()
    return planes


def assert_round_trip(*planes, slack=0.001):
    """The same planes back, and a size near `cost_bits`.

    `slack` is wider for planes that the model does not expect: they favour low slots, or high ones,
    which cost up to 1.1 % less, or more, than their frequency says (see latents.py).
    """
    stream = encode(*planes)
    decoded = decode(stream, *(scales for _, scales in planes))
    for plane, (values, _) in zip(decoded, planes, strict=True):
        assert plane.dtype == np.int32
        assert plane.shape == values.shape
        assert np.array_equal(plane, values)
    bits = sum(cost_bits(values, scales) for values, scales in planes)
    assert bits * (1 - slack) < 8 * len(stream) < bits * (1 + slack) + 96


def laplace(seed, shape, scales):
    """Latents drawn from the model that `scales` name."""
    spread = 2.0 ** ((scales.astype(float) - 40) / 8)
    draws = np.random.default_rng(seed).laplace(0, 1, shape) * spread
    return np.rint(draws).clip(-MAX_MAGNITUDE, MAX_MAGNITUDE).astype(np.int32)


def test_cost_tables():
    with localcontext(prec=50):
        for index in range(SCALES):
            inverse = Decimal(2) ** (Decimal(40 - index) / 8)
            zero = -4096 * (1 - (-inverse / 2).exp()).ln() / Decimal(2).ln()
            step = 4096 * inverse / Decimal(2).ln()
            for cost, entry in [(zero, survival.ZERO_COST), (step, survival.STEP_COST)]:
                assert entry[index] == min(max(round(cost), 1), 12 * 4096)
    assert len(survival.ZERO_COST) == len(survival.STEP_COST) == SCALES


def test_survival_table():
    with localcontext(prec=50):
        exact = tuple(int(2 ** (30 - Decimal(cost) / 4096)) for cost in range(4096))
    assert exact == survival.SURVIVAL


def test_every_interval_has_a_slot():
    """Events are narrowest where costs are highest and trials shortest; see survival.py."""
    widths = [survival.survival(cost) - survival.survival(cost + 1) for cost in range(12 * 4096)]
    assert min(widths[: CHUNK_COST + 1]) == 709
    longest = max(survival.ZERO_COST + survival.STEP_COST)
    assert survival.survival(CHUNK_COST + longest) == 1024
    assert survival.survival(survival.NEVER) == 0


@given(slot=st.integers(0, SLOTS - 1) | st.sampled_from([0, 1, SLOTS // 2, SLOTS - 1]))
def test_last_survived(slot):
    cost = survival.last_survived(slot)
    assert survival.survival(cost + 1) <= slot < survival.survival(cost)


@given(cost=st.integers(0, 20 * 4096))
def test_last_survived_at_the_edges(cost):
    slots = survival.survival(cost)
    assert survival.last_survived(slots - 1) >= cost
    if cost:
        assert survival.last_survived(slots) < cost


def test_exact_bytes():
    assert encode((VALUES, INDICES)) == STREAM
    assert np.array_equal(decode(STREAM, INDICES)[0], VALUES)


def test_nothing_takes_one_state():
    nothing = np.zeros((0, 5), dtype=np.int32)
    assert encode() == encode((nothing, nothing.astype(np.uint8))) == EMPTY
    assert decode(EMPTY, nothing.astype(np.uint8))[0].shape == (0, 5)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shapes=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4),
    lowest=st.integers(0, SCALES - 1),
    count=st.integers(1, SCALES),
)
def test_round_trip_of_the_model(seed, shapes, lowest, count):
    rng = np.random.default_rng(seed)
    scales = [
        rng.integers(lowest, min(lowest + count, SCALES), shape).astype(np.uint8)
        for shape in shapes
    ]
    assert_round_trip(*((laplace(seed, indices.shape, indices), indices) for indices in scales))


LATENT = st.tuples(
    st.integers(-3, 3) | st.integers(-MAX_MAGNITUDE, MAX_MAGNITUDE),
    st.integers(0, SCALES - 1) | st.sampled_from([0, SCALES - 1]),
)


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(LATENT, max_size=12))
def test_round_trip_of_unlikely_values(pairs):
    values, scales = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    assert_round_trip((values, scales.astype(np.uint8)), slack=0.012)


@pytest.mark.parametrize("index", [0, 15, 16, 40, 60, 99, 100, 118, 119])
def test_one_scale_everywhere(index):
    scales = np.full((50, 70), index, dtype=np.uint8)
    assert_round_trip((np.zeros(scales.shape, dtype=np.int32), scales), slack=0.012)
    assert_round_trip((np.full(scales.shape, -3, dtype=np.int32), scales), slack=0.012)
    assert_round_trip((laplace(index, scales.shape, scales), scales))


@pytest.mark.parametrize("position", [0, 1, 32768, 32769, 32770, 65537, 65538, 69999])
def test_nonzero_next_to_the_end_of_a_chunk(position):
    """At one unit each a chunk is 32,769 zeros long."""
    values = np.zeros(70_000, dtype=np.int32)
    values[position] = 1
    assert_round_trip((values, np.zeros(70_000, dtype=np.uint8)))


def test_plane_that_ends_with_a_chunk():
    zeros = np.zeros(2 * 32769, dtype=np.int32)
    assert_round_trip((zeros, zeros.astype(np.uint8)), (VALUES, INDICES))


def test_alternating_scales():
    """Zero costs of 1 unit and of 10.9 bits, the latter alone a chunk."""
    scales = np.tile(np.array([0, 119, 119, 0, 0], dtype=np.uint8), 400)
    assert_round_trip((laplace(1, scales.shape, scales), scales))
    assert_round_trip((np.where(scales, 0, -9).astype(np.int32), scales), slack=0.012)


@pytest.mark.parametrize("index", [0, 40, 80, 119])
@pytest.mark.parametrize("value", [MAX_MAGNITUDE, -MAX_MAGNITUDE])
def test_largest_magnitude(value, index):
    values, scales = np.array([value], dtype=np.int32), np.array([index], dtype=np.uint8)
    assert_round_trip((values, scales), slack=0.012)


def test_planes_longer_than_a_block():
    rng = np.random.default_rng(0)
    scales = rng.integers(30, 90, (3, 30_000)).astype(np.uint8)
    assert_round_trip(*((laplace(n, plane.shape, plane), plane) for n, plane in enumerate(scales)))


def test_planes_of_any_sizes_one_after_another():
    """A decoder has room for costs that it uses again, and larger planes leave something there."""
    rng = np.random.default_rng(5)
    planes = []
    for size in (900, 3, 400, 1, 900, 2000, 40):
        scales = rng.integers(0, SCALES, size).astype(np.uint8)
        values = np.where(rng.random(size) < 0.1, rng.integers(-9, 10, size), 0)
        planes.append((values.astype(np.int32), scales))
    found = decode(encode(*planes), *(scales for _, scales in planes))
    for (values, _), back in zip(planes, found, strict=True):
        assert np.array_equal(values, back)


def test_planes_that_are_not_contiguous():
    assert encode((VALUES.T.copy().T, INDICES.T.copy().T)) == STREAM
    assert np.array_equal(decode(STREAM, INDICES.T.copy().T)[0], VALUES)


def test_cost_of_the_model():
    scales = np.full(1000, 40, dtype=np.uint8)  # s = 1
    zero = 1 - np.exp(-0.5)
    assert cost_bits(scales * 0, scales) == pytest.approx(-1000 * np.log2(zero), rel=1e-3)
    once = (1 - zero) * (1 - np.exp(-1)) / 2
    assert cost_bits(scales * 0 + 1, scales) == pytest.approx(-1000 * np.log2(once), rel=1e-3)


@pytest.mark.parametrize(
    ("values", "scales", "message"),
    [
        ([MAX_MAGNITUDE + 1], [0], "magnitude is above 32768"),
        ([-MAX_MAGNITUDE - 1], [0], "magnitude is above 32768"),
        ([0], [SCALES], "index 120 is not below 120"),
        ([0, 0], [0], r"int64\(2,\), scales \(1,\)"),
        ([0.5], [0], "float64"),
    ],
)
def test_latents_that_cannot_be_coded(values, scales, message):
    with pytest.raises(ValueError, match=message):
        LatentEncoder().add(np.array(values), np.array(scales, dtype=np.uint8))


def test_scales_of_another_type():
    with pytest.raises(ValueError, match="are int32, not uint8"):
        LatentDecoder(STREAM).plane(INDICES.astype(np.int32))


@pytest.mark.parametrize("length", [0, 7, 9, 11, 14])
def test_length_that_no_stream_has(length):
    with pytest.raises(Corrupt, match=f"at byte 77 has {length} bytes"):
        LatentDecoder(STREAM[:length], 77)


@pytest.mark.parametrize("state", [0, 2**31 - 1, 2**63, 2**64 - 1])
def test_state_outside_the_invariant(state):
    with pytest.raises(Corrupt, match="begins in state"):
        LatentDecoder(state.to_bytes(8, "little"))


def test_words_run_out():
    with pytest.raises(Corrupt, match="ends before its last latent"):
        decode(STREAM[:8], INDICES)


def test_words_left():
    with pytest.raises(Corrupt, match="words left"):
        decode(STREAM + bytes(4), INDICES)


def test_last_state():
    with pytest.raises(Corrupt, match="ends in state"):
        decode(encode((VALUES[:1], INDICES[:1])))


@pytest.mark.parametrize("magnitude", [MAX_MAGNITUDE + 1, 3 * MAX_MAGNITUDE])
@pytest.mark.parametrize("index", [16, 60, 119])
def test_magnitude_above_the_limit(magnitude, index, monkeypatch):
    scales = np.array([index], dtype=np.uint8)
    with monkeypatch.context() as patch:
        patch.setattr(latents, "MAX_MAGNITUDE", 1 << 20)
        stream = encode((np.array([magnitude], dtype=np.int32), scales))
    with pytest.raises(Corrupt, match="magnitude above 32768"):
        decode(stream, scales)


DAMAGED_VALUES, DAMAGED_SCALES = np.tile(VALUES, (4, 5)), np.tile(INDICES, (4, 5))
DAMAGED = encode((DAMAGED_VALUES, DAMAGED_SCALES))


def decodes_differently(stream, scales=DAMAGED_SCALES):
    """Whether a stream raises Corrupt or gives other values; any other error passes through."""
    try:
        return not np.array_equal(decode(stream, scales)[0], DAMAGED_VALUES)
    except Corrupt:
        return True


@settings(max_examples=200, deadline=None)
@given(bit=st.integers(0, 8 * len(DAMAGED) - 1))
def test_flipped_bit(bit):
    flipped = int.from_bytes(DAMAGED, "little") ^ 1 << bit
    assert decodes_differently(flipped.to_bytes(len(DAMAGED), "little"))


@pytest.mark.parametrize("length", range(0, len(DAMAGED), 3))
def test_cut_stream(length):
    assert decodes_differently(DAMAGED[:length])


@settings(max_examples=200, deadline=None)
@given(stream=st.binary(min_size=8, max_size=200), index=st.integers(0, SCALES - 1))
def test_any_bytes(stream, index):
    stream = stream[:7] + b"\x40" + stream[8 : len(stream) // 4 * 4]
    assert decodes_differently(stream, np.full(DAMAGED_SCALES.shape, index, dtype=np.uint8))


@pytest.mark.parametrize("index", [0, 50, 119])
def test_other_scales_than_the_encoder_had(index):
    assert decodes_differently(DAMAGED, np.full(DAMAGED_SCALES.shape, index, dtype=np.uint8))
