"""Work on planes in rows that stay in cache."""

from collections.abc import Iterator


def stripes(rows: int, columns: int, most: int) -> Iterator[slice]:
    """All rows of a plane from the first to the last, in slices of at most `most` numbers or of one
    row."""
    height = max(1, most // max(1, columns))
    return (slice(first, min(first + height, rows)) for first in range(0, rows, height))
