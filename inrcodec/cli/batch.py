"""One command over several files: an error on one is told, and the others go on."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click

from inrcodec.cli.errors import INTERRUPTED
from inrcodec.cli.naming import STANDARD_STREAM, Job, Suffix, Target, obstacle, plan_jobs
from inrcodec.cli.report import Report
from inrcodec.cli.streams import stdout_is_terminal


class StopBatch(Exception):  # noqa: N818 - a request, not an error
    """Ctrl-C was answered with a whole file; the files after it are left alone."""


def prepare(
    inputs: Sequence[str],
    target: Target,
    suffix: Suffix,
    report: Report,
    is_folder: Callable[[Job], bool] = lambda job: False,
) -> tuple[list[Job], int]:
    """Jobs that may run, and the exit status so far (0, or that of the first refused one).

    Everything that forbids an output is told here, before any work is done. `is_folder` says
    whether a job's output is a folder.
    """
    jobs = plan_jobs(inputs, target, suffix)
    _check_stdout(jobs, report)
    if target.output_dir is not None:
        os.makedirs(target.output_dir, exist_ok=True)
    ready: list[Job] = []
    status = 0
    for job in jobs:
        if target.skip_existing and _exists(job):
            report.done({**asdict(job), "skipped": True}, f"{job.output}: exists, skipped")
        elif (error := obstacle(job, inputs, target.force, is_folder(job))) is not None:
            status = _first(status, report.failure(asdict(job), error))
        else:
            ready.append(job)
    return ready, status


def _exists(job: Job) -> bool:
    return job.output != STANDARD_STREAM and os.path.lexists(job.output)


def _check_stdout(jobs: Sequence[Job], report: Report) -> None:
    if not any(job.output == STANDARD_STREAM for job in jobs):
        return
    if report.as_json:
        raise click.UsageError("--json and the output both want standard output; use --output.")
    if stdout_is_terminal():
        raise click.UsageError("binary data is not written to a terminal; use --output FILE.")


def run(
    items: Iterable[Any],
    names: Callable[[Any], dict[str, str]],
    work: Callable[[Any], None],
    report: Report,
    status: int = 0,
) -> int:
    """Do `work` on every item; returns the exit status: the first error's, or 130 after Ctrl-C.

    `names` gives the keys under which an item's files appear in a JSON object about an error.
    """
    for item in items:
        try:
            work(item)
        except StopBatch:
            return INTERRUPTED
        except KeyboardInterrupt as interrupt:
            return report.failure(names(item), interrupt)
        except BrokenPipeError:
            raise
        except Exception as error:
            status = _first(status, report.failure(names(item), error))
    return status


def _first(status: int, later: int) -> int:
    return status or later
