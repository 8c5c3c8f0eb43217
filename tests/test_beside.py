"""Work beside other work."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from inrcodec.encoder.beside import Beside, Cut
from inrcodec.encoder.grids.fit import GridsFit
from inrcodec.nets.grids import Grids


@pytest.fixture(params=[1, 2])
def beside(request):
    threads = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield Beside()
    torch.set_num_threads(threads)


def test_results_come_when_they_are_asked_for(beside):
    results = [beside.start(lambda n=n: n * n) for n in range(5)]
    assert [result() for result in results] == [0, 1, 4, 9, 16]


def test_a_failure_comes_with_the_result(beside):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        beside.start(fail)()


def test_a_second_thread_where_there_may_be_one(beside):
    other = beside.start(threading.get_ident)() != threading.get_ident()
    assert other == (torch.get_num_threads() > 1)


def test_torch_has_its_threads_again_afterwards(beside):
    threads = torch.get_num_threads()
    with beside.alone():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads


def test_gradients_stop_where_tensors_are_cut_off_until_they_are_passed_on():
    a, b = (torch.tensor([n], requires_grad=True) for n in (1.0, 2.0))
    together = torch.cat([a, b])
    cut = Cut({"a": together[:1], "fixed": torch.ones(1)})
    (cut.leaves["a"] * cut.leaves["fixed"] * 3).backward()
    assert a.grad is None
    assert b.grad is None
    cut.pass_on()
    assert (float(a.grad), float(b.grad)) == (3.0, 0.0)


class Late:
    """Work that should be done beside other work, done after it."""

    def __init__(self, check):
        self._check = check

    def start(self, work):
        return lambda: self._check() or work()

    def alone(self):
        return nullcontext()


def test_no_gradient_of_contexts_is_touched_beside_them():
    net = Grids(shape=(20, 24), channels=3, width=4, context_width=4, levels=2, colour_from=1)
    samples = np.random.default_rng(0).random((20, 24, 3), dtype=np.float32)
    fitted = GridsFit(net, samples, 0.1, 0.01, 0, torch.device("cpu"))
    fitted.use_grids()
    contexts = [tensor for name, tensor in fitted.weights.items() if name[0] in "Pp"]
    seen = []
    fitted._beside = Late(lambda: seen.append([tensor.grad for tensor in contexts]))
    for tensor in contexts:
        tensor.grad = None
    fitted._step(0.01, 0.5)
    assert seen == [[None] * 12]
