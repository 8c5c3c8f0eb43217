"""`inrcodec extend`: append frames, seconds or slices to a file."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
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
from inrcodec.cli.naming import Job, Target, obstacle
from inrcodec.cli.options import packed, talk_options, target_options
from inrcodec.cli.progress import make_display
from inrcodec.cli.report import Report
from inrcodec.cli.streams import write_output
from inrcodec.cli.types import POSITIVE
from inrcodec.cli.words import file_facts, in_words, rate_in_words
from inrcodec.limits import NO_LIMITS
from inrcodec.options import REPRESENTATIONS

if TYPE_CHECKING:
    from inrcodec.encoder import Extended
    from inrcodec.signals import Signal


def _given(settings: Sequence[tuple[str, str]], **given: Any) -> dict[str, Any]:
    """What was given of the encoder's options; usage error as for `encode`."""
    wanted = {name: value for name, value in given.items() if value is not None}
    rates = dict.fromkeys(("bpp", "kbps", "size", "psnr"))
    make_encode_options(settings, **rates | wanted)
    return wanted | {"settings": dict(settings)}


_OWN = {
    "bpp": click.option(
        "--bpp",
        type=POSITIVE,
        metavar="X",
        help="At most X bits per grid point of what is added. Without a rate, in proportion to"
        " the file.",
    ),
    "kbps": click.option(
        "--kbps",
        type=POSITIVE,
        metavar="X",
        help="At most X kilobits per second of what is added.",
    ),
    "repr": click.option(
        "-r",
        "--repr",
        type=click.Choice(REPRESENTATIONS),
        help="Kind of network for what is added; default that of the file.",
    ),
    "effort": click.option(
        "-e",
        "--effort",
        type=click.IntRange(1, 9),
        help="1 is fastest, 9 is best; default that of the file.",
    ),
}
fit_options = packed(
    "options", _given, list(OPTIONS), [_OWN.get(name, option) for name, option in OPTIONS.items()]
)


@click.command()
@click.argument("file")
@click.argument("more")
@target_options
@fit_options
@PROGRESS
@talk_options
def extend(
    file: str,
    more: str,
    target: Target,
    options: dict[str, Any],
    progress: str,
    report: Report,
) -> None:
    """Append MORE to the sound, film or volume in FILE: seconds, frames, or slices along its first
    axis.

    Only MORE is fitted, as `encode` does it; what is in FILE decodes to the same samples as before.
    MORE must have the channels, rate and sizes of FILE. Rates are of what is added and ceilings for
    the bytes that the file grows by; without one, these are in proportion to FILE.

    \b
    Example:
      inrcodec extend film.inr tail.y4m -o longer.inr
      inrcodec extend log.inr hour2.wav --kbps 32 -o log2.inr
    """
    if target.output is None and target.output_dir is None:
        raise click.UsageError("extend needs --output or --output-dir.")
    if file == more == "-":
        raise click.UsageError("standard input can be read only once.")
    jobs, status = prepare((file,), target, ".inr", report)

    def work(job: Job) -> None:
        if (error := obstacle(job, (more,), force=True)) is not None:
            raise error
        signal = read_input(more, False, None, report)
        extend_one(job, more, signal, options, progress, target.force, report)

    sys.exit(run(jobs, asdict, work, report, status))


def extend_one(
    job: Job,
    more: str,
    signal: "Signal",
    options: dict[str, Any],
    progress: str,
    force: bool,
    report: Report,
) -> None:
    """Extend one file and write it; StopBatch once that is done if Ctrl-C cut it short."""
    from inrcodec.encoder import extend as extend_bytes
    from inrcodec.files import read_bytes

    display = make_display(progress, report.quiet, more)
    with display, Interrupt(display.note) as interrupt:
        data = read_bytes(job.input)
        extended = extend_bytes(data, signal, options, progress=display, stop=interrupt.stop)
        display.close()
        write_output(job.output, extended.data, force)
    record = _record(job, more, extended)
    report.done(record, _sentence(record))
    if interrupt.requested:
        report.say("inrcodec: interrupted")
        raise StopBatch


def _record(job: Job, more: str, extended: "Extended") -> dict[str, Any]:
    """What is told about the written file, and about how the fit of what was added went."""
    from inrcodec.decoder import info

    return {
        "input": job.input,
        "more": more,
        "output": job.output,
        **file_facts(info(extended.data, limits=NO_LIMITS)),
        "added_bytes": extended.added_bytes,
        **fit_facts(extended.added),
    }


def _sentence(record: dict[str, Any]) -> str:
    return (
        f"{record['input']} + {record['more']} -> {record['output']}: {in_words(record)}, "
        f"{record['added_bytes']} bytes added, {record['bytes']} in all, {rate_in_words(record)}, "
        f"{quality_in_words(record)} of what was added, {time_in_words(record)}"
    )
