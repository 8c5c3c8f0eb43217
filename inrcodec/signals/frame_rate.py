"""Frames per second as exact fractions."""

from collections.abc import Iterable
from fractions import Fraction

# of a folder of pictures, or a file that does not say
DEFAULT_RATE = Fraction(25)

# what viewers show a frame for whose duration is said to be 0
_UNSAID_MILLISECONDS = 100

# as finely as fractions are kept: well below the precision of any clock
_LARGEST_DENOMINATOR = 100_000

# 23.98 for 24000/1001 is off by 0.00016; the whole number above it is 0.001 away
_TOLERANCE = Fraction(1, 5000)


def snapped(rate: Fraction) -> Fraction:
    """Return n or n * 1000/1001 frames per second (n whole) if `rate` is a rounding of it.

    Any other rate comes back as it is, with a denominator of at most 100,000. 29.97 becomes
    30000/1001, 23.98 becomes 24000/1001, 25.001 becomes 25, 12.5 stays.
    """
    for candidate in (Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)):
        if abs(rate - candidate) <= _TOLERANCE * candidate:
            return candidate or DEFAULT_RATE
    return rate.limit_denominator(_LARGEST_DENOMINATOR) or Fraction(1, _LARGEST_DENOMINATOR)


def of_durations(milliseconds: Iterable[float]) -> Fraction:
    """Return the rate at which as many frames last as long as these; 0 counts as 100 ms."""
    shown = [duration if duration > 0 else _UNSAID_MILLISECONDS for duration in milliseconds]
    return snapped(1000 * len(shown) / Fraction(sum(shown)))
