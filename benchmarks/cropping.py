"""What cropping and extending cost: python -m benchmarks.cropping

    crop      the quarter in the middle of a picture of 768x512, the first third of a sound, the
              first half of a film: bytes of the part beside those of the whole, and the
              command's seconds
    extend    24 frames added to a film of 72: seconds beside those that the 72 took

Files that are only cropped come from fits of a few steps: weights do not change what a crop takes.
`same` says whether what is decoded from the new file is, sample for sample, what the old one
decodes to there. Kodak 01, Bach and carphone are taken from $INRCODEC_DATA.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, clips, films, kodak
from benchmarks.startup import INRCODEC, run_once
from benchmarks.tabular import markdown
from inrcodec.signals import Signal
from inrcodec.signals.read import read_signal
from inrcodec.video_metrics import video_psnr

_STEPS = "40"
_FIRST_FRAMES, _MORE_FRAMES = 72, 24
_REPEATS = 5


@dataclass(frozen=True)
class Crop:
    """The part that is kept, 1/`share` of each axis in `axes`: of pictures in the middle, of the
    rest at the start. Rates by representation."""

    axes: tuple[int, ...]
    share: int
    rates: dict[str, dict[str, float]]

    def box(self, shape: Sequence[int]) -> list[tuple[int, int]]:
        """First and last+1 grid point of each axis."""
        ends = []
        for axis, n in enumerate(shape):
            kept = n // self.share if axis in self.axes else n
            first = (n - kept) // 2 if len(self.axes) > 1 else 0
            ends.append((first, first + kept))
        return ends


CROPS = {
    "picture": Crop((0, 1), 2, {"local-global": {"bpp": 2.0}, "pyramid": {"bpp": 0.3}}),
    "sound": Crop((0,), 3, {"local-global": {"kbps": 64.0}}),
    "film": Crop((0,), 2, {"local-global": {"bpp": 0.4}, "film": {"bpp": 0.1}}),
}
EXTENDED = {"film": {"bpp": 0.1}, "local-global": {"bpp": 0.4}}


def crop_row(signal: Signal, crop: Crop, kind: str, threads: int) -> record.Row:
    """A file of a representation and the part that is cropped out of it."""
    import inrcodec

    options: dict[str, Any] = {"repr": kind, "threads": threads, "settings": {"steps": _STEPS}}
    data = inrcodec.encode(signal, **(options | crop.rates[kind]))
    box = crop.box(signal.shape)
    with tempfile.TemporaryDirectory() as folder:
        whole, part = Path(folder) / "whole.inr", Path(folder) / "part.inr"
        whole.write_bytes(data)
        command = [*INRCODEC, "crop", str(whole), *_part_options(signal, box)]
        command += ["-o", str(part), "--force", "-q"]
        runs = [run_once(command)[0] for _ in range(_REPEATS + 1)][1:]
        cut = part.read_bytes()
    place = tuple(slice(a, b) for a, b in box)
    wanted, found = inrcodec.decode(data), inrcodec.decode(cut)
    return {
        "repr": kind,
        "shape": list(signal.shape),
        "part": [b - a for a, b in box],
        "share": round(math.prod(b - a for a, b in box) / math.prod(signal.shape), 4),
        "bytes": len(data),
        "part_bytes": len(cut),
        "global_share": inrcodec.info(data).get("global_share"),
        "seconds": round(statistics.median(runs), 3),
        "same": _same(wanted, found, place),
    }


def _part_options(signal: Signal, box: Sequence[tuple[int, int]]) -> list[str]:
    if signal.kind == "image":
        (y, y_end), (x, x_end) = box
        return ["--region", f"{x},{y},{x_end - x},{y_end - y}"]
    return ["--from", f"{box[0][0]}f", "--to", f"{box[0][1]}f"]


def _same(whole: Signal, part: Signal, place: tuple[slice, ...]) -> bool:
    same = np.array_equal(whole.samples[place], part.samples)
    if whole.chroma is None or part.chroma is None:
        return same
    return same and np.array_equal(whole.chroma[place[0]], part.chroma)


def extend_row(
    signal: Signal, kind: str, rate: dict[str, float], effort: int, threads: int
) -> record.Row:
    """A film's first frames, and more of them added."""
    import inrcodec

    options: dict[str, Any] = {"repr": kind, "effort": effort, "threads": threads, **rate}
    last = _FIRST_FRAMES + _MORE_FRAMES
    started = time.perf_counter()
    first = inrcodec.encode(signal.along(slice(_FIRST_FRAMES)), **options)
    middle = time.perf_counter()
    longer = inrcodec.extend(first, signal.along(slice(_FIRST_FRAMES, last)), **options)
    ended = time.perf_counter()
    old, frames = inrcodec.decode(longer, span=(0, _FIRST_FRAMES)), signal.along(slice(last))
    psnr = video_psnr(frames, inrcodec.decode(longer))["psnr_db"] or math.inf
    return {
        "repr": kind,
        "effort": effort,
        "bytes": len(first),
        "longer_bytes": len(longer),
        "encode_s": round(middle - started, 1),
        "extend_s": round(ended - middle, 1),
        "share": _MORE_FRAMES / _FIRST_FRAMES,
        "same": _same(inrcodec.decode(first), old, (slice(None),)),
        "psnr_db": round(psnr, 2),
    }


def crop_table(rows: Sequence[record.Row]) -> str:
    """Shares of samples and bytes, and seconds."""
    lines = [
        [
            row["item"],
            f"`{row['repr']}`",
            f"{'x'.join(map(str, row['part']))} of {'x'.join(map(str, row['shape']))}",
            f"{row['share']:.1%}",
            "-" if row["global_share"] is None else f"{row['global_share']:.1%}",
            f"{row['part_bytes'] / row['bytes']:.1%}",
            f"{row['seconds']:.2f}",
            "yes" if row["same"] else "no",
        ]
        for row in rows
        if row["part_of"] == "crop"
    ]
    header = ["", "representation", "grid points", "share of them", "global share"]
    return markdown([*header, "share of the bytes", "s", "same samples"], lines)


def extend_table(rows: Sequence[record.Row]) -> str:
    """Seconds of the first frames and of those that are added."""
    lines = [
        [
            f"`{row['repr']}`, effort {row['effort']}",
            f"{row['encode_s']:.0f}",
            f"{row['extend_s']:.0f}",
            f"{row['extend_s'] / row['encode_s']:.2f}",
            f"{row['psnr_db']:.2f}",
            "yes" if row["same"] else "no",
        ]
        for row in rows
        if row["part_of"] == "extend"
    ]
    header = [f"{_FIRST_FRAMES} frames and {_MORE_FRAMES}", "encode, s", "extend, s", "ratio"]
    return markdown([*header, "PSNR of all, dB", "first frames the same"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--effort", default=1, show_default=True, help="Of films that are extended.")
@click.option("--threads", default=2, show_default=True)
def main(effort: int, threads: int) -> None:
    """Crop and extend files of every kind."""
    record.limit_threads(threads)
    command, rows = record.command_line("cropping"), []
    where = record.provenance(threads, command)
    items = {"picture": kodak([1]), "sound": clips(["gt_bach"]), "film": films(["carphone"])}
    for name, paths in items.items():
        signal, crop = read_signal(paths[0], paths[0].name), CROPS[name]
        made = [{"part_of": "crop"} | crop_row(signal, crop, kind, threads) for kind in crop.rates]
        if name == "film":
            for kind, rate in EXTENDED.items():
                row = extend_row(signal, kind, rate, effort, threads)
                made.append({"part_of": "extend"} | row)
        rows += [{"item": paths[0].stem} | row | where for row in made]
        record.save(RESULTS / "cropping.json", command, rows)
    click.echo(f"{crop_table(rows)}\n\n{extend_table(rows)}")


if __name__ == "__main__":
    main()
