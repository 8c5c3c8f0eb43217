"""What the readers and writers of pictures, sound, volumes and meshes share."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, TypeVar

import numpy as np

from inrcodec.errors import InputError, InrError, OptionError, OutputError
from inrcodec.files import one_line, read_bytes
from inrcodec.signals import sizes


@dataclass(frozen=True)
class FileFormat:
    """A format that can be written, and its suffixes, the usual one first."""

    name: str
    suffixes: tuple[str, ...]


Format = TypeVar("Format", bound=FileFormat)


def by_name(*formats: Format) -> dict[str, Format]:
    """Return the formats by their names, in this order."""
    return {one.name: one for one in formats}


def chosen_format(
    formats: Mapping[str, Format], what: str, name: str | PurePath, format: str | None
) -> Format:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix, in any case; `what` is what messages call such files.
    OptionError if neither is known.
    """
    file_name = (f".{format.lstrip('.')}" if format else PurePath(name).name).lower()
    for candidate in formats.values():
        if file_name.endswith((*candidate.suffixes, f".{candidate.name}")):
            return candidate
    wanted, known = PurePath(file_name).suffix or file_name, ", ".join(formats)
    if format or PurePath(name).suffix:
        raise OptionError(f"cannot write {what} as {wanted.lstrip('.')!r}; formats: {known}")
    raise OptionError(f"{name}: no suffix says how to write {what}; formats: {known}")


def read_all(source: Path | BinaryIO, name: str) -> bytes:
    """Return all bytes of a file or stream; InputError, naming it, if it cannot be read."""
    if isinstance(source, Path):
        return read_bytes(source)
    try:
        return source.read()
    except (OSError, MemoryError) as error:
        raise InputError(f"{name}: cannot be read: {one_line(error)}") from error


def write_all(target: BinaryIO, data: bytes, name: str) -> None:
    """Write `data` to a stream; OutputError, naming it, if that fails."""
    try:
        target.write(data)
        target.flush()
    except OSError as error:
        raise OutputError(f"{name}: cannot be written: {one_line(error)}") from error


@contextmanager
def reading(name: str, what: str) -> Iterator[None]:
    """Let everything that goes wrong in the block come out as InputError naming the file."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except InrError:
        raise
    except Exception as error:  # on damaged data the libraries raise almost anything
        raise InputError(f"{name}: damaged {what}: {one_line(error)}") from error


@contextmanager
def writing(name: str, format_name: str) -> Iterator[None]:
    """Let everything that goes wrong in the block come out as OutputError naming the file."""
    try:
        yield
    except Exception as error:  # what a library says of a size its format cannot hold
        reason = one_line(error)
        raise OutputError(f"{name}: cannot be made a {format_name}: {reason}") from error


def check_shape(shape: Sequence[int], what: str) -> None:
    """Raise InputError if samples of this shape, channels included, are none or too many."""
    text = " x ".join(str(size) for size in shape)
    samples = math.prod(shape)
    if samples <= 0:
        raise InputError(f"{what} of {text} has no samples")
    if samples > sizes.MAX_SAMPLES:
        raise InputError(
            f"{what} of {text} has {samples} samples, above the limit of {sizes.MAX_SAMPLES}"
        )


def check_finite(samples: np.ndarray, what: str) -> None:
    """Raise InputError if a sample is NaN or infinite."""
    if samples.dtype.kind != "f":
        return
    # the sum of finite float32 values is finite in float64 and needs no array of its own
    with np.errstate(invalid="ignore"):
        total = samples.sum(dtype=np.float64)
    if not np.isfinite(total):
        raise InputError(f"{what} has samples that are NaN or infinite")
