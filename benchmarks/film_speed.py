"""How fast films are decoded: python -m benchmarks.film_speed

A film is encoded by few steps, which change nothing of what decoding takes, and decoded by whole
commands, start-up and the writing of .y4m included, and in a running process: medians, after two
decodes that do not count there. The film is taken from $INRCODEC_DATA.
"""

import statistics
import tempfile
from pathlib import Path

import click

from benchmarks import record
from benchmarks.data import RESULTS, films
from benchmarks.performance import apart, timed
from benchmarks.tabular import markdown

_STEPS = {"film": 15, "asmr": 100, "siren": 50}
_KEY = ("film", "repr", "asked_bpp")


def speed_row(path: Path, kind: str, bpp: float, repeats: int) -> record.Row:
    """Encode a film and time its decodes."""
    import inrcodec

    with tempfile.TemporaryDirectory() as folder:
        file, back = (str(Path(folder) / name) for name in ("a.inr", "back.y4m"))
        how = ["--bpp", str(bpp), "--repr", kind, "--set", f"steps={_STEPS[kind]}"]
        apart(["encode", str(path), *how, "-o", file, "-q"])
        found = [apart(["decode", file, "-o", back, "-f", "-q"]) for _ in range(repeats)]
        data = Path(file).read_bytes()
    frames = inrcodec.info(data)["shape"][0]
    seconds, peak = statistics.median(s for s, _ in found), max(mb for _, mb in found)
    within = timed(lambda: inrcodec.decode(data), repeats)
    return {
        "film": path.stem,
        "repr": kind,
        "asked_bpp": bpp,
        "bytes": len(data),
        "frames": frames,
        "decode_s": round(seconds, 3),
        "frames_per_s": round(frames / seconds, 1),
        "peak_mb": round(peak),
        "running_s": round(within, 3),
        "running_frames_per_s": round(frames / within, 1),
    }


def table(rows: list[record.Row]) -> str:
    """Frames a second and peak memory."""
    lines = [
        [
            row["film"],
            f"`{row['repr']}`",
            f"{row['asked_bpp']:g}",
            f"{row['frames_per_s']:.1f}",
            f"{row['running_frames_per_s']:.1f}",
            f"{row['peak_mb']}",
        ]
        for row in rows
    ]
    header = ["film", "", "bpp", "frames a second of the command", "of a running process"]
    return markdown([*header, "peak of the command, MB"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--film", "name", default="cockatoo", show_default=True, help="Part of its name.")
@click.option("--bpp", "rates", type=float, multiple=True, default=(0.05, 0.1), show_default=True)
@click.option("--repr", "kinds", type=click.Choice(list(_STEPS)), multiple=True, default=_STEPS)
@click.option("--repeats", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="film_speed", show_default=True, help="Name under results.")
def main(
    name: str,
    rates: tuple[float, ...],
    kinds: tuple[str, ...],
    repeats: int,
    threads: int,
    output: str,
) -> None:
    """Time decodes of a film by every representation and rate; resumes; rows go to JSON and CSV."""
    record.limit_threads(threads)
    target, command = RESULTS / f"{output}.json", record.command_line("film_speed")
    rows, where = record.load(target), record.provenance(threads, command)
    path = films([name])[0]
    for kind in kinds:
        for bpp in rates:
            if (path.stem, kind, bpp) in {tuple(row[key] for key in _KEY) for row in rows}:
                continue
            rows.append(speed_row(path, kind, bpp, repeats) | where)
            record.save(target, command, rows)
            click.echo(table(rows[-1:]).splitlines()[-1])


if __name__ == "__main__":
    main()
