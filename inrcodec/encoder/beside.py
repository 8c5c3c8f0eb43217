"""Work beside other work, in a second thread.

Torch's own threads share out one operation at a time. Operations on pieces that stay in cache are
too small for that; two halves of a step are not.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

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


class Cut:
    """Tensors cut off from what they were made of: work in two threads may find gradients by
    `leaves` at once, but not by what the whole ones come from. Where tensors are rounded together
    that is every tensor of a fit, and autograd crashes if another thread uses its gradient."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self.leaves = {name: t.detach().requires_grad_() for name, t in tensors.items()}

    def pass_on(self) -> None:
        """The gradients of the leaves go on to where the tensors come from."""
        pairs = [(tensor, self.leaves[name].grad) for name, tensor in self._tensors.items()]
        found = [(t, slope) for t, slope in pairs if slope is not None and t.requires_grad]
        torch.autograd.backward([t for t, _ in found], [slope for _, slope in found])


def _one_thread() -> None:
    torch.set_num_threads(1)
