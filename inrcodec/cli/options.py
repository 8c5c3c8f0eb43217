"""Options that commands share. Each decorator packs its options into one object."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any

import click

from inrcodec.cli.naming import Target
from inrcodec.cli.report import Report
from inrcodec.limits import Limits

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


def packed(
    into: str, factory: Callable[..., Any], names: Sequence[str], options: Sequence[Decorator]
) -> Decorator:
    """A decorator that adds `options` and passes their values on as `into=factory(**values)`.

    `names` are the parameter names of the options, which `factory` takes as keywords.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapper(**given: Any) -> Any:
            own = {name: given.pop(name) for name in names}
            return function(**{into: factory(**own)}, **given)

        decorated: Function = wrapper
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


target_options = packed(
    "target",
    Target,
    [field.name for field in fields(Target)],
    [
        click.option("-o", "--output", metavar="OUT", help='Output file; "-" is standard output.'),
        click.option("--output-dir", metavar="DIR", help="Directory for outputs, made if missing."),
        click.option("-f", "--force", is_flag=True, help="Replace output files that exist."),
        click.option("--skip-existing", is_flag=True, help="Leave inputs whose output exists."),
    ],
)

QUIET = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
VERBOSE = click.option(
    "-v", "--verbose", is_flag=True, help="Say more; tracebacks of internal errors."
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per file, for errors too."
)


# For commands that write files, and for those that print what they find.
talk_options = packed("report", Report, ["quiet", "verbose", "as_json"], [QUIET, VERBOSE, JSON])
result_options = packed("report", Report, ["verbose", "as_json"], [VERBOSE, JSON])


resolution_option = click.option(
    "--resolution",
    type=click.IntRange(min=1),
    metavar="N",
    help="Voxels along the longest side of a mesh.",
)


def _limit_option(name: str, default: int, what: str) -> Decorator:
    return click.option(
        f"--max-{name.replace('_', '-')}",
        name,
        type=click.IntRange(min=0),
        default=default,
        show_default=True,
        metavar="N",
        help=f"Refuse files with more {what}; 0 = no limit.",
    )


_LIMITED = {
    "samples": "samples (pixels, voxels)",
    "side": "samples along one side",
    "macs": "multiplications to decode",
    "weights": "weights",
    "projection": "entries in random projections",
    "sections": "sections",
    "metadata_bytes": "bytes of metadata",
}

limit_options = packed(
    "limits",
    Limits,
    [field.name for field in fields(Limits)],
    [_limit_option(f.name, getattr(Limits(), f.name), _LIMITED[f.name]) for f in fields(Limits)],
)
