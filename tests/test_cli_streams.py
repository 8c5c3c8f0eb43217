"""Standard output that cannot take what is written."""

import os
import sys

import pytest

from inrcodec.cli.streams import guarded_stdout, stdout_is_terminal, write_output
from inrcodec.errors import OutputError

FULL = "/dev/full"


@pytest.mark.skipif(not os.path.exists(FULL), reason="this system has no /dev/full")
def test_a_full_disk_is_an_output_error_once(monkeypatch):
    with open(FULL, "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="No space left"):
            write_output("-", b"data", force=False)
        write_output("-", b"what follows is dropped", force=False)


def test_a_reader_that_went_away_is_left_to_the_caller():
    with pytest.raises(BrokenPipeError), guarded_stdout():
        raise BrokenPipeError


def test_a_terminal_is_recognised(monkeypatch):
    assert not stdout_is_terminal()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert stdout_is_terminal()
