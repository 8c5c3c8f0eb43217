"""Latent size and quantisation of D'OH: python -m benchmarks.projection --images 5,15

Gordon et al. 2024, section 5 and figure 6: COIN's network of 10 layers of 40 units, smaller ones of
COIN (Dupont et al. 2021), and latents of 100, 60 and 30 % of the large one's parameters that
generate it; each with and without 10 octaves of positional encoding. PSNR before any quantisation,
and with all stored numbers rounded between each tensor's limits to so many bits, without further
steps. The projection has the codec's groups, not the paper's one. A run that is stopped goes on
where it was.
"""

import math
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.data import RESULTS, kodak
from benchmarks.paper_size import BITS, quantised
from benchmarks.tabular import markdown
from inrcodec.nets import Siren
from inrcodec.weights.projection import Projection
from inrcodec.weights.storage import Direct, Projected, Storage

FREQUENCIES = (0, 10)
TARGET = (10, 40)  # layers, units
_GROUPS = 64
_KEY = ("image", "network", "frequencies", "steps", "batch", "seed")


@dataclass(frozen=True)
class Variant:
    """A network by layers and units; `share`: of its parameters, as a latent that generates it."""

    layers: int
    width: int
    share: float | None = None

    @property
    def name(self) -> str:
        """What rows call it."""
        size = f"{self.width}x{self.layers}"
        return f"SIREN {size}" if self.share is None else f"D'OH {self.share:.0%} of {size}"

    def network(self, shape: tuple[int, ...], channels: int, frequencies: int) -> Siren:
        """The network that gives samples."""
        return Siren(shape, channels, self.width, self.layers, frequencies=frequencies)

    def storage(self, channels: int) -> Storage:
        """What of it is stored; a latent's size does not depend on positional encoding."""
        if self.share is None:
            return Direct()
        tensors = self.network((2, 2), channels, 0).tensors()
        biases = sum(t.size for t in tensors if not t.is_matrix)
        latent = round(self.share * sum(t.size for t in tensors)) - biases
        return Projected(Projection(latent, _GROUPS, 0))


VARIANTS = (
    *(Variant(*size) for size in ((5, 20), (5, 30), (10, 28), TARGET)),
    *(Variant(*TARGET, share) for share in (1.0, 0.6, 0.3)),
)


def fit_one(path: Path, variant: Variant, frequencies: int, settings: dict[str, Any]) -> record.Row:
    """Fit one picture and measure it before and after rounding. `settings`: steps, batch, seed,
    threads."""
    import torch

    from inrcodec.allocator import keep_pages
    from inrcodec.encoder.describe import unit_values
    from inrcodec.encoder.fit import Fit, Schedule
    from inrcodec.encoder.model import Model
    from inrcodec.encoder.pace import Pace
    from inrcodec.encoder.usual import samples_of, usual_rate
    from inrcodec.signals.image import read_image

    keep_pages()
    torch.set_num_threads(settings["threads"])
    signal, device = read_image(path, path.name), torch.device("cpu")
    net = variant.network(signal.shape, signal.channels, frequencies)
    samples = samples_of(net, unit_values(signal), device, binary=False)
    model = Model(net, variant.storage(signal.channels), settings["seed"], device)
    fit = Fit(model, samples, settings["seed"])
    rate = usual_rate(net, binary=False)
    schedule = Schedule(rate, settings["batch"], float_share=1.0)
    started = time.perf_counter()
    fit.run(schedule, Pace(settings["steps"]), None, lambda state: None, lambda: False)
    row = {
        "image": path.stem,
        "network": variant.name,
        "frequencies": frequencies,
        "stored_numbers": sum(spec.size for spec in model.specs),
        "psnr_db": round(fit.psnr(), 4),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return row | quantised(fit, math.prod(signal.shape)) | settings


def table(rows: list[record.Row]) -> str:
    """Means over pictures, a line for each network."""
    lines = []
    for (name, frequencies), of in record.grouped(rows, "network", "frequencies").items():
        cells = [f"{record.mean(of, f'psnr_db_{bits}_bit'):.2f}" for bits in BITS]
        lines.append(
            [
                name,
                str(frequencies),
                f"{record.mean(of, 'stored_numbers') / 1000:.1f}",
                f"{record.mean(of, 'psnr_db'):.2f}",
                *cells,
                f"{record.mean(of, 'bpp_8_bit'):.3f}",
                f"{record.mean(of, 'seconds'):.0f}",
            ]
        )
    header = ["network", "octaves", "stored numbers, K", "float32, dB"]
    return markdown([*header, *(f"{b} bits" for b in BITS), "bpp at 8 bits", "s per fit"], lines)


def _key(row: record.Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEY)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--images", default="5,15", show_default=True, help="Numbers such as 1,4,7.")
@click.option("--steps", default=2000, show_default=True)
@click.option("--batch", default=2**14, show_default=True, help="Pixels in a step.")
@click.option("--seed", default=0, show_default=True)
@click.option("--jobs", default=1, show_default=True, help="Fits side by side.")
@click.option("--threads", default=2, show_default=True, help="Threads of each job.")
@click.option("--output", default="projection", show_default=True, help="Name under results.")
def main(images: str, jobs: int, output: str, **settings: Any) -> None:
    """Fit Kodak pictures with every network; resumes; rows go to JSON and CSV."""
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {_key(row) for row in rows}
    record.limit_threads(settings["threads"])
    command = record.command_line("projection")
    where = record.provenance(settings["threads"], command, settings["seed"]) | {"jobs": jobs}
    with ProcessPoolExecutor(jobs) as pool:
        futures = [
            pool.submit(fit_one, path, variant, frequencies, settings)
            for path in kodak([int(n) for n in images.split(",") if n])
            for variant in VARIANTS
            for frequencies in FREQUENCIES
            if _key(
                settings | {"image": path.stem, "network": variant.name, "frequencies": frequencies}
            )
            not in done
        ]
        for future in as_completed(futures):
            row = future.result() | where
            rows.append(row)
            record.save(target, command, rows)
            name = f"{row['image']}, {row['network']}, {row['frequencies']} octaves"
            click.echo(f"{name}: {row['psnr_db']:.2f} dB, {row['seconds']:.0f} s")


if __name__ == "__main__":
    main()
