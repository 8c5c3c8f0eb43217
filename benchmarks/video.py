"""Video, measured on decoded files: python -m benchmarks.video --bpp 0.05 --bpp 0.1

Each film is coded by our representations and by H.264 (x264) and AV1 (SVT-AV1) from ffmpeg, in the
same run, in two passes where the encoder has them; sizes are those on disk. PSNR is that of
`inrcodec compare`: over all frames, of 4:2:0 with the planes weighted 6, 1, 1. Peers are given the
rate as their bitrate and take what they take: `bpp` is measured. A run that is stopped goes on
where it was.

--repr "film segment=1" is every frame by itself. With --time-limit all of ours get as long: ASMR
and SIREN at equal bytes, thus parameters, and equal time are

    python -m benchmarks.video --repr asmr --repr siren --time-limit 120
"""

import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import click

from benchmarks import record
from benchmarks.curves import bd_rate
from benchmarks.data import RESULTS, films
from benchmarks.kodak import rounded
from benchmarks.tabular import markdown

# Options of ffmpeg; streams are written bare, for a container would add to them.
PEERS = {
    "x264 medium": ["-c:v", "libx264", "-preset", "medium", "-pix_fmt", "yuv420p"],
    "x264 slow": ["-c:v", "libx264", "-preset", "slow", "-pix_fmt", "yuv420p"],
    "svt-av1 6": ["-c:v", "libsvtav1", "-preset", "6", "-pix_fmt", "yuv420p"],
}
# Films at an effort and nothing else.
_OURS = re.compile(r"film \d")


def encode_ours(
    path: Path, bpp: float, kind: str, effort: int, time_limit: float | None
) -> record.Row:
    """Encode a film, decode the file with the installed command, measure. `kind`: a representation
    and its settings."""
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.signals.video import read_video

    representation, *settings = kind.split()
    chosen = dict(setting.split("=") for setting in settings)
    options = EncodeOptions(
        bpp=bpp, repr=representation, effort=effort, time_limit=time_limit, settings=chosen
    )
    made = encode_signal(read_video(path, path.name), options)
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder) / "a.inr", Path(folder) / "a.y4m"
        file.write_bytes(made.data)
        started = time.perf_counter()
        command = [sys.executable, "-m", "inrcodec", "decode", str(file), "-o", str(back), "-q"]
        subprocess.run(command, check=True)
        decode_s = time.perf_counter() - started
        row = _measured(path, back, file)
    name = " ".join([f"{made.representation} {effort}", *settings])
    times = {"encode_s": round(made.seconds, 1), "decode_s": round(decode_s, 2)}
    return {"codec": name} | row | times | {"steps": made.steps}


def encode_peer(path: Path, bpp: float, peer: str) -> record.Row:
    """A film through ffmpeg's encoder and decoder at a nominal bitrate."""
    import imageio_ffmpeg

    from inrcodec.signals.video import read_video

    signal = read_video(path, path.name)
    bits = round(bpp * math.prod(signal.shape[1:]) * float(signal.rate or Fraction(25)))
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ("a.h264" if peer.startswith("x264") else "a.obu")
        back = Path(folder) / "a.y4m"
        started = time.perf_counter()
        for more in _passes(peer, Path(folder) / "log", file):
            command = [*ffmpeg, "-i", str(path), *PEERS[peer], "-b:v", str(bits), *more]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        encode_s = time.perf_counter() - started
        subprocess.run([*ffmpeg, "-i", str(file), str(back)], check=True)
        row = _measured(path, back, file)
    return {"codec": peer} | row | {"encode_s": round(encode_s, 1)}


def _passes(peer: str, log: Path, file: Path) -> list[list[str]]:
    """What is added to the command of each pass."""
    if not peer.startswith("x264"):
        return [["-an", str(file)]]
    both = ["-an", "-passlogfile", str(log)]
    return [[*both, "-pass", "1", "-f", "null", "-"], [*both, "-pass", "2", str(file)]]


def _measured(original: Path, back: Path, file: Path) -> record.Row:
    from inrcodec.signals.video import read_video
    from inrcodec.video_metrics import video_metrics

    signal, decoded = (read_video(path, path.name) for path in (original, back))
    size, found = file.stat().st_size, video_metrics(signal, decoded)
    keys = ("psnr_db", "psnr_y_db", "ssim", "ms_ssim")
    measures = {key: rounded(found[key], 5) for key in keys if key in found}
    return {"bytes": size, "bpp": size * 8 / math.prod(signal.shape)} | measures


def table(rows: list[record.Row]) -> str:
    """PSNR and measured rate of every film and rate: ours, then the peers."""
    names = list(dict.fromkeys(row["codec"] for row in rows))
    names.sort(key=_order)
    lines = []
    for (film, rate), members in record.grouped(rows, "film", "asked_bpp").items():
        found = {row["codec"]: row for row in members}
        lines.append([film, f"{rate:g}", *(_cell(found.get(name)) for name in names)])
    return markdown(["film", "bpp asked", *(f"{name}: dB at bpp" for name in names)], lines)


def bd_table(rows: list[record.Row]) -> str:
    """BD-rates of films at every effort against everything else, film by film."""
    names = sorted(dict.fromkeys(row["codec"] for row in rows), key=_order)
    ours, others = ([n for n in names if bool(_OURS.fullmatch(n)) == own] for own in (True, False))
    lines = []
    for (film,), members in record.grouped(rows, "film").items():
        curves: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for row in members:
            curves[row["codec"]].append((row["bpp"], row["psnr_db"]))
        for own in (name for name in ours if curves[name]):
            found = (bd_rate(curves[other], curves[own]) for other in others)
            cells = ("-" if math.isnan(rate) else f"{rate:+.1f} %" for rate in found)
            lines.append([film, own, *cells])
    return markdown(["film", "BD-rate of", *(f"against {name}" for name in others)], lines)


def _order(name: str) -> tuple[bool, bool, str]:
    """Films first, peers last."""
    return name in PEERS, not _OURS.fullmatch(name), name


def _cell(row: record.Row | None) -> str:
    return f"{row['psnr_db']:.2f} at {row['bpp']:.3f}" if row else "-"


def todo(kinds: Sequence[str], rates: Sequence[float]) -> list[tuple[str, float]]:
    """Representations and peers at every rate."""
    return [(kind, rate) for rate in rates for kind in (*kinds, *PEERS)]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--bpp", "rates", type=float, multiple=True, default=[0.025, 0.05, 0.1, 0.2])
@click.option("--films", "names", default="", help="Parts of names; default all.")
@click.option("--repr", "kinds", multiple=True, default=["auto"], show_default=True)
@click.option("--effort", default=5, show_default=True)
@click.option("--time-limit", type=float, help="Seconds for each of our encodes.")
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="video", show_default=True, help="Name under results.")
def main(
    rates: tuple[float, ...],
    names: str,
    kinds: tuple[str, ...],
    effort: int,
    time_limit: float | None,
    threads: int,
    output: str,
) -> None:
    """Encode, decode and measure films beside H.264 and AV1; resumes; rows go to JSON and CSV."""
    record.limit_threads(threads)
    target, command = RESULTS / f"{output}.json", record.command_line("video")
    rows = record.load(target)
    done = {(row["film"], row["asked"], row["asked_bpp"]) for row in rows}
    where = record.provenance(threads, command)
    for path in films([name for name in names.split(",") if name]):
        for kind, rate in todo(kinds, rates):
            asked = kind if kind in PEERS else f"{kind} {effort}"
            if time_limit and kind not in PEERS:
                asked += f" {time_limit:g} s"
            if (path.stem, asked, rate) in done:
                continue
            coded = (
                encode_peer(path, rate, kind)
                if kind in PEERS
                else encode_ours(path, rate, kind, effort, time_limit)
            )
            named = {"film": path.stem, "asked": asked, "asked_bpp": rate}
            rows.append(named | coded | where)
            record.save(target, command, rows)
            click.echo(
                f"{path.stem} {rate:g} bpp {coded['codec']}: {coded['psnr_db']:.2f} dB at"
                f" {coded['bpp']:.4f} bpp, {coded['encode_s']:.0f} s"
            )


if __name__ == "__main__":
    main()
