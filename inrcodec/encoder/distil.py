"""D'OH's algorithm 1: fit the target network itself, then project it onto a latent.

Gordon et al. 2024, section 5.0.2. A step of the target is cheaper than one through the projection
and converges faster, but least squares keeps the weights, not what they compute: after it the
latent has to be fitted as any other. Measured in benchmarks/planning.py.
"""

from collections.abc import Callable

from inrcodec.encoder.fit import Fit, Schedule, State
from inrcodec.encoder.model import Model
from inrcodec.encoder.pace import Pace
from inrcodec.encoder.samples import Samples
from inrcodec.weights.projection import solve
from inrcodec.weights.storage import Direct, Projected


def start_from_target(
    model: Model,
    samples: Samples,
    schedule: Schedule,
    pace: Pace,
    seed: int,
    report: Callable[[State], None],
    stop: Callable[[], bool],
) -> None:
    """Fit the target network by `schedule` and set `model`'s latent and biases from it.

    Raises ValueError for a model that is not a projection.
    """
    if not isinstance(model.storage, Projected):
        raise ValueError("only the latent of a projected network can start from its target")
    target = Model(model.net, Direct(), seed, model.device)
    Fit(target, samples, seed).run(schedule, pace, None, report, stop)
    weights = target.arrays()
    latent = solve(model.storage.projection, model.net.tensors(), weights)
    biases = {name: weights[name] for name in model.stored if name != "latent"}
    model.load({"latent": latent} | biases)
