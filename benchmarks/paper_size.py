"""ASMR at the paper's size on Kodak: python -m benchmarks.paper_size --images 1,15

The network of Li et al. 2024, table 3: bases [4,4,4,8] x [4,4,6,8], width 256, 134.7 K parameters.
PSNR as there: before any quantisation, data range 1, predictions clamped, over RGB. Then the same
weights are rounded between each tensor's minimum and maximum to 4, 5, 6, 8 and 16 bits, as in
D'OH (Gordon et al. 2024, supplement 2.0.1), without further steps, and packed: `bytes_8_bit` is
the WEIGHTS payload. A run that is stopped goes on at the next picture.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks import record
from benchmarks.data import RESULTS, kodak
from inrcodec.nets.asmr import Asmr
from inrcodec.signals import Signal
from inrcodec.weights.storage import Direct

if TYPE_CHECKING:
    from inrcodec.encoder.fit import Fit

BITS = (4, 5, 6, 8, 16)
# (rows, columns) of a landscape picture, one pair per level
PAPER_BASES = ((4, 4), (4, 4), (4, 6), (8, 8))
WIDTH = 256
# what tells one setting from another
_SETTINGS = ("steps", "batch", "learning_rate", "w0_first", "w0_modulator", "seed")


def bases_for(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The paper's bases, transposed for a portrait picture. Raises SystemExit for other sizes."""
    bases = PAPER_BASES if shape[0] <= shape[1] else tuple((b, a) for a, b in PAPER_BASES)
    sides = tuple(math.prod(axis) for axis in zip(*bases, strict=True))
    if sides != tuple(shape):
        raise SystemExit(f"a picture of {shape} is not of Kodak's size")
    return bases


def fit_one(path: Path, settings: dict[str, Any]) -> record.Row:
    """Fit one picture and measure it before and after rounding.

    `settings`: steps, batch (rows), learning_rate, w0_first, w0_modulator, seed, seconds_limit,
    threads.
    """
    import torch

    from inrcodec.allocator import keep_pages
    from inrcodec.encoder.fit import Schedule
    from inrcodec.encoder.pace import Pace
    from inrcodec.signals.image import read_image

    keep_pages()
    torch.set_num_threads(settings["threads"])
    signal = read_image(path, path.name)
    fit = paper_fit(signal, settings)
    steps, batch, rate = (settings[key] for key in ("steps", "batch", "learning_rate"))
    schedule = Schedule(rate, batch, float_share=1.0)
    started = time.perf_counter()
    with fast_products():
        stop = _deadline(settings["seconds_limit"])
        stopped = fit.run(schedule, Pace(steps), None, lambda state: None, stop)
    seconds = time.perf_counter() - started
    facts = {
        "image": path.stem,
        "psnr_db": round(fit.psnr(), 4),
        "seconds": round(seconds, 1),
        "steps_done": fit.steps_done,
        "stopped": stopped,
        "recoveries": fit.guard.recoveries,
        "parameters": sum(spec.size for spec in fit.model.specs),
    }
    return facts | quantised(fit, math.prod(signal.shape)) | settings


def paper_fit(signal: Signal, settings: dict[str, Any]) -> "Fit":
    """The paper's network on a signal, not fitted yet; rows are cells of the last level."""
    import torch

    from inrcodec.encoder.describe import unit_values
    from inrcodec.encoder.fit import Fit
    from inrcodec.encoder.model import Model
    from inrcodec.encoder.samples import Samples

    net = Asmr(
        signal.shape,
        signal.channels,
        WIDTH,
        bases_for(signal.shape),
        w0_first=settings["w0_first"],
        w0_modulator=settings["w0_modulator"],
    )
    device, seed = torch.device("cpu"), settings["seed"]
    samples = Samples(unit_values(signal), net, net.heads()[-1], device)
    return Fit(Model(net, Direct(), seed, device), samples, seed)


@contextlib.contextmanager
def fast_products() -> Iterator[None]:
    """Let torch round the inputs of matrix products to bfloat16 where the processor has them.

    Gradients of a fit stand it (width 256: half the time of a step); what is measured does not,
    so it ends with the fit.
    """
    import torch

    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is None or not hasattr(matmul, "fp32_precision"):
        yield
        return
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


def quantised(fit: "Fit", pixels: int) -> record.Row:
    """PSNR, payload and rate of a fit's weights at each number of bits per entry."""
    from inrcodec.encoder.rate import grids_for_levels, payload

    row: record.Row = {}
    arrays = fit.arrays()
    for bits in BITS:
        grids = grids_for_levels(arrays, 2**bits)
        fit.use_grids(grids)
        size = len(payload(arrays, grids))
        row[f"psnr_db_{bits}_bit"] = round(fit.psnr(), 4)
        row[f"bytes_{bits}_bit"] = size
        row[f"bpp_{bits}_bit"] = round(size * 8 / pixels, 4)
    fit.use_grids(None)
    return row


def _deadline(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def summary(rows: list[record.Row]) -> str:
    """Mean and standard deviation over pictures, per setting."""
    lines = []
    for (steps, batch, rate, *_), members in record.grouped(rows, *_SETTINGS).items():
        centre, spread = (f(members, "psnr_db") for f in (record.mean, record.spread))
        means = [record.mean(members, f"psnr_db_{bits}_bit") for bits in BITS]
        levels = ", ".join(f"{m:.2f} at {b} bits" for m, b in zip(means, BITS, strict=True))
        lines.append(
            f"{len(members)} pictures, {steps} steps of {batch} rows, rate {rate}:"
            f" {centre:.2f} +- {spread:.2f} dB ({levels}),"
            f" {record.mean(members, 'seconds'):.0f} s a picture"
        )
    return "\n".join(lines)


def _key(row: record.Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("image", *_SETTINGS))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--images", default="", help="Numbers such as 1,4,7; default all 24.")
@click.option("--steps", default=4000, show_default=True)
@click.option("--batch", default=2048, show_default=True, help="Rows (8x8 cells) in a step.")
@click.option("--learning-rate", default=2e-3, show_default=True)
@click.option("--w0-first", default=30, show_default=True)
@click.option("--w0-modulator", default=1, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--minutes-limit", default=60.0, show_default=True, help="For one picture.")
@click.option("--jobs", default=1, show_default=True, help="Pictures side by side.")
@click.option("--threads", default=2, show_default=True, help="Threads of each job.")
@click.option("--output", default="paper_size", show_default=True, help="Name under results.")
def main(
    images: str, minutes_limit: float, jobs: int, threads: int, output: str, **settings: Any
) -> None:
    """Fit Kodak pictures with the paper's network; resumes; rows go to JSON and CSV."""
    paths = kodak([int(n) for n in images.split(",") if n])
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {_key(row) for row in rows}
    todo = [path for path in paths if _key(settings | {"image": path.stem}) not in done]
    record.limit_threads(threads)
    command = record.command_line("paper_size")
    where = record.provenance(threads, command, settings["seed"]) | {"jobs": jobs}
    settings |= {"seconds_limit": minutes_limit * 60, "threads": threads}
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(fit_one, path, settings) for path in todo]):
            row = future.result() | where
            rows = sorted([*rows, row], key=_key)
            record.save(target, command, rows)
            click.echo(f"{row['image']}: {row['psnr_db']:.2f} dB, {row['seconds']:.0f} s")
    click.echo(summary(rows))


if __name__ == "__main__":
    main()
