"""Curves of rate against quality, ours and published ones, and BD-rates between any two:

    python -m benchmarks.curves C3 "benchmarks/results/kodak_pyramid.json:effort=7"

A curve is a name in published/kodak.csv, or a results file with a filter on its columns; of a file
the points are means over pictures at each rate asked for, of the pictures that have all rates.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import click

from benchmarks import record
from benchmarks.record import mean

PUBLISHED = Path(__file__).resolve().parent / "published"
LEAST_POINTS = 3  # that a BD-rate takes
_LEAST_OVERLAP = 0.5  # of the shorter curve's range of quality

Curve = list[tuple[float, float]]  # (rate, quality), by rising rate


def published_rows(name: str) -> list[dict[str, str]]:
    """Rows of a file under published/."""
    with (PUBLISHED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def published(start: str) -> Curve:
    """(bpp, PSNR) of a codec of published/kodak.csv, by rising rate; Pillow's names go on with a
    quality, the others end there."""
    rows = published_rows("kodak")
    names = {r["codec"] for r in rows if r["codec"].startswith(start) and "Pillow" in start}
    chosen = [r for r in rows if r["codec"] in names or r["codec"] == start]
    return sorted((float(r["bpp"]), float(r["psnr_db"])) for r in chosen)


def at_rate(curve: Curve, rate: float) -> float | None:
    """Quality at a rate, linear in the logarithm of the rate; None outside the curve."""
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 <= rate <= x1:
            return y0 + (y1 - y0) * math.log(rate / x0) / math.log(x1 / x0)
    return None


def rising(points: Iterable[tuple[float, float]]) -> Curve:
    """Points by rising rate, without those that a lower rate equals or surpasses in quality."""
    kept: Curve = []
    for rate, quality in sorted(points):
        if not kept or (rate > kept[-1][0] and quality > kept[-1][1]):
            kept.append((rate, quality))
    return kept


def bd_rate(anchor: Sequence[tuple[float, float]], test: Sequence[tuple[float, float]]) -> float:
    """Bjontegaard's difference in rate of `test` against `anchor` in percent; below 0: fewer bytes.

    Piecewise cubic interpolation of the logarithm of the rate over quality, by the package
    bjontegaard. math.nan where a curve has fewer than three rising points, or less than half of the
    shorter range of quality is common to both.
    """
    import bjontegaard

    curves = [rising(points) for points in (anchor, test)]
    if min(map(len, curves)) < LEAST_POINTS or _overlap(*curves) < _LEAST_OVERLAP:
        return math.nan
    (r0, q0), (r1, q1) = ([list(column) for column in zip(*c, strict=True)] for c in curves)
    return float(
        bjontegaard.bd_rate(
            r0, q0, r1, q1, method="pchip", require_matching_points=False, min_overlap=0
        )
    )


def _overlap(first: Curve, second: Curve) -> float:
    lengths = [curve[-1][1] - curve[0][1] for curve in (first, second)]
    common = min(c[-1][1] for c in (first, second)) - max(c[0][1] for c in (first, second))
    return common / min(lengths)


def mean_curve(rows: Sequence[record.Row], quality: str = "psnr_db") -> Curve:
    """Means over pictures at each rate asked for, of the pictures that have all of the rates."""
    good = [row for row in rows if row.get(quality) is not None]
    rates = {row["asked_bpp"] for row in good}
    complete = [
        row
        for members in record.grouped(good, "image").values()
        if {row["asked_bpp"] for row in members} == rates
        for row in members
    ]
    groups = record.grouped(complete, "asked_bpp").values()
    return sorted((mean(group, "bpp"), mean(group, quality)) for group in groups)


def named(text: str) -> Curve:
    """The curve that an argument names. Raises click.UsageError."""
    path, _, conditions = text.partition(":")
    if path.endswith(".json"):
        wanted = dict(item.split("=", 1) for item in conditions.split(",") if item)
        rows = [
            row
            for row in record.load(Path(path))
            if all(str(row.get(key)) == value for key, value in wanted.items())
        ]
        curve = mean_curve(rows)
    else:
        curve = published(text)
    if len(curve) < LEAST_POINTS:
        raise click.UsageError(f"{text} has {len(curve)} points; a BD-rate takes {LEAST_POINTS}")
    return curve


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("anchor")
@click.argument("test")
def main(anchor: str, test: str) -> None:
    """BD-rate of TEST against ANCHOR: names of published curves, or FILE.json:column=value,..."""
    curves = named(anchor), named(test)
    for text, curve in zip((anchor, test), curves, strict=True):
        points = "  ".join(f"{rate:.3f} bpp {psnr:.2f} dB" for rate, psnr in curve)
        click.echo(f"{text}: {points}")
    value = bd_rate(*curves)
    if math.isnan(value):
        raise click.ClickException("too little of their qualities is common to both")
    click.echo(f"BD-rate of {test} against {anchor}: {value:+.2f} %")


if __name__ == "__main__":
    main()
