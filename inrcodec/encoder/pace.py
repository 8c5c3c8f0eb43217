"""How fast a fit goes from its start to its end: in equal steps, or so that it ends in time."""

import math
import time

# What follows a fit, sizes and a check, takes as long as so many steps.
_STEPS_AFTER = 6
# By how much the mean time of a step follows the last one.
_FOLLOW = 0.2


class Pace:
    """The share of a fit that is done: `steps` equal steps or, where they would take more than
    `seconds`, fewer and larger ones. What a step takes is found on the way, so that a fit uses its
    time on a machine that is busy now and idle later. `after` of the time is left to what follows.
    """

    def __init__(self, steps: int, seconds: float = math.inf, after: float = 0.05) -> None:
        self.taken, self.share = 0, 0.0
        self._steps = max(steps, 1)
        self._last = time.monotonic()
        self._end = self._last + seconds * (1 - after)
        self._each: float | None = None

    @property
    def steps(self) -> int:
        """Steps that the whole fit takes, as far as is known."""
        if self.share == 0 or not math.isfinite(self._end):
            return self._steps
        return max(round(self.taken / self.share), 1)

    def reached(self, share: float) -> bool:
        """Whether so much of the fit is done."""
        if math.isfinite(self._end):
            return self.share >= share
        return self.taken >= round(share * self._steps)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._end

    def back_to(self, share: float) -> None:
        """What follows a share of the fit is done again."""
        self.taken, self.share = round(share * self.steps), share

    def advance(self) -> None:
        """A step was taken."""
        self.taken += 1
        if not math.isfinite(self._end):
            self.share = self.taken / self._steps
            return
        now = time.monotonic()
        spent, self._last = now - self._last, now
        self._each = spent if self._each is None else self._each + _FOLLOW * (spent - self._each)
        left = max(self._end - now - _STEPS_AFTER * self._each, self._each)
        self.share += max(1 / self._steps, (1 - self.share) * self._each / left)
