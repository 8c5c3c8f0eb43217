"""Rate against distortion: python -m benchmarks.sweep [PICTURE ...]

Encodes pictures with every representation at several rates, decodes the files in a process of
their own, and puts JPEG, WebP and AVIF files of the same bytes beside them. Without pictures it
takes the bundled ones, and two of Kodak if $INRCODEC_DATA is set. Writes results/sweep.json, .csv,
.md and .png. Every encode is held to --time-limit seconds, so these are short fits: what the codec
reaches with its default effort is in the results of benchmarks.kodak.
"""

import math
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.data import RESULTS, bundled, kodak
from benchmarks.kodak import _limit_threads, encode_one
from benchmarks.peers import PEERS, Coded, encode_within
from benchmarks.sweep_report import markdown, plot
from inrcodec.errors import RateError
from inrcodec.options import REPRESENTATIONS

RATES = (0.15, 0.3, 0.6, 1.2)
KODAK_NUMBERS = [5, 15]  # a busy picture and a calm one
# auto is one of the others
CODECS = tuple(name for name in REPRESENTATIONS if name != "auto")


def pictures(given: Iterable[Path]) -> list[Path]:
    """The pictures of a sweep."""
    return list(given) or bundled() + (
        kodak(KODAK_NUMBERS) if "INRCODEC_DATA" in os.environ else []
    )


def our_rows(path: Path, settings: dict[str, Any]) -> list[record.Row]:
    """One encode of ours, or a row that says why there is none."""
    row = {"codec": settings["repr"], "image": path.stem, "asked_bpp": settings["bpp"]}
    try:
        row |= encode_one(path, settings) | {"time_limit_s": settings["time_limit"]}
    except RateError as error:
        row["error"] = str(error)
    return [row]


def peer_rows(path: Path, name: str, rates: Sequence[float]) -> list[record.Row]:
    """A peer's files, each of at most the bytes that ours may have."""
    from inrcodec.signals import read_image

    signal = read_image(path, path.name, keep_metadata=False)
    pixels = math.prod(signal.shape)
    budgets = [int(bpp * pixels / 8) for bpp in rates]
    rows = []
    for bpp, coded in zip(rates, encode_within(name, signal.samples, budgets), strict=True):
        row: record.Row = {"codec": name, "image": path.stem, "asked_bpp": bpp}
        rows.append(row | (_facts(coded, pixels) if coded else {"error": "no file so small"}))
    return rows


def _facts(coded: Coded, pixels: int) -> record.Row:
    size = len(coded.data)
    return {
        "bytes": size,
        "bpp": size * 8 / pixels,
        "psnr_db": round(coded.psnr_db, 4),
        "quality": coded.quality,
        "peer_settings": coded.settings,
    }


def submit(
    pool: ProcessPoolExecutor, paths: list[Path], rates: Sequence[float], shared: dict[str, Any]
) -> list["Future[list[record.Row]]"]:
    """All encodes of a sweep."""
    futures = [
        pool.submit(our_rows, path, shared | {"bpp": bpp, "repr": name})
        for bpp in rates
        for path in paths
        for name in CODECS
    ]
    futures += [pool.submit(peer_rows, path, name, rates) for path in paths for name in PEERS]
    return futures


def line(row: record.Row) -> str:
    """What is printed when an encode is done."""
    start = f"{row['image']} {row['asked_bpp']} bpp {row['codec']}:"
    if "error" in row:
        return f"{start} {row['error']}"
    return f"{start} {row['psnr_db']:.2f} dB, {row['bytes']} bytes"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("given", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--bpp", "rates", type=float, multiple=True, default=RATES, show_default=True)
@click.option("--effort", default=4, show_default=True)
@click.option("--time-limit", default=30.0, show_default=True, help="Seconds for one encode.")
@click.option("--jobs", default=2, show_default=True, help="Encodes side by side.")
@click.option("--threads", default=1, show_default=True, help="Threads of each encode.")
@click.option("--output", default="sweep", show_default=True, help="Name under results.")
def main(
    given: tuple[Path, ...],
    rates: tuple[float, ...],
    effort: int,
    time_limit: float,
    jobs: int,
    threads: int,
    output: str,
) -> None:
    """Sweep PICTURES (default: bundled, and two of Kodak) over rates and codecs."""
    paths = pictures(given)
    shared = {"effort": effort, "time_limit": time_limit, "threads": threads}
    _limit_threads(threads)
    where = record.provenance(threads) | {"jobs": jobs}
    command, target = "python -m benchmarks.sweep " + " ".join(sys.argv[1:]), RESULTS / output
    rows: list[record.Row] = []
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed(submit(pool, paths, rates, shared)):
            rows += [row | where for row in future.result()]
            rows.sort(key=lambda r: (r["image"], r["asked_bpp"], r["codec"]))
            record.save(target.with_suffix(".json"), command, rows)
            for row in future.result():
                click.echo(line(row))
    text = markdown(rows, [*CODECS, *PEERS])
    target.with_suffix(".md").write_text(text)
    plot(rows, [*CODECS, *PEERS], target.with_suffix(".png"))
    click.echo("\n" + text)


if __name__ == "__main__":
    main()
