"""`inrcodec decode`: turn .inr files back into pictures, without the fitting stack."""

import sys
import time
from dataclasses import asdict
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.batch import prepare, run
from inrcodec.cli.naming import STANDARD_STREAM, Job, Target
from inrcodec.cli.options import limit_options, packed, talk_options, target_options
from inrcodec.cli.report import Report, samples_in_words
from inrcodec.cli.streams import write_output
from inrcodec.cli.types import REGION, SCALE
from inrcodec.limits import Limits

if TYPE_CHECKING:
    from inrcodec.signals import Signal

DEFAULT_FORMAT = "png"

# Format name -> suffix of the default output name.
FORMATS = {
    "png": ".png",
    "tiff": ".tiff",
    "webp": ".webp",
    "bmp": ".bmp",
    "ppm": ".ppm",
    "pgm": ".pgm",
    "jpeg": ".jpg",
    "avif": ".avif",
    "npy": ".npy",
}

part_options = packed(
    "part",
    dict,
    ["region", "scale", "draft", "ignore_checksum"],
    [
        click.option(
            "--region", type=REGION, metavar="X,Y,W,H", help="Decode only this rectangle."
        ),
        click.option(
            "--scale", type=SCALE, default="1", metavar="1/k", help="Decode at a k-th of the size."
        ),
        click.option("--draft", is_flag=True, help="Scale faster, from a pyramid's coarse grids."),
        click.option("--ignore-checksum", is_flag=True, help="Go on where a checksum is wrong."),
    ],
)

picture_options = packed(
    "picture",
    dict,
    ["format", "depth"],
    [
        click.option(
            "--format",
            type=click.Choice(list(FORMATS)),
            help="Picture format; default by the suffix of the output, else png.",
        ),
        click.option(
            "--depth",
            type=click.Choice(["8", "16"]),
            callback=lambda ctx, param, value: value and int(value),
            help="Bits per sample of the output; default as encoded.",
        ),
    ],
)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@target_options
@part_options
@picture_options
@limit_options
@talk_options
def decode(
    inputs: tuple[str, ...],
    target: Target,
    part: dict[str, Any],
    picture: dict[str, Any],
    limits: Limits,
    report: Report,
) -> None:
    """Decode each .inr file INPUT to a picture.

    The output is INPUT with the suffix .png (or that of --format) unless --output or
    --output-dir says otherwise.

    \b
    Example:
      inrcodec decode photo.inr -o back.png
      inrcodec decode photo.inr --region 64,32,128,128 --scale 1/2 -o - | display
    """
    chosen = picture["format"] or DEFAULT_FORMAT
    jobs, status = prepare(inputs, target, FORMATS[chosen], report)

    def work(job: Job) -> None:
        format_name = _format_name(job.output, picture["format"])
        signal, seconds = _decode(job.input, part, limits)
        data = _picture_bytes(signal, job.output, format_name, picture["depth"])
        write_output(job.output, data, target.force)
        record = _record(job, signal, len(data), seconds)
        report.done(record, _sentence(record))

    sys.exit(run(jobs, asdict, work, report, status))


def _decode(name: str, part: dict[str, Any], limits: Limits) -> tuple["Signal", float]:
    """The decoded signal and the seconds that took, reading and start-up left out."""
    from inrcodec.decoder import decode as decode_bytes
    from inrcodec.files import read_bytes

    data = read_bytes(name)
    start = time.perf_counter()
    signal = decode_bytes(data, limits=limits, **part)
    return signal, time.perf_counter() - start


def _format_name(output: str, asked: str | None) -> str:
    """The format to write; OptionError, before anything is decoded, if there is no such one."""
    from inrcodec.signals.image_formats import format_for

    if asked is None and (output == STANDARD_STREAM or not PurePath(output).suffix):
        return DEFAULT_FORMAT
    return format_for(output, asked).name


def _picture_bytes(signal: "Signal", output: str, format_name: str, depth: int | None) -> bytes:
    """The picture file, whole, in memory: only then is anything written."""
    from inrcodec.signals import write_image

    buffer = BytesIO()
    write_image(signal, buffer, output, format_name, depth)
    return buffer.getvalue()


def _record(job: Job, signal: "Signal", size_bytes: int, seconds: float) -> dict[str, Any]:
    return {
        **asdict(job),
        "bytes": size_bytes,
        "shape": list(signal.shape),
        "channels": signal.channels,
        "depth": signal.depth,
        "seconds": round(seconds, 4),
    }


def _sentence(record: dict[str, Any]) -> str:
    words = samples_in_words(record["shape"], record["channels"], record["depth"])
    return f"{record['input']} -> {record['output']}: {words}, {record['seconds']:.3f} s"
