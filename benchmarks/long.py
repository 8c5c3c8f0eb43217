"""Long signals as whole commands: python -m benchmarks.long

Five minutes of stereo and 300 frames of 640x360 are encoded, decoded, and decoded in their last
second alone; seconds and peak memory of each, start-up included. The sound is one of 10 seconds
over and over, the film one of 32 frames there and back; both are taken from $INRCODEC_DATA. What
is decoded tells whether segments show: squared errors of the samples and frames beside another
segment over those elsewhere, and how far errors jump from one to the next there over elsewhere.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, clips, films
from benchmarks.performance import apart
from benchmarks.seams import ratio
from benchmarks.tabular import markdown
from inrcodec.signals import Signal
from inrcodec.signals.read import read_signal
from inrcodec.signals.write import write_signal


@dataclass(frozen=True)
class Item:
    """A signal that is made long: `length` grid points along axis 0, or seconds of sound."""

    find: Callable[[list[str]], list[Path]]
    name: str
    length: int
    suffix: str
    rate: tuple[str, str]

    def made(self) -> Signal:
        """The long signal."""
        path = self.find([self.name])[0]
        signal = read_signal(path, path.name)
        rate = int(signal.rate or 1) if signal.kind == "audio" else 1
        return lengthened(signal, self.length * rate)


ITEMS = {
    "5 minutes of stereo": Item(clips, "brahms", 300, ".wav", ("--kbps", "64")),
    "300 frames of 640x360": Item(films, "cockatoo", 300, ".y4m", ("--bpp", "0.05")),
}


def lengthened(signal: Signal, points: int) -> Signal:
    """A signal of so many grid points along axis 0: sound over and over, a film there and back."""
    there = np.arange(signal.shape[0])
    once = there if signal.kind == "audio" else np.concatenate([there, there[-2:0:-1]])
    return signal.along(np.resize(once, points))


def borders(error: np.ndarray, segment: int, near: int) -> tuple[float, float]:
    """Of errors (points along axis 0, ...): mean square of the `near` points on both sides of where
    segments meet over that elsewhere, and mean square of the jumps there over those elsewhere."""
    meeting = np.arange(segment, len(error), segment)
    beside = np.zeros(len(error), dtype=bool)
    beside[(meeting[:, None] + np.arange(-near, near)).ravel().clip(0, len(error) - 1)] = True
    jumps = np.diff(error, axis=0)
    over = np.zeros(len(jumps), dtype=bool)
    over[meeting - 1] = True
    return ratio(error**2, beside), ratio(jumps**2, over)


def _border_facts(signal: Signal, file: Path, back: str) -> record.Row:
    """The same of a file that was decoded to another, if it has segments."""
    import inrcodec

    facts = inrcodec.info(file.read_bytes())
    if facts["segments"] == 1:
        return {}
    decoded = read_signal(Path(back), back).samples
    error = decoded.astype(np.float32) - signal.samples.astype(np.float32)
    near = 32 if signal.kind == "audio" else 1
    beside, jumps = borders(error, facts["segment"], near)
    return {"borders": round(beside, 3), "jumps": round(jumps, 3)}


def long_row(signal: Signal, item: Item, effort: int, threads: int) -> record.Row:
    """Whole commands on a signal."""
    with tempfile.TemporaryDirectory() as folder:
        source, back = (str(Path(folder) / f"{name}{item.suffix}") for name in ("source", "back"))
        file = Path(folder) / "a.inr"
        with Path(source).open("wb") as target:
            write_signal(signal, target, source)
        options = [*item.rate, "--effort", str(effort), "--threads", str(threads), "-q"]
        encode_s, encode_mb = apart(["encode", source, "-o", str(file), *options])
        decode_s, decode_mb = apart(["decode", str(file), "-o", back, "-q"])
        found = _border_facts(signal, file, back)
        seconds = signal.shape[0] / float(signal.rate or 1)
        last = ["--from", str(round(seconds - 1, 3)), "-o", back, "-f", "-q"]
        part_s, part_mb = apart(["decode", str(file), *last])
        written = file.stat().st_size
    return {
        "shape": list(signal.shape),
        "duration_s": round(seconds, 2),
        "rate": " ".join(item.rate),
        "effort": effort,
        "bytes": written,
        "encode_s": round(encode_s, 1),
        "encode_peak_mb": round(encode_mb),
        "decode_s": round(decode_s, 2),
        "decode_peak_mb": round(decode_mb),
        "part_s": round(part_s, 2),
        "part_peak_mb": round(part_mb),
    } | found


def table(rows: Sequence[record.Row]) -> str:
    """Seconds and memory of long signals."""
    lines = [
        [
            row["item"],
            f"`{row['rate']}`, effort {row['effort']}",
            f"{row['encode_s']:.0f}",
            str(row["encode_peak_mb"]),
            f"{row['decode_s']:.1f}",
            str(row["decode_peak_mb"]),
            f"{row['part_s']:.1f}",
            str(row["part_peak_mb"]),
            *(f"{row[key]:.2f}" if key in row else "-" for key in ("borders", "jumps")),
        ]
        for row in rows
    ]
    header = ["", "options", "encode, s", "peak, MB", "decode, s", "peak, MB"]
    header += ["last second, s", "peak, MB", "error at borders over elsewhere", "of its jumps"]
    return markdown(header, lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--effort", default=1, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(effort: int, threads: int) -> None:
    """Encode and decode long signals; rows go to JSON and CSV."""
    record.limit_threads(threads)
    command, rows = record.command_line("long"), []
    for name, item in ITEMS.items():
        row = long_row(item.made(), item, effort, threads)
        rows.append({"item": name} | row | record.provenance(threads, command))
        record.save(RESULTS / "long.json", command, rows)
    click.echo(table(rows))


if __name__ == "__main__":
    main()
