"""A sweep's rows as a Markdown table and as a plot."""

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import record

PUBLISHED = Path(__file__).resolve().parent / "published.csv"
SHOWN = ("COIN", "C3")  # the first of its kind, and a strong one
NOTE = (
    "Published curves are means over the 24 Kodak pictures: they can be compared with the Kodak"
    " rows here, and then only roughly, and not with other pictures."
)


def published(codec: str) -> list[tuple[float, float]]:
    """(bpp, PSNR in dB) of a codec in published.csv, by rising rate."""
    with PUBLISHED.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["codec"] == codec]
    return sorted((float(row["bpp"]), float(row["psnr_db"])) for row in rows)


def at_rate(curve: list[tuple[float, float]], bpp: float) -> float | None:
    """PSNR of a curve at a rate, between its points; None outside them."""
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 <= bpp <= x1:
            return y0 + (y1 - y0) * (bpp - x0) / (x1 - x0)
    return None


def is_kodak(row: record.Row) -> bool:
    """Whether a row is about a Kodak picture."""
    return str(row["image"]).startswith("kodim")


def markdown(rows: list[record.Row], codecs: list[str]) -> str:
    """PSNR in dB per picture and rate, one column per codec, and the largest of their files."""
    header = ["picture", "bpp", "largest file, bytes", *codecs]
    cells = {(r["image"], r["asked_bpp"], r["codec"]): r for r in rows}
    lines = [_line(header), _line(["---"] * len(header))]
    for image, bpp in sorted({(r["image"], r["asked_bpp"]) for r in rows}):
        found = [cells.get((image, bpp, codec), {}) for codec in codecs]
        largest = max((r.get("bytes", 0) for r in found), default=0)
        psnrs = [f"{r['psnr_db']:.2f}" if "psnr_db" in r else "-" for r in found]
        lines.append(_line([image, f"{bpp:g}", str(largest), *psnrs]))
    return "\n".join([*lines, "", *_published_lines(rows), "", _how(rows), ""])


def _published_lines(rows: list[record.Row]) -> list[str]:
    """Published figures at the same rates."""
    rates = sorted({r["asked_bpp"] for r in rows})
    lines = [_line(["published, mean of Kodak", *(f"{bpp:g} bpp" for bpp in rates)])]
    lines.append(_line(["---"] * (len(rates) + 1)))
    for codec in SHOWN:
        values = [at_rate(published(codec), bpp) for bpp in rates]
        lines.append(_line([codec, *("-" if v is None else f"{v:.2f}" for v in values)]))
    return [*lines, "", NOTE if any(map(is_kodak, rows)) else NOTE + " None is in this sweep."]


def _how(rows: list[record.Row]) -> str:
    ours: dict[str, Any] = next((r for r in rows if "time_limit_s" in r), {})
    row = rows[0]
    return (
        f"PSNR over RGB of decoded files, in dB; - where no file is small enough. Encodes of at"
        f" most {ours.get('time_limit_s', '?')} s, effort {ours.get('effort', '?')},"
        f" {row['threads']} thread each, {row['jobs']} side by side on {row['processor']};"
        f" commit {row['commit']}, {row['date']}; Pillow {row['pillow']}, torch {row['torch']}."
    )


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def plot(rows: list[record.Row], codecs: list[str], path: Path) -> None:
    """One panel per picture: PSNR over rate; published curves in the panels of Kodak pictures."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    images = sorted({r["image"] for r in rows})
    figure, axes = pyplot.subplots(1, len(images), figsize=(5 * len(images), 4), squeeze=False)
    for axis, image in zip(axes[0], images, strict=True):
        members = [r for r in rows if r["image"] == image and "psnr_db" in r]
        _panel(axis, members, codecs)
        axis.set(title=image, xlabel="bits per pixel", ylabel="PSNR, dB")
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _panel(axis: Any, members: list[record.Row], codecs: list[str]) -> None:
    for codec in codecs:
        points = sorted((r["bpp"], r["psnr_db"]) for r in members if r["codec"] == codec)
        if points:
            axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=codec)
    if not any(map(is_kodak, members)):
        return
    highest = max(r["bpp"] for r in members) * 1.1
    for codec, style in zip(SHOWN, ("k--", "k:"), strict=True):
        curve = [point for point in published(codec) if point[0] <= highest]
        axis.plot(*zip(*curve, strict=True), style, label=f"{codec}, published, mean of Kodak")
