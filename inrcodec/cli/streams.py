"""Writing outputs, standard output among them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inrcodec.cli.naming import STANDARD_STREAM
from inrcodec.errors import OutputError
from inrcodec.files import atomic_write, is_special


def stdout_is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def write_output(output: str, data: bytes, force: bool) -> None:
    """Write a whole output or nothing: a file, a device, or standard output for "-".

    Raises OutputError if a file of that name has appeared since the command began.
    """
    if output == STANDARD_STREAM:
        with guarded_stdout():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
    elif os.path.lexists(output) and not (force or is_special(output)):
        raise OutputError(f"{output}: has appeared meanwhile; --force replaces it")
    else:
        atomic_write(Path(output), data)


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Turn a failed write (a full disk) into OutputError; a reader that went away passes."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_stdout()
        raise OutputError(f"standard output: {error.strerror}") from error


def _discard_stdout() -> None:
    # What is left in the buffer would fail again, with a traceback, when Python exits.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
