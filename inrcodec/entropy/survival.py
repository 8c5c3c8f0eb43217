"""Waiting-time model of the latents: costs in 1/4096 bit, and how likely it is to get past them.

A row of trials each has a cost, minus log2 of the probability that nothing happens in it. After
trials of total cost c still nothing has happened with probability 2^(-c / 4096), in 1/2^30
survival(c), so "it happens first in the trial that leads from cost b to cost e" takes the slots
survival(e) <= slot < survival(b), and "it has not happened by cost e" the slots below survival(e).
One symbol thus passes over any number of trials.

Why no interval is empty: a symbol's first cost is at most CHUNK_COST, 8 bits, and one trial adds
1 unit to 12 bits. The narrowest event goes from 8 bits to 8 bits and one unit: 709 slots; the
narrowest "not yet" is below 20 bits: 1024 slots.

A latent q with scale index i is a rounded Laplace variable of scale s = 2^((i - 40) / 8).
ZERO_COST[i] is the cost of a zero, whose probability is 1 - exp(-1 / 2s); STEP_COST[i] that of each
step by which a magnitude passes 1, exp(-1 / s). Both are rounded to units, and kept at 12 bits at
most, so that no value is out of reach, and at 1 unit at least, so that none is certain. They are
literals because decoders must agree on every unit.
"""

from bisect import bisect_left
from math import isqrt

SCALES = 120  # number of scale indices
UNIT_BITS = 12
BIT_COST = 1 << UNIT_BITS  # one bit
CHUNK_COST = 8 * BIT_COST  # a symbol passes over trials until their cost exceeds this
SLOT_BITS = 30
SLOTS = 1 << SLOT_BITS
NEVER = (SLOT_BITS + 1) * BIT_COST  # its survival is 0

ZERO_COST = (
    1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 7, 12, 21, 33, 51, 76, 109, 153, 208, 277, 360, 459, 575, 708,
    859, 1029, 1216, 1422, 1646, 1887, 2145, 2420, 2710, 3016, 3335, 3669, 4015, 4373, 4742, 5122,
    5512, 5911, 6319, 6735, 7158, 7588, 8025, 8467, 8915, 9368, 9826, 10288, 10755, 11224, 11698,
    12174, 12653, 13135, 13620, 14107, 14595, 15086, 15578, 16072, 16568, 17065, 17563, 18062,
    18562, 19063, 19565, 20068, 20572, 21076, 21581, 22087, 22593, 23100, 23607, 24114, 24622,
    25130, 25639, 26148, 26657, 27166, 27675, 28185, 28695, 29205, 29715, 30226, 30736, 31247,
    31758, 32269, 32780, 33291, 33802, 34313, 34824, 35335, 35847, 36358, 36870, 37381, 37893,
    38404, 38916, 39428, 39939, 40451, 40963, 41475, 41986, 42498, 43010, 43522, 44034, 44546,
)  # fmt: skip
STEP_COST = (
    49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152, 49152,
    49152, 49152, 49152, 47274, 43351, 39753, 36453, 33428, 30654, 28109, 25776, 23637, 21675,
    19876, 18227, 16714, 15327, 14055, 12888, 11819, 10838, 9938, 9113, 8357, 7663, 7027, 6444,
    5909, 5419, 4969, 4557, 4178, 3832, 3514, 3222, 2955, 2709, 2485, 2278, 2089, 1916, 1757, 1611,
    1477, 1355, 1242, 1139, 1045, 958, 878, 806, 739, 677, 621, 570, 522, 479, 439, 403, 369, 339,
    311, 285, 261, 239, 220, 201, 185, 169, 155, 142, 131, 120, 110, 101, 92, 85, 78, 71, 65, 60,
    55, 50, 46, 42, 39, 36, 33, 30, 27, 25, 23, 21, 19, 18, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 7,
    6,
)  # fmt: skip

_GUARD_BITS = 128  # the table's errors stay below 2^-90 slots; no entry is that near to an integer


def _survival_table() -> tuple[int, ...]:
    """floor(2^30 * 2^(-f / 4096)), f = 0..4095, by halving the step of f from 1 twelve times."""
    root = 1 << (_GUARD_BITS - 1)  # 2^-1, then the root of itself
    powers = [1 << _GUARD_BITS]
    for _ in range(UNIT_BITS):
        root = isqrt(root << _GUARD_BITS)
        powers = [p for power in powers for p in (power, power * root >> _GUARD_BITS)]
    return tuple(power >> (_GUARD_BITS - SLOT_BITS) for power in powers)


SURVIVAL = _survival_table()
ASCENDING = SURVIVAL[::-1]


def survival(cost: int) -> int:
    """Slots, of 2^30, that nothing has happened in after trials of total `cost` units."""
    return SURVIVAL[cost & 4095] >> (cost >> 12)


def last_survived(slot: int) -> int:
    """The highest cost whose survival exceeds `slot`, which is in 0..2^30 - 1.

    So survival(e) <= slot < survival(b) if and only if b <= last_survived(slot) < e.
    """
    bits = 30 - slot.bit_length()
    return (bits << 12 | 4095) - bisect_left(ASCENDING, (slot + 1) << bits)
