"""What a command says: results on standard output as JSON, talk on standard error."""

import json
import math
import traceback
from dataclasses import dataclass
from typing import Any

import click

from inrcodec.cli.errors import explain
from inrcodec.cli.naming import STANDARD_STREAM
from inrcodec.cli.streams import guarded_stdout
from inrcodec.errors import InrError


@dataclass(frozen=True)
class Report:
    """How much to say, and whether results are JSON objects, one per line."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    def say(self, text: str) -> None:
        """A line of talk."""
        if not self.quiet:
            click.echo(one_line(text), err=True)

    def detail(self, text: str) -> None:
        """A line of talk for those who asked for more."""
        if self.verbose:
            click.echo(one_line(text), err=True)

    def done(self, record: dict[str, Any], text: str) -> None:
        """A file that was written: as a JSON object, or else as a line of talk."""
        if self.as_json:
            print_json(record)
        else:
            self.say(text)

    def show(self, record: dict[str, Any], text: str) -> None:
        """A result that was asked for: as a JSON object, or else as text on standard output."""
        if self.as_json:
            print_json(record)
        else:
            with guarded_stdout():
                click.echo(text)

    def failure(self, names: dict[str, str], error: BaseException) -> int:
        """Tell why the file with these `names` failed; returns the exit status."""
        message, status = explain(error)
        if not any(_names(message, name) for name in names.values()):
            message = f"{next(iter(names.values()))}: {message}"
        click.echo(one_line(f"inrcodec: {message}"), err=True)
        if self.verbose and not isinstance(error, InrError):
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        if self.as_json:
            print_json({**names, "error": message, "status": status})
        return status


def _names(message: str, name: str) -> bool:
    """Whether a message says which file it is about; a dash can stand anywhere in one."""
    return message.startswith(f"{name}: ") if name == STANDARD_STREAM else name in message


def one_line(text: str) -> str:
    """The text with control characters, and bytes that are not text, written as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_json(record: dict[str, Any]) -> None:
    """One JSON object on a line of standard output."""
    with guarded_stdout():
        click.echo(json_line(record))


def json_line(record: dict[str, Any]) -> str:
    """The record as one line of JSON; an infinite or undefined number becomes null."""
    return json.dumps(_finite(record), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
