"""`inrcodec encode`: fit a network to each input and write it."""

import sys
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.batch import StopBatch, prepare, run
from inrcodec.cli.fitting import (
    OPTIONS,
    PROGRESS,
    fit_facts,
    make_encode_options,
    quality_in_words,
    read_input,
    time_in_words,
)
from inrcodec.cli.interrupt import Interrupt
from inrcodec.cli.naming import Job, Target
from inrcodec.cli.options import (
    packed,
    resolution_option,
    talk_options,
    target_options,
)
from inrcodec.cli.progress import make_display
from inrcodec.cli.report import Report
from inrcodec.cli.streams import write_output
from inrcodec.cli.words import file_facts, rate_in_words
from inrcodec.limits import NO_LIMITS
from inrcodec.options import EncodeOptions

if TYPE_CHECKING:
    from inrcodec.encoder import Encoded
    from inrcodec.signals import Signal


fit_options = packed(
    "options",
    make_encode_options,
    [field.name for field in fields(EncodeOptions)],
    [OPTIONS[field.name] for field in fields(EncodeOptions)],
)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@target_options
@fit_options
@resolution_option
@click.option(
    "--metadata/--no-metadata",
    default=True,
    help="Keep the colour profile and EXIF, or drop them (turning the picture upright first).",
)
@PROGRESS
@talk_options
def encode(
    inputs: tuple[str, ...],
    target: Target,
    options: EncodeOptions,
    resolution: int | None,
    metadata: bool,
    progress: str,
    report: Report,
) -> None:
    """Fit a network to each INPUT and write it to an .inr file.

    INPUT is a picture, sound, a film or a folder of frames, a volume (.npy, .npz, NIfTI-1) or a
    mesh, which becomes a volume of voxels inside and outside. The output is INPUT with the suffix
    .inr unless --output or --output-dir says otherwise. --bpp, --kbps, --size and --psnr exclude
    one another and are promises about the written file. The first Ctrl-C stops fitting and writes
    the best so far, the second gives up.

    \b
    Example:
      inrcodec encode photo.png --bpp 0.3
      inrcodec encode *.jpg --output-dir small --size 20k --time-limit 5m
      inrcodec encode song.wav --kbps 64
    """
    jobs, status = prepare(inputs, target, ".inr", report)

    def work(job: Job) -> None:
        signal = read_input(job.input, metadata, resolution, report)
        encode_one(job, signal, options, progress, target.force, report)

    sys.exit(run(jobs, asdict, work, report, status))


def encode_one(
    job: Job, signal: "Signal", options: EncodeOptions, progress: str, force: bool, report: Report
) -> None:
    """Encode one input and write it; StopBatch once that is done if Ctrl-C cut it short."""
    from inrcodec.encoder import encode_signal

    display = make_display(progress, report.quiet, job.input)
    with display, Interrupt(display.note) as interrupt:
        encoded = encode_signal(signal, options, progress=display, stop=interrupt.stop)
        display.close()
        write_output(job.output, encoded.data, force)
    record = _record(job, encoded)
    report.detail(f"{job.output}: {encoded.steps} steps, seed {record['seed']}")
    report.done(record, _sentence(record))
    if interrupt.requested:
        report.say("inrcodec: interrupted")
        raise StopBatch


def _record(job: Job, encoded: "Encoded") -> dict[str, Any]:
    """What is told about a written file: the file's own header, and how the fit went."""
    from inrcodec.decoder import info

    header = info(encoded.data, limits=NO_LIMITS)
    return {
        **asdict(job),
        **file_facts(header),
        **fit_facts(encoded),
    }


def _sentence(record: dict[str, Any]) -> str:
    return (
        f"{record['input']} -> {record['output']}: {record['bytes']} bytes, "
        f"{rate_in_words(record)}, {quality_in_words(record)}, {record['repr']}, "
        f"{time_in_words(record)}"
    )
