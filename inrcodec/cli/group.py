"""The `inrcodec` command itself: finds the subcommands and turns any error into one line."""

from importlib import import_module
from typing import Any

import click

from inrcodec.cli.errors import explain
from inrcodec.cli.report import one_line

COMMANDS = ("encode", "decode", "info", "verify", "compare", "crop", "extend")


class LazyGroup(click.Group):
    """A group whose command `name` is the function `name` in the module inrcodec.cli.`name`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use rather than of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command called `name`, imported now, or None."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"inrcodec.cli.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it let through ends with one line and the right exit status."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            message, status = explain(error)
            click.echo(one_line(f"inrcodec: {message}"), err=True)
            ctx.exit(status)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="inrcodec", message="%(prog)s %(version)s")
def main() -> None:
    """Store a picture, sound, film or volume as small neural networks fitted to it.

    \b
    Example:
      inrcodec encode photo.png --bpp 0.3     writes photo.inr
      inrcodec decode photo.inr -o back.png
      inrcodec encode song.wav --kbps 64      writes song.inr

    Data goes to standard output, talk to standard error; "-" stands for either standard stream.
    Exit status: 0 done, 1 failure, 2 wrong usage, 3 damaged or not an .inr file, 4 a limit or an
    unsupported version, 130 after Ctrl-C. With several files the first error decides.
    """
