"""Kodak, measured on decoded files: python -m benchmarks.kodak --bpp 0.15 --bpp 0.3

Encodes every picture with the library, writes the file, decodes it in a process of its own as a
user would, and keeps one row per picture. A run that is stopped goes on where it was. With
--jobs 2 two pictures are encoded side by side, one thread each, which on two cores is faster than
one after the other with two threads.
"""

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks import record
from benchmarks.data import RESULTS, kodak

if TYPE_CHECKING:
    import numpy as np


def encode_one(
    path: Path, settings: record.Row, beside: Sequence[str] = (), keep: Path | None = None
) -> record.Row:
    """Encode one picture, decode the file with the installed command, measure.

    Peers named in `beside` are given the same bytes (`classical.psnr_at`). The file and its picture
    stay as `keep` with suffixes .inr and .png.
    """
    from inrcodec import info, metrics
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.signals.image import read_image

    signal = read_image(path, path.name, keep_metadata=False)
    options = EncodeOptions(**settings)
    made = encode_signal(signal, options)
    with tempfile.TemporaryDirectory() as folder:
        stem = keep or Path(folder) / "a"
        file, back = stem.with_name(f"{stem.name}.inr"), stem.with_name(f"{stem.name}.png")
        file.write_bytes(made.data)
        command = [sys.executable, "-m", "inrcodec", "decode", str(file), "-o", str(back)]
        started = time.perf_counter()
        subprocess.run([*command, "-q", "--force"], check=True)
        decode_s = time.perf_counter() - started
        decoded = read_image(back, back.name)
        size = file.stat().st_size
    measured = metrics.compare(signal, decoded)
    return {
        "image": path.stem,
        "asked_bpp": settings["bpp"],
        "repr": made.representation,
        "effort": settings["effort"],
        "bytes": size,
        "bpp": size * 8 / math.prod(signal.shape),
        "psnr_db": rounded(measured["psnr_db"]),
        "ssim": rounded(measured["ssim"], 5),
        "ms_ssim": rounded(measured["ms_ssim"], 5),
        "encode_s": round(made.seconds, 1),
        "decode_s": round(decode_s, 2),
        "steps": made.steps,
        "stopped": made.stopped,
        "macs_per_sample": round(info(made.data)["macs_per_sample"]),
    } | _at_size(signal.samples, size, beside)


def peers_at(path: Path, size: int, names: Sequence[str]) -> record.Row:
    """PSNR of peers on a picture at a size in bytes."""
    from inrcodec.signals.image import read_image

    return _at_size(read_image(path, path.name).samples, size, names)


def _at_size(samples: "np.ndarray", size: int, names: Sequence[str]) -> record.Row:
    from benchmarks import classical

    return {
        f"{name}_psnr_db": round(classical.psnr_at(name, samples, size) or math.nan, 4)
        for name in names
    }


def add_peers(rows: Sequence[record.Row], paths: Sequence[Path], names: Sequence[str]) -> int:
    """Put the peers into rows that were made without them; how many rows there were."""
    by_name, added = {path.stem: path for path in paths}, 0
    for row in rows:
        absent = [name for name in names if f"{name}_psnr_db" not in row]
        if absent and row["image"] in by_name:
            row |= peers_at(by_name[row["image"]], row["bytes"], absent)
            added += 1
    return added


def rounded(value: float | None, digits: int = 4) -> float | None:
    """A measure as rows have it; None stays None."""
    return None if value is None else round(value, digits)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bpp", "rates", type=float, multiple=True, default=[0.15, 0.3], show_default=True)
@click.option("--images", default="", help="Numbers such as 1,4,7; default all 24.")
@click.option("--repr", "representation", default="auto", show_default=True)
@click.option("--effort", default=5, show_default=True)
@click.option("--jobs", default=1, show_default=True, help="Pictures side by side.")
@click.option("--threads", default=2, show_default=True, help="Threads of each job.")
@click.option(
    "--beside",
    multiple=True,
    type=click.Choice(["jpeg", "webp", "avif", "jpeg2000"]),
    help="Peers.",
)
@click.option("--set", "settings", multiple=True, help="Expert settings, as for encode.")
@click.option("--output", default="kodak", show_default=True, help="Name under benchmarks/results.")
def main(
    rates: tuple[float, ...],
    images: str,
    representation: str,
    effort: int,
    jobs: int,
    threads: int,
    beside: tuple[str, ...],
    settings: tuple[str, ...],
    output: str,
) -> None:
    """Encode, decode and measure Kodak pictures; resumes; rows go to JSON and CSV."""
    paths = kodak([int(n) for n in images.split(",") if n])
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    chosen = " ".join(settings)
    done = {(r["image"], r["asked_bpp"], r["asked_repr"], r["effort"], r["settings"]) for r in rows}
    record.limit_threads(threads)
    expert = dict(item.split("=", 1) for item in settings)
    command = record.command_line("kodak")
    where = record.provenance(threads, command) | {"jobs": jobs}
    asked = [r for r in rows if (r["asked_repr"], r["effort"]) == (representation, effort)]
    if add_peers([row for row in asked if row["asked_bpp"] in rates], paths, beside):
        record.save(target, command, rows)
    with ProcessPoolExecutor(jobs) as pool:
        futures = [
            pool.submit(
                encode_one,
                path,
                {
                    "bpp": bpp,
                    "repr": representation,
                    "effort": effort,
                    "threads": threads,
                    "settings": expert,
                },
                beside,
            )
            for bpp in rates
            for path in paths
            if (path.stem, bpp, representation, effort, chosen) not in done
        ]
        for future in as_completed(futures):
            row = future.result() | {"asked_repr": representation, "settings": chosen}
            rows.append(row | where)
            rows.sort(key=lambda r: (r["asked_repr"], r["effort"], r["asked_bpp"], r["image"]))
            record.save(target, command, rows)
            click.echo(
                f"{row['image']} {row['asked_bpp']} bpp: {row['psnr_db']:.2f} dB,"
                f" {row['bytes']} bytes, {row['encode_s']:.0f} s"
            )
    summary(rows)


def summary(rows: list[record.Row]) -> None:
    """Mean PSNR per representation, effort and rate."""
    groups = record.grouped(rows, "asked_repr", "effort", "asked_bpp")
    for (name, effort, bpp), members in groups.items():
        psnr, rate = (record.mean(members, column) for column in ("psnr_db", "bpp"))
        slowest = max(r["encode_s"] for r in members)
        click.echo(
            f"{name} effort {effort} at {bpp} bpp, {len(members)} pictures:"
            f" {psnr:.2f} dB at {rate:.4f} bpp, at most {slowest:.0f} s"
        )
        for column in sorted(key for key in members[0] if key.endswith("_psnr_db")):
            rest = [row for row in members if column in row]
            wins = sum(row["psnr_db"] > row[column] for row in rest)
            peer = column.removesuffix("_psnr_db")
            click.echo(
                f"  {peer} at the same bytes: {record.mean(rest, column):.2f} dB,"
                f" ours higher on {wins} of {len(rest)}"
            )


if __name__ == "__main__":
    main()
