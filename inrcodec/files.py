"""Reading whole files, and writing them whole or not at all."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from inrcodec.errors import InputError, OutputError

STDIN = "-"


def one_line(error: BaseException) -> str:
    """Say in one line why something failed; never empty."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def printable(path: Path | str) -> str:
    """Return the path as it can stand in a one-line message: control characters are escaped."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def is_special(path: Path | str) -> bool:
    """Whether the path is a pipe or a device, whose bytes can be had only once."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def read_bytes(path: Path | str) -> bytes:
    """Return all bytes of the file, or of standard input if `path` is "-".

    Raises InputError, naming the file, if it cannot be read.
    """
    try:
        if str(path) == STDIN:
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except (OSError, MemoryError) as error:
        label = "standard input" if str(path) == STDIN else printable(path)
        raise InputError(f"{label}: cannot be read: {one_line(error)}") from error


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that the file is either wholly written or left as it was.

    Raises OutputError, naming the file and the reason, if that fails.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give an empty temporary file to fill; it becomes `path` when the block ends without error.

    The temporary lies beside `path`, is synced to disk and then renamed over it. A replaced file
    hands on its mode bits, a new one gets what the umask leaves; a symbolic link stays a link and
    the file it points to is replaced. A device or a pipe is written to, not replaced. Whatever is
    raised in the block (Ctrl-C too) removes the temporary; an OSError comes out as OutputError
    naming `path`.
    """
    try:
        # what a pipe's name links to (/dev/stdout) is none
        target = path if is_special(path) else Path(os.path.realpath(path))
        with _temporary_for(target) as temporary:
            yield temporary
    except OSError as error:
        raise OutputError(f"{printable(path)}: cannot be written: {one_line(error)}") from error


@contextlib.contextmanager
def _temporary_for(target: Path) -> Iterator[Path]:
    mode = _mode(target)
    special = mode is not None and not stat.S_ISREG(mode)
    folder = _folder_of_temporaries() if special else target.parent
    # a short name of its own: the target's may already be as long as the file system allows
    temporary = folder / f".inrcodec-{os.urandom(8).hex()}.part"
    try:
        _create(temporary, 0o600 if special else 0o666)
        yield temporary
        if special:
            _copy_into(temporary, target)
        else:
            _replace(temporary, target, mode)
    finally:
        temporary.unlink(missing_ok=True)


def _folder_of_temporaries() -> Path:
    import tempfile  # here, for few outputs need it and it takes longer than all else imported here

    return Path(tempfile.gettempdir())


def _mode(target: Path) -> int | None:
    """Return the mode of what lies at `target`, None if nothing does; a folder is an error."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(None, "is a directory")
    return mode


def _create(path: Path, mode: int) -> None:
    # os.open rather than tempfile.mkstemp: the umask applies without having to be read
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))


def _replace(temporary: Path, target: Path, mode: int | None) -> None:
    if mode is not None:
        temporary.chmod(stat.S_IMODE(mode))
    _sync(temporary)
    os.replace(temporary, target)
    # the rename itself must survive a power cut too; not every system can sync a folder
    with contextlib.suppress(OSError):
        _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_into(temporary: Path, target: Path) -> None:
    with temporary.open("rb") as source, target.open("wb") as sink:
        while block := source.read(1 << 20):
            sink.write(block)
