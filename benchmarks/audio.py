"""Sound, measured on decoded files: python -m benchmarks.audio --kbps 32 --kbps 64

Each clip is coded by our representations and by MP3 (LAME) and Opus, in the same run; sizes are
those on disk, SNR is over all samples of the decoded file. Peers are given the rate as their
bitrate and take what they take: `kbps` is measured. The lag of a peer's decoder is found by
cross-correlation and taken out, in its favour. A run that is stopped goes on where it was.

With --paper: the network of Li et al. 2024, table 4, on the first 2 s of the LibriSpeech clips:
bases 10, 10, 16, 20, width 128, 33.8 K parameters; PSNR before any quantisation.
"""

import math
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, clips
from benchmarks.tabular import markdown

PEERS = {"mp3": ("libmp3lame", ".mp3"), "opus": ("libopus", ".opus")}
_MOST_LAG = 4096
PAPER_BASES = ((10,), (10,), (16,), (20,))
PAPER_WIDTH = 128
PAPER_SECONDS = 2
# As many weights as samples: a frequency factor of 60 in the hidden layers ends 23 dB above that of
# 30 after 1,500 steps. In networks that are small for their sound it ends 8 dB below.
PAPER_W0 = 60
# Li et al. 2024, table 4: LibriSpeech, 10,000 steps.
PAPER_PSNR = "61.66"


def encode_ours(path: Path, kbps: float, representation: str, effort: int) -> record.Row:
    """Encode a clip, decode the file with the installed command, measure."""
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.sample_metrics import audio_metrics
    from inrcodec.signals.audio import read_audio

    signal = read_audio(path, path.name)
    made = encode_signal(signal, EncodeOptions(kbps=kbps, repr=representation, effort=effort))
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder) / "a.inr", Path(folder) / "a.wav"
        file.write_bytes(made.data)
        started = time.perf_counter()
        command = [sys.executable, "-m", "inrcodec", "decode", str(file), "-o", str(back), "-q"]
        subprocess.run([*command, "--depth", "32"], check=True)
        decode_s = time.perf_counter() - started
        decoded, size = read_audio(back, back.name), file.stat().st_size
    measures = audio_metrics(signal, decoded)
    return {
        "codec": made.representation,
        "bytes": size,
        "kbps": size / 125 / (signal.duration or 1),
        "snr_db": measures["snr_db"],
        "psnr_db": measures["psnr_db"],
        "encode_s": round(made.seconds, 1),
        "decode_s": round(decode_s, 2),
    }


def encode_peer(path: Path, kbps: float, peer: str) -> record.Row:
    """A clip through ffmpeg's encoder and decoder at a nominal bitrate."""
    import imageio_ffmpeg

    from inrcodec.signals.audio import read_audio

    signal = read_audio(path, path.name)
    encoder, suffix = PEERS[peer]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder) / f"a{suffix}", Path(folder) / "a.wav"
        started = time.perf_counter()
        coding = ["-i", str(path), "-c:a", encoder, "-b:a", f"{kbps:g}k", str(file)]
        subprocess.run([*ffmpeg, *coding], check=True)
        encode_s = time.perf_counter() - started
        rate = str(signal.rate)
        decoding = ["-i", str(file), "-ar", rate, "-c:a", "pcm_f32le", str(back)]
        subprocess.run([*ffmpeg, *decoding], check=True)
        decoded, size = read_audio(back, back.name).samples, file.stat().st_size
    snr = best_snr(signal.samples, decoded)
    return {
        "codec": peer,
        "bytes": size,
        "kbps": size / 125 / (signal.duration or 1),
        "snr_db": snr,
        "encode_s": round(encode_s, 2),
    }


def best_snr(samples: np.ndarray, decoded: np.ndarray) -> float:
    """SNR in dB at the lag, of up to 4,096 samples either way, that suits the decoded best."""
    count = len(samples)
    padded = np.zeros((count + 2 * _MOST_LAG, samples.shape[1]))
    kept = decoded[: count + _MOST_LAG]
    padded[_MOST_LAG : _MOST_LAG + len(kept)] = kept
    size = 2 ** math.ceil(math.log2(len(padded) + count))
    spectra = [np.fft.rfft(x, size, axis=0) for x in (padded, samples.astype(np.float64))]
    products = np.fft.irfft(spectra[0] * spectra[1].conj(), size, axis=0).sum(1)
    lag = int(np.argmax(products[: 2 * _MOST_LAG + 1]))
    error = np.square(padded[lag : lag + count] - samples).sum()
    return float(10 * np.log10(np.square(samples.astype(np.float64)).sum() / error))


def paper_size(path: Path, steps: int) -> record.Row:
    """PSNR of the paper's network on the first seconds of a clip, not quantised."""
    import torch

    from inrcodec.allocator import keep_pages
    from inrcodec.encoder.describe import unit_values
    from inrcodec.encoder.fit import Fit, Schedule
    from inrcodec.encoder.model import Model
    from inrcodec.encoder.pace import Pace
    from inrcodec.encoder.samples import Samples
    from inrcodec.nets.asmr import Asmr
    from inrcodec.signals.audio import read_audio
    from inrcodec.signals.signal import Signal
    from inrcodec.weights.storage import Direct

    keep_pages()
    whole = read_audio(path, path.name)
    count = int(PAPER_SECONDS * (whole.rate or Fraction(1)))
    signal = Signal("audio", whole.samples[:count], rate=whole.rate, bits=whole.bits)
    net = Asmr(signal.shape, signal.channels, PAPER_WIDTH, PAPER_BASES, w0_hidden=PAPER_W0)
    device = torch.device("cpu")
    samples = Samples(unit_values(signal), net, net.heads()[-1], device)
    fit = Fit(Model(net, Direct(), 0, device), samples, 0)
    started = time.perf_counter()
    schedule = Schedule(2e-3, samples.rows, float_share=1.0)
    fit.run(schedule, Pace(steps), None, lambda state: None, lambda: False)
    return {
        "codec": "asmr, paper's size",
        "psnr_db": round(fit.psnr(), 4),
        "parameters": sum(spec.size for spec in fit.model.specs),
        "steps": steps,
        "encode_s": round(time.perf_counter() - started, 1),
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kbps", "rates", type=float, multiple=True, default=[16, 24, 32, 48, 64])
@click.option("--clips", "names", default="", help="Parts of names; default all.")
@click.option("--repr", "kinds", multiple=True, default=["spectrum"], show_default=True)
@click.option("--effort", default=5, show_default=True)
@click.option("--paper", is_flag=True, help="The paper's network instead.")
@click.option("--steps", default=1500, show_default=True, help="Of the paper's network.")
@click.option("--threads", default=2, show_default=True)
@click.option("--output", default="audio", show_default=True, help="Name under results.")
def main(
    rates: tuple[float, ...],
    names: str,
    kinds: tuple[str, ...],
    effort: int,
    paper: bool,
    steps: int,
    threads: int,
    output: str,
) -> None:
    """Encode, decode and measure clips beside MP3 and Opus; resumes; rows go to JSON and CSV."""
    record.limit_threads(threads)
    target = RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {(r["clip"], r["asked"], r["asked_kbps"]) for r in rows}
    command = record.command_line("audio")
    where = record.provenance(threads, command)
    for path in clips([name for name in names.split(",") if name]):
        todo: list[tuple[str, float]] = [(kind, rate) for rate in rates for kind in kinds]
        todo += [(peer, rate) for rate in rates for peer in PEERS]
        if paper:
            todo = [("paper", 0.0)] if path.suffix == ".flac" and "-" in path.stem else []
        for kind, rate in todo:
            if (path.stem, f"{kind} {effort}", rate) in done:
                continue
            if kind == "paper":
                row = paper_size(path, steps)
            elif kind in PEERS:
                row = encode_peer(path, rate, kind)
            else:
                row = encode_ours(path, rate, kind, effort)
            named = {"clip": path.stem, "asked": f"{kind} {effort}", "asked_kbps": rate}
            rows.append(named | row | where)
            record.save(target, command, rows)
            click.echo(" ".join(f"{k}={_short(v)}" for k, v in (named | row).items()))


def table(rows: list[record.Row]) -> str:
    """SNR in dB and measured kbps of every clip and rate: ours, then the peers."""
    coded = [row for row in rows if row["asked_kbps"]]
    names = list(dict.fromkeys(row["codec"] for row in coded))
    names.sort(key=lambda name: (name in PEERS, name))
    lines = []
    for (clip, rate), members in record.grouped(coded, "clip", "asked_kbps").items():
        found = {row["codec"]: row for row in members}
        cells = [_cell(found[name]) if name in found else "-" for name in names]
        lines.append([clip, f"{rate:g}", *cells])
    header = ["clip", "kbps asked", *(f"{name}: dB at kbps" for name in names)]
    return markdown(header, lines)


def _cell(row: record.Row) -> str:
    return f"{row['snr_db']:.1f} at {row['kbps']:.1f}"


def paper_table(rows: list[record.Row]) -> str:
    """The paper's network on every clip, and the mean."""
    fits = [row for row in rows if not row["asked_kbps"]]
    lines = [[row["clip"], f"{row['psnr_db']:.2f}", f"{row['encode_s']:.0f}"] for row in fits]
    means = (record.mean(fits, name) for name in ("psnr_db", "encode_s"))
    lines.append(["mean", *(f"{value:.{d}f}" for value, d in zip(means, (2, 0), strict=True))])
    lines.append(["published (Li et al. 2024, table 4)", PAPER_PSNR, ""])
    return markdown(["clip", f"PSNR, dB, after {fits[0]['steps']} steps", "s per fit"], lines)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
