"""What every table of the documentation is made with."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import record


class Missing(Exception):  # noqa: N818 - a state of the results, not an error
    """A table cannot be made yet; the message says what is not there."""


def rows_of(results: Path, name: str) -> list[record.Row]:
    """Rows of a results file; raises Missing without any."""
    rows = record.load(results / f"{name}.json")
    if not rows:
        raise Missing(f"no results/{name}.json")
    return rows


def figures_of(results: Path, name: str) -> dict[str, Any]:
    """A results file that is one object; raises Missing."""
    path = results / f"{name}.json"
    if not path.is_file():
        raise Missing(f"no results/{name}.json")
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures


def markdown(header: list[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]
    )


def commits_of(rows: Sequence[record.Row]) -> str:
    """The commits of measurements, in words."""
    commits = list(dict.fromkeys(row["commit"] for row in rows))
    return f"commit{'s' if len(commits) > 1 else ''} {', '.join(commits)}"


def where(rows: Sequence[record.Row]) -> str:
    """The machines and versions of measurements, for under their table: threads and torch of the
    first, processors and commits of all."""
    row, told = rows[0], commits_of(rows)
    threads = f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}"
    processors = " and ".join(dict.fromkeys(str(row["processor"]) for row in rows))
    return f"{processors}, {threads} per encode, torch {row['torch']}, {told}"
