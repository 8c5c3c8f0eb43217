"""`inrcodec crop`: the file of a part of a file, without refitting."""

import sys
import time
from dataclasses import asdict
from typing import Any

import click

from inrcodec.cli.batch import prepare, run
from inrcodec.cli.naming import Job, Target
from inrcodec.cli.options import limit_options, packed, talk_options, target_options
from inrcodec.cli.part import region_option, span_of, span_options
from inrcodec.cli.report import Report
from inrcodec.cli.streams import write_output
from inrcodec.cli.words import file_facts, in_words, rate_in_words
from inrcodec.limits import NO_LIMITS, Limits

part_options = packed(
    "part", dict, ["region", "start", "end"], [region_option("Keep only"), *span_options("Keep")]
)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@target_options
@part_options
@limit_options
@talk_options
def crop(
    inputs: tuple[str, ...], target: Target, part: dict[str, Any], limits: Limits, report: Report
) -> None:
    """Write a part of each .inr file INPUT to a smaller .inr file, at once and without loss.

    The output decodes to exactly the samples that the part has in INPUT. Segments of audio, video
    and volumes that the part does not meet are left out, frames of a film that follow it, groups of
    partitions of local-global networks, and latents of a pyramid that it does not depend on. Of
    what is kept, segments at the ends, partitions and latents at the borders say more than is
    shown: to hide something for good, decode and encode again. A part that needs all of INPUT
    cannot be cropped: any of a picture by one coordinate network (asmr, siren, doh), or of a sound
    or volume of one segment.

    \b
    Example:
      inrcodec crop photo.inr --region 64,32,128,128 -o face.inr
      inrcodec crop film.inr --from 10 --to 20 -o scene.inr
      inrcodec crop scan.inr --region 0,0,40,64,64,8 --output-dir parts
    """
    if target.output is None and target.output_dir is None:
        raise click.UsageError("crop needs --output or --output-dir.")
    jobs, status = prepare(inputs, target, ".inr", report)

    def work(job: Job) -> None:
        crop_one(job, part, limits, target.force, report)

    sys.exit(run(jobs, asdict, work, report, status))


def crop_one(job: Job, part: dict[str, Any], limits: Limits, force: bool, report: Report) -> None:
    """Crop one file and write what is left."""
    from inrcodec.cropping import crop as crop_bytes
    from inrcodec.decoder import info
    from inrcodec.files import read_bytes

    start = time.perf_counter()
    data = read_bytes(job.input)
    facts = info(data, limits=NO_LIMITS)
    span = span_of(facts, part["start"], part["end"])
    cropped = crop_bytes(data, region=part["region"], span=span, limits=limits)
    write_output(job.output, cropped, force)
    seconds = time.perf_counter() - start
    record = {
        **asdict(job),
        **file_facts(info(cropped, limits=NO_LIMITS)),
        "input_bytes": len(data),
        "seconds": round(seconds, 4),
    }
    report.done(record, _sentence(record))


def _sentence(record: dict[str, Any]) -> str:
    return (
        f"{record['input']} -> {record['output']}: {in_words(record)}, {record['bytes']} of"
        f" {record['input_bytes']} bytes, {rate_in_words(record)}, {record['seconds']:.3f} s"
    )
