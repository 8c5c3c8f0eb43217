"""The same examples and, with one thread here and in child processes, the same sums in every run.

Threads are set before NumPy or torch is imported, so that tests without torch do not wait for it.
`pytest --hypothesis-profile=explore` draws new examples in every run.
"""

import itertools
import os
import time

import pytest
from hypothesis import settings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("fixed", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile("fixed")


@pytest.fixture
def clock(monkeypatch):
    """A clock on which 10 ms pass from one look to the next, however busy the machine is."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks) / 100)


@pytest.fixture
def codec(monkeypatch, tmp_path):
    """An empty folder to work in, and a codec in place of the real one that notes its calls."""
    from cli_fakes import install

    monkeypatch.chdir(tmp_path)
    return install(monkeypatch)
