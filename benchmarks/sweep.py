"""Rate against distortion, and a report on it: python -m benchmarks.sweep [PICTURE ...]

Encodes pictures with every representation at several rates, decodes the files in a process of
their own, and puts JPEG, WebP, AVIF and JPEG 2000 files of at most the same bytes beside them.
Writes rows.json and .csv, plots and report.html to bench/, with all coded files and decoded
pictures in bench/files. Without pictures it takes three of Kodak: from $INRCODEC_DATA, else fetched
and verified, else three that come with scikit-image.

Every encode is held to --time-limit seconds, so these are short fits: what the codec reaches with
its default effort is in the results of benchmarks.kodak. A run that is stopped goes on where it
was.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.charts import COLOURS
from benchmarks.classical import PEERS, Coded, decoded, encode_within
from benchmarks.data import RESULTS, ROOT, SMALL_KODAK, small_set
from benchmarks.kodak import encode_one, rounded

RATES = (0.15, 0.3, 0.6, 1.2)
CODECS = tuple(COLOURS)  # of pictures
# what tells one of our encodes from another; peers have none of it but the first three
_KEY = ("codec", "image", "asked_bpp", "effort", "time_limit_s", "seed")


def our_rows(path: Path, settings: dict[str, Any], files: Path) -> list[record.Row]:
    """One encode of ours, or a row that says why there is none."""
    from inrcodec.errors import RateError

    name, bpp = settings["repr"], settings["bpp"]
    row = {"codec": name, "image": path.stem, "asked_bpp": bpp, "effort": settings["effort"]}
    row |= {"time_limit_s": settings["time_limit"], "seed": settings["seed"]}
    stem = f"{path.stem}-{name}-{bpp:g}"
    try:
        row |= encode_one(path, settings, keep=files / stem) | {"file": f"{stem}.png"}
    except RateError as error:
        row["error"] = str(error)
    return [row]


def peer_rows(path: Path, name: str, rates: Sequence[float], files: Path) -> list[record.Row]:
    """A peer's files, each of at most the bytes that ours may have."""
    from inrcodec.signals.image import read_image

    signal = read_image(path, path.name, keep_metadata=False)
    pixels = math.prod(signal.shape)
    budgets = [int(bpp * pixels / 8) for bpp in rates]
    rows = []
    for bpp, coded in zip(rates, encode_within(name, signal.samples, budgets), strict=True):
        row: record.Row = {"codec": name, "image": path.stem, "asked_bpp": bpp}
        if coded is None:
            rows.append(row | {"error": "no file so small"})
            continue
        file = files / f"{path.stem}-{name}-{bpp:g}{PEERS[name].suffix}"
        file.write_bytes(coded.data)
        rows.append(row | _facts(coded, signal.samples, pixels) | {"file": file.name})
    return rows


def _facts(coded: Coded, samples: Any, pixels: int) -> record.Row:
    from inrcodec import metrics

    size, back = len(coded.data), decoded(coded.data)
    return {
        "bytes": size,
        "bpp": size * 8 / pixels,
        "psnr_db": round(coded.psnr_db, 4),
        "ssim": rounded(metrics.ssim(samples, back), 5),
        "ms_ssim": rounded(metrics.ms_ssim(samples, back), 5),
        "quality": coded.quality,
        "peer_settings": coded.settings,
    }


def submit(
    pool: ProcessPoolExecutor,
    paths: list[Path],
    rates: Sequence[float],
    shared: dict[str, Any],
    files: Path,
    rows: list[record.Row],
) -> list["Future[list[record.Row]]"]:
    """All encodes of a sweep that have no row yet."""
    done = {tuple(row.get(key) for key in _KEY) for row in rows}
    peers = {tuple(row[key] for key in _KEY[:3]) for row in rows}
    kept = tuple(shared[key] for key in ("effort", "time_limit", "seed"))
    futures = [
        pool.submit(our_rows, path, shared | {"bpp": bpp, "repr": name}, files)
        for bpp in rates
        for path in paths
        for name in CODECS
        if (name, path.stem, bpp, *kept) not in done
    ]
    for path in paths:
        for name in PEERS:
            rest = [bpp for bpp in rates if (name, path.stem, bpp) not in peers]
            if rest:
                futures.append(pool.submit(peer_rows, path, name, rest, files))
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
@click.option("--time-limit", default=18.0, show_default=True, help="Seconds for one encode.")
@click.option("--jobs", default=2, show_default=True, help="Encodes side by side.")
@click.option("--threads", default=1, show_default=True, help="Threads of each encode.")
@click.option("--seed", default=0, show_default=True)
@click.option("--folder", default="bench", show_default=True, type=click.Path(path_type=Path))
@click.option("--publish", is_flag=True, help="Copy the rows to benchmarks/results/sweep.*.")
def main(
    given: tuple[Path, ...],
    rates: tuple[float, ...],
    effort: int,
    time_limit: float,
    jobs: int,
    threads: int,
    seed: int,
    folder: Path,
    publish: bool,
) -> None:
    """Sweep PICTURES (default: three of Kodak) over rates and codecs; write a report."""
    from benchmarks import report

    folder = ROOT / folder
    paths, source = (list(given), "given") if given else small_set(SMALL_KODAK, click.echo)
    record.limit_threads(threads)
    command, target = record.command_line("sweep"), folder / "rows.json"
    where = record.provenance(threads, command, seed) | {"jobs": jobs, "pictures": source}
    shared = {"effort": effort, "time_limit": time_limit, "threads": threads, "seed": seed}
    (folder / "files").mkdir(parents=True, exist_ok=True)
    rows = record.load(target)
    _refuse_others(rows, shared, folder)
    originals = {path.stem: os.fspath(path.resolve()) for path in paths}
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed(submit(pool, paths, rates, shared, folder / "files", rows)):
            fresh = [row | where | {"path": originals[row["image"]]} for row in future.result()]
            rows = sorted([*rows, *fresh], key=lambda r: (r["image"], r["asked_bpp"], r["codec"]))
            record.save(target, command, rows)
            for row in fresh:
                click.echo(line(row))
    report.write(folder, [*CODECS, *PEERS])
    if publish:
        kept = [{k: v for k, v in row.items() if k not in ("path", "file")} for row in rows]
        record.save(RESULTS / "sweep.json", command, kept)


def _refuse_others(rows: list[record.Row], shared: dict[str, Any], folder: Path) -> None:
    """A folder has rows of one setting: a report on two would compare what does not compare."""
    wanted = {"effort": shared["effort"], "time_limit_s": shared["time_limit"]}
    wanted["seed"] = shared["seed"]
    for row in rows:
        if row["codec"] in CODECS and any(row[key] != value for key, value in wanted.items()):
            raise click.UsageError(f"{folder} has rows of other settings: name another --folder")


if __name__ == "__main__":
    main()
