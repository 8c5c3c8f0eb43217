"""The published ASMR order against ours, on the same weights: python -m benchmarks.speed --json

The network is the paper's for Kodak (Li et al. 2024, table 3): 512x768 RGB, bases [4,4,4,8] x
[4,4,6,8], width 256. Both orders run in one process under the same library and threads
(OMP_NUM_THREADS, else all cores), both with pages kept between calls, and take turns, so that
a busy moment of the machine falls on both. A ratio is of medians. A fit step is forward,
mean squared error and backward over all samples, without the optimiser, which is the same for both.

The published order makes tensors of 400 MB, and much of its time under torch goes into fresh 4 KiB
pages. NumPy asks the kernel for huge pages by itself; torch does so when THP_MEM_ALLOC_ENABLE=1,
which is off by default. So everything is measured a second time, in a process that has it on:
those figures, the published order at its best, are under "huge_pages".
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import array_api_compat.numpy
import array_api_compat.torch
import click
import numpy as np
import torch
from torch import Tensor

from benchmarks import record
from benchmarks.data import ROOT
from benchmarks.published_order import published_forward
from inrcodec.allocator import keep_pages
from inrcodec.encoder.model import Model
from inrcodec.nets.asmr import Asmr
from inrcodec.nets.base import grid_index
from inrcodec.weights.storage import Direct

TORCH, NUMPY = array_api_compat.torch, array_api_compat.numpy
LARGEST_DIFFERENCE = 1e-4
HUGE_PAGES = "THP_MEM_ALLOC_ENABLE"


def paper_net() -> Asmr:
    """The network of the paper's Kodak experiment, for landscape pictures."""
    return Asmr((512, 768), 3, 256, ((4, 4), (4, 4), (4, 6), (8, 8)))


def our_forward(xp: Any, net: Asmr, weights: Mapping[str, Any], inputs: list[Any]) -> Any:
    """Asmr.forward with head = 0, its blocks put together to (*padded grid, channels)."""
    blocks = net.forward(xp, weights, inputs, 0)  # (rows, *block, channels)
    counts, block = net.rows(0), net.block(0)
    dimensions = len(counts)
    split = xp.reshape(blocks, (*counts, *block, net.channels))
    order = [axis for d in range(dimensions) for axis in (d, dimensions + d)]
    moved = xp.permute_dims(split, (*order, 2 * dimensions))
    sides = [n * b for n, b in zip(counts, block, strict=True)]
    return xp.reshape(moved, (*sides, net.channels))


def row_inputs(net: Asmr) -> list[np.ndarray]:
    """Inputs of all rows at head 0."""
    return list(net.inputs(grid_index((0,) * len(net.shape), net.rows(0)), 0))


def fit_step(leaves: list[Tensor], target: Tensor, forward: Callable[[], Tensor]) -> None:
    """Forward, mean squared error, backward."""
    for leaf in leaves:
        leaf.grad = None
    (forward() - target).square().mean().backward()


def alternate(published: Callable[[], Any], ours: Callable[[], Any], repeats: int) -> list[float]:
    """Median milliseconds of both, taking turns after two calls each that do not count.

    Ours is called five times as often: it is short, and the noise of its median would be the
    ratio's.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 2):
        for kept, call, calls in ((times[0], published, 1), (times[1], ours, 5)):
            for _ in range(calls):
                started = time.perf_counter()
                call()
                if turn >= 2:
                    kept.append(time.perf_counter() - started)
    return [statistics.median(kept) * 1000 for kept in times]


def _torch_times(
    net: Asmr, model: Model, inputs: list[np.ndarray], repeats: int
) -> dict[str, float]:
    """Forward alone and a whole fit step, both under torch."""
    tensors = [torch.from_numpy(x) for x in inputs]
    leaves = list(model.stored.values())
    target = torch.rand((*net.shape, net.channels), generator=torch.Generator().manual_seed(1))

    def published() -> Any:
        return published_forward(TORCH, net, model.stored)

    def ours() -> Any:
        return our_forward(TORCH, net, model.stored, tensors)

    with torch.no_grad():
        decode = alternate(published, ours, repeats)
    step = alternate(
        lambda: fit_step(leaves, target, published),
        lambda: fit_step(leaves, target, ours),
        max(3, repeats // 2),
    )
    return _named("decode", *decode) | _named("step", *step)


def _named(what: str, published_ms: float, ours_ms: float) -> dict[str, float]:
    return {
        f"{what}_ratio": round(published_ms / ours_ms, 2),
        f"{what}_ms": round(ours_ms, 2),
        f"published_{what}_ms": round(published_ms, 2),
    }


def measure(net: Asmr, repeats: int) -> dict[str, Any]:
    """All figures, ready for JSON; raises SystemExit if the two orders disagree."""
    keep_pages()
    load = os.getloadavg()[0]
    model = Model(net, Direct(), 0, torch.device("cpu"))
    inputs, arrays = row_inputs(net), model.arrays()

    def published() -> Any:
        return published_forward(NUMPY, net, arrays)

    def ours() -> Any:
        return our_forward(NUMPY, net, arrays, inputs)

    difference = float(np.abs(published() - ours()).max())
    if difference >= LARGEST_DIFFERENCE:
        raise SystemExit(f"the two orders differ by {difference}: nothing to compare")
    facts = {
        "parameters": sum(spec.size for spec in net.tensors()),
        "macs_per_sample": net.macs(len(inputs[0]), 0) / (net.shape[0] * net.shape[1]),
        "max_difference": difference,
    }
    timed = _torch_times(net, model, inputs, repeats)
    timed |= _named("numpy_decode", *alternate(published, ours, max(3, repeats // 3)))
    return {"library": "torch", **timed, **facts, "load_before": load}


def with_huge_pages(repeats: int) -> dict[str, Any]:
    """The timings of another process, in which torch asks for huge pages."""
    command = [sys.executable, "-m", "benchmarks.speed", "--json", "--repeats", str(repeats)]
    environment = os.environ | {HUGE_PAGES: "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    figures = json.loads(done.stdout)
    return {key: value for key, value in figures.items() if key.endswith(("_ms", "_ratio"))}


def provenance() -> dict[str, Any]:
    """Where the figures were taken, with the versions in a record of their own."""
    where = record.provenance(torch.get_num_threads(), record.command_line("speed"))
    libraries = ("inrcodec", "torch", "numpy", "python")
    machine = {
        key: where[key] for key in ("commit", "date", "processor", "cores", "threads", "command")
    }
    return machine | {"versions": {key: where[key] for key in libraries}}


def table(figures: Mapping[str, Any]) -> str:
    """The figures for people."""
    huge = figures.get("huge_pages", {})
    rows = [
        ("forward, torch", figures, "decode"),
        ("fit step, torch", figures, "step"),
        ("forward, NumPy", figures, "numpy_decode"),
        ("forward, torch, huge pages", huge, "decode"),
        ("fit step, torch, huge pages", huge, "step"),
    ]
    lines = [f"{'':28}{'published ms':>14}{'ours ms':>10}{'ratio':>8}"]
    lines += [
        f"{label:28}{f[f'published_{key}_ms']:14.1f}{f[f'{key}_ms']:10.1f}{f[f'{key}_ratio']:8.1f}"
        for label, f, key in rows
        if f
    ]
    lines.append(
        f"{figures['parameters']} parameters, {figures['macs_per_sample']:.0f} MAC per sample,"
        f" largest difference {figures['max_difference']:.1e}"
    )
    lines.append(f"{figures['processor']}, {figures['threads']} threads")
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--repeats", default=9, show_default=True, help="Timed turns.")
@click.option("--output", help="Name under results; default: nothing is written there.")
def main(as_json: bool, repeats: int, output: str | None) -> None:
    """Time the published order of evaluation against ours."""
    figures = measure(paper_net(), repeats)
    if os.environ.get(HUGE_PAGES) != "1":
        figures["huge_pages"] = with_huge_pages(max(3, repeats // 2))
    figures |= provenance()
    click.echo(record.told(figures, table(figures), as_json, output))
    load = figures["load_before"]
    if load > (os.cpu_count() or 1) / 2:
        click.echo(f"load {load:.1f} before the start: times are unreliable", err=True)


if __name__ == "__main__":
    main()
