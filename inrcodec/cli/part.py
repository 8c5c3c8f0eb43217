"""Which part of a signal a command takes: options, and moments as samples or frames."""

from fractions import Fraction
from typing import Any

import click

from inrcodec.cli.options import Decorator
from inrcodec.cli.types import MOMENT, REGION, Moment
from inrcodec.errors import OptionError


def region_option(takes: str) -> Decorator:
    """--region; `takes`: how the command's help begins."""
    return click.option(
        "--region",
        type=REGION,
        metavar="X,Y,W,H",
        help=f"{takes} this rectangle; of a volume this box: X,Y,Z,W,H,D, X being its last axis.",
    )


def span_options(takes: str) -> list[Decorator]:
    """--from and --to; `takes`: how the command's help begins."""
    return [
        click.option(
            "--from",
            "start",
            type=MOMENT,
            metavar="TIME",
            help=f"{takes} audio or video from here on: 1.5 or 1.5s, or 36f for frame or sample "
            "36.",
        ),
        click.option(
            "--to", "end", type=MOMENT, metavar="TIME", help="And up to here, not included."
        ),
    ]


def span_of(
    facts: dict[str, Any], start: Moment | None, end: Moment | None
) -> tuple[int, int] | None:
    """First and last+1 sample or frame; an end beyond the signal's is cut. Raises OptionError."""
    if start is None and end is None:
        return None
    if not facts.get("rate"):
        raise OptionError("--from and --to are for audio and video")
    rate = Fraction(facts["rate"], facts["rate_seconds"])
    size = facts["shape"][0]
    first = start.index(rate) if start else 0
    last = min(end.index(rate), size) if end else size
    what = "frames" if facts["kind"] == "video" else "samples"
    if first >= size:
        raise OptionError(f"--from is beyond the end: {first} of {size} {what}")
    if last <= first:
        raise OptionError(f"--to is not after --from: {what} {first} to {last}")
    return first, last
