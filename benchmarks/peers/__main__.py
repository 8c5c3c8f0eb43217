"""python -m benchmarks.peers sizes | fit TASK | latency | draw

`fit` writes benchmarks/results/peers.json, one row per signal and network, with the paper's figure
beside ours; a run that is stopped goes on where it was. The paper takes 10,000 steps over all
samples (shapes and films: epochs of batches), which is for a GPU: --steps says how many were
taken here, and --rate-factor by how much the paper's learning rates were multiplied, since those
are for 10,000 steps; --batch takes so many samples a step. Rows of other settings are other rows.
`sizes` writes peers_sizes.json and takes no time, `latency` writes peers_latency.json in minutes.
`draw` makes docs/depth.png of rows of fits and sizes.
"""

from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.curves import published_rows
from benchmarks.data import RESULTS, ROOT
from benchmarks.peers import depth
from benchmarks.peers.tasks import GRIDS, TASKS, Item, Network, sizes
from benchmarks.tabular import markdown

_KEY = ("task", "item", "network", "steps", "batch", "learning_rate", "seed")


def paper(task: str, network: str) -> dict[str, str]:
    """The paper's row of a network, {} where it has none."""
    rows = published_rows("asmr")
    return next((r for r in rows if r["data"] == task and r["model"] == network), {})


def beside(task: str, network: str) -> record.Row:
    """The paper's figures as columns of ours."""
    row = paper(task, network)
    names = ("parameters_k", "macs_k", "psnr_db", "psnr_std", "ssim", "iou", "source")
    return {f"paper_{name}": _value(row[name]) for name in names if row.get(name)}


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def fitted(task: str, item: Item, name: str, network: Network, settings: record.Row) -> record.Row:
    """Fit one network to one signal; its row."""
    import torch

    from benchmarks.peers.fit import fit

    torch.manual_seed(settings["seed"])
    peer = network.make(item.values.shape[:-1], item.values.shape[-1])
    outcome = fit(
        peer,
        item,
        settings["steps"],
        settings["learning_rate"],
        settings["batch"],
        settings["device"],
        settings["seed"],
    )
    row: record.Row = {"task": task, "item": item.name, "network": name} | settings
    row |= {"psnr_db": round(outcome.psnr_db, 3), "parameters": peer.size}
    row |= {"macs": round(peer.macs, 1), "seconds": round(outcome.seconds, 1)}
    more = {"iou": outcome.iou, "ssim": outcome.ssim}
    return row | {key: round(value, 4) for key, value in more.items() if value is not None}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Networks that the ASMR paper compares with."""


@main.command("sizes")
def sizes_command() -> None:
    """Parameters and MACs of every network, beside the paper's."""
    command = record.command_line("peers")
    where = record.provenance(1, command)
    rows = [row | beside(row["task"], row["network"]) | where for row in sizes()]
    record.save(RESULTS / "peers_sizes.json", command, rows)
    click.echo(sizes_table(rows))


@main.command("latency")
@click.option("--threads", default=2, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="As torch names it.")
def latency_command(threads: int, device: str) -> None:
    """Milliseconds in which networks evaluate their task's whole grid."""
    import torch

    from benchmarks.peers.fit import latency

    record.limit_threads(threads)
    torch.set_num_threads(threads)
    command = record.command_line("peers")
    rows, where = [], record.provenance(threads, command) | {"device": device}
    for task, grid in GRIDS.items():
        for name, network in TASKS[task].networks.items():
            ms = round(latency(network.make(*grid), device), 3)
            rows.append({"task": task, "network": name, "latency_ms": ms} | where)
            click.echo(f"{task} {name}: {ms:.1f} ms")
    record.save(RESULTS / "peers_latency.json", command, rows)


@main.command("draw")
@click.option("--output", default=str(ROOT / "docs" / "depth.png"), show_default="docs/depth.png")
def draw_command(output: str) -> None:
    """Draw what depth costs and gives, as figures 2 and 3 of the paper do."""
    found = [record.load(RESULTS / f"{name}.json") for name in ("peers_sizes", "peers")]
    depth.draw(depth.costs(found[0]), depth.quality(found[1]), Path(output))
    click.echo(output)


@main.command("fit")
@click.argument("task", type=click.Choice(list(TASKS)))
@click.option("--networks", default="", help="Names; default the paper's table.")
@click.option("--items", default="", help="Names or Kodak's numbers; default all.")
@click.option("--figure-3", is_flag=True, help="Of cameraman: the networks of figure 3 too.")
@click.option("--steps", default=10_000, show_default=True)
@click.option("--rate-factor", default=1.0, show_default=True, help="On the paper's rates.")
@click.option("--batch", type=int, help="Samples of a step; default all, 4096 or 16384.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="As torch names it.")
@click.option("--output", default="peers", show_default=True, help="Name under results.")
def fit_command(
    task: str,
    networks: str,
    items: str,
    figure_3: bool,
    steps: int,
    rate_factor: float,
    batch: int | None,
    seed: int,
    threads: int,
    device: str,
    output: str,
) -> None:
    """Fit the networks of TASK to its signals; resumes."""
    import torch

    record.limit_threads(threads)
    torch.set_num_threads(threads)
    target, command = RESULTS / f"{output}.json", record.command_line("peers")
    rows = record.load(target)
    done = {tuple(row[key] for key in _KEY) for row in rows}
    where = record.provenance(threads, command, seed)
    for name, network in chosen(task, networks, figure_3).items():
        rate = network.learning_rate * rate_factor
        settings: record.Row = {
            "steps": steps,
            "batch": batch or TASKS[task].batch,
            "learning_rate": rate,
        }
        settings |= {"seed": seed, "device": device}
        for load in selected(task, items):
            item = load()
            named = {"task": task, "item": item.name, "network": name} | settings
            if tuple(named[key] for key in _KEY) in done:
                continue
            row = fitted(task, item, name, network, settings)
            rows.append(row | beside(task, name) | where)
            record.save(target, command, rows)
            click.echo(f"{item.name} {name}: {_figure(row)}, {row['seconds']:.0f} s")


def chosen(task: str, names: str, figure_3: bool) -> dict[str, Network]:
    """Networks of a task: those named, or those of the paper's table. Raises click.UsageError."""
    known = TASKS[task].networks
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise click.UsageError(f"no network {unknown[0]}; known: {', '.join(known)}")
    if not wanted and not figure_3:
        return {name: network for name, network in known.items() if paper(task, name)}
    return {name: network for name, network in known.items() if name in (wanted or known)}


def selected(task: str, names: str) -> list[Any]:
    """Loaders of a task's signals."""
    known = TASKS[task].items()
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise click.UsageError(f"no signal {unknown[0]}; known: {', '.join(known)}")
    return [known[name] for name in wanted]


def _figure(row: record.Row) -> str:
    return f"{row['iou']:.2f} % IoU" if "iou" in row else f"{row['psnr_db']:.2f} dB"


def table(rows: list[record.Row], latencies: list[record.Row]) -> str:
    """Means over signals of each task, network and number of steps, beside the paper's."""
    lines, known = [], {(row["task"], row["network"]): row["latency_ms"] for row in latencies}
    order = [(task, name) for task in TASKS for name in TASKS[task].networks]
    rows = sorted(rows, key=lambda row: order.index((row["task"], row["network"])))
    for (task, name, steps, batch, rate), members in record.grouped(
        rows, "task", "network", "steps", "batch", "learning_rate"
    ).items():
        key = "iou" if "iou" in members[0] else "psnr_db"
        unit = " %" if key == "iou" else " dB"
        macs = f"{members[0]['macs'] / 1000:.2f}"
        facts = [name, f"{members[0]['parameters'] / 1000:.1f}", macs, str(len(members))]
        how = f"{steps} of {batch or 'all'}, rate {rate:g}"
        found = [*_beside_paper(members, key, 2, unit), *_beside_paper(members, "ssim", 3)[:2]]
        ms = known.get((task, name))
        lines.append([task, *facts, how, *found, "-" if ms is None else f"{ms:.0f}"])
    header = ["task", "network", "parameters, K", "MACs, K", "signals", "steps of samples"]
    header += ["here", "paper", "difference", "SSIM", "paper", "latency, ms"]
    return markdown(header, lines)


def _beside_paper(members: list[record.Row], key: str, digits: int, unit: str = "") -> list[str]:
    """Mean of a figure, the paper's, and the difference; - where there is none."""
    if any(key not in row for row in members):
        return ["-", "-", "-"]
    ours, told = record.mean(members, key), members[0].get(f"paper_{key}")
    here = f"{ours:.{digits}f}{unit}"
    if told is None:
        return [here, "-", "-"]
    return [here, f"{told:.{digits}f}{unit}", f"{ours - told:+.{digits}f}{unit}"]


def sizes_table(rows: list[record.Row]) -> str:
    """Parameters and MACs in thousands beside the paper's."""
    lines = []
    for row in rows:
        told = [row.get(f"paper_{name}") for name in ("parameters_k", "macs_k")]
        ours = [f"{row['parameters'] / 1000:.1f}", f"{row['macs'] / 1000:.2f}"]
        known = ["-" if value is None else f"{value:g}" for value in told]
        lines.append([row["task"], row["network"], ours[0], known[0], ours[1], known[1]])
    header = ["", "network", "parameters, K", "paper", "MACs, K", "paper"]
    return markdown(header, lines)


if __name__ == "__main__":
    main()
