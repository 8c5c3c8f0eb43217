"""Why the encoder's defaults are what they are: python -m benchmarks.planning [EXPERIMENT ...]

Every experiment changes one thing and encodes Kodak 13 (busy) and 15 (calm) at 0.3 bpp; PSNR is of
the decoded file. Each encode runs in a process of its own, so that nothing that one changed is
left for the next. Rows go to results/planning.json; a run that is stopped goes on where it was.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import click

from benchmarks import record
from benchmarks.data import RESULTS, kodak
from benchmarks.kodak import encode_one

if TYPE_CHECKING:
    from torch import Tensor

KODAK_NUMBERS = [13, 15]
BPP = 0.3


def plain_adam(
    tensors: "Sequence[Tensor]", scales: Sequence[float], *_stacked: object, **_of_soap: float
) -> Any:
    """Adam where the encoder expects Soap."""
    from inrcodec.encoder.optimiser import Adam

    return Adam(tensors, scales)


def _nothing() -> None:
    """In place of keep_pages."""


@dataclass(frozen=True)
class Variant:
    """One way to encode: expert settings, and values put in place of names inside inrcodec."""

    settings: dict[str, str] = field(default_factory=dict)
    repr: str = "asmr"
    patches: dict[str, Any] = field(default_factory=dict)


def _setting(key: str, values: Sequence[float], representation: str = "asmr") -> dict[str, Variant]:
    return {f"{v:g}": Variant({key: f"{v:g}"}, representation) for v in values}


def _latent_rate(value: float) -> Variant:
    return Variant(repr="doh", patches={"inrcodec.encoder.model._LATENT_RATE": value})


def _adam(rate: float) -> Variant:
    return Variant(
        {"learning_rate": f"{rate:g}"}, patches={"inrcodec.encoder.fit.Soap": plain_adam}
    )


def _pyramid(**patches: object) -> Variant:
    """Values in place of names of the pyramid's encoder, `module__NAME`."""
    targets = {
        f"inrcodec.encoder.pyramid.{name.replace('__', '._', 1)}": value
        for name, value in patches.items()
    }
    return Variant(repr="pyramid", patches=targets)


def _latents(name: str, value: object) -> Variant:
    """A pyramid with a value in place of one in the module of the fit of latents."""
    return Variant(repr="pyramid", patches={f"inrcodec.encoder.latent_fit.{name}": value})


def _in_time(pull: float) -> Variant:
    """A pyramid with this pull that has as few steps at its end as a limit on time leaves."""
    fit = "inrcodec.encoder.pyramid.fit.PyramidFit"
    return Variant(repr="pyramid", patches={f"{fit}.pull": pull, f"{fit}.closing": 0.03})


def _projected(share: float) -> Variant:
    """A pyramid whose finest cell network is generated from a latent."""

    def learner(tensors: "Mapping[str, Tensor]") -> Any:
        from benchmarks.projected_cells import ProjectedLearner

        return ProjectedLearner(tensors, share)

    return Variant(repr="pyramid", patches={"inrcodec.encoder.pyramid.fit.StripeLearner": learner})


PYRAMID_EXPERIMENTS: dict[str, dict[str, Variant]] = {
    # How often the finest cell network learns, and by what.
    "pyramid: updates in a step": {
        "one a stripe": _pyramid(),
        "one": _pyramid(synthesis__STRIPE_CELLS=10**9, synthesis__LEAST_STRIPES=1),
        "one a half stripe": _pyramid(synthesis__STRIPE_CELLS=4096),
    },
    "pyramid: optimiser of cells": {
        "SOAP": _pyramid(),
        "Adam": Variant(
            repr="pyramid", patches={"inrcodec.encoder.pyramid.cells.Soap": plain_adam}
        ),
    },
    # The finest network from a latent of so many of its numbers.
    "pyramid: cells from a latent": {"all numbers": _pyramid()}
    | {f"{share:.0%}": _projected(share) for share in (0.6, 0.3)},
    "pyramid: last temperature": {
        f"{value:g}": _latents("LatentFit.temperature", (0.3, value)) for value in (0.05, 0.1, 0.15)
    },
    "pyramid: first temperature": {
        f"{value:g}": _latents("LatentFit.temperature", (value, 0.1)) for value in (0.2, 0.3, 0.4)
    },
    "pyramid: last noise": {
        f"{value:g}": _latents("LatentFit.noise", (0.25, value)) for value in (0.125, 0.2, 0.25)
    },
    "pyramid: noise": {
        "every quarter in four steps": _pyramid(),
        "anew in each step": _latents("_QUARTERS", (0.0,)),
    },
    # How strongly lambda follows the goal, where there is hardly time to close in on it.
    "pyramid: pull": {f"{value:g}": _in_time(value) for value in (6, 9, 12)},
    "pyramid: tensors rounded from": {
        f"{value:g}": _latents("_WEIGHTS_FROM", value) for value in (0.6, 0.75)
    },
    "pyramid: lambda over squared step": {
        f"{value:g}": _latents("_RATIO", value) for value in (0.08, 0.1, 0.13)
    },
    # Units of networks, and whether they come in four flips.
    "pyramid: mirrored": {
        f"{'yes' if mirrored else 'no'}, {width} units": replace(
            _pyramid(encode__MIRRORED=mirrored), settings={"width": str(width)}
        )
        for mirrored, width in ((True, 7), (True, 10), (False, 28), (False, 40))
    },
    "pyramid: width": _setting("width", [4, 7, 10, 14], "pyramid"),
    "pyramid: layers": _setting("layers", [1, 2, 3], "pyramid"),
}

EXPERIMENTS: dict[str, dict[str, Variant]] = {
    "bits per number": _setting("bits", [4.5, 5.5, 7]),
    "cell": _setting("cell", [2, 4, 8]),
    "frequencies": _setting("frequencies", [0, 5]),
    "layers": _setting("layers", [5, 7, 10]),
    "latent rate": {f"{value:g}": _latent_rate(value) for value in (5.0, 15.0, 50.0)},
    # The share of the steps spent on the target network, before it is projected.
    "distil": {"0": Variant(repr="doh")} | _setting("distil", [0.4], "doh"),
    # Adam at SOAP's learning rate and at the ones around it.
    "optimiser": {"SOAP, 0.001": Variant()}
    | {f"Adam, {rate:g}": _adam(rate) for rate in (0.001, 0.002, 0.005)},
    "pages": {
        "kept": Variant(),
        "given back": Variant(patches={"inrcodec.encoder.encode.keep_pages": _nothing}),
    },
    **PYRAMID_EXPERIMENTS,
    # What the planes of long fits begin as.
    "grids: start": {
        "nothing": Variant(repr="grids"),
        "Laplacian pyramid": Variant(
            repr="grids", patches={"inrcodec.encoder.grids.encode._PILOTED_FROM": 10**9}
        ),
    },
    # Momentum of their latents, and temperatures of soft rounding.
    "grids: rounding": {
        f"{momentum}, {first} to {last}": Variant(
            repr="grids",
            patches={
                "inrcodec.encoder.grids.grown.GrownFit.momentum": momentum,
                "inrcodec.encoder.grids.grown.GrownFit.temperature": (first, last),
            },
        )
        for momentum, first, last in ((0.9, 0.3, 0.1), (0.8, 0.3, 0.1), (0.8, 0.5, 0.1))
    },
}
_STEPS = {"asmr": 3000, "doh": 3000, "pyramid": 240, "grids": 2000}


def run(experiment: str, name: str, path: Path, steps: int | None, threads: int) -> record.Row:
    """Encode and decode one picture under one variant."""
    variant = EXPERIMENTS[experiment][name]
    steps = steps or _STEPS[variant.repr]
    options = {"bpp": BPP, "repr": variant.repr, "effort": 5, "threads": threads}
    settings = variant.settings | {"steps": str(steps)}
    with ExitStack() as stack:
        for target, value in variant.patches.items():
            stack.enter_context(patch(target, value))
        row = encode_one(path, options | {"settings": settings})
    return {"experiment": experiment, "variant": name} | row | {"planned_steps": steps}


def _steps_of(experiment: str, name: str) -> int:
    return _STEPS[EXPERIMENTS[experiment][name].repr]


def _key(row: record.Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("experiment", "variant", "image", "planned_steps"))


def table(rows: list[record.Row]) -> str:
    """Markdown: a row per variant, with the PSNR of each picture and the mean encode time."""
    images = sorted({row["image"] for row in rows})
    lines = [
        _line(["experiment", "variant", *(f"{i}, dB" for i in images), "mean, dB", "s per encode"]),
        _line(["---"] * (len(images) + 4)),
    ]
    for experiment, variants in EXPERIMENTS.items():
        own = [row for row in rows if row["experiment"] == experiment]
        pictures = {row["image"] for row in own}
        for name in variants:
            members = [row for row in own if row["variant"] == name]
            if members:
                lines.append(_line([experiment, name, *_figures(members, images, pictures)]))
    return "\n".join(lines)


def _figures(members: list[record.Row], images: list[str], pictures: set[str]) -> list[str]:
    """Cells of a variant; no mean while it lacks `pictures` of its experiment."""
    psnr = {row["image"]: row["psnr_db"] for row in members}
    mean = f"{sum(psnr.values()) / len(psnr):.2f}" if set(psnr) == pictures else "-"
    seconds = record.mean(members, "encode_s")
    cells = [f"{psnr[image]:.2f}" if image in psnr else "-" for image in images]
    return [*cells, mean, f"{seconds:.0f}"]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("experiments", nargs=-1, type=click.Choice(list(EXPERIMENTS)))
@click.option(
    "--steps", type=int, help="Of every fit; by default 3000, of a pyramid 240, of grids 2000."
)
@click.option("--picture", "pictures", multiple=True, type=click.Path(path_type=Path, exists=True))
@click.option("--jobs", default=1, show_default=True, help="Encodes side by side.")
@click.option("--threads", default=1, show_default=True, help="Threads of each encode.")
@click.option("--output", default="planning", show_default=True, help="Name under results.")
def main(
    experiments: tuple[str, ...],
    steps: int | None,
    pictures: tuple[Path, ...],
    jobs: int,
    threads: int,
    output: str,
) -> None:
    """Run EXPERIMENTS (default: all) on --picture (default: Kodak 13 and 15)."""
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {_key(row) for row in rows}
    todo = [
        (experiment, name, path, steps, threads)
        for experiment in experiments or EXPERIMENTS
        for name in EXPERIMENTS[experiment]
        for path in pictures or kodak(KODAK_NUMBERS)
        if (experiment, name, path.stem, steps or _steps_of(experiment, name)) not in done
    ]
    record.limit_threads(threads)
    command = record.command_line("planning")
    where = record.provenance(threads, command) | {"jobs": jobs}
    # A process for every encode: torch and the allocator start anew.
    with ProcessPoolExecutor(jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        for future in as_completed([pool.submit(run, *task) for task in todo]):
            rows = sorted([*rows, future.result() | where], key=_key)
            record.save(target, command, rows)
    click.echo(table([row for row in rows if steps in (None, row["planned_steps"])]))


if __name__ == "__main__":
    main()
