"""Everything that takes hours, part by part: python -m benchmarks.full [PART ...]

Every part is a list of commands of other benchmarks. Each of them leaves its rows in
benchmarks/results. What takes hours skips what has a row there, so that a run that is stopped goes
on where it was; what takes minutes is measured anew. --list shows the commands.
"""

import os
import shlex
import subprocess
import sys

import click

from benchmarks.data import ROOT

_KODAK = "kodak --jobs 2 --threads 1"
_EIGHT = "--images 1,4,7,10,13,16,19,22"
_GRIDS = "--beside avif --output kodak_grids"
# ASMR costs so little that its steps can be of all samples, as the paper's are.
_PEERS = (
    "peers fit cameraman --networks 'ASMR (3),ASMR (4),ASMR (5)' --steps 1500 --rate-factor 10",
    "peers fit cameraman --networks 'ASMR (6)' --steps 1500 --rate-factor 3",
    "peers fit cameraman --networks 'SIREN (3),SIREN (4),KiloNeRF (3),KiloNeRF (4),KiloNeRF (5),"
    "KiloNeRF (6)' --steps 2000 --batch 16384 --rate-factor 10",
    "peers fit cameraman --networks 'LoE (4),LoE (5),LoE (6),LoE (7)' --steps 2000 --batch 16384",
    "peers fit kodak --networks ASMR --items 7,15 --steps 1000 --rate-factor 10",
    "peers fit kodak --networks SIREN,FFN,MFN --items 7,15 --steps 500 --batch 16384"
    " --rate-factor 10",
    "peers fit kodak --networks WIRE --items 7 --steps 500 --batch 16384",
    "peers fit audio --steps 2000 --rate-factor 10",
    "peers fit video --networks ASMR --steps 400 --batch 2433024 --rate-factor 10",
    "peers fit video --networks SIREN,KiloNeRF,Instant-NGP --steps 1000 --rate-factor 10",
    "peers fit shapes --items spot.obj --steps 600",
    "peers sizes",
    "peers latency",
    "peers draw",
)
# The rates that a BD-rate takes at the default effort; less of what is slow.
PARTS: dict[str, tuple[str, ...]] = {
    "kodak": (
        f"{_KODAK} --repr pyramid --effort 5 --bpp 0.15 --bpp 0.3 --bpp 0.6 --bpp 1.2"
        " --beside webp --beside avif --output kodak_pyramid",
        f"{_KODAK} --repr pyramid --effort 4 --bpp 0.15 --bpp 0.3 --bpp 0.6"
        " --beside avif --output kodak_pyramid",
        f"{_KODAK} --repr pyramid --effort 1 --bpp 0.15 --bpp 0.3 --bpp 0.6 {_EIGHT}"
        " --beside avif --output kodak_pyramid",
        f"{_KODAK} --repr pyramid --effort 7 --bpp 0.15 --bpp 0.3 --bpp 0.6"
        " --beside avif --output kodak_pyramid",
        f"{_KODAK} --repr pyramid --effort 9 --bpp 0.3 --images 5,8,15,23"
        " --beside avif --output kodak_pyramid",
        f"{_KODAK} --repr grids --effort 7 --bpp 0.3 --images 5,7,13,16 {_GRIDS}",
        f"{_KODAK} --repr grids --effort 8 --bpp 0.3 --images 3,5,15 {_GRIDS}",
        f"{_KODAK} --repr grids --effort 9 --bpp 0.3 --images 15 {_GRIDS}",
        "stability",
        f"{_KODAK} --repr asmr --bpp 0.15 --bpp 0.3 --bpp 0.6",
        f"{_KODAK} --repr asmr --effort 9 --bpp 0.3 --images 1,7,13,19 --output kodak_effort9",
        f"{_KODAK} --repr siren --bpp 0.15 --bpp 0.3 --bpp 0.6 {_EIGHT} --output kodak_siren",
        f"{_KODAK} --repr doh --bpp 0.3 {_EIGHT} --output kodak_doh",
    ),
    "audio": ("audio --threads 2", "audio --paper --output audio_paper"),
    "video": (
        "video",
        "video --films carphone --repr 'film segment=1' --bpp 0.2 --bpp 0.4 --bpp 0.8",
        "video --films cockatoo --effort 1 --repr film --bpp 0.05 --bpp 0.1 --bpp 0.2 --bpp 0.4",
        "video --films cockatoo --effort 1 --repr 'film segment=1' --bpp 0.1 --bpp 0.2 --bpp 0.4"
        " --bpp 0.8",
        "video --repr asmr --repr siren --time-limit 120 --bpp 0.1 --bpp 0.2",
    ),
    "shapes": (
        "shapes",
        "shapes --mesh spot.obj",
    ),
    "paper": (
        "paper_size --jobs 2 --threads 1",
        "projection --jobs 2 --threads 1",
        *_PEERS,
    ),
    "partitions": (
        "local_global pictures --steps 1000 --samples 4096 --parameters 449000 --optimiser adam",
        "local_global pictures --items 1,4,7,10 --middle 2 --steps 1000",
        "local_global pictures --items 1,4,7 --middle 2 --steps 1000 --optimiser adam",
        "partitioning",
        "local_global sounds",
        "local_global sounds --samples 16384 --optimiser adam",
        "seams",
        "cropping",
    ),
    "performance": (
        "performance",
        "shares",
        "long",
        "film_speed",
        "startup --output startup",
        "speed --output speed",
    ),
    "choices": ("planning", "entropy_coders"),
}


def commands(parts: tuple[str, ...]) -> list[list[str]]:
    """The commands of some parts, or of all of them."""
    chosen = parts or tuple(PARTS)
    return [shlex.split(line) for part in chosen for line in PARTS[part]]


def run(command: list[str]) -> int:
    """Run one benchmark, its output as it comes; its exit status."""
    module, *arguments = command
    whole = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    return subprocess.run(whole, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}).returncode


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--list", "only_list", is_flag=True, help="Print the commands; run none.")
def main(parts: tuple[str, ...], only_list: bool) -> None:
    """Run PARTS, or all of them; one that fails does not keep the others from running."""
    failed = []
    for command in commands(parts):
        text = f"python -m benchmarks.{shlex.join(command)}"
        click.echo(text)
        if not only_list and run(command):
            failed.append(text)
    if failed:
        raise SystemExit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
