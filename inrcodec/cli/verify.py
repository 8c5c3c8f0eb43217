"""`inrcodec verify`: is a file whole, and does it decode?"""

import sys

import click

from inrcodec.cli.batch import run
from inrcodec.cli.options import limit_options, result_options
from inrcodec.cli.report import Report, one_line
from inrcodec.limits import Limits


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@limit_options
@result_options
def verify(files: tuple[str, ...], limits: Limits, report: Report) -> None:
    """Check every checksum of each .inr FILE and decode it; nothing is written.

    The exit status is 0 if all are sound, 3 if one is damaged, 4 if one is beyond a limit.

    \b
    Example:
      inrcodec verify *.inr
    """

    def work(name: str) -> None:
        from inrcodec.decoder import verify as verify_bytes
        from inrcodec.files import read_bytes

        found = verify_bytes(read_bytes(name), limits=limits)
        report.show({"input": name, **found, "status": 0}, f"{one_line(name)}: ok")

    sys.exit(run(files, lambda name: {"input": name}, work, report))
