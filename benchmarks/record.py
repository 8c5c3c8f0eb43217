"""Machine-readable results: rows with where they came from, kept as JSON and CSV."""

import csv
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.data import RESULTS, ROOT

Row = dict[str, Any]
_WRITTEN = ("benchmarks/results", "docs", "README.md")


def command_line(module: str) -> str:
    """What was typed, as it reproduces the run from the repository's root."""
    return " ".join([f"python -m benchmarks.{module}", *map(shlex.quote, sys.argv[1:])])


def told(figures: Row, shown: str, as_json: bool, output: str | None) -> str:
    """What a benchmark without rows prints: JSON or `shown`; written too if `output` names it."""
    text = json.dumps(figures, indent=1)
    if output is not None:
        (RESULTS / f"{output}.json").write_text(f"{text}\n")
    return text if as_json else shown


def provenance(threads: int, command: str = "", seed: int = 0) -> Row:
    """Commit, date, processor, threads, seed, command and library versions of a run."""
    import numpy
    import PIL
    import torch

    import inrcodec

    return {
        "commit": _commit(),
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "seed": seed,
        "command": command,
        "inrcodec": inrcodec.__version__,
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
        "ffmpeg": importlib.metadata.version("imageio-ffmpeg"),
    }


def limit_threads(threads: int) -> None:
    """Let processes that are started from now on, and what is imported, use so many threads."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)


def _commit() -> str:
    """HEAD, and whether the tree differs from it in more than what benchmarks and `make docs`
    write themselves: a run's own rows do not make the next one's commit unknown."""
    head = _git("rev-parse", "--short", "HEAD")
    if not head:
        return "unknown"
    changed = _git("status", "--porcelain", "--", ":/", *(f":/!{path}" for path in _WRITTEN))
    return f"{head}-dirty" if changed else head


def _git(*arguments: str) -> str:
    """What a git command prints, "" where it fails."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def load(path: Path) -> list[Row]:
    """Rows of a results file, [] if it does not exist."""
    return json.loads(path.read_text())["rows"] if path.is_file() else []


def save(path: Path, command: str, rows: list[Row]) -> None:
    """Write rows as JSON, and as CSV beside it; `command` is what reproduces them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"command": command, "rows": rows}, indent=1)
    part = path.with_suffix(".part")  # a run that is stopped leaves the rows it had
    part.write_text(text + "\n")
    os.replace(part, path)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by their values in some columns, groups in the order of their first rows."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def mean(rows: Iterable[Row], column: str) -> float:
    """Mean of a column."""
    return statistics.fmean(row[column] for row in rows)


def spread(rows: Iterable[Row], column: str) -> float:
    """Standard deviation of a column, of these rows and no others."""
    return statistics.pstdev(row[column] for row in rows)
