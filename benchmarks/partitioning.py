"""How many partitions a picture should have: python -m benchmarks.partitioning

Ashkenazi and Treister, table 3: one picture of 512 x 512 in ever more partitions, each time by a
Local-Global network of as many parameters, and by one SIREN, measured before anything is
quantised. Theirs is not named; ours is the astronaut that comes with scikit-image, in fewer samples
a step and with the learning rates of `benchmarks.local_global`. A run that is stopped goes on where
it was.
"""

from collections.abc import Sequence

import click

from benchmarks import record
from benchmarks.data import RESULTS, skimage_pictures
from benchmarks.local_global import KINDS, measure
from benchmarks.tabular import markdown

# Partitions along each side, 0 for one SIREN: the paper's dB and seconds of training.
PAPER = {
    2: (32.59, 74),
    4: (32.10, 40),
    8: (32.29, 26),
    16: (32.00, 22),
    32: (31.51, 15),
    0: (31.17, 34),
}
_SETTINGS = ("factor", "optimiser", "steps", "samples", "seed")


def table(rows: Sequence[record.Row]) -> str:
    """A line for each number of partitions."""
    lines = []
    for row in sorted(rows, key=lambda row: (row["factor"] == 0, row["factor"])):
        published, seconds = PAPER[row["factor"]]
        lines.append(
            [
                row["partitions"] or "one SIREN",
                f"{row['parameters'] / 1000:.0f}",
                f"{row['psnr_db']:.2f}",
                f"{published:.2f}",
                f"{row['seconds']:.0f}",
                f"{seconds}",
                f"{row['seam_ratio']:.2f}" if "seam_ratio" in row else "-",
            ]
        )
    header = ["partitions", "parameters, K", "PSNR, dB", "paper, dB", "fit, s", "paper, s"]
    return markdown([*header, "error at borders over elsewhere"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--factor", "factors", type=int, multiple=True, default=list(PAPER))
@click.option("--optimiser", type=click.Choice(["soap", "adam"]), default="soap")
@click.option("--steps", default=1000, show_default=True)
@click.option("--samples", default=8192, show_default=True, help="Samples in a step.")
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="partitioning", show_default=True, help="Name under results.")
def main(
    factors: tuple[int, ...],
    optimiser: str,
    steps: int,
    samples: int,
    threads: int,
    output: str,
) -> None:
    """Fit the picture in so many partitions along each side; rows go to JSON and CSV."""
    from inrcodec.signals.image import read_image

    target, command = RESULTS / f"{output}.json", record.command_line("partitioning")
    rows, kind = record.load(target), KINDS["pictures"]
    path = skimage_pictures()[0]
    signal = read_image(path, path.name)
    record.limit_threads(threads)
    where = record.provenance(threads, command)
    for factor in factors:
        method = "local-global" if factor else "siren"
        settings = {
            "factor": factor,
            "kind": "pictures",
            "method": method,
            "parameters_asked": kind.parameters,
            "optimiser": optimiser,
            "learning_rate": kind.rates[optimiser][method],
            "steps": steps,
            "samples": samples,
            "seed": 0,
            "threads": threads,
        }
        if any(all(row[name] == settings[name] for name in _SETTINGS) for row in rows):
            continue
        side = tuple(-(-n // max(factor, 1)) for n in signal.shape)
        rows.append(measure(path, signal, kind, side, settings) | where)
        record.save(target, command, rows)
        click.echo(table(rows[-1:]).splitlines()[-1])


if __name__ == "__main__":
    main()
