"""Long fits of latent grids: planes grow from nothing, at a lambda that is about right from the
start.

Where planes begin as a Laplacian pyramid, each level keeps what it began with. From zeros the fit
itself finds which plane holds what (benchmarks/planning.py, "grids: start"), and goes on getting
better where the other no longer does. Short fits have no time for that. Where lambda rises on the
way all of it is lost again, so that a short fit of the other kind finds it first.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inrcodec.encoder.goal import ELASTICITY
from inrcodec.encoder.grids.fit import FIRST_RATIO, GridsFit
from inrcodec.encoder.latent_fit import Goal, Measured, Report, Stop
from inrcodec.encoder.pace import Pace

# Shares of the steps. lambda follows the goal from the first on (nothing is known before) to the
# second: what is nearly rounded does not follow any more. At the third it is known where the fit
# will end; if that is not near the goal, it goes back to the second, so often at most.
_FROM, _TO, _KNOWN, _RETURNS = 0.1, 0.55, 0.74, 2
_NEAR = 1.012
# lambda follows the goal by this power over the number of steps.
_PULL = 6.0
# Bits and error over those at the end, less 1, at first, and the power of the steps left by which
# they fall.
_BITS_LEAD, _ERROR_LEAD, _FALLING = 1.0, 0.25, 2.2
# Passes of contexts around latents that were changed, and their rate; a lambda over that of the
# tensors' grids for which these are chosen anew.
_REFIT_PASSES, _REFIT_RATE, _NEW_GRIDS = 3, 0.2, 1.5


class GrownFit(GridsFit):
    """A fit whose planes are zeros at first."""

    # Latents move far, and are rounded more softly: of a crop of 256x256 600 steps end as low as
    # 1,000 with momentum 0.9 and temperatures from 0.3 (benchmarks/planning.py, "grids: rounding").
    latent_rate, momentum = 0.2, 0.8
    temperature, noise = (0.5, 0.1), (0.5, 0.3)
    ahead, closing, near = 0, 0.06, (0.985, 1.003)
    # At busy pictures' lambdas noise in larger steps keeps the finest planes from growing. Calm
    # pictures have smaller ones (of crops of 256x256 13 gains 3 % of its loss in 1,000 steps, 3
    # and 15 neither gain nor lose).
    largest_first_step = 0.17
    _lambda_alone, _returns = True, 0

    def _first_planes(self, target: Tensor) -> Sequence[Tensor]:
        return [target.new_zeros(plane.shape) for plane in self.net.planes()]

    def warm_up(self, steps: int = 25) -> None:
        """Nothing: zeros teach contexts only that all is zero."""

    def _steer(self, excess: float, goal: Goal, hard: Measured, pace: Pace) -> None:
        left = (1 - pace.share) ** _FALLING
        coming = goal(
            Measured(hard.bits / (1 + _BITS_LEAD * left), hard.error / (1 + _ERROR_LEAD * left))
        )
        if _FROM <= pace.share < _TO:
            self.follow(coming ** (_PULL / pace.steps))
        elif pace.share >= _KNOWN and self.grids is None and self._returns < _RETURNS:
            if abs(math.log(coming)) > math.log(_NEAR):
                self.follow(coming ** (1 / ELASTICITY))
                pace.back_to(_TO)
                self._returns += 1
            else:
                self._returns = _RETURNS

    @torch.no_grad()
    def follow(self, factor: float) -> None:
        """Multiply lambda by a factor; steps stay until latents are rounded."""
        if self._lambda_alone:
            self._lagrange = max(self._lagrange * factor, FIRST_RATIO * self._least_step**2)
        else:
            super().follow(factor)

    def run(self, pace: Pace, goal: Goal, report: Report, stop: Stop) -> bool:
        """All steps but the settling; True if stopped."""
        stopped = super().run(pace, goal, report, stop)
        self._lambda_alone = False
        return stopped

    def use_grids(self) -> None:
        """Choose grids for the tensors as they stand, and round to them from now on."""
        super().use_grids()
        self._lagrange_of_grids = self.lagrange

    def refit_contexts(self, steps: int = 8) -> None:
        """Contexts alone, a little, on the grids that they have: new ones would be for all tensors,
        and are only worth what they break where lambda is far from that of the old ones."""
        self._teach_contexts(_REFIT_PASSES, _REFIT_RATE)
        if self.grids is not None and self.lagrange > _NEW_GRIDS * self._lagrange_of_grids:
            self.use_grids()
