"""Time and memory of whole commands: python -m benchmarks.startup

What a user waits for: the interpreter, imports and the work, in a fresh process. Peak memory is the
process's own largest resident set. The decoded files are of 768x512, one of each of four
representations at 0.3 bpp; they come from fits of a few steps, since the quality of weights changes
nothing about the time they take to decode. This module imports nothing large: on Linux a child's
peak starts at what its parent had.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.data import ROOT, bundled

INRCODEC = (sys.executable, "-m", "inrcodec")
# An installed package has its bytecode: none is compiled, 0.1 s of it, in every process.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
REPRESENTATIONS = ("pyramid", "asmr", "siren", "doh")
# (seconds, MB) that a command may take
PROMISES = {"--help": (0.3, None), "info": (0.3, None), "decode": (0.6, 300.0)}


def run_once(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MB (10^6 bytes) of a process. Raises CalledProcessError if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit / 1e6


def measure(label: str, arguments: list[str], repeats: int) -> dict[str, Any]:
    """Median seconds and largest peak of a command, after one run that does not count."""
    runs = [run_once([*INRCODEC, *arguments]) for _ in range(repeats + 1)][1:]
    seconds = statistics.median(s for s, _ in runs)
    largest = max(mb for _, mb in runs)
    within_s, within_mb = PROMISES[label.split()[0]]
    kept = seconds <= within_s and (within_mb is None or largest <= within_mb)
    return {
        "command": label,
        "seconds": round(seconds, 3),
        "peak_mb": round(largest, 1),
        "promised_s": within_s,
        "promised_mb": within_mb,
        "kept": kept,
    }


def make_files(folder: Path) -> dict[str, Path]:
    """A 768x512 file of each representation."""
    from PIL import Image

    picture = folder / "picture.png"
    with Image.open(bundled()[0]) as small:
        small.convert("RGB").resize((768, 512), Image.Resampling.BICUBIC).save(picture)
    files = {name: folder / f"{name}.inr" for name in REPRESENTATIONS}
    for name, file in files.items():
        options = ["--bpp", "0.3", "--repr", name, "--set", "steps=20", "-o", str(file), "-q"]
        subprocess.run([*INRCODEC, "encode", str(picture), *options], cwd=ROOT, check=True)
    return files


def all_commands(folder: Path, repeats: int) -> list[dict[str, Any]]:
    """One row per command."""
    files = make_files(folder)
    rows = [measure("--help", ["--help"], repeats)]
    rows.append(measure("info", ["info", str(files["asmr"])], repeats))
    for name, file in files.items():
        back = ["-o", str(folder / "back.png"), "--force", "-q"]
        rows.append(measure(f"decode {name}", ["decode", str(file), *back], repeats))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""
    lines = [f"{'command':14}{'seconds':>9}{'peak MB':>9}  promise"]
    for row in rows:
        promise = f"{row['promised_s']} s" + (
            f", {row['promised_mb']:.0f} MB" if row["promised_mb"] else ""
        )
        lines.append(
            f"{row['command']:14}{row['seconds']:9.3f}{row['peak_mb']:9.1f}"
            f"  {promise}: {'kept' if row['kept'] else 'broken'}"
        )
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--repeats", default=5, show_default=True)
@click.option("--output", help="Name under results; default: nothing is written there.")
def main(as_json: bool, repeats: int, output: str | None) -> None:
    """Time inrcodec --help, info and decode as processes of their own."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        rows = all_commands(Path(folder), repeats)
    from benchmarks import record

    where = record.provenance(os.cpu_count() or 1, record.command_line("startup"))
    figures = {"rows": rows, "load_before": load} | where
    click.echo(record.told(figures, table(rows), as_json, output))


if __name__ == "__main__":
    main()
