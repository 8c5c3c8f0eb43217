"""`inrcodec info`: what the header of an .inr file says."""

import sys
from typing import Any

import click

from inrcodec.cli.batch import run
from inrcodec.cli.options import result_options
from inrcodec.cli.report import Report, one_line
from inrcodec.cli.words import in_words, rate_in_words, rate_of
from inrcodec.limits import NO_LIMITS


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
        if key not in ("sections", "joined", "rate_seconds") and value is not None:
            lines.append(f"  {_row(key, value, found)}")
    for file in found.get("joined", ()):
        lines.append(f"  joined {_length(file, found)}, {file['repr']}, {file['bytes']} bytes")
    for section in found.get("sections", ()):
        lines.append(
            f"  section {section['name']:<10} {section['bytes']:>8} bytes at {section['offset']}"
        )
    return "\n".join(lines)


def summary(found: dict[str, Any]) -> str:
    """One line: size, samples, kind of network, bytes, rate."""
    rate = rate_in_words(found)
    return f"{in_words(found)}, {found['repr']}, {found['bytes']} bytes, {rate}"


# Counts along axis 0, and how many there are in a second.
COUNTED = {"audio": ("samples", "samples per s"), "video": ("frames", "fps")}


def _length(file: dict[str, Any], found: dict[str, Any]) -> str:
    """What a joined file adds along axis 0."""
    counted, _ = COUNTED.get(found["kind"], ("slices", ""))
    return f"{file['shape'][0]} {counted}"


def _row(key: str, value: Any, found: dict[str, Any]) -> str:
    """A field, with its unit where it has one."""
    counted, per_second = COUNTED.get(found["kind"], ("", ""))
    if key == "rate":
        key, text = per_second, f"{rate_of(found):.6g}"
    elif key == "segment" and counted:
        text = f"{value} {counted}"
    elif key == "duration_s":
        key, text = "duration", f"{value:.6g} s, {found['shape'][0]} {counted}"
    else:
        text = _text(value)
    return f"{key.replace('_', ' '):<18} {text}"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return " ".join(
            ",".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
            for item in value
        )
    return str(value)
