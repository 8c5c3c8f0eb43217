"""Puts measured figures into the documentation: python -m benchmarks.tables [--check]

A table stands in README.md or docs/*.md between `<!-- table:NAME -->` and `<!-- /table -->` and is
made of results/*.json and published/*.csv. One whose results are not all there is left as it is.
"""

import math
import re
import statistics
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from benchmarks import audio, entropy_coders, planning, record, result_tables, shapes
from benchmarks.curves import LEAST_POINTS, Curve, bd_rate, published, published_rows
from benchmarks.data import RESULTS, ROOT
from benchmarks.record import mean
from benchmarks.tabular import Missing, figures_of, markdown, rows_of, where

PICTURES = 24
DEFAULT_EFFORT = 5
_COMMON_RATE = 0.3  # lines are sorted by it or the nearest
# Codecs of published/kodak.csv that are shown, by the beginning of their names, and what they are.
PEERS = {
    "COIN": "SIREN, 16-bit weights",
    "COIN++": "meta-learned SIREN",
    "JPEG (Pillow": "optimised",
    "WEBP (Pillow": "method 6",
    "RECOMBINER": "Bayesian coordinate network",
    "AVIF (Pillow": "speed 4, 4:4:4",
    "C3": "latent grids fitted to the picture",
    "VTM": "H.266 reference encoder",
    "Cool-Chic 5.0": "latent grids fitted to the picture",
}
# Li et al. 2024, table 3: 10,000 steps over all samples, best PSNR of all steps.
PAPER_ASMR = "33.09 +- 2.70"
_MARKED = re.compile(r"(<!-- table:(\S+) -->\n).*?(<!-- /table -->)", re.DOTALL)
_FARTHEST = 1.15  # as a ratio of rates, that a curve is drawn on beyond its end


def at_rate(curve: Curve, bpp: float) -> str:
    """PSNR at a rate, linear in the logarithm of the rate; `~` a little beyond the curve's ends,
    `-` further out."""
    first, last = curve[0][0], curve[-1][0]
    if not first / _FARTHEST <= bpp <= last * _FARTHEST:
        return "-"
    inside = [pair for pair in pairwise(curve) if bpp <= pair[1][0]]
    (x0, y0), (x1, y1) = inside[0] if inside else (curve[-2], curve[-1])
    value = y0 + (y1 - y0) * math.log(bpp / x0) / math.log(x1 / x0)
    return f"{'' if first <= bpp <= last else '~'}{value:.1f}"


def rows_with(results: Path, name: str, settings: dict[str, Any]) -> list[record.Row]:
    """Rows of a results file with the given settings and no others."""
    wanted = settings | {"settings": ""}
    rows = rows_of(results, name)
    return [row for row in rows if {key: row[key] for key in wanted} == wanted]


def default_rows(results: Path) -> list[record.Row]:
    """Rows of kodak.json: coordinate networks at the default effort."""
    return rows_with(results, "kodak", {"asked_repr": "asmr", "effort": 5})


def pyramid_rows(results: Path) -> dict[int, list[record.Row]]:
    """Rows of kodak_pyramid.json by effort, rising."""
    rows = rows_with(results, "kodak_pyramid", {"asked_repr": "pyramid"})
    return {effort: rows for (effort,), rows in sorted(record.grouped(rows, "effort").items())}


def kodak(results: Path) -> str:
    """Ours at every rate with all pictures, beside the others at the same mean rate."""
    ours = {
        f"pyramid, effort {effort}{', the default' if effort == DEFAULT_EFFORT else ''}": found
        for effort, rows in pyramid_rows(results).items()
        if (found := _by_rate(rows))
    }
    if not ours:
        raise Missing(f"results/kodak_pyramid.json has not all {PICTURES} pictures at any rate")
    asked = sorted({rate for groups in ours.values() for rate in groups})
    lengths = {rate: mean(_first(ours.values(), rate), "bpp") for rate in asked}
    ours["`--repr asmr`: a coordinate network"] = _by_rate(default_rows(results))
    lines = []
    for what, groups in ours.items():
        shown = (mean(groups[rate], "psnr_db") if rate in groups else None for rate in asked)
        cells = ("-" if psnr is None else f"**{psnr:.1f}**" for psnr in shown)
        lines.append(["**inrcodec**", what, *cells, _seconds(groups.values())])
    for name, what in PEERS.items():
        curve, label = published(name), name.removesuffix(" (Pillow").replace("WEBP", "WebP")
        lines.append([label, what, *(at_rate(curve, bpp) for bpp in lengths.values()), ""])
    common = min(asked, key=lambda rate: abs(rate - _COMMON_RATE))
    lines.sort(key=lambda cells: _number(cells[2 + asked.index(common)]))
    rows = [row for groups in ours.values() for found in groups.values() for row in found]
    header = ["", "", *(f"{bpp:.3f} bpp" for bpp in lengths.values()), "s per encode"]
    return markdown(header, lines) + f"\n\n{where(rows)}."


def _first(groups: Iterable[dict[float, list[record.Row]]], rate: float) -> list[record.Row]:
    return next(found[rate] for found in groups if rate in found)


def _seconds(groups: Iterable[list[record.Row]]) -> str:
    """Mean times of encodes, the shortest and the longest."""
    means = sorted({round(mean(rows, "encode_s")) for rows in groups})
    return " to ".join(str(m) for m in dict.fromkeys((means[0], means[-1]))) if means else "-"


def beside_avif(results: Path) -> str:
    """The pyramid beside AVIF files of the same size, made in the same run."""
    lines: list[list[str]] = []
    curves: dict[int, dict[str, list[record.Row]]] = {}
    for effort, rows in pyramid_rows(results).items():
        compared = [row for row in rows if "avif_psnr_db" in row]
        for (image,), points in record.grouped(compared, "image").items():
            if len(points) >= LEAST_POINTS:
                of_effort = curves.setdefault(effort, {})
                of_effort[image] = sorted(points, key=lambda row: row["bpp"])
        groups = record.grouped(compared, "asked_bpp", "image")
        for rate in sorted({rate for rate, _ in groups}):
            members = [groups[key][0] for key in groups if key[0] == rate]
            lines.append(
                [
                    str(effort),
                    str(len(members)),
                    f"{mean(members, 'bpp'):.3f}",
                    f"{mean(members, 'psnr_db'):.2f}",
                    f"{mean(members, 'avif_psnr_db'):.2f}",
                    str(sum(row["psnr_db"] > row["avif_psnr_db"] for row in members)),
                    f"{mean(members, 'encode_s'):.0f}",
                    f"{max(row['encode_s'] for row in members):.0f}",
                ]
            )
    if not lines:
        raise Missing("results/kodak_pyramid.json has no rows with AVIF beside them")
    header = ["effort", "pictures", "bpp", "ours, dB", "AVIF, dB", "ours higher on"]
    table = markdown([*header, "mean s", "longest s"], lines)
    return f"{table}{_bd_by_effort(curves)}"


def _bd_by_effort(curves: dict[int, dict[str, list[record.Row]]]) -> str:
    """BD-rate against the time of an encode, on the pictures with a curve at every effort."""
    common = sorted(set.intersection(*(set(found) for found in curves.values()))) if curves else []
    lines = []
    for effort, found in curves.items():
        rates = [_bd_to_avif(found[image]) for image in common]
        if rates and not any(map(math.isnan, rates)):
            rows = [row for image in common for row in found[image]]
            lines.append(
                [
                    str(effort),
                    str(len(common)),
                    f"{mean(rows, 'encode_s') / 60:.2f}",
                    f"{statistics.fmean(rates):+.1f} %",
                    f"{min(rates):+.1f} to {max(rates):+.1f} %",
                ]
            )
    if not lines:
        return ""
    header = ["effort", "pictures", "minutes per encode", "BD-rate against AVIF", "of pictures"]
    return f"\n\n{markdown(header, lines)}"


def _bd_to_avif(points: list[record.Row]) -> float:
    keys = ("avif_psnr_db", "psnr_db")
    avif, ours = ([(row["bpp"], row[key]) for row in points] for key in keys)
    return bd_rate(avif, ours)


def _by_rate(rows: list[record.Row]) -> dict[float, list[record.Row]]:
    """Groups of all pictures by the rate asked for, rising."""
    groups = record.grouped(rows, "asked_bpp")
    return {asked: group for (asked,), group in sorted(groups.items()) if len(group) == PICTURES}


def _number(cell: str) -> float:
    digits = cell.strip("*~")
    return float(digits) if digits != "-" else -math.inf


def beside_default(results: Path, name: str) -> str:
    """Another setting, and the default on the same pictures at the same rate."""
    theirs = rows_of(results, name)
    ours = {(row["image"], row["asked_bpp"]): row for row in default_rows(results)}
    keys = [(row["image"], row["asked_bpp"]) for row in theirs]
    if absent := [image for image, bpp in keys if (image, bpp) not in ours]:
        raise Missing(f"results/kodak.json has no {absent[0]} yet")
    lines = []
    for bpp in sorted({bpp for _, bpp in keys}):
        members = [row for row in theirs if row["asked_bpp"] == bpp]
        for rows in ([ours[row["image"], bpp] for row in members], members):
            lines.append(
                [
                    f"{rows[0]['repr']}, effort {rows[0]['effort']}",
                    str(len(rows)),
                    f"{mean(rows, 'bpp'):.3f}",
                    f"{mean(rows, 'psnr_db'):.2f}",
                    f"{mean(rows, 'encode_s'):.0f}",
                ]
            )
    header = ["network", "pictures", "bpp", "PSNR, dB", "s per encode"]
    return markdown(header, lines) + f"\n\n{where(theirs)}."


def grids_beside_pyramid(results: Path) -> str:
    """Latent grids, the pyramid at effort 7, AVIF and Cool-Chic's published files, picture by
    picture."""
    theirs = rows_of(results, "kodak_grids")
    pyramid = {(r["image"], r["asked_bpp"]): r for r in pyramid_rows(results).get(7, [])}
    lines = []
    for row in sorted(theirs, key=lambda row: (row["image"], row["effort"], row["settings"])):
        key = (row["image"], row["asked_bpp"])
        if key not in pyramid:
            raise Missing(f"results/kodak_pyramid.json has no {key[0]} at effort 7 yet")
        lines.append(
            [
                row["image"],
                " ".join([str(row["effort"]), row["settings"]]).strip(),
                f"{row['bpp']:.3f}",
                f"{row['psnr_db']:.2f}",
                f"{pyramid[key]['psnr_db']:.2f}",
                f"{row['avif_psnr_db']:.2f}",
                at_rate(_cool_chic(row["image"]), row["bpp"]),
                f"{row['encode_s']:.0f}",
                f"{row['decode_s']:.2f}",
                str(row.get("macs_per_sample", "-")),
            ]
        )
    header = ["picture", "effort", "bpp", "grids, dB", "pyramid, effort 7, dB", "AVIF, dB"]
    header += ["Cool-Chic 5.0, dB", "grids, s", "decode, s", "MACs per pixel"]
    return markdown(header, lines) + f"\n\n{where(theirs)}."


def _cool_chic(image: str) -> Curve:
    """(bpp, PSNR) of Cool-Chic 5.0 on a picture, as published."""
    rows = [r for r in published_rows("kodak_coolchic5") if r["image"] == image]
    return sorted((float(r["bpp"]), float(r["psnr_db"])) for r in rows)


def paper_size(results: Path) -> str:
    """ASMR at its paper's size: PSNR in float32 and after rounding without further steps."""
    groups = record.grouped(rows_of(results, "paper_size"), "steps", "batch", "learning_rate")
    bits = [4, 5, 6, 8, 16]
    lines = [["published (Li et al. 2024, table 3)", "24", PAPER_ASMR, *["-"] * (len(bits) + 2)]]
    for (steps, batch, rate), rows in groups.items():
        centre, spread = mean(rows, "psnr_db"), record.spread(rows, "psnr_db")
        rounded = [f"{mean(rows, f'psnr_db_{b}_bit'):.2f}" for b in bits]
        facts = [str(len(rows)), f"{centre:.2f} +- {spread:.2f}", *rounded]
        facts += [f"{mean(rows, 'bpp_8_bit'):.2f}", f"{mean(rows, 'seconds'):.0f}"]
        lines.append([f"{steps} steps of {batch} cells, rate {rate:g}", *facts])
    header = ["fit", "pictures", "float32, dB", *(f"{b} bits" for b in bits)]
    return markdown([*header, "bpp at 8 bits", "s per fit"], lines)


def speed(results: Path) -> str:
    """The published order of evaluation beside the factorised one."""
    figures = figures_of(results, "speed")
    kinds = {
        "decode": "forward, torch",
        "step": "fit step, torch",
        "numpy_decode": "forward, NumPy",
    }
    keys = ("published_{}_ms", "{}_ms", "{}_ratio")
    lines = [
        [label, *(f"{figures[key.format(kind)]:.1f}" for key in keys)]
        for kind, label in kinds.items()
    ]
    threads = f"threads: {figures['threads']}"
    note = f"\n\n{figures['processor']}, {threads}, commit {figures['commit']}."
    return markdown(["", "published order, ms", "factorised, ms", "ratio"], lines) + note


def startup(results: Path) -> str:
    """Whole commands as processes of their own."""
    figures = figures_of(results, "startup")
    lines = [
        [f"`{row['command']}`", f"{row['seconds']:.2f}", f"{row['peak_mb']:.0f}"]
        for row in figures["rows"]
    ]
    note = f"\n\n{figures['processor']}, {figures['cores']} cores, commit {figures['commit']}."
    return markdown(["command", "seconds", "peak memory, MB"], lines) + note


TABLES: dict[str, Callable[[Path], str]] = {
    "kodak": kodak,
    "avif": beside_avif,
    "doh": lambda results: beside_default(results, "kodak_doh"),
    "effort9": lambda results: beside_default(results, "kodak_effort9"),
    "grids": grids_beside_pyramid,
    "paper_size": paper_size,
    "speed": speed,
    "startup": startup,
    "audio": lambda results: audio.table(rows_of(results, "audio")),
    "audio_paper": lambda results: audio.paper_table(rows_of(results, "audio_paper")),
    "shapes": lambda results: shapes.table(rows_of(results, "shapes")),
    "entropy_coders": lambda results: entropy_coders.table(rows_of(results, "entropy_coders")),
    "stability": lambda results: result_tables.stability_table(results),
    "planning": lambda results: planning.table(rows_of(results, "planning")),
    "bd_published": lambda results: result_tables.bd_published(results),
    "sweep": lambda results: result_tables.sweep(results),
    "audio_mean": lambda results: result_tables.audio_mean(results),
    "video": lambda results: result_tables.video_table(results),
    "effort": lambda results: result_tables.performance_table(results, "effort"),
    "decode": lambda results: result_tables.performance_table(results, "decode"),
    "size": lambda results: result_tables.performance_table(results, "size"),
    "local_global": lambda results: result_tables.local_global_table(results),
    "partitioning": lambda results: result_tables.partitioning_table(results),
    "projection": lambda results: result_tables.projection_table(results),
    "seams": lambda results: result_tables.seams_table(results),
    "shares": lambda results: result_tables.shares_table(results),
    "long": lambda results: result_tables.long_table(results),
    "film_speed": lambda results: result_tables.film_speed_table(results),
    "cropping": lambda results: result_tables.cropping_table(results),
    "part": lambda results: result_tables.performance_table(results, "part"),
    "peers": lambda results: result_tables.peers(results),
    "peers_sizes": lambda results: result_tables.peers_sizes(results),
}


def updated(text: str, results: Path, say: Callable[[str], None]) -> str:
    """A document with its tables made anew; `say` is told about those that cannot be."""

    def replaced(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name not in TABLES:
            raise SystemExit(f"no table is called {name}; known: {', '.join(TABLES)}")
        try:
            return f"{begin}{TABLES[name](results)}\n{end}"
        except Missing as reason:
            say(f"table {name} left as it is: {reason}")
            return found.group()

    return _MARKED.sub(replaced, text)


def documents() -> list[Path]:
    """Where tables may stand."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Write nothing; fail if a table is out of date.")
def main(check: bool) -> None:
    """Bring the tables of the documentation up to date with the results."""
    stale = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        fresh = updated(text, RESULTS, click.echo)
        if fresh != text:
            stale.append(path.name)
            if not check:
                path.write_text(fresh, encoding="utf-8")
                click.echo(f"{path.name}: written")
    if check and stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run python -m benchmarks.tables")


if __name__ == "__main__":
    main()
