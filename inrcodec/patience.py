"""How long torch's threads wait for one another before they let others run."""

import os

# In turns of a loop, about 0.1 ms: gaps in a fit step are shorter. GNU OpenMP has 300,000, and on a
# machine that is busy with something else its threads then wait for those that do not run.
_TURNS = "10000"


def wait_briefly() -> None:
    """To be called before torch is imported. What the user has said of it stays."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _TURNS)
