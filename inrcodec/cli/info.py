"""`inrcodec info`: what the header of an .inr file says."""

import sys
from typing import Any

import click

from inrcodec.cli.batch import run
from inrcodec.cli.options import NO_LIMITS, result_options
from inrcodec.cli.report import Report, one_line, samples_in_words


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@result_options
def info(files: tuple[str, ...], report: Report) -> None:
    """Print what each .inr FILE says about itself, without decoding it.

    A one-line summary comes first, then every field, then the sections and their sizes.

    \b
    Example:
      inrcodec info photo.inr
      inrcodec info --json *.inr
    """

    def work(name: str) -> None:
        from inrcodec.decoder import info as read_info
        from inrcodec.files import read_bytes

        found = read_info(read_bytes(name), limits=NO_LIMITS)
        report.show({"input": name, **found}, describe(name, found))

    sys.exit(run(files, lambda name: {"input": name}, work, report))


def describe(name: str, found: dict[str, Any]) -> str:
    """The summary line, and under it a table of fields and a table of sections."""
    lines = [f"{one_line(name)}: {summary(found)}"]
    for key, value in found.items():
        if key != "sections" and value is not None:
            lines.append(f"  {key.replace('_', ' '):<18} {_text(value)}")
    for section in found.get("sections", ()):
        lines.append(
            f"  section {section['name']:<10} {section['bytes']:>8} bytes at {section['offset']}"
        )
    return "\n".join(lines)


def summary(found: dict[str, Any]) -> str:
    """One line: size, samples, kind of network, bytes, rate."""
    words = samples_in_words(found["shape"], found["channels"], found["depth"])
    return f"{words}, {found['repr']}, {found['bytes']} bytes, {found['bpp']:.3f} bpp"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return " ".join(
            ",".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
            for item in value
        )
    return str(value)
