"""What the user is told about an exception, and the exit status it leads to."""

from inrcodec.errors import InrError

FAILURE = 1
INTERRUPTED = 130


def explain(error: BaseException) -> tuple[str, int]:
    """One line of text for an exception, and the exit status."""
    if isinstance(error, InrError):
        return str(error), error.exit_status
    if isinstance(error, KeyboardInterrupt):
        return "interrupted, nothing written", INTERRUPTED
    if isinstance(error, MemoryError):
        return "out of memory", FAILURE
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}", FAILURE
    first_line = (str(error).splitlines() or [""])[0]
    return f"internal error, {type(error).__name__}: {first_line}", FAILURE
