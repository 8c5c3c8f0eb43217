"""Figures 2 and 3 of the ASMR paper, drawn from rows: what depth costs, and what it gives.

Multiply-accumulates of a sample against layers, of networks of one width for 512x512 samples (table
7), and PSNR of Cameraman against layers (table 9), of each network at its better learning rate.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.charts import COLOURS, spread

Points = dict[str, list[tuple[int, float]]]  # families of networks by name: layers and a figure

_NAME = re.compile(r"(\S+) (?:\d+x|\()(\d+)\)?")
_COLOURS = {"ASMR": COLOURS["asmr"], "SIREN": COLOURS["siren"]}
_COLOURS |= {"LoE": COLOURS["doh"], "KiloNeRF": COLOURS["pyramid"]}  # which are not drawn here
_LABEL_GAP = 0.06  # of the height, between two labels


def by_depth(rows: list[record.Row], figure: str) -> Points:
    """The largest figure of every depth of every family, in the order of depths."""
    best: dict[str, dict[int, float]] = {}
    for row in rows:
        found = _NAME.fullmatch(row["network"])
        assert found, row["network"]
        depths, layers = best.setdefault(found[1], {}), int(found[2])
        depths[layers] = max(depths.get(layers, row[figure]), row[figure])
    return {family: sorted(depths.items()) for family, depths in best.items()}


def costs(rows: list[record.Row]) -> Points:
    """Thousands of multiply-accumulates by depth, from rows of peers_sizes."""
    wanted = [row for row in rows if row["task"] == "figure 2"]
    found = by_depth(wanted, "macs")
    return {name: [(n, macs / 1000) for n, macs in points] for name, points in found.items()}


def quality(rows: list[record.Row]) -> Points:
    """PSNR of Cameraman by depth, in dB, from rows of peers."""
    return by_depth([row for row in rows if row["task"] == "cameraman"], "psnr_db")


def draw(costs: Points, quality: Points, target: Path) -> None:
    """Both figures beside each other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.5, 3.8))
    left.set_yscale("log")
    for axis, points, title, unit in (
        (left, costs, "What depth costs", "MACs per sample, K"),
        (right, quality, "What depth gives: Cameraman", "PSNR, dB"),
    ):
        for family, line in points.items():
            axis.plot(*zip(*line, strict=True), "o-", color=_COLOURS[family], markersize=4)
        axis.set(title=title, xlabel="layers", ylabel=unit)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.2)
        axis.spines[["top", "right"]].set_visible(False)
        _name_lines(axis, points)
    figure.tight_layout()
    figure.savefig(target, dpi=110, facecolor="white")
    pyplot.close(figure)


def _name_lines(axis: Any, points: Points) -> None:
    """Each family's name beside its last point, apart from the others."""
    axis.autoscale_view()  # else limits are those of an empty figure still
    to_axes = axis.transData - axis.transAxes
    ends = [to_axes.transform(line[-1])[1] for line in points.values()]
    for family, place in zip(points, spread(ends, _LABEL_GAP), strict=True):
        style: Any = {"color": _COLOURS[family], "transform": axis.transAxes, "va": "center"}
        axis.text(1.02, place, family, **style)
