"""What commands that fit networks share: options, the signal that is read, and how good it got."""

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.naming import STANDARD_STREAM, exclusive
from inrcodec.cli.options import Decorator
from inrcodec.cli.report import Report
from inrcodec.cli.types import DURATION, POSITIVE, SETTING, SIZE
from inrcodec.cli.words import facts_of, in_words
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

PROGRESS = click.option(
    "--progress",
    type=click.Choice(["auto", "bar", "json", "none"]),
    default="auto",
    show_default=True,
    help="Progress on standard error; auto is a bar on a terminal.",
)
# By the fields of EncodeOptions.
OPTIONS: dict[str, Decorator] = {
    "bpp": click.option(
        "--bpp",
        type=POSITIVE,
        metavar="X",
        help="At most X bits per pixel, sample, or other grid point, over the whole file. "
        f"Default: {DEFAULT_BPP['image']:g} for pictures, {DEFAULT_BPP['video']:g} for video "
        f"and {DEFAULT_BPP['volume']:g} for volumes.",
    ),
    "kbps": click.option(
        "--kbps",
        type=POSITIVE,
        metavar="X",
        help="At most X kilobits per second of audio or video. "
        f"Default for audio: {DEFAULT_KBPS:g} for each channel.",
    ),
    "size": click.option(
        "--size", type=SIZE, metavar="N[k|M]", help="At most N bytes (k = 1000, M = 1000000)."
    ),
    "psnr": click.option(
        "--psnr", type=POSITIVE, metavar="DB", help="At least DB decibels of PSNR."
    ),
    "repr": click.option(
        "-r",
        "--repr",
        type=click.Choice(REPRESENTATIONS),
        default="auto",
        show_default=True,
        help="Kind of network; auto takes the best for the signal and the rate.",
    ),
    "effort": click.option(
        "-e",
        "--effort",
        type=click.IntRange(1, 9),
        default=5,
        show_default=True,
        help="1 is fastest, 9 is best.",
    ),
    "time_limit": click.option(
        "--time-limit",
        type=DURATION,
        metavar="TIME",
        help="Stop fitting after this time and write the best so far: 90, 90s, 5m, 1h. Of"
        " coordinate networks smaller ones are fitted where larger ones have no time to learn.",
    ),
    "seed": click.option(
        "--seed",
        type=click.IntRange(0, 2**64 - 1),
        default=0,
        show_default=True,
        metavar="N",
        help="Seed of every random choice; kept in the file.",
    ),
    "threads": click.option(
        "--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads; default all."
    ),
    "device": click.option(
        "--device",
        type=click.Choice(DEVICES),
        default="auto",
        show_default=True,
        help="Where to fit; auto takes a GPU if there is one.",
    ),
    "settings": click.option(
        "--set",
        "settings",
        type=SETTING,
        multiple=True,
        metavar="KEY=VALUE",
        help=f"Expert setting, repeatable. Keys: {', '.join(SETTINGS)}.",
    ),
}


def make_encode_options(settings: Sequence[tuple[str, str]], **given: Any) -> EncodeOptions:
    """The encoder's options; usage error for two rates, OptionError for a bad expert setting."""
    exclusive(*(item for name in RATES for item in (f"--{name}", given[name])))
    keys = [key for key, _ in settings]
    for key in keys:
        if keys.count(key) > 1:
            raise click.UsageError(f"--set {key} is given more than once.")
    return EncodeOptions(settings=dict(settings), **given)


def read_input(name: str, keep_metadata: bool, resolution: int | None, report: Report) -> "Signal":
    """The signal in a file or on standard input; says what it is, and what of it is left out."""
    from inrcodec.files import is_special, read_bytes
    from inrcodec.signals.image_read import page_count
    from inrcodec.signals.read import read_signal

    once = name == STANDARD_STREAM or is_special(name)
    source = BytesIO(read_bytes(name)) if once else Path(name)
    signal = read_signal(source, name, keep_metadata=keep_metadata, resolution=resolution)
    report.detail(f"{name}: {in_words(facts_of(signal))}")
    if signal.kind == "image" and (pages := page_count(source)) > 1:
        report.say(f"{name}: the first of {pages} pages; the others are left out")
    if signal.kind == "video" and isinstance(source, Path):
        from inrcodec.signals.video_read import has_sound

        if has_sound(source):
            report.say(f"{name}: the sound is left out; it can be encoded by itself")
    return signal


def fit_facts(encoded: "Encoded") -> dict[str, Any]:
    """How a fit went, as records of written files tell it."""
    return {
        "psnr_db": encoded.psnr_db,
        **encoded.measures,
        "seconds": round(encoded.seconds, 3),
        "steps": encoded.steps,
        "stopped": encoded.stopped,
    }


def time_in_words(record: dict[str, Any]) -> str:
    """How long the fit took, and whether it was cut short."""
    early = " (stopped early)" if record["stopped"] else ""
    return f"{record['seconds']:.1f} s{early}"


def quality_in_words(record: dict[str, Any]) -> str:
    """The measure that says most: IoU of a mask, SNR of audio, else PSNR; of other volumes the
    largest error too."""
    if "iou" in record:
        return f"IoU {record['iou']:.4f}"
    name, value = "", record["psnr_db"]
    if record.get("snr_db") is not None:
        name, value = "SNR ", record["snr_db"]
    if value is None:
        return "constant"
    words = f"{name}{value:.2f} dB" if math.isfinite(value) else "equal"
    return f"{words}, errors up to {record['max_error']:.3g}" if "max_error" in record else words
