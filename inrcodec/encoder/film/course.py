"""How far an encode of a film is: its phases, weighted by what they take."""

from dataclasses import dataclass

# Steps of a fit that the search for the motion of its segment takes as long as, and that what
# comes before the first of them: motion drawn to where its latents are cheap.
_SEARCH, _REFINEMENT = 5, 12

Share = tuple[float, float]  # where a phase begins and ends, as parts of all phases


@dataclass(frozen=True)
class Course:
    """Of so many segments, each with a fit of `steps`; `pilot`: steps of the pilot, 0 without."""

    segments: int
    steps: int
    pilot: int

    def search(self, number: int) -> Share:
        """The search for the motion of a segment."""
        return self._share(number * _SEARCH, _SEARCH)

    def piloting(self) -> Share:
        """The pilot, after all searches."""
        return self._share(self.segments * _SEARCH, self._piloting)

    def fit(self, number: int) -> Share:
        """The fit of a segment."""
        each = self.steps + _REFINEMENT
        return self._share(self.segments * _SEARCH + self._piloting + number * each, each)

    @property
    def _piloting(self) -> int:
        return self.pilot + _REFINEMENT if self.pilot else 0

    def _share(self, before: int, steps: int) -> Share:
        whole = self.segments * (_SEARCH + self.steps + _REFINEMENT) + self._piloting
        return before / whole, (before + steps) / whole
