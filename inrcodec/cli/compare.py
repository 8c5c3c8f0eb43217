"""`inrcodec compare`: how close one picture is to another."""

import math
import sys
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.batch import run
from inrcodec.cli.errors import about
from inrcodec.cli.naming import STANDARD_STREAM
from inrcodec.cli.options import result_options
from inrcodec.cli.report import Report

if TYPE_CHECKING:
    from inrcodec.signals import Signal

MAGIC = b"\x89INR"


@click.command()
@click.argument("reference")
@click.argument("test")
@result_options
def compare(reference: str, test: str, report: Report) -> None:
    """Print PSNR, SSIM and MS-SSIM of TEST against REFERENCE.

    Either may be a picture or an .inr file. Both are turned upright before they are compared.
    In JSON the PSNR of equal pictures is null, and so is MS-SSIM of small ones.

    \b
    Example:
      inrcodec compare photo.png photo.inr
      inrcodec compare photo.png back.png --json
    """
    if reference == test == STANDARD_STREAM:
        raise click.UsageError("standard input can be read only once.")
    names = {"reference": reference, "test": test}

    def work(pair: tuple[str, str]) -> None:
        from inrcodec.metrics import compare as compare_signals

        found = compare_signals(*(_read(name) for name in pair))
        report.show({**names, **found}, describe(found))

    sys.exit(run([(reference, test)], lambda pair: names, work, report))


def _read(name: str) -> "Signal":
    """A picture or a decoded .inr file, upright."""
    from inrcodec.files import read_bytes
    from inrcodec.signals import oriented, read_image

    data = read_bytes(name)
    if data.startswith(MAGIC) or PurePath(name).suffix.lower() == ".inr":
        from inrcodec.decoder import decode

        with about(name):
            return oriented(decode(data))
    return oriented(read_image(BytesIO(data), name, True))


LABELS = {
    "psnr_db": ("psnr", "{:.2f} dB"),
    "alpha_psnr_db": ("alpha psnr", "{:.2f} dB"),
    "ssim": ("ssim", "{:.5f}"),
    "ms_ssim": ("ms-ssim", "{:.5f}"),
}


def describe(found: dict[str, Any]) -> str:
    """A line per measure that could be taken."""
    lines = []
    for key, (label, layout) in LABELS.items():
        value = found.get(key)
        if value is not None:
            text = "equal" if math.isinf(value) else layout.format(value)
            lines.append(f"{label:<11}{text}")
    return "\n".join(lines)
