"""Work beside other work, in a second thread.

Torch's own threads share out one operation at a time. Operations on pieces that stay in cache are
too small for that; two halves of a step are not.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")


class Beside:
    """A second thread where torch may use more than one; without it work is done at once. Results
    are the same."""

    def __init__(self) -> None:
        several = torch.get_num_threads() > 1
        self._pool = ThreadPoolExecutor(1, "beside", _one_thread) if several else None

    def start(self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin with `work`; what comes back waits for its result, and raises what it raised."""
        if self._pool is not None:
            return self._pool.submit(work).result
        result = work()
        return lambda: result

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile torch's operations in this thread use no others."""
        threads = torch.get_num_threads()
        _one_thread()
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _one_thread() -> None:
    torch.set_num_threads(1)
