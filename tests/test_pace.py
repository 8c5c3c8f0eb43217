"""How a fit goes from its start to its end, in steps and in time."""

import pytest

from inrcodec.encoder import pace as module
from inrcodec.encoder.pace import Pace


class Clock:
    """Seconds that pass when a step is taken."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def walked(pace, clock, seconds):
    """Takes all steps, the n-th of `seconds`(n); shares on the way."""
    shares = []
    while not pace.reached(1.0):
        clock.now += seconds(pace.taken)
        pace.advance()
        shares.append(pace.share)
    return shares


def test_equal_steps_without_a_limit(clock):
    pace = Pace(8)
    assert walked(pace, clock, lambda n: 5.0) == [n / 8 for n in range(1, 9)]
    assert pace.steps == pace.taken == 8


def test_a_part_ends_after_whole_steps():
    pace = Pace(15)
    for _ in range(14):
        assert not pace.reached(0.96)
        pace.advance()
    assert pace.reached(0.96)


def test_steps_are_not_larger_with_time_to_spare(clock):
    pace = Pace(100, seconds=1000.0)
    shares = walked(pace, clock, lambda n: 1.0)
    assert shares == pytest.approx([n / 100 for n in range(1, 101)])


@pytest.mark.parametrize(
    "seconds",
    [lambda n: 1.0, lambda n: 4.0 if n < 10 else 1.0, lambda n: 1.0 if n < 30 else 3.0],
    ids=["steady", "slow first", "slow last"],
)
def test_a_fit_ends_in_its_time(clock, seconds):
    pace = Pace(10_000, seconds=100.0)
    shares = walked(pace, clock, seconds)
    assert shares == sorted(shares)
    each = seconds(pace.taken)
    assert 95 - 8 * each - 8 <= clock.now <= 95 - 5 * each + 4


def test_time_is_over_where_it_is_limited(clock):
    limited, free = Pace(10, seconds=100.0), Pace(10)
    clock.now = 94.0
    assert not limited.late
    clock.now = 96.0
    assert limited.late and not free.late


def test_no_time_is_one_step(clock):
    pace = Pace(100, seconds=0.0)
    walked(pace, clock, lambda n: 1.0)
    assert pace.taken == 1
