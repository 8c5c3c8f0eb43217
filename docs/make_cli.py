"""Writes docs/cli.md from the commands' own help: python -m docs.make_cli [--check]"""

import sys
from pathlib import Path
from typing import Any

import click

from inrcodec.cli import main as inrcodec
from inrcodec.options import CHOICES, RANGES, SETTINGS, SETTINGS_OF, one_of

TARGET = Path(__file__).with_name("cli.md")
INTRODUCTION = """# Command line

This page is what `inrcodec COMMAND --help` prints; `python -m docs.make_cli` writes it. The same
can be done from Python: see [the README](../README.md#python).
"""
SETTINGS_TITLE = """## Settings

Keys of `--set KEY=VALUE`, for experiments: without them all is planned from rate and effort. A key
that the representation does not have is an error; `--repr auto` takes ASMR where that alone has it.

| key | values | of | |
| --- | --- | --- | --- |"""


def page() -> str:
    """The whole page."""
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"], "terminal_width": 96}
    group = click.Context(inrcodec, info_name="inrcodec", **settings)
    parts = [INTRODUCTION, _block("inrcodec", inrcodec.get_help(group))]
    for name in inrcodec.list_commands(group):
        command = inrcodec.get_command(group, name)
        assert command is not None
        context = click.Context(command, parent=group, info_name=name, **settings)
        parts.append(_block(f"inrcodec {name}", command.get_help(context)))
    return "\n".join([*parts, SETTINGS_TITLE, *map(_setting, SETTINGS)]) + "\n"


def _setting(key: str) -> str:
    """A line of the table of expert settings."""
    kind, meaning = SETTINGS[key]
    low, high = RANGES.get(key, (0, None))
    if key in CHOICES:
        allowed = one_of(CHOICES[key])
    elif kind is str:
        allowed = "text"
    elif kind is int:
        allowed = f"{low + 1} or more" if high is None else f"{low + 1} to {high - 1}"
    else:
        allowed = f"above {low}" if high is None else f"above {low}, below {high}"
    having = ", ".join(name for name, keys in SETTINGS_OF.items() if key in keys)
    return f"| `{key}` | {allowed} | {having} | {meaning} |"


def _block(title: str, text: str) -> str:
    return f"## {title}\n\n```\n{text.rstrip()}\n```\n"


def main() -> None:
    """Write the page, or with --check fail if it is out of date."""
    if "--check" not in sys.argv:
        TARGET.write_text(page(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != page():
        raise SystemExit("docs/cli.md is out of date: run python -m docs.make_cli")


if __name__ == "__main__":
    main()
