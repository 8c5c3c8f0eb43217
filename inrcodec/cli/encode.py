"""`inrcodec encode`: fit a network to each input and write it."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.batch import StopBatch, prepare, run
from inrcodec.cli.interrupt import Interrupt
from inrcodec.cli.naming import STANDARD_STREAM, Job, Target, exclusive
from inrcodec.cli.options import (
    NO_LIMITS,
    packed,
    resolution_option,
    talk_options,
    target_options,
)
from inrcodec.cli.progress import make_display
from inrcodec.cli.report import Report
from inrcodec.cli.streams import write_output
from inrcodec.cli.types import DURATION, POSITIVE, SETTING, SIZE
from inrcodec.cli.words import facts_of, file_facts, in_words, rate_in_words
from inrcodec.options import (
    DEFAULT_BPP,
    DEFAULT_KBPS,
    DEVICES,
    RATES,
    REPRESENTATIONS,
    SETTINGS,
    EncodeOptions,
)

if TYPE_CHECKING:
    from inrcodec.encoder import Encoded
    from inrcodec.signals import Signal


def make_encode_options(settings: Sequence[tuple[str, str]], **given: Any) -> EncodeOptions:
    """The encoder's options; usage error for two rates, OptionError for a bad expert setting."""
    exclusive(*(item for name in RATES for item in (f"--{name}", given[name])))
    keys = [key for key, _ in settings]
    for key in keys:
        if keys.count(key) > 1:
            raise click.UsageError(f"--set {key} is given more than once.")
    return EncodeOptions(settings=dict(settings), **given)


fit_options = packed(
    "options",
    make_encode_options,
    [field.name for field in fields(EncodeOptions)],
    [
        click.option(
            "--bpp",
            type=POSITIVE,
            metavar="X",
            help="At most X bits per pixel, sample, or other grid point, over the whole file. "
            f"Default: {DEFAULT_BPP['image']:g} for pictures, {DEFAULT_BPP['video']:g} for video "
            f"and {DEFAULT_BPP['volume']:g} for volumes.",
        ),
        click.option(
            "--kbps",
            type=POSITIVE,
            metavar="X",
            help="At most X kilobits per second of audio or video. "
            f"Default for audio: {DEFAULT_KBPS:g} for each channel.",
        ),
        click.option(
            "--size", type=SIZE, metavar="N[k|M]", help="At most N bytes (k = 1000, M = 1000000)."
        ),
        click.option("--psnr", type=POSITIVE, metavar="DB", help="At least DB decibels of PSNR."),
        click.option(
            "-r",
            "--repr",
            type=click.Choice(REPRESENTATIONS),
            default="auto",
            show_default=True,
            help="Kind of network; auto takes the best for the signal and the rate.",
        ),
        click.option(
            "-e",
            "--effort",
            type=click.IntRange(1, 9),
            default=5,
            show_default=True,
            help="1 is fastest, 9 is best.",
        ),
        click.option(
            "--time-limit",
            type=DURATION,
            metavar="TIME",
            help="Stop fitting after this time and write the best so far: 90, 90s, 5m, 1h.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**64 - 1),
            default=0,
            show_default=True,
            metavar="N",
            help="Seed of every random choice; kept in the file.",
        ),
        click.option(
            "--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads; default all."
        ),
        click.option(
            "--device",
            type=click.Choice(DEVICES),
            default="auto",
            show_default=True,
            help="Where to fit; auto takes a GPU if there is one.",
        ),
        click.option(
            "--set",
            "settings",
            type=SETTING,
            multiple=True,
            metavar="KEY=VALUE",
            help=f"Expert setting, repeatable. Keys: {', '.join(SETTINGS)}.",
        ),
    ],
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
@click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "json", "none"]),
    default="auto",
    show_default=True,
    help="Progress on standard error; auto is a bar on a terminal.",
)
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
        signal = _read(job.input, metadata, resolution, report)
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


def _read(name: str, keep_metadata: bool, resolution: int | None, report: Report) -> "Signal":
    """The signal in a file or on standard input; says what it is, and what of it is left out."""
    from inrcodec.files import read_bytes
    from inrcodec.signals.read import read_signal

    source = BytesIO(read_bytes(name)) if name == STANDARD_STREAM else Path(name)
    signal = read_signal(source, name, keep_metadata=keep_metadata, resolution=resolution)
    report.detail(f"{name}: {in_words(facts_of(signal))}")
    if signal.kind == "video" and isinstance(source, Path):
        from inrcodec.signals.video_read import has_sound

        if has_sound(source):
            report.say(f"{name}: the sound is left out; it can be encoded by itself")
    return signal


def _record(job: Job, encoded: "Encoded") -> dict[str, Any]:
    """What is told about a written file: the file's own header, and how the fit went."""
    from inrcodec.decoder import info

    header = info(encoded.data, limits=NO_LIMITS)
    return {
        **asdict(job),
        **file_facts(header),
        "psnr_db": encoded.psnr_db,
        **encoded.measures,
        "seconds": round(encoded.seconds, 3),
        "steps": encoded.steps,
        "stopped": encoded.stopped,
    }


def _sentence(record: dict[str, Any]) -> str:
    early = " (stopped early)" if record["stopped"] else ""
    return (
        f"{record['input']} -> {record['output']}: {record['bytes']} bytes, "
        f"{rate_in_words(record)}, {_quality(record)}, {record['repr']}, "
        f"{record['seconds']:.1f} s{early}"
    )


def _quality(record: dict[str, Any]) -> str:
    """The measure that says most: IoU of a mask, SNR of audio, else PSNR."""
    if "iou" in record:
        return f"IoU {record['iou']:.4f}"
    if record.get("snr_db") is not None:
        return f"SNR {record['snr_db']:.2f} dB"
    return f"{record['psnr_db']:.2f} dB" if record["psnr_db"] is not None else "constant"
