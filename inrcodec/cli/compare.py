"""`inrcodec compare`: how close one signal is to another."""

import math
import sys
from typing import Any

import click

from inrcodec.cli.batch import run
from inrcodec.cli.naming import STANDARD_STREAM
from inrcodec.cli.options import resolution_option, result_options
from inrcodec.cli.report import Report


@click.command()
@click.argument("reference")
@click.argument("test")
@resolution_option
@result_options
def compare(reference: str, test: str, resolution: int | None, report: Report) -> None:
    """Print how near TEST is to REFERENCE.

    That is PSNR, SSIM and MS-SSIM of pictures and video, SNR and PSNR of audio, PSNR and the
    largest error of volumes, and IoU where they are masks. Either may be an .inr file, or whatever
    `encode` takes; a mesh takes the resolution of an .inr file beside it. Pictures are turned
    upright before they are compared. In JSON the PSNR of equal signals is null, and so is MS-SSIM
    of small pictures.

    \b
    Example:
      inrcodec compare photo.png photo.inr
      inrcodec compare song.wav song.inr --json
    """
    if reference == test == STANDARD_STREAM:
        raise click.UsageError("standard input can be read only once.")
    names = {"reference": reference, "test": test}

    def work(pair: tuple[str, str]) -> None:
        from inrcodec.comparison import compare as compare_signals
        from inrcodec.sources import load_all

        found = compare_signals(*load_all(pair, resolution))
        report.show({**names, **found}, describe(found))

    sys.exit(run([(reference, test)], lambda pair: names, work, report))


LABELS = {
    "snr_db": ("snr", "{:.2f} dB"),
    "psnr_db": ("psnr", "{:.2f} dB"),
    "psnr_y_db": ("psnr y", "{:.2f} dB"),
    "psnr_u_db": ("psnr u", "{:.2f} dB"),
    "psnr_v_db": ("psnr v", "{:.2f} dB"),
    "alpha_psnr_db": ("alpha psnr", "{:.2f} dB"),
    "ssim": ("ssim", "{:.5f}"),
    "ms_ssim": ("ms-ssim", "{:.5f}"),
    "max_error": ("max error", "{:.6g}"),
    "iou": ("iou", "{:.5f}"),
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
