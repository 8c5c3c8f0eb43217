"""Work beside other work."""

import threading

import pytest
import torch

from inrcodec.encoder.beside import Beside


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
