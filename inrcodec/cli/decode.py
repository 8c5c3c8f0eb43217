"""`inrcodec decode`: turn .inr files back into signals, without the fitting stack."""

import sys
import time
from dataclasses import asdict
from fractions import Fraction
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import click

from inrcodec.cli.batch import prepare, run
from inrcodec.cli.formats import DEFAULTS, SUFFIXES, formats_in_words
from inrcodec.cli.naming import STANDARD_STREAM, Job, Target
from inrcodec.cli.options import limit_options, packed, talk_options, target_options
from inrcodec.cli.part import region_option, span_of, span_options
from inrcodec.cli.report import Report
from inrcodec.cli.streams import write_output
from inrcodec.cli.types import SCALE
from inrcodec.cli.words import facts_of, in_words
from inrcodec.errors import InrError, OptionError
from inrcodec.limits import NO_LIMITS, Limits

if TYPE_CHECKING:
    from inrcodec.signals import Signal

part_options = packed(
    "part",
    dict,
    ["region", "start", "end", "scale", "draft", "ignore_checksum"],
    [
        region_option("Decode only"),
        *span_options("Decode"),
        click.option(
            "--scale",
            type=SCALE,
            default="1",
            metavar="1/k|S",
            help="Decode at a k-th of the size; or at S times, 2 or 1.5, from siren networks.",
        ),
        click.option(
            "--draft",
            is_flag=True,
            help="Scale a picture faster, less exactly: by coarse grids or few samples.",
        ),
        click.option("--ignore-checksum", is_flag=True, help="Go on where a checksum is wrong."),
    ],
)

format_options = packed(
    "wanted",
    dict,
    ["format", "depth"],
    [
        click.option(
            "--format",
            type=click.Choice(list(SUFFIXES)),
            metavar="FORMAT",
            help="Format; default by the suffix of the output, else the first of its kind. "
            f"{formats_in_words().capitalize()}. png of a video is a folder of frames, a mask is "
            "a volume that says what is inside.",
        ),
        click.option(
            "--depth",
            type=click.Choice(["8", "16", "24", "32"]),
            callback=lambda ctx, param, value: value and int(value),
            help="Bits per sample: 8 or 16 of pictures, 16, 24 or 32 of audio; default as encoded.",
        ),
    ],
)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@target_options
@part_options
@format_options
@limit_options
@talk_options
def decode(
    inputs: tuple[str, ...],
    target: Target,
    part: dict[str, Any],
    wanted: dict[str, Any],
    limits: Limits,
    report: Report,
) -> None:
    """Decode each .inr file INPUT to a picture, sound, a film, a volume or a mesh.

    The output is INPUT with the suffix of --format, or else .png, .wav, .y4m or .npy by the kind
    of signal, unless --output or --output-dir says otherwise.

    \b
    Example:
      inrcodec decode photo.inr -o back.png
      inrcodec decode photo.inr --region 64,32,128,128 --scale 1/2 -o - | display
      inrcodec decode film.inr --from 1.5 --to 36f --format mp4
    """
    facts = {name: _peek(name) for name in inputs}

    def suffix(name: str) -> str:
        return default_suffix(facts[name], wanted["format"])

    def is_folder(job: Job) -> bool:
        return writes_folder(facts[job.input], job.output, wanted["format"])

    def work(job: Job) -> None:
        decode_one(job, part, wanted, limits, target.force, report)

    jobs, status = prepare(inputs, target, suffix, report, is_folder)
    sys.exit(run(jobs, asdict, work, report, status))


def _peek(name: str) -> dict[str, Any] | None:
    """What a file's header says; None for what can be read only once, and for a file that cannot be
    read: what is wrong with that is told when its turn comes."""
    from inrcodec.files import is_special, read_bytes

    try:
        once = name == STANDARD_STREAM or is_special(name)
        return None if once else _facts(read_bytes(name))
    except InrError:
        return None


def _facts(data: bytes) -> dict[str, Any]:
    from inrcodec.decoder import info

    return info(data, limits=NO_LIMITS, ignore_checksum=True)


def default_suffix(facts: dict[str, Any] | None, asked: str | None) -> str:
    """The suffix of the output of a file with such a header; none of a folder of frames."""
    if facts is not None and asked == "png" and facts["kind"] == "video":
        return ""
    return SUFFIXES[asked or DEFAULTS[facts["kind"] if facts is not None else "image"]]


def writes_folder(facts: dict[str, Any] | None, output: str, asked: str | None) -> bool:
    """Whether a file with such a header becomes a folder of frames."""
    if facts is None or facts["kind"] != "video" or output == STANDARD_STREAM:
        return False
    return asked == "png" or (asked is None and PurePath(output).suffix.lower() == ".png")


def decode_one(
    job: Job,
    part: dict[str, Any],
    wanted: dict[str, Any],
    limits: Limits,
    force: bool,
    report: Report,
) -> None:
    """Decode one file and write the signal; OptionError, before it is decoded, if it cannot be."""
    from inrcodec.decoder import decode as decode_bytes
    from inrcodec.files import read_bytes
    from inrcodec.signals.write import check_depth, format_for, output_kind

    data = read_bytes(job.input)
    facts = _facts(data)
    kind = output_kind(facts["kind"], facts["shape"], facts["channels"], facts["depth"])
    format_name = format_for(kind, job.output, wanted["format"])
    check_depth(kind, wanted["depth"])
    options = {key: value for key, value in part.items() if key not in ("start", "end")}
    options |= _scaling(part["scale"])
    span = span_of(facts, part["start"], part["end"])
    start = time.perf_counter()
    signal = decode_bytes(data, span=span, limits=limits, **options)
    seconds = time.perf_counter() - start  # reading and start-up left out
    size_bytes = _write(signal, job.output, format_name, wanted["depth"], force)
    record = _record(job, signal, size_bytes, seconds)
    if wanted["depth"] is not None:
        record["depth"] = wanted["depth"]
    report.done(record, f"{job.input} -> {job.output}: {in_words(record)}, {seconds:.3f} s")


def _scaling(factor: Fraction) -> dict[str, Any]:
    """The decoder's options for a factor of the size."""
    return {"scale": factor.denominator} if factor <= 1 else {"scale": 1, "enlarge": factor}


def _write(signal: "Signal", output: str, format_name: str, depth: int | None, force: bool) -> int:
    """Write the signal, and return how many bytes it takes."""
    from inrcodec.signals.write import write_signal

    if signal.kind == "video" and format_name == "png":
        return _write_folder(signal, output, force)
    buffer = BytesIO()  # whole, in memory: only then is anything written
    write_signal(signal, buffer, output, format_name, depth)
    write_output(output, buffer.getvalue(), force)
    return len(buffer.getvalue())


def _write_folder(signal: "Signal", output: str, force: bool) -> int:
    from inrcodec.signals.frame_folder import write_frames

    if output == STANDARD_STREAM:
        raise OptionError("png of a video is a folder of frames, and no stream; name it")
    write_frames(signal, Path(output), force)
    return sum(path.stat().st_size for path in Path(output).glob("*.png"))


def _record(job: Job, signal: "Signal", size_bytes: int, seconds: float) -> dict[str, Any]:
    return {**asdict(job), "bytes": size_bytes, **facts_of(signal), "seconds": round(seconds, 4)}
