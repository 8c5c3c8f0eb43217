"""Which file each input becomes, and what forbids writing it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from inrcodec.errors import InrError, OutputError
from inrcodec.files import is_special

STANDARD_STREAM = "-"


# Of an output: one for all, or one by the input's name; "" for a folder.
Suffix = str | Callable[[str], str]
_DOUBLE = ".nii.gz"


@dataclass(frozen=True)
class Job:
    """One input and where its result goes; "-" is standard input or standard output."""

    input: str
    output: str


@dataclass(frozen=True)
class Target:
    """What the output options say."""

    output: str | None = None
    output_dir: str | None = None
    force: bool = False
    skip_existing: bool = False

    def __post_init__(self) -> None:
        exclusive("--output", self.output, "--output-dir", self.output_dir)
        exclusive("--force", self.force, "--skip-existing", self.skip_existing)


def exclusive(*names_and_values: object) -> None:
    """Usage error naming the first two options that were both given; name, value, name, ..."""
    pairs = zip(names_and_values[::2], names_and_values[1::2], strict=True)
    given = [name for name, value in pairs if value is not None and value is not False]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} exclude one another.")


def plan_jobs(inputs: Sequence[str], target: Target, suffix: Suffix) -> list[Job]:
    """Where every input goes: `suffix` (".inr") takes the place of the input's own.

    Raises click.UsageError where names clash: several inputs and one output, two inputs that
    become the same file, standard input twice or without a name in the output directory.
    OutputError for an output directory that is something else.
    """
    if target.output is not None and len(inputs) > 1:
        raise click.UsageError("several inputs cannot go to one --output; use --output-dir.")
    folder = target.output_dir
    if folder is not None and os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError(f"--output-dir: {folder} is not a directory")
    if list(inputs).count(STANDARD_STREAM) > 1:
        raise click.UsageError("standard input can be read only once.")
    jobs = [Job(name, _output_name(name, target, suffix)) for name in inputs]
    seen: dict[str, str] = {}
    for job in jobs:
        key = os.path.realpath(job.output)
        if key in seen:
            raise click.UsageError(
                f"{seen[key]} and {job.input} would both become {job.output}; do one at a time."
            )
        seen[key] = job.input
    return jobs


def _output_name(name: str, target: Target, suffix: Suffix) -> str:
    if target.output is not None:
        return target.output
    if name == STANDARD_STREAM:
        if target.output_dir is not None:
            raise click.UsageError("standard input has no name; name its output with --output.")
        return STANDARD_STREAM
    path = Path(name)
    if path.name in ("", ".."):  # a folder of frames, named from inside
        path = path.resolve()
    folder = path.parent if target.output_dir is None else Path(target.output_dir)
    if path.name.lower().endswith(_DOUBLE):
        path = path.with_suffix("")
    return str(folder / path.with_suffix(suffix if isinstance(suffix, str) else suffix(name)).name)


def obstacle(job: Job, inputs: Sequence[str], force: bool, folder: bool = False) -> InrError | None:
    """Why the output of `job` must not be written, or None; `inputs` are all of the command's.

    `folder`: the output is a folder, which may be there if it is empty.
    """
    if job.output == STANDARD_STREAM or is_special(job.output):
        return None
    output = (job.output.rstrip(os.sep) or job.output) if folder else job.output
    if not output or (not folder and os.path.basename(output) in ("", ".", "..")):
        text = f"--output {job.output!r} names no file"
        return OutputError(f"{text}; --output-dir puts files into a directory")
    if any(_same_file(output, name) for name in inputs):
        return OutputError(f"{output}: is an input, and no input is ever written over")
    if folder and os.path.isdir(output) and (force or not os.listdir(output)):
        return None
    if folder and os.path.isdir(output):
        return OutputError(f"{output}: has files in it already; --force replaces frames")
    if folder and os.path.lexists(output):
        return OutputError(f"{output}: is a file, and frames go to a folder")
    if os.path.isdir(output):
        return OutputError(f"{output}: is a directory; --output-dir puts files into one")
    if os.path.lexists(output) and not force:
        return OutputError(f"{output}: exists already; --force replaces it")
    return _no_place(output)


def _no_place(output: str) -> InrError | None:
    """Why a file of this name cannot be made, or replaced, where it lies; or None."""
    parent = Path(output).parent
    if not parent.is_dir():
        return OutputError(f"{output}: there is no directory {parent}")
    try:
        os.lstat(output)
    except FileNotFoundError:
        pass
    except OSError as error:  # a name that is too long
        return OutputError(f"{output}: cannot be written: {error.strerror}")
    folder = os.path.dirname(os.path.realpath(output))
    if not os.access(folder, os.W_OK | os.X_OK):
        return OutputError(f"{output}: cannot be written: nothing can be made in {folder}")
    return None


def _same_file(output: str, name: str) -> bool:
    if name == STANDARD_STREAM:
        return False
    try:
        return os.path.samefile(output, name)
    except OSError:  # one of them does not exist
        return False
