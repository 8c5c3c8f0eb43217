"""What encoding and decoding cost: python -m benchmarks.performance [PART ...]

    effort    PSNR against encode seconds at four efforts, 0.3 bits per pixel, one picture of Kodak
    decode    milliseconds, multiply-accumulates and peak memory of a 768x512 file, beside what this
              machine reaches in a matrix product: the roof of any decoder that is made of them
    size      seconds and peak memory of both directions as a picture grows, steps fixed
    part      a hundredth of a 20-megapixel picture, and an eighth of its size, beside the whole

Decodes are timed in this process, median of --repeats after two that do not count; peaks are those
of whole commands in processes of their own. Files that are only decoded come from fits of a few
steps: weights do not change what they take. Rows go to results/performance.json; a run that is
stopped goes on where it was. Decoding takes all cores whatever --threads says; the matrix product
takes --threads.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.charts import COLOURS
from benchmarks.data import RESULTS, ROOT, SMALL_KODAK, bundled, small_set
from benchmarks.kodak import encode_one
from benchmarks.startup import INRCODEC
from benchmarks.tabular import markdown

PARTS = ("effort", "decode", "size", "part")
REPRESENTATIONS = tuple(COLOURS)
# Of pictures of any size: grids are for small ones, and local networks grow with the picture.
_SIZED = ("pyramid", "asmr", "siren", "doh")
EFFORTS = (1, 3, 5, 7)
MEGAPIXELS = (0.1, 0.5, 2.0, 4.0, 20.0, 40.0, 64.0)
RATE = 0.3
_LARGEST_PYRAMID = 40.0  # megapixels whose fit has room in 24 GB
_NETWORK = 20_000  # bytes of a coordinate network that is evaluated for ever larger pictures
_STEPS = 20  # of fits that are only there to be timed
_SIDE = 2048  # of the matrix product
_COPY_MB = 256
_LARGE = 20.0  # megapixels of the picture whose parts are decoded
# Its rate by representation: what is evaluated sample by sample has a cost that grows with it.
_PARTED = {"pyramid": 0.3, "asmr": 0.3, "siren": 0.01, "doh": 0.01, "local-global": 0.01}
_KEY = ("part", "repr", "effort", "megapixels", "threads")

Job = tuple[record.Row, Callable[[], record.Row]]  # what tells it from others, and how it is done


def effort_jobs(efforts: Sequence[int], threads: int, kinds: Sequence[str]) -> Iterator[Job]:
    """PSNR and seconds of every representation and effort."""
    path = small_set(SMALL_KODAK[1:2], click.echo)[0][0]
    for effort in efforts:
        for kind in kinds:
            settings = {"bpp": RATE, "repr": kind, "effort": effort, "threads": threads}
            yield (
                {"part": "effort", "repr": kind, "effort": effort},
                partial(encode_one, path, settings),
            )


def decode_jobs(repeats: int, kinds: Sequence[str]) -> Iterator[Job]:
    """Decodes beside the machine's roofs, which are measured once for each of them."""
    for kind in kinds:
        yield ({"part": "decode", "repr": kind}, partial(decode_row, kind, repeats))


def decode_row(kind: str, repeats: int, size: tuple[int, int] = (768, 512)) -> record.Row:
    """Time, memory and arithmetic of decoding one file of a representation."""
    import inrcodec

    with tempfile.TemporaryDirectory() as folder:
        file = made(Path(folder), kind, size)
        data = file.read_bytes()
        back = ["-o", str(Path(folder) / "back.png"), "--force", "-q"]
        peak = max(apart(["decode", str(file), *back])[1] for _ in range(2))
    seconds = timed(lambda: inrcodec.decode(data), repeats)
    facts = inrcodec.info(data)
    samples = size[0] * size[1]
    roof = product_gflops(repeats)
    reached = 2e-9 * facts["macs_per_sample"] * samples / seconds
    return {
        "samples": samples,
        "decode_ms": round(seconds * 1000, 2),
        "peak_mb": round(peak, 1),
        "parameters": facts["parameters"],
        "macs_per_sample": round(facts["macs_per_sample"], 1),
        "gflops": round(reached, 2),
        "product_gflops": round(roof, 1),
        "share": round(reached / roof, 4),
        "copy_gb_s": round(copy_gb_s(repeats), 1),
    }


def size_jobs(megapixels: Sequence[float], kinds: Sequence[str]) -> Iterator[Job]:
    """Both directions for every size."""
    for size in megapixels:
        for kind in kinds:
            if kind == "pyramid" and size > _LARGEST_PYRAMID:
                continue
            yield (
                {"part": "size", "repr": kind, "megapixels": size},
                partial(size_row, kind, sides(size)),
            )


def part_jobs(kinds: Sequence[str]) -> Iterator[Job]:
    """Parts of a large picture beside the whole."""
    for kind in kinds:
        yield (
            {"part": "part", "repr": kind, "megapixels": _LARGE},
            partial(part_row, kind, sides(_LARGE), _PARTED[kind]),
        )


def part_row(kind: str, size: tuple[int, int], rate: float) -> record.Row:
    """Decodes of one file: whole, a hundredth of it from its middle, an eighth of the size."""
    import inrcodec

    with tempfile.TemporaryDirectory() as folder:
        data = made(Path(folder), kind, size, rate).read_bytes()
    region = (*(n // 2 for n in size), *(max(n // 10, 1) for n in size))
    seconds = {
        "whole_s": timed(lambda: inrcodec.decode(data), 1),
        "region_s": timed(lambda: inrcodec.decode(data, region=region), 3),
        "scaled_s": timed(lambda: inrcodec.decode(data, scale=8), 1),
        "draft_s": timed(lambda: inrcodec.decode(data, scale=8, draft=True), 1),
    }
    exact, draft = (
        inrcodec.decode(data, scale=8, draft=draft).samples.astype(float) for draft in (False, True)
    )
    row = {"asked_bpp": rate, "bytes": len(data)}
    row |= {name: round(value, 3) for name, value in seconds.items()}
    return row | {"draft_rms": round(float(np.sqrt(np.mean((draft - exact) ** 2))), 2)}


def sides(megapixels: float) -> tuple[int, int]:
    """Width and height of about so many megapixels, 3 to 2."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return round(height * 1.5), height


def size_row(kind: str, size: tuple[int, int]) -> record.Row:
    """Whole commands: encode with a fixed number of steps, and decode."""
    with tempfile.TemporaryDirectory() as folder:
        picture, file = enlarged(Path(folder), size), Path(folder) / "a.inr"
        rate = ["--bpp", str(RATE)] if kind == "pyramid" else ["--size", str(_NETWORK)]
        encoding = ["encode", str(picture), *_settings(kind), *rate, "-o", str(file), "-q"]
        encode_s, encode_mb = apart(encoding)
        back = str(Path(folder) / "back.png")
        decode_s, decode_mb = apart(["decode", str(file), "-o", back, "-q"])
        written = file.stat().st_size
    return {
        "samples": size[0] * size[1],
        "steps": _STEPS,
        "bytes": written,
        "encode_s": round(encode_s, 2),
        "encode_peak_mb": round(encode_mb, 1),
        "decode_s": round(decode_s, 3),
        "decode_peak_mb": round(decode_mb, 1),
    }


def _settings(kind: str) -> list[str]:
    return ["--repr", kind, "--effort", "5", "--set", f"steps={_STEPS}"]


def enlarged(folder: Path, size: tuple[int, int]) -> Path:
    """The bundled picture at (width, height), so that no data is needed."""
    from PIL import Image

    target = folder / "picture.png"
    with Image.open(bundled()[0]) as small:
        small.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(target, compress_level=1)
    return target


def made(folder: Path, kind: str, size: tuple[int, int], rate: float = RATE) -> Path:
    """A file of a representation after a few steps."""
    picture, file = enlarged(folder, size), folder / "a.inr"
    how = [*_settings(kind), "--bpp", str(rate)]
    apart(["encode", str(picture), *how, "-o", str(file), "-q"])
    return file


def apart(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of a command of inrcodec, started by a small process: on Linux a child's
    peak begins at what its parent has."""
    code = "import sys; from benchmarks.startup import run_once; print(*run_once(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *INRCODEC, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def timed(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds of a call after two that do not count."""
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times[2:])


def product_gflops(repeats: int) -> float:
    """10^9 additions and multiplications a second in a product of square float32 matrices."""
    import numpy as np

    a, b = (np.random.default_rng(i).random((_SIDE, _SIDE), dtype=np.float32) for i in (0, 1))
    return 2e-9 * _SIDE**3 / timed(lambda: a @ b, repeats)


def copy_gb_s(repeats: int) -> float:
    """10^9 bytes a second read and written in a copy of what no cache holds."""
    import numpy as np

    a = np.ones(_COPY_MB * 10**6 // 8)
    b = np.empty_like(a)
    return 2e-9 * a.nbytes / timed(lambda: np.copyto(b, a), repeats)


def _key(row: record.Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _KEY)


def run(jobs: Iterator[Job], threads: int, output: str) -> None:
    """Do the jobs that have no row yet, and keep each row as it comes."""
    target, command = RESULTS / f"{output}.json", record.command_line("performance")
    rows = record.load(target)
    done = {_key(row) for row in rows}
    for named, job in jobs:
        if _key(named | {"threads": threads}) in done:
            continue
        load = os.getloadavg()[0]
        found = job()
        where = record.provenance(threads, command) | {"load_before": round(load, 2)}
        rows.append(found | named | where)
        record.save(target, command, rows)
        facts = " ".join(f"{k}={v}" for k, v in found.items() if isinstance(v, int | float))
        click.echo(" ".join(map(str, named.values())) + ": " + facts)


def effort_table(rows: Sequence[record.Row]) -> str:
    """PSNR and seconds by effort."""
    chosen = [row for row in rows if row["part"] == "effort"]
    efforts = sorted({row["effort"] for row in chosen})
    lines = []
    for (kind,), members in record.grouped(chosen, "repr").items():
        found = {row["effort"]: row for row in members}
        cells = [
            f"{found[e]['psnr_db']:.2f} in {found[e]['encode_s']:.0f} s" if e in found else "-"
            for e in efforts
        ]
        lines.append([f"`{kind}`", *cells])
    return markdown(["PSNR, dB, after seconds", *(f"effort {e}" for e in efforts)], lines)


def decode_table(rows: Sequence[record.Row]) -> str:
    """Time, memory and arithmetic of decodes."""
    keys = ("decode_ms", "peak_mb", "macs_per_sample", "gflops", "product_gflops", "share")
    lines = []
    for row in rows:
        if row["part"] == "decode":
            values = [row[key] * (100 if key == "share" else 1) for key in keys]
            cells = [f"{v:.0f}" if v >= 100 else f"{v:.1f}" for v in values]
            lines.append([f"`{row['repr']}`", *cells])
    header = ["", "decode, ms", "peak of the command, MB", "MACs per pixel", "GFLOP/s"]
    return markdown([*header, "matrix product, GFLOP/s", "share of it, %"], lines)


def size_table(rows: Sequence[record.Row]) -> str:
    """Seconds and memory by size, and of them a sample's share."""
    chosen = [row for row in rows if row["part"] == "size"]
    lines = []
    for row in sorted(chosen, key=lambda row: (REPRESENTATIONS.index(row["repr"]), row["samples"])):
        line = [f"`{row['repr']}`", f"{row['megapixels']:g}"]
        for way in ("encode", "decode"):
            seconds, peak = row[f"{way}_s"], row[f"{way}_peak_mb"]
            line += [f"{seconds:.1f}", f"{1e6 * seconds / row['samples']:.2f}"]
            line += [f"{peak:.0f}", f"{1e6 * peak / row['samples']:.0f}"]
        lines.append(line)
    encoding = [f"encode of {_STEPS} steps, s", "us a pixel", "peak, MB", "bytes a pixel"]
    return markdown(["", "megapixels", *encoding, "decode, s", *encoding[1:]], lines)


def part_table(rows: Sequence[record.Row]) -> str:
    """Seconds of parts, and their share of the whole's."""
    lines = []
    for row in rows:
        if row["part"] == "part":
            whole = row["whole_s"]
            cells = [
                f"{row[key]:.2f} ({row[key] / whole:.1%})"
                for key in ("region_s", "scaled_s", "draft_s")
            ]
            first = [f"`{row['repr']}`", f"{row['megapixels']:g}", f"{row['asked_bpp']:g}"]
            rms = f"{row['draft_rms']:.1f}" if "draft_rms" in row else "-"
            lines.append([*first, f"{whole:.1f}", *cells, rms])
    header = ["", "megapixels", "bpp", "whole, s", "a hundredth, s", "1/8 of the size, s"]
    return markdown([*header, "as a draft, s", "its difference"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--effort", "efforts", type=int, multiple=True, default=EFFORTS, show_default=True)
@click.option("--megapixels", type=float, multiple=True, default=MEGAPIXELS, show_default=True)
@click.option("--repr", "kinds", type=click.Choice(REPRESENTATIONS), multiple=True)
@click.option("--repeats", default=9, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="performance", show_default=True, help="Name under results.")
def main(
    parts: tuple[str, ...],
    efforts: tuple[int, ...],
    megapixels: tuple[float, ...],
    kinds: tuple[str, ...],
    repeats: int,
    threads: int,
    output: str,
) -> None:
    """Measure PARTS, or all of them; resumes; rows go to JSON and CSV."""
    record.limit_threads(threads)
    chosen = kinds or REPRESENTATIONS
    jobs = {
        "decode": lambda: decode_jobs(repeats, chosen),
        "size": lambda: size_jobs(megapixels, kinds or _SIZED),
        "part": lambda: part_jobs(kinds or tuple(_PARTED)),
        "effort": lambda: effort_jobs(efforts, threads, chosen),
    }
    for part, start in jobs.items():
        if not parts or part in parts:
            run(start(), threads, output)


if __name__ == "__main__":
    main()
