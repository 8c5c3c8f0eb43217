"""Whether fits ever go astray: python -m benchmarks.stability

Encodes some Kodak pictures at several rates with several seeds, each within --time-limit, and
compares every result with the trend of the same picture's others: a parabola of PSNR over the
logarithm of the rate, fitted without it. A result far below its trend is a fit that diverged or
stalled. Rows go to results/stability.json; a run that is stopped goes on where it was.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, kodak
from benchmarks.kodak import encode_one

KODAK_NUMBERS = [1, 5, 7, 13, 15, 23]
RATES = (0.1, 0.2, 0.3, 0.6, 1.0)
SEEDS = (0, 1, 2)


def below_trend(rows: Sequence[record.Row]) -> list[tuple[float, record.Row]]:
    """By how many dB each row is below its picture's others, the worst first."""
    found = []
    for members in record.grouped(rows, "image").values():
        rates = np.log([row["bpp"] for row in members])
        psnr = np.array([row["psnr_db"] for row in members])
        for i, row in enumerate(members):
            others = np.arange(len(members)) != i
            trend = np.polyfit(rates[others], psnr[others], 2)
            found.append((float(np.polyval(trend, rates[i]) - psnr[i]), row))
    return sorted(found, key=lambda pair: -pair[0])


def table(rows: Sequence[record.Row]) -> str:
    """Markdown: mean PSNR, and the result that is furthest below its trend, of every picture."""
    worst = below_trend(rows)
    lines = [
        "| picture | encodes | furthest below the trend, dB | at bpp | seed |",
        "|" + " --- |" * 5,
    ]
    for (image,), members in sorted(record.grouped(rows, "image").items()):
        gap, row = next(pair for pair in worst if pair[1]["image"] == image)
        cells = [image, str(len(members)), f"{gap:.2f}", f"{row['bpp']:.2f}", str(row["seed"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--images", default=",".join(map(str, KODAK_NUMBERS)), show_default=True)
@click.option("--time-limit", default=30.0, show_default=True, help="Seconds of each encode.")
@click.option("--jobs", default=2, show_default=True, help="Encodes side by side, a thread each.")
@click.option("--output", default="stability", show_default=True, help="Name under results.")
def main(images: str, time_limit: float, jobs: int, output: str) -> None:
    """Encode every picture at every rate with every seed."""
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {(row["image"], row["asked_bpp"], row["seed"]) for row in rows}
    paths = kodak([int(number) for number in images.split(",")])
    todo = [
        (path, {"bpp": bpp, "seed": seed})
        for path in paths
        for bpp in RATES
        for seed in SEEDS
        if (path.stem, bpp, seed) not in done
    ]
    common = {"repr": "pyramid", "effort": 9, "threads": 1, "time_limit": time_limit}
    record.limit_threads(1)
    command = record.command_line("stability")
    where = record.provenance(1, command) | {"jobs": jobs, "time_limit_s": time_limit}
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(encode_one, p, s | common): s["seed"] for p, s in todo}
        for future in as_completed(futures):
            rows.append(future.result() | where | {"seed": futures[future]})
            rows.sort(key=lambda row: (row["image"], row["asked_bpp"], row["seed"]))
            record.save(target, command, rows)
    click.echo(table(rows))
    gap, row = below_trend(rows)[0] if rows else (-math.inf, {})
    click.echo(f"\nfurthest below its trend: {gap:.2f} dB ({row.get('image')})")


if __name__ == "__main__":
    main()
