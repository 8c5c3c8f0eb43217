"""Whether this commit is worse than the results it comes with: python -m benchmarks.check

Takes at most three minutes and needs no data: examples/garden.png and a made-up sound are encoded
with fixed steps, seeds and one thread, and two of the larger files decoded. Fails where a mean PSNR
(SNR of sound) at a rate is more than 0.1 dB below benchmarks/results/check.json, or a speed ratio
more than 20 % above it. A speed ratio is a time over that of a matrix product (1024 x 1024 x 1024,
float32, NumPy, one thread) taken in turns with it, the least of several: machines differ less in it
than in seconds, though still by their memory, vector units and, as decoding takes all cores, by
their number. --update writes the results, best on a machine that does nothing else.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from typing import Any

import click

from benchmarks import record
from benchmarks.data import RESULTS, bundled

MOST_DB = 0.1  # that a mean PSNR may fall
MOST_RATIO = 1.2  # by which a speed ratio may grow
SEEDS = (0, 1, 2)
_SIDE = 1024  # of the reference product
_ENCODE_RUNS, _DECODE_RUNS = 3, 12


@dataclass(frozen=True)
class Case:
    """One kind of encode: `signal` names what is encoded."""

    signal: str
    options: dict[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        """What rows call it."""
        rate = next(key for key in ("bpp", "kbps") if key in self.options)
        return f"{self.signal}, {self.options['repr']}, {self.options[rate]:g} {rate}"


def _case(signal: str, representation: str, steps: int, **rate: float) -> Case:
    settings = {"steps": str(steps)}
    return Case(signal, {"repr": representation, "settings": settings, "effort": 3} | rate)


QUALITY = (
    _case("garden", "pyramid", 40, bpp=0.3),
    _case("garden", "pyramid", 40, bpp=1.2),
    _case("garden", "asmr", 400, bpp=0.6),
    _case("garden", "siren", 200, bpp=0.6),
    _case("garden", "doh", 200, bpp=0.6),
    _case("sound", "spectrum", 60, kbps=24.0),
)
ENCODES = (QUALITY[1], QUALITY[2])
DECODES = tuple(_case("large garden", kind, 5, bpp=0.6) for kind in ("pyramid", "asmr", "siren"))


@cache
def signal_of(name: str) -> Any:
    """A picture that comes with the repository, the same four times as wide, or a second of sound:
    a falling tone with noise."""
    import numpy as np
    from PIL import Image

    from inrcodec.signals import Signal
    from inrcodec.signals.image import read_image

    if name == "sound":
        t = np.arange(16000) / 16000
        tone = 0.4 * np.sin(2 * np.pi * (900 * t - 300 * t**2)) * np.exp(-2 * t)
        noise = np.random.default_rng(0).normal(0, 0.01, t.shape)
        samples = (tone + noise).astype(np.float32)[:, None]
        return Signal("audio", samples, rate=Fraction(16000), bits=16)
    small = read_image(bundled()[0], "garden.png")
    if name == "garden":
        return small
    picture = Image.fromarray(small.samples).resize((768, 512), Image.Resampling.BICUBIC)
    return Signal("image", np.asarray(picture))


def encoded(case: Case, seed: int = 0) -> Any:
    """One encode of a case, on one thread."""
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions

    return encode_signal(
        signal_of(case.signal), EncodeOptions(**case.options, seed=seed, threads=1)
    )


def quality(case: Case) -> record.Row:
    """Mean PSNR, or SNR of sound, over seeds."""
    made = [encoded(case, seed) for seed in SEEDS]
    key = "snr_db" if case.signal == "sound" else "psnr_db"
    values = [one.measures.get(key, one.psnr_db) for one in made]
    return {"case": case.name, "kind": "dB", "value": round(sum(values) / len(values), 3)}


def product() -> Callable[[], Any]:
    """The reference: a matrix product."""
    import numpy as np

    a, b = (np.random.default_rng(i).random((_SIDE, _SIDE), dtype=np.float32) for i in (0, 1))
    return lambda: a @ b


def ratio(work: Callable[[], Any], reference: Callable[[], Any], runs: int) -> float:
    """Least time of `work` over the least of `reference`, taken in turns after a first of each."""
    best = [math.inf, math.inf]
    for turn in range(runs + 1):
        for i, call in enumerate((work, reference, reference)):
            started = time.perf_counter()
            call()
            if turn:
                best[min(i, 1)] = min(best[min(i, 1)], time.perf_counter() - started)
    return best[0] / best[1]


def speeds() -> list[record.Row]:
    """Ratios of encodes and of decodes in this process."""
    import inrcodec

    reference, rows = product(), []
    for case in ENCODES:
        value = ratio(partial(encoded, case), reference, _ENCODE_RUNS)
        rows.append({"case": f"encode {case.name}", "kind": "ratio", "value": round(value, 2)})
    for case in DECODES:
        data = encoded(case).data
        value = ratio(partial(inrcodec.decode, data), reference, _DECODE_RUNS)
        rows.append({"case": f"decode {case.name}", "kind": "ratio", "value": round(value, 2)})
    return rows


def regressions(now: Sequence[record.Row], then: Sequence[record.Row]) -> list[str]:
    """What is worse than it was, and what cannot be compared, in words; [] if nothing is."""
    before, found = {row["case"]: row["value"] for row in then}, []
    for row in now:
        name, value = row["case"], row["value"]
        if name not in before:
            found.append(f"{name}: not in the results; run with --update")
        elif row["kind"] == "dB" and not value >= before[name] - MOST_DB:
            found.append(f"{name}: {value:.2f} dB, was {before[name]:.2f}")
        elif row["kind"] == "ratio" and not value <= before[name] * MOST_RATIO:
            found.append(f"{name}: {value:.2f} times the matrix product, was {before[name]:.2f}")
    gone = sorted({*before} - {row["case"] for row in now})
    return found + [f"{name}: no longer measured; run with --update" for name in gone]


def measured() -> list[record.Row]:
    """All rows, on one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return [*map(quality, QUALITY), *speeds()]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--update", is_flag=True, help="Write the results instead of comparing with them.")
def main(update: bool) -> None:
    """Compare quality and speed with benchmarks/results/check.json."""
    path, started = RESULTS / "check.json", time.perf_counter()
    then, rows = record.load(path), measured()
    if not update and any("times the" in text for text in regressions(rows, then)):
        rows = better(rows, measured_speeds_again())  # a busy moment is no regression
    before = {row["case"]: row["value"] for row in then}
    for row in rows:
        was = f"  was {before[row['case']]:g}" if row["case"] in before else ""
        click.echo(f"{row['case']:40} {row['value']:9.3f} {row['kind']}{was}")
    click.echo(f"{time.perf_counter() - started:.0f} s")
    if update:
        command = record.command_line("check")
        where = record.provenance(1, command) | {"seeds": len(SEEDS)}
        record.save(path, command, [row | where for row in rows])
        return
    if found := regressions(rows, then):
        _tell_machine(then)
        raise SystemExit("worse than the results:\n" + "\n".join(found))
    click.echo("no worse than the results")


def measured_speeds_again() -> list[record.Row]:
    """The speed ratios once more."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return speeds()


def better(rows: Sequence[record.Row], again: Sequence[record.Row]) -> list[record.Row]:
    """Rows, with the lower of two speed ratios."""
    second = {row["case"]: row["value"] for row in again}
    kept = []
    for row in rows:
        value = row["value"]
        if row["kind"] == "ratio":
            value = min(value, second.get(row["case"], math.inf))
        kept.append(row | {"value": value})
    return kept


def _tell_machine(then: Sequence[record.Row]) -> None:
    was = next((str(row["processor"]) for row in then if "processor" in row), "")
    here = record.provenance(1)["processor"]
    if was not in ("", here):
        click.echo(f"the results are of {was}, this is {here}: speed ratios may differ for that")


if __name__ == "__main__":
    main()
