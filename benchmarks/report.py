"""The report on a sweep, one HTML file without anything outside it: python -m benchmarks.report

Made of the rows and files that benchmarks.sweep left in a folder. Plots are written beside it as
PNG and SVG.
"""

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from benchmarks import crops, record
from benchmarks.charts import COLOURS, Chart, draw
from benchmarks.classical import PEERS
from benchmarks.curves import Curve, bd_rate, mean_curve, published
from benchmarks.data import RESULTS, ROOT

CROP_RATE = 0.3  # the rate asked for whose files are shown, or the nearest
# Of published/kodak.csv, as they are named there and as they are shown.
SHOWN = {
    "COIN": "COIN",
    "JPEG (Pillow": "JPEG",
    "JPEG2000 (Pillow": "JPEG 2000",
    "WEBP (Pillow": "WebP",
    "AVIF (Pillow": "AVIF",
    "C3": "C3",
    "VTM": "VTM",
    "Cool-Chic 5.0": "Cool-Chic 5.0",
}
_STYLE = (Path(__file__).resolve().parent / "report.css").read_text(encoding="utf-8")
Cells = list[list[str]]


def write(folder: Path, codecs: Sequence[str], results: Path = RESULTS) -> Path:
    """Write report.html and plots of the rows in a folder; print a summary. Returns the report."""
    rows = record.load(folder / "rows.json")
    good = [row for row in rows if "psnr_db" in row]
    names = [name for name in codecs if any(row["codec"] == name for row in good)]
    page = "\n".join(_body(folder, rows, good, names, results))
    target = folder / "report.html"
    target.write_text(_document(page), encoding="utf-8")
    click.echo("\n" + summary(good, names))
    click.echo(f"\nreport: {target}")
    return target


def _body(
    folder: Path, rows: list[record.Row], good: list[record.Row], names: list[str], results: Path
) -> Iterable[str]:
    """The sections of the page, in order."""
    yield f"<h1>inrcodec, rate and distortion</h1>\n{_lead(good, names)}"
    charts = [draw(chart, folder / _file(chart.title)) for chart in picture_charts(good, names)]
    yield _section("Curves", '<div class="charts">' + "".join(map(_figure, charts)) + "</div>")
    header, lines = bd_table(good, names)
    note = (
        "Bytes more (+) or fewer (-) than the codec on top for the same PSNR, in the mean of"
        " pictures; - where curves have too little quality in common."
    )
    yield _section("BD-rate", f"<p>{note}</p>" + table(header, lines))
    for (image,), members in record.grouped(good, "image").items():
        cards = _cards(folder, members, names)
        if cards:
            yield _section(f"{image}, part of it", f"<p>{_CARDS}</p>" + cards)
    every = table(*measures(rows))
    yield _section("All files", f"<details open><summary>Measures</summary>{every}</details>")
    chart = kodak_chart(results)
    if chart is not None:
        picture = _figure(draw(chart, folder / _file("published")))
        yield _section("Kodak, published figures", f"<p>{_KODAK}</p>{picture}")
        yield _section("Kodak, BD-rate", table(*published_bd(chart)))
    yield _section("How it was measured", _provenance(rows))


_CARDS = (
    "A square of 144 pixels of the decoded file. Below it, its error: mean absolute difference over"
    " colours, times six, black is none."
)
_KODAK = (
    "Means of the 24 pictures. Grey: published curves and Pillow's codecs, from"
    " benchmarks/published/kodak.csv. In colour: rows in benchmarks/results/, measured on files."
)


def _lead(good: list[record.Row], names: list[str]) -> str:
    """What the sweep says in two sentences."""
    rates = sorted({row["asked_bpp"] for row in good})
    rate = min(rates, key=lambda r: abs(math.log(r / CROP_RATE)))
    at = [row for row in good if row["asked_bpp"] == rate]
    pictures = len({row["image"] for row in good})
    means = {name: _mean([row for row in at if row["codec"] == name], pictures) for name in names}
    known = {name: value for name, value in means.items() if value is not None}
    found = ", ".join(f"{n} {known[n]:.2f}" for n in sorted(known, key=lambda n: -known[n]))
    limit = next((r["time_limit_s"] for r in good if "time_limit_s" in r), None)
    short = f" Encodes of ours were held to {limit:g} seconds." if limit else ""
    return (
        f"<p>PSNR in dB at {rate:g} bits per pixel, mean of {pictures}"
        f" picture{'s' * (pictures > 1)}: {html.escape(found)}.{short}</p>"
    )


def _mean(rows: list[record.Row], pictures: int) -> float | None:
    """Mean PSNR; None where a picture has no file so small: means are of the same pictures."""
    return record.mean(rows, "psnr_db") if len(rows) == pictures else None


def picture_charts(good: list[record.Row], names: Sequence[str]) -> list[Chart]:
    """A chart per picture."""
    groups = record.grouped(good, "image", "codec")
    images = sorted({row["image"] for row in good})
    return [
        Chart(
            image, {name: _points(groups[image, name]) for name in names if (image, name) in groups}
        )
        for image in images
    ]


def _points(rows: Iterable[record.Row]) -> Curve:
    return sorted((row["bpp"], row["psnr_db"]) for row in rows)


def bd_table(good: list[record.Row], names: Sequence[str]) -> tuple[list[str], Cells]:
    """Mean BD-rate over pictures of each codec against each of Pillow's."""
    anchors = [name for name in PEERS if name in names]
    groups = record.grouped(good, "image", "codec")
    images = sorted({row["image"] for row in good})
    lines = []
    for name in names:
        cells = []
        for anchor in anchors:
            rates = [
                bd_rate(_points(groups[image, anchor]), _points(groups[image, name]))
                for image in images
                if (image, anchor) in groups and (image, name) in groups and anchor != name
            ]
            kept = [rate for rate in rates if not math.isnan(rate)]
            some = f" ({len(kept)} of {len(images)})" if len(kept) < len(images) else ""
            cells.append(f"{sum(kept) / len(kept):+.1f} %{some}" if kept else "-")
        lines.append([name, *cells])
    return ["", *(f"against {anchor}" for anchor in anchors)], lines


def measures(rows: list[record.Row]) -> tuple[list[str], Cells]:
    """Every file of a sweep."""
    header = ["picture", "codec", "bpp asked", "bytes", "bpp", "PSNR, dB", "SSIM", "MS-SSIM"]
    lines = []
    for row in rows:
        facts = [row["image"], row["codec"], f"{row['asked_bpp']:g}"]
        if "error" in row:
            lines.append([*facts, *["-"] * 7, row["error"]])
            continue
        facts += [str(row["bytes"]), f"{row['bpp']:.4f}", f"{row['psnr_db']:.2f}"]
        facts += [_digits(row.get(key), 4) for key in ("ssim", "ms_ssim")]
        times = [_digits(row.get("encode_s"), 1), _digits(row.get("decode_s"), 2)]
        lines.append([*facts, *times, ""])
    return [*header, "encode, s", "decode, s", ""], lines


def _digits(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _cards(folder: Path, members: list[record.Row], names: Sequence[str]) -> str:
    """The original's square and those of every codec's file at one rate, with error maps."""
    rates = {row["asked_bpp"] for row in members}
    rate = min(rates, key=lambda r: abs(math.log(r / CROP_RATE)))
    chosen = {row["codec"]: row for row in members if row["asked_bpp"] == rate and "file" in row}
    path = Path(members[0].get("path", ""))
    if not chosen or not path.is_file():
        return ""
    original = _picture(path)
    part = crops.typical(original)
    cards = [_card("original", f"{rate:g} bpp for the others", original[part], None)]
    for name in names:
        if name in chosen:
            row = chosen[name]
            decoded = _picture(folder / "files" / row["file"])
            error = crops.error_map(original[part], decoded[part])
            facts = f"{row['bytes']} bytes, {row['psnr_db']:.2f} dB"
            cards.append(_card(name, facts, decoded[part], error))
    return f'<div class="cards">{"".join(cards)}</div>'


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _card(name: str, facts: str, part: np.ndarray, error: np.ndarray | None) -> str:
    pictures = [f'<img alt="{name}" src="{crops.data_uri(part)}">']
    if error is not None:
        pictures.append(f'<img alt="error of {name}" src="{crops.data_uri(error)}">')
    caption = f"<b>{html.escape(name)}</b> {html.escape(facts)}"
    return f"<figure>{''.join(pictures)}<figcaption>{caption}</figcaption></figure>"


def kodak_chart(results: Path) -> Chart | None:
    """Published curves of Kodak's mean, and ours of the committed rows; None without any."""
    ours = {}
    for name, conditions, label in (
        ("kodak_pyramid", {"asked_repr": "pyramid", "effort": 7}, "pyramid, effort 7"),
        ("kodak_pyramid", {"asked_repr": "pyramid", "effort": 4}, "pyramid, effort 4"),
        ("kodak", {"asked_repr": "asmr", "effort": 5}, "asmr, effort 5"),
    ):
        rows = record.load(results / f"{name}.json")
        chosen = [row for row in rows if all(row[k] == v for k, v in conditions.items())]
        rates = record.grouped(chosen, "asked_bpp").values()
        kept = [row for group in rates if len(group) == 24 for row in group]
        if kept:
            ours[label] = mean_curve(kept)
    if not ours:
        return None
    shown = {label: _inside(published(name)) for name, label in SHOWN.items()}
    colours = {label: COLOURS[label.split(",")[0]] for label in ours}
    return Chart("Kodak, mean of 24 pictures", shown | ours, colours=colours)


def _inside(curve: Curve) -> Curve:
    return [point for point in curve if 0.05 <= point[0] <= 1.5]


def published_bd(chart: Chart) -> tuple[list[str], Cells]:
    """BD-rate of our mean curves against published ones."""
    ours = [name for name in chart.curves if chart.colours and name in chart.colours]
    others = [name for name in chart.curves if name not in ours]
    lines = []
    for name in ours:
        rates = [bd_rate(chart.curves[other], chart.curves[name]) for other in others]
        lines.append([name, *("-" if math.isnan(r) else f"{r:+.1f} %" for r in rates)])
    return ["", *(f"against {other}" for other in others)], lines


def summary(good: list[record.Row], names: Sequence[str]) -> str:
    """Mean PSNR at each rate and BD-rates, for the terminal."""
    lines = mean_table(good, names)
    header, cells = bd_table(good, names)
    return _columns(lines) + "\n\n" + _columns([["BD-rate", *header[1:]], *cells])


def mean_table(good: list[record.Row], names: Sequence[str]) -> Cells:
    """Mean PSNR of each codec at each rate, with a header."""
    rates = sorted({row["asked_bpp"] for row in good})
    pictures = len({row["image"] for row in good})
    lines = [["mean PSNR, dB", *(f"{rate:g} bpp" for rate in rates)]]
    for name in names:
        found = [[r for r in good if r["codec"] == name and r["asked_bpp"] == b] for b in rates]
        lines.append([name, *(_digits(_mean(m, pictures), 2) or "-" for m in found)])
    return lines


def _columns(lines: Cells) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip


def _provenance(rows: list[record.Row]) -> str:
    """What rows say about where they come from; where they differ, each value once."""
    keys: tuple[str, ...] = (
        "command",
        "commit",
        "date",
        "processor",
        "cores",
        "threads",
        "jobs",
        "seed",
    )
    keys += ("effort", "time_limit_s", "pictures", "inrcodec", "torch", "numpy", "pillow", "python")
    lines = []
    for key in keys:
        values = dict.fromkeys(str(row[key]) for row in rows if key in row)
        lines.append(f"<dt>{key}</dt><dd>{html.escape('; '.join(values))}</dd>")
    return f"<dl>{''.join(lines)}</dl>"


def table(header: Sequence[str], lines: Cells) -> str:
    """An HTML table that scrolls by itself where it is too wide; figures stand right."""
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(text: str) -> str:
    number = text[:1].isdigit() or text[:1] in ("+", "-")
    kind = ' class="number"' if number else ""
    return f"<td{kind}>{html.escape(text)}</td>"


def _figure(svg: str) -> str:
    return f'<figure class="chart">{svg}</figure>'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{body}</section>"


def _file(title: str) -> str:
    return "curves-" + "".join(c if c.isalnum() or c in "-_" else "-" for c in title)


def _document(body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>inrcodec, rate and distortion</title><style>\n{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--folder", default="bench", show_default=True, type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Make the report anew of a sweep's folder."""
    rows: list[dict[str, Any]] = record.load(ROOT / folder / "rows.json")
    if not rows:
        raise click.UsageError(f"{folder} has no rows.json: run python -m benchmarks.sweep")
    write(ROOT / folder, [*COLOURS, *PEERS])


if __name__ == "__main__":
    main()
