"""How far an encode is: a bar for people, JSON lines for programs, or nothing."""

import sys
import time
from pathlib import PurePath
from types import TracebackType
from typing import Protocol

import click

from inrcodec.cli.report import json_line, one_line

SECONDS_BETWEEN_UPDATES = 0.1


class Progress(Protocol):
    """One update: `fraction` is 0..1 over all phases, what is not known yet is None."""

    @property
    def phase(self) -> str: ...
    @property
    def fraction(self) -> float: ...
    @property
    def eta_s(self) -> float | None: ...
    @property
    def psnr_db(self) -> float | None: ...
    @property
    def size_bytes(self) -> int | None: ...


class Silent:
    """Shows nothing; also what the other displays have in common: use one as a context."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._phase = ""
        self._next = 0.0

    def __enter__(self) -> "Silent":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, progress: Progress) -> None:
        """Take an update from the encoder; all but a few a second are dropped."""
        now = time.monotonic()
        milestone = progress.fraction >= 1 or progress.phase != self._phase
        if milestone or now >= self._next:
            self._phase = progress.phase
            self._next = now + SECONDS_BETWEEN_UPDATES
            self.show(progress)

    def show(self, progress: Progress) -> None:
        """Show one update."""

    def note(self, text: str) -> None:
        """A line of talk that does not tear the display."""

    def close(self) -> None:
        """Remove the display."""


class JsonLines(Silent):
    """One JSON object per update on standard error."""

    def show(self, progress: Progress) -> None:
        """Print the update's fields and the input's name."""
        fields = ("phase", "fraction", "eta_s", "psnr_db", "size_bytes")
        values = {name: getattr(progress, name) for name in fields}
        click.echo(json_line({"input": self.name, **values}), err=True)

    def note(self, text: str) -> None:
        """The note as an object too, so that every line can be parsed."""
        click.echo(json_line({"input": self.name, "note": text}), err=True)


class Plain(Silent):
    """Notes, but no display: standard error is not a terminal."""

    def note(self, text: str) -> None:
        """A line of its own."""
        click.echo(one_line(f"{self.name}: {text}"), err=True)


class Bar(Silent):
    """One bar over all phases, with the time left, the quality and the size so far."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # no thread: updates come often enough
        self._bar = tqdm(
            desc=one_line(PurePath(name).name),
            total=1.0,
            leave=False,
            file=sys.stderr,
            dynamic_ncols=True,
            bar_format=bar_format(""),
        )

    def show(self, progress: Progress) -> None:
        """Redraw; the bar never goes back."""
        self._bar.n = min(1.0, max(self._bar.n, progress.fraction))
        self._bar.bar_format = bar_format(summary(progress))
        self._bar.refresh()

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._bar.write(one_line(f"{self.name}: {text}"), file=sys.stderr)

    def close(self) -> None:
        """Clear the bar's line."""
        self._bar.close()


def bar_format(text: str) -> str:
    """The layout that tqdm fills in, with `text` after the bar."""
    escaped = text.replace("{", "{{").replace("}", "}}")
    return "{desc} {percentage:3.0f}%|{bar}| " + escaped


def summary(progress: Progress) -> str:
    """An update in words: "fit, 31.42 dB, 912 B, 0:12 left"."""
    parts = [progress.phase]
    if progress.psnr_db is not None:
        parts.append(f"{progress.psnr_db:.2f} dB")
    if progress.size_bytes is not None:
        parts.append(f"{progress.size_bytes} B")
    if progress.eta_s is not None:
        minutes, seconds = divmod(max(0, round(progress.eta_s)), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    return ", ".join(parts)


def make_display(mode: str, quiet: bool, name: str) -> Silent:
    """The display for `--progress` mode auto, bar, json or none.

    auto is a bar on a terminal; --quiet silences it, but not a display that was asked for.
    """
    if mode == "json":
        return JsonLines(name)
    if mode == "bar":
        return Bar(name)
    if quiet:
        return Silent(name)
    return Bar(name) if mode == "auto" and sys.stderr.isatty() else Plain(name)
