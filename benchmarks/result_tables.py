"""Tables of docs/results.md that are made of more than one kind of row."""

from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    audio,
    cropping,
    film_speed,
    local_global,
    long,
    partitioning,
    performance,
    projection,
    record,
    report,
    seams,
    shares,
    stability,
    video,
)
from benchmarks.classical import PEERS
from benchmarks.record import mean
from benchmarks.tabular import Missing, commits_of, markdown, rows_of, where


def bd_published(results: Path) -> str:
    """BD-rates of our mean Kodak curves against published ones and Pillow's."""
    chart = report.kodak_chart(results)
    header, lines = report.published_bd(chart) if chart is not None else ([], [])
    kept = [line for line in lines if set(line[1:]) != {"-"}]
    if not kept:
        raise Missing("no three rates of all Kodak pictures in results/kodak_pyramid.json")
    rows = rows_of(results, "kodak_pyramid")
    return markdown(["BD-rate of", *header[1:]], kept) + f"\n\n{where(rows)}."


def sweep(results: Path) -> str:
    """Means of a sweep at every rate, and BD-rates, short fits."""
    rows = rows_of(results, "sweep")
    good = [row for row in rows if "psnr_db" in row]
    names = list(dict.fromkeys(row["codec"] for row in good))
    names.sort(key=lambda name: (name in PEERS, name))
    psnr = report.mean_table(good, names)
    rates = {line[0]: line[1:] for line in report.bd_table(good, names)[1]}
    anchors = [name for name in PEERS if name in names]
    lines = [[*line, *rates[line[0]]] for line in psnr[1:]]
    header = [*psnr[0], *(f"BD-rate to {anchor}" for anchor in anchors)]
    pictures = ", ".join(dict.fromkeys(row["image"] for row in good))
    limit = next(row["time_limit_s"] for row in good if "time_limit_s" in row)
    note = f"\n\n{pictures}; encodes of at most {limit:g} s. {where(rows)}."
    return markdown(header, lines) + note


def audio_mean(results: Path) -> str:
    """Mean SNR and mean measured rate over clips at each rate asked for: ours, then the peers."""
    rows = rows_of(results, "audio")
    names = list(dict.fromkeys(row["codec"] for row in rows))
    names.sort(key=lambda name: (name in audio.PEERS, name))
    lines = []
    for (rate,), members in sorted(record.grouped(rows, "asked_kbps").items()):
        groups = record.grouped(members, "codec")
        found = [groups.get((name,), []) for name in names]
        cells = [f"{mean(g, 'snr_db'):.1f} at {mean(g, 'kbps'):.1f}" if g else "-" for g in found]
        lines.append([f"{rate:g}", str(len(found[0])), *cells])
    header = ["kbps asked", "clips", *(f"{name}: dB at kbps" for name in names)]
    return markdown(header, lines) + f"\n\n{where(rows)}."


def performance_table(results: Path, part: str) -> str:
    """One part of the performance benchmark."""
    rows = [row for row in rows_of(results, "performance") if row["part"] == part]
    if not rows:
        raise Missing(f"results/performance.json has no rows of {part}")
    made = {
        "effort": performance.effort_table,
        "decode": performance.decode_table,
        "size": performance.size_table,
        "part": performance.part_table,
    }[part](rows)
    row, counts = rows[0], sorted({row["threads"] for row in rows})
    plural = "s" if counts != [1] else ""
    threads = f"{' or '.join(map(str, counts))} thread{plural} of {row['cores']} cores"
    return made + f"\n\n{row['processor']}, {threads}, {commits_of(rows)}."


def video_table(results: Path) -> str:
    """Films beside H.264 and AV1."""
    rows = rows_of(results, "video")
    return f"{video.table(rows)}\n\n{video.bd_table(rows)}\n\n{where(rows)}."


def local_global_table(results: Path) -> str:
    """Local-Global beside SIREN and a SIREN for each partition."""
    return _fitted(rows_of(results, "local_global"), local_global.table)


def partitioning_table(results: Path) -> str:
    """A picture in few and in many partitions."""
    return _fitted(rows_of(results, "partitioning"), partitioning.table)


def stability_table(results: Path) -> str:
    """How far a fit ends below what others of its picture say."""
    rows = rows_of(results, "stability")
    return f"{stability.table(rows)}\n\n{where(rows)}."


def seams_table(results: Path) -> str:
    """Errors at the borders of partitions, in decoded files."""
    rows = rows_of(results, "seams")
    return f"{seams.table(rows)}\n\n{where(rows)}."


def cropping_table(results: Path) -> str:
    """What cropping and extending take."""
    rows = rows_of(results, "cropping")
    return f"{cropping.crop_table(rows)}\n\n{cropping.extend_table(rows)}\n\n{where(rows)}."


def long_table(results: Path) -> str:
    """Seconds and memory of long signals."""
    rows = rows_of(results, "long")
    return f"{long.table(rows)}\n\n{where(rows)}."


def shares_table(results: Path) -> str:
    """Which modules decodes and encodes spend their time in."""
    return _fitted(rows_of(results, "shares"), shares.table)


def film_speed_table(results: Path) -> str:
    """Frames a second that films are decoded at."""
    rows = rows_of(results, "film_speed")
    return f"{film_speed.table(rows)}\n\n{where(rows).replace(' per encode', '')}."


def projection_table(results: Path) -> str:
    """Latents of D'OH by size, quantised, beside networks that are stored as they are."""
    return _fitted(rows_of(results, "projection"), projection.table)


def _fitted(rows: list[record.Row], table: Callable[[list[record.Row]], str]) -> str:
    """A table of fits that no file is made of, and where they ran."""
    return f"{table(rows)}\n\n{where(rows).replace(' per encode', '')}."


def peers(results: Path) -> str:
    """Networks of the ASMR paper, fitted here and there."""
    from benchmarks.peers.__main__ import table

    rows, latencies = (rows_of(results, name) for name in ("peers", "peers_latency"))
    return f"{table(rows, latencies)}\n\n{where(latencies).replace(' per encode', '')}."


def peers_sizes(results: Path) -> str:
    """Parameters and MACs of the networks that we count, and the paper's."""
    from benchmarks.peers.__main__ import sizes_table

    return sizes_table(rows_of(results, "peers_sizes"))
