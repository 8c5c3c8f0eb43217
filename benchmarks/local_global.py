"""Local-Global beside SIREN, as in the paper: python -m benchmarks.local_global pictures

Ashkenazi and Treister 2024, tables 1 and 11: a Local-Global network, a SIREN for each partition and
one SIREN for all, with as many parameters, steps and samples a step, measured before anything is
quantised. As published, networks for partitions see coordinates of the whole signal; ours see
those of their partition, which is better. PSNR of pictures is over values of 0..1, that of sounds
over samples of -1..1 at their loudest with a peak of 1, as there. `seam_ratio` is the mean squared
error of samples beside another partition over that of all others. Every method has frequency
factors of its own, and learning rates of its own with the codec's optimiser, SOAP; with Adam all
have the paper's. A run that is stopped goes on where it was.
"""

import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import click
import numpy as np

from benchmarks import record, seams
from benchmarks.data import RESULTS, clips, kodak
from benchmarks.planning import plain_adam
from benchmarks.tabular import markdown
from inrcodec.nets import LocalGlobal, Siren
from inrcodec.nets.base import Array, Namespace, TensorSpec
from inrcodec.signals import Signal
from inrcodec.weights.storage import Direct

if TYPE_CHECKING:
    from inrcodec.encoder.fit import Fit

METHODS = ("local-global", "siren-per-partition", "published-siren-per-partition", "siren")
LAYERS = 4  # the paper's three hidden layers after the first
SHARE = 0.1  # of the parameters, for the global network and Merge
# Tables 1 (DIV2K, 1,000 epochs) and 11 (32 partitions): other pictures, the same sounds.
PAPER = {
    ("pictures", "local-global"): "34.13",
    ("pictures", "published-siren-per-partition"): "31.90",
    ("pictures", "siren"): "33.57",
    ("gt_bach", "local-global"): "45.18",
    ("gt_bach", "published-siren-per-partition"): "39.26",
    ("gt_bach", "siren"): "39.94",
    ("gt_counting", "local-global"): "33.18",
    ("gt_counting", "published-siren-per-partition"): "31.24",
    ("gt_counting", "siren"): "32.07",
}
_SETTINGS = ("parameters_asked", "optimiser", "learning_rate", "steps", "samples", "middle", "seed")
_ROW_KEY = ("item", "method", *_SETTINGS)
_TABLE_KEY = ("kind", "optimiser", "middle", "parameters_asked", "steps", "samples")
_OPTIMISERS = {"soap": "SOAP", "adam": "Adam"}


def _each(*values: Any) -> dict[str, Any]:
    """Values by method."""
    return dict(zip(METHODS, values, strict=True))


@dataclass(frozen=True)
class Kind:
    """What is the same for all items of a kind. Learning rates by optimiser and method, frequency
    factors of the first layer by method; `w0_global` of the global network."""

    parameters: int
    steps: int
    samples: int
    rates: dict[str, dict[str, float]]
    w0: dict[str, int]
    w0_global: int


KINDS = {
    "pictures": Kind(
        parameters=199_000,
        steps=2000,
        samples=2**16,
        rates={
            "soap": _each(3e-3, 3e-3, 3e-3, 2e-3),
            "adam": dict.fromkeys(METHODS, 5e-4),
        },
        w0=_each(16, 16, 30, 30),
        w0_global=100,
    ),
    "sounds": Kind(
        parameters=199_000,
        steps=1000,
        samples=2**15,
        rates={
            "soap": _each(1e-3, 2e-3, 2e-3, 3e-4),
            "adam": dict.fromkeys(METHODS, 1e-4),
        },
        w0=_each(300, 300, 3000, 3000),
        w0_global=300,
    ),
}


@dataclass(frozen=True)
class PerPartition(LocalGlobal):
    """A SIREN for each partition: local networks alone. `published`: on coordinates of the whole
    grid, as in the paper, in place of those of their partition."""

    published: bool = False

    def shared_tensors(self) -> list[TensorSpec]:
        """None."""
        return []

    def forward(
        self,
        xp: Namespace,
        weights: Mapping[str, Array],
        inputs: Sequence[Array],
        head: int = 0,
    ) -> Array:
        """As LocalGlobal.forward, without the global network and Merge."""
        z = inputs[1 if self.published else 0]
        for i in range(1, self.layers + 1):
            z = self.local_layer(xp, weights, i, z, None)
        return self.local_output(xp, weights, z)


def network(method: str, kind: Kind, signal: Signal, side: tuple[int, ...], parameters: int) -> Any:
    """The widest network of a method with at most so many parameters."""
    shape, channels, w0 = signal.shape, signal.channels, kind.w0[method]

    def made(width: int, global_width: int = 1) -> Any:
        if method == "siren":
            return Siren(shape, channels, width, LAYERS, w0_first=w0)
        sizes = (width, LAYERS, global_width, side, w0, 30, kind.w0_global)
        if method == "local-global":
            return LocalGlobal(shape, channels, *sizes, merged_once=True)
        published = method.startswith("published")
        return PerPartition(shape, channels, *sizes, merged_once=True, published=published)

    if method != "local-global":
        return _widest(made, parameters)
    wide = _widest(lambda width: made(width), (1 - SHARE) * parameters)
    return _widest(lambda width: made(wide.width, width), parameters)


def _widest(made: Any, most: float) -> Any:
    width = 1
    while sum(t.size for t in made(width + 1).tensors()) <= most:
        width += 1
    return made(width)


def fit_of(net: Any, signal: Signal, seed: int) -> "Fit":
    """A network on a signal, not fitted yet."""
    import torch

    from inrcodec.encoder.describe import unit_values
    from inrcodec.encoder.fit import Fit
    from inrcodec.encoder.model import Model
    from inrcodec.encoder.usual import samples_of

    device = torch.device("cpu")
    samples = samples_of(net, unit_values(signal), device, binary=False)
    return Fit(Model(net, Direct(), seed, device), samples, seed)


def measure(
    path: Path, signal: Signal, kind: Kind, side: tuple[int, ...], settings: dict[str, Any]
) -> record.Row:
    """Fit one item by one method. `settings`: method, those of `_SETTINGS`, threads."""
    import torch

    from inrcodec.allocator import keep_pages
    from inrcodec.encoder.fit import Schedule
    from inrcodec.encoder.pace import Pace

    keep_pages()
    torch.set_num_threads(settings["threads"])
    net = network(settings["method"], kind, signal, side, settings["parameters_asked"])
    rows = settings["samples"]
    if isinstance(net, LocalGlobal):
        rows = max(1, round(rows / math.prod(net.partitions)))
    schedule = Schedule(settings["learning_rate"], rows, float_share=1.0)
    adam = settings["optimiser"] == "adam"
    with patch("inrcodec.encoder.fit.Soap", plain_adam) if adam else nullcontext():
        fit = fit_of(net, signal, settings["seed"])
        started = time.perf_counter()
        fit.run(schedule, Pace(settings["steps"]), None, lambda state: None, lambda: False)
        seconds = time.perf_counter() - started
    # Values of sounds span 0..1 where the paper's span -1..1.
    offset = 20 * math.log10(2) if signal.kind == "audio" else 0.0
    row = {"item": path.stem} | settings
    row |= {
        "parameters": sum(t.size for t in net.tensors()),
        "width": net.width,
        "global_width": getattr(net, "global_width", 0) if net.tensors()[0].name == "U1" else 0,
        "partitions": "x".join(map(str, getattr(net, "partitions", ()))),
        "w0_first": net.w0_first,
        "psnr_db": round(fit.psnr() - offset, 3),
        "seconds": round(seconds, 1),
        "ms_per_step": round(1000 * seconds / settings["steps"], 2),
        "recoveries": fit.guard.recoveries,
    }
    if isinstance(net, LocalGlobal) and math.prod(net.partitions) > 1:
        row["seam_ratio"] = round(seam_ratio(fit, net), 4)
    return row


def seam_ratio(fit: "Fit", net: LocalGlobal) -> float:
    """Mean squared error of samples beside another partition over that of all others."""
    import torch

    errors = []
    with torch.no_grad():
        for index in torch.arange(fit.samples.rows).split(fit.samples.chunk):
            inputs, targets, _ = fit.samples.batch(index)
            values = fit.model.forward(fit.model.stored, inputs, 0).clamp(0, 1)
            errors.append((values - targets).square().mean(-1).numpy())  # (P, places)
    # From partitions and places in them to the grid of the signal.
    axes = len(net.side)
    order = [axis for pair in zip(range(axes), range(axes, 2 * axes), strict=True) for axis in pair]
    apart = np.concatenate(errors, axis=1).reshape(*net.partitions, *net.side).transpose(order)
    sides = [p * s for p, s in zip(net.partitions, net.side, strict=True)]
    whole = apart.reshape(sides)[tuple(slice(n) for n in net.shape)]
    return seams.ratio(whole, seams.at_borders(net.shape, net.side))


def items(kind: str, names: str, middle: int) -> list[tuple[Path, Signal]]:
    """Signals of a kind: numbers of Kodak pictures, or parts of the names of clips; of each the
    middle, 1/`middle` of each side."""
    from inrcodec.signals.audio_read import read_audio
    from inrcodec.signals.image import read_image

    chosen = [name for name in names.split(",") if name]
    if kind == "pictures":
        paths = kodak([int(n) for n in chosen or ("1", "4", "7", "10", "13", "16", "19", "22")])
        return [(path, cut(read_image(path, path.name), middle)) for path in paths]
    paths = clips(chosen or ["gt_bach", "gt_counting"])
    return [(path, cut(read_audio(path, path.name), middle)) for path in paths]


def cut(signal: Signal, middle: int) -> Signal:
    """The middle of a signal, 1/`middle` of each side."""
    sides = [n // middle for n in signal.shape]
    starts = [(n - m) // 2 for n, m in zip(signal.shape, sides, strict=True)]
    box = tuple(slice(a, a + m) for a, m in zip(starts, sides, strict=True))
    return replace(signal, samples=np.ascontiguousarray(signal.samples[box]))


def side_of(signal: Signal, partitions: int) -> tuple[int, ...]:
    """Sounds have so many partitions, pictures those of 32x32 (the paper's "auto")."""
    if signal.kind == "audio":
        return (-(-signal.shape[0] // partitions),)
    return tuple(min(32, n) for n in signal.shape)


def summary(rows: list[record.Row]) -> str:
    """Means over items, per setting, and by how much local-global is above the others."""
    lines = []
    for key, members in record.grouped(rows, *_TABLE_KEY).items():
        means = {
            m: record.mean(of, "psnr_db") for (m,), of in record.grouped(members, "method").items()
        }
        for (method,), of in record.grouped(members, "method").items():
            above = means.get("local-global", math.nan) - means[method]
            lines.append(
                f"{key[0]}, {key[1]}, {key[4]} steps of {key[5]}, {len(of)} items, {method}:"
                f" {means[method]:.2f} dB, local-global {above:+.2f},"
                f" {record.mean(of, 'ms_per_step'):.0f} ms a step"
            )
    return "\n".join(lines)


def table(rows: Sequence[record.Row]) -> str:
    """Means over items, and over settings what the paper has."""
    lines = []
    for key, members in record.grouped(rows, *_TABLE_KEY).items():
        kind, optimiser, middle, _, steps, samples = key
        part = "" if middle == 1 else f", the middle 1/{middle} of each side"
        by_item = record.grouped(members, "item") if kind == "sounds" else {(kind,): members}
        for (name,), of_name in by_item.items():
            for (method,), of in record.grouped(of_name, "method").items():
                ratios = [row["seam_ratio"] for row in of if "seam_ratio" in row]
                lines.append(
                    [
                        f"{len(of)} pictures{part}" if kind == "pictures" else name,
                        _OPTIMISERS[optimiser],
                        method,
                        f"{record.mean(of, 'parameters') / 1000:.0f}",
                        f"{steps} of {samples}",
                        f"{record.mean(of, 'psnr_db'):.2f}",
                        PAPER.get((name, method), "-"),
                        f"{record.mean(of, 'ms_per_step'):.0f}",
                        f"{statistics.fmean(ratios):.2f}" if ratios else "-",
                    ]
                )
    header = ["", "optimiser", "network", "parameters, K", "steps of samples", "PSNR, dB"]
    last = ["paper, dB", "ms a step", "error at borders over elsewhere"]
    return markdown([*header, *last], lines)


def _key(row: record.Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _ROW_KEY)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--items", "names", default="", help="1,4,7 or bach,counting; default as the paper.")
@click.option("--methods", default=",".join(METHODS), show_default=True)
@click.option("--optimiser", type=click.Choice(list(_OPTIMISERS)), default="soap")
@click.option("--middle", default=1, help="Only the middle: 1/N of each side, 1/N^2 of the rest.")
@click.option("--steps", type=int, help="Default: 2000 for pictures, 1000 for sounds.")
@click.option("--samples", type=int, help="Samples in a step of any method.")
@click.option("--parameters", type=int, help="Default: 199,000.")
@click.option("--learning-rate", type=float, help="Of all methods, in place of their own.")
@click.option("--partitions", default=32, show_default=True, help="Of a sound.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="local_global", show_default=True, help="Name under results.")
def main(
    kind: str,
    names: str,
    methods: str,
    optimiser: str,
    middle: int,
    steps: int | None,
    samples: int | None,
    parameters: int | None,
    learning_rate: float | None,
    partitions: int,
    seed: int,
    threads: int,
    output: str,
) -> None:
    """Fit pictures or sounds by each method; resumes; rows go to JSON and CSV."""
    target, of = RESULTS / f"{output}.json", KINDS[kind]
    rows = record.load(target)
    done = {_key(row) for row in rows}
    record.limit_threads(threads)
    where = record.provenance(threads)
    command = "python -m benchmarks.local_global " + " ".join(sys.argv[1:])
    share = middle ** (2 if kind == "pictures" else 1)
    for path, signal in items(kind, names, middle):
        for method in methods.split(","):
            settings: dict[str, Any] = {
                "kind": kind,
                "method": method,
                "middle": middle,
                "parameters_asked": parameters or of.parameters // share,
                "optimiser": optimiser,
                "learning_rate": learning_rate or of.rates[optimiser][method],
                "steps": steps or of.steps,
                "samples": samples or of.samples // share,
                "seed": seed,
                "threads": threads,
            }
            if _key(settings | {"item": path.stem}) in done:
                continue
            row = measure(path, signal, of, side_of(signal, partitions), settings) | where
            rows = sorted([*rows, row], key=_key)
            record.save(target, command, rows)
            click.echo(f"{path.stem} {method}: {row['psnr_db']:.2f} dB, {row['seconds']:.0f} s")
    click.echo(summary(rows))


if __name__ == "__main__":
    main()
