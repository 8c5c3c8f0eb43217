"""Where the time goes: python -m benchmarks.shares

A thread looks every millisecond at which module of the codec the others are in (the innermost of
their calls that is ours), while a 768x512 picture is fitted, and while its file is decoded over and
over. What NumPy and torch take counts for the module that called them. Rows go to
results/shares.json.
"""

import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from benchmarks import record
from benchmarks.data import RESULTS
from benchmarks.performance import RATE, REPRESENTATIONS, made
from benchmarks.tabular import markdown

_INTERVAL = 0.001  # seconds
_LEAST = 0.04  # a module with less of the time is not named


def module_of(frame: FrameType | None) -> str | None:
    """The module of the innermost call that is the codec's; None where there is none, and of a
    thread that waits."""
    if frame is not None and frame.f_globals.get("__name__") == "threading":
        return None
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.startswith("inrcodec."):
            return name.removeprefix("inrcodec.")
        frame = frame.f_back
    return None


@contextmanager
def sampled() -> Iterator[dict[str, float]]:
    """Seconds by module of what runs inside, of all threads but the one that looks."""
    found, ended = defaultdict[str, float](float), threading.Event()

    def look() -> None:
        own, last = threading.get_ident(), time.perf_counter()
        while not ended.wait(_INTERVAL):
            now = time.perf_counter()
            for thread, frame in sys._current_frames().items():
                name = module_of(frame) if thread != own else None
                if name is not None:
                    found[name] += now - last
            last = now

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()


def shares_of(call: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Shares by module of a call that is repeated for so long, the largest first; after one call
    that does not count."""
    call()
    with sampled() as found:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            call()
    total = max(sum(found.values()), _INTERVAL)
    order = sorted(found, key=lambda name: -found[name])
    return {name: round(found[name] / total, 4) for name in order}


def rows_of(kind: str, steps: int, seconds: float, size: tuple[int, int]) -> Iterator[record.Row]:
    """The decoder's shares and the encoder's, of a representation."""
    import inrcodec

    with tempfile.TemporaryDirectory() as folder:
        data = made(Path(folder), kind, size).read_bytes()
        picture = Path(folder) / "picture.png"
        settings = {"steps": str(steps)}

        def encode() -> None:
            inrcodec.encode(picture, bpp=RATE, repr=kind, settings=settings)

        yield {"way": "decode", "shares": shares_of(lambda: inrcodec.decode(data), seconds)}
        yield {"way": "encode", "steps": steps, "shares": shares_of(encode, seconds)}


def table(rows: Sequence[record.Row]) -> str:
    """The modules with the most time."""
    lines = []
    for row in rows:
        named = [f"{n} {100 * s:.0f} %" for n, s in row["shares"].items() if s >= _LEAST]
        lines.append([f"`{row['repr']}`", row["way"], ", ".join(named)])
    return markdown(["", "", "modules"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--repr",
    "kinds",
    type=click.Choice([*REPRESENTATIONS, "grids"]),
    multiple=True,
    default=(*REPRESENTATIONS, "grids"),
    show_default=True,
)
@click.option("--steps", default=60, show_default=True, help="Of the fits.")
@click.option("--seconds", default=10.0, show_default=True, help="That calls are repeated for.")
@click.option("--threads", default=2, show_default=True)
def main(kinds: tuple[str, ...], steps: int, seconds: float, threads: int) -> None:
    """Look at decodes and encodes of every representation; rows go to JSON and CSV."""
    record.limit_threads(threads)
    command, rows = record.command_line("shares"), []
    where = record.provenance(threads, command)
    for kind in kinds:
        for row in rows_of(kind, steps, seconds, (768, 512)):
            rows.append({"repr": kind} | row | where)
            record.save(RESULTS / "shares.json", command, rows)
    click.echo(table(rows))


if __name__ == "__main__":
    main()
