"""Curves as plots: PNG and SVG files, and SVG to stand inside a page, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.curves import Curve

# Ours in colours that stand out from white and from near-black; the others share a grey and are
# told apart by their labels and dashes.
COLOURS = {
    "pyramid": "#2f80de",
    "grids": "#d6409f",
    "asmr": "#e8622c",
    "siren": "#1a9e70",
    "local-global": "#a8841f",
    "doh": "#8a6ee0",
}
GREY = "#8a8983"
_DASHES: tuple[Any, ...] = ("--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))
_TEXT = "#010203"  # stands for the page's own colour in SVG inside a page
_LABEL_GAP = 0.045  # of the height, between two labels


@dataclass(frozen=True)
class Chart:
    """Curves by name in the order they are drawn; `colour` gives the names that are ours."""

    title: str
    curves: Mapping[str, Curve]
    x: str = "bits per pixel"
    y: str = "PSNR, dB"
    colours: Mapping[str, str] | None = None

    def colour(self, name: str) -> str:
        """The colour of a curve."""
        return (COLOURS if self.colours is None else self.colours).get(name, GREY)


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Positions moved apart as little as it takes for `gap` between neighbours, order kept."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    moved = [positions[i] for i in order]
    for _ in range(100):
        for i in range(1, len(moved)):
            short = gap - (moved[i] - moved[i - 1])
            if short > 1e-9:
                moved[i - 1] -= short / 2
                moved[i] += short / 2
    placed = dict(zip(order, moved, strict=True))
    return [placed[i] for i in range(len(positions))]


def draw(chart: Chart, path: Path | None = None) -> str:
    """Write a chart as PNG and SVG beside `path`, and return SVG to stand inside a page."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": chart.title, "font.size": 10}
    with pyplot.rc_context(settings):
        figure, axis = pyplot.subplots(figsize=(5, 3.8))
        _panel(axis, chart)
        figure.tight_layout()
        if path is not None:
            for suffix in (".png", ".svg"):
                target = path.with_suffix(suffix)
                figure.savefig(target, dpi=140, facecolor="white", metadata=_dateless(suffix))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        pyplot.close(figure)
    return inline(buffer.getvalue(), chart.title)


def _dateless(suffix: str) -> dict[str, None]:
    return {"Date": None} if suffix == ".svg" else {}


def _panel(axis: Any, chart: Chart) -> None:
    """Lines over a logarithmic rate, each with its name at its last point."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    curves = {name: curve for name, curve in chart.curves.items() if curve}
    others = 0
    for name, curve in curves.items():
        colour = chart.colour(name)
        dash: Any = "-"
        if colour == GREY:
            dash, others = _DASHES[others % len(_DASHES)], others + 1
        rates, values = zip(*curve, strict=True)
        style: dict[str, Any] = {"color": colour, "linestyle": dash, "linewidth": 2}
        axis.plot(rates, values, marker="o", markersize=4, **style)
    axis.set_xscale("log")
    every = sorted({rate for curve in curves.values() for rate, _ in curve})
    ticks = [t for t in (0.05, 0.1, 0.2, 0.4, 0.8, 1.6) if every[0] / 1.2 < t < every[-1] * 1.2]
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_locator(NullLocator())
    low, high = axis.get_ylim()
    ends = [(curve[-1][1] - low) / (high - low) for curve in curves.values()]
    for name, place in zip(curves, spread(ends, _LABEL_GAP), strict=True):
        colour = chart.colour(name)
        weight = "normal" if colour == GREY else "bold"
        axis.text(1.01, place, name, color=colour, weight=weight, transform=axis.transAxes,
                  fontsize=9, verticalalignment="center")  # fmt: skip
    axis.set_title(chart.title, color=_TEXT, fontsize=11)
    axis.set_xlabel(chart.x, color=_TEXT)
    axis.set_ylabel(chart.y, color=_TEXT)
    axis.tick_params(colors=_TEXT)
    axis.grid(alpha=0.2, color=_TEXT)
    axis.set_axisbelow(True)
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_TEXT)


def inline(svg: str, name: str) -> str:
    """An SVG file as an element of a page: ids of its own, the page's colour, as wide as it may."""
    slug = re.sub(r"\W+", "-", name.lower()).strip("-")
    svg = svg[svg.index("<svg") :].replace(_TEXT, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{slug}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{slug}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{slug}-\1"', svg)
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" role="img">', svg, count=1
    )
    return re.sub(r"font: ([^;\"]*?)px [^;\"]*", r"font-size: \1px", svg)
