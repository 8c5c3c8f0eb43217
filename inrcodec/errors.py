"""The errors inrcodec raises on purpose: one tree, one line of message each."""

from collections.abc import Iterator
from contextlib import contextmanager


class InrError(Exception):
    """Base of every error that inrcodec raises on purpose; `exit_status` is the command's."""

    exit_status = 1


class InputError(InrError):
    """An input file that cannot be read or cannot be used."""


class OutputError(InrError):
    """An output that could not be written whole; nothing is left in its place."""


class RateError(InrError):
    """A size or quality that this signal cannot be coded at."""


class EncodeError(InrError):
    """A fit that failed its own check: the written bytes do not decode to what was promised."""


class OptionError(InrError):
    """A value that an option does not take."""

    exit_status = 2


class NotInr(InrError):
    """Bytes that do not begin like an .inr file."""

    exit_status = 3


class Corrupt(InrError):
    """An .inr file that is damaged, cut short, or breaks a rule of the format."""

    exit_status = 3


class Unsupported(InrError):
    """A sound .inr file of a version, or with a critical section, that is not known here."""

    exit_status = 4


class LimitExceeded(InrError):
    """A file that asks for more samples, work or memory than the limits allow."""

    exit_status = 4


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the file's name before what goes wrong inside, where it is not told yet."""
    try:
        yield
    except InrError as error:
        if name in str(error):
            raise
        raise type(error)(f"{name}: {error}") from error
