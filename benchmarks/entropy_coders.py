"""How many bits real files' integers take: python -m benchmarks.entropy_coders [FILE.inr ...]

Without files it makes one of each representation from the bundled picture with short fits. All
coders get the same integers; levels and range of each tensor, which each of them needs, are not
counted, everything else is: tables, the models' bytes, the final state.

    packed              ceil(log2 levels) bits each
    zlib, bz2, zstd     at their strongest, on packed bits or on whole bytes, whichever is smaller
    static              order-0 entropy of each tensor + the ideal code of its histogram,
                        log2 C(n + K - 1, K - 1)
    adaptive KT, Laplace   ideal arithmetic coding with counts that start at 1/2 or 1
    rans                the files' own: measured bytes
    entropy             order-0 entropy of each tensor alone: what no order-0 coder can reach
"""

import bz2
import json
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import zstandard

from benchmarks import record
from benchmarks.data import RESULTS, bundled
from inrcodec.container.fields import pack_varint
from inrcodec.container.sections import parse_file
from inrcodec.container.weights_section import pack, unpack
from inrcodec.limits import Limits
from inrcodec.network import network_of, representation_of, storage_of
from inrcodec.quantise import QuantisedTensor

Tensors = Sequence[QuantisedTensor]
_RANGE_BYTES = 4  # two float16 per tensor


def read(data: bytes) -> tuple[str, list[QuantisedTensor]]:
    """Representation of a file, and its tensors."""
    parsed = parse_file(data, Limits())
    net, storage = network_of(parsed.header), storage_of(parsed.header)
    sizes = [spec.size for spec in storage.stored(net)]
    return representation_of(parsed.header), unpack(parsed.segments[0].weights, sizes)


def packed(tensors: Tensors) -> bytes:
    """Integers at ceil(log2 levels) bits each, most significant first, in one run of bits."""
    runs = []
    for tensor in tensors:
        width = (tensor.levels - 1).bit_length()
        shifts = np.arange(width - 1, -1, -1)
        runs.append((tensor.integers[:, None] >> shifts & 1).astype(np.uint8).reshape(-1))
    return np.packbits(np.concatenate(runs)).tobytes()


def whole_bytes(tensors: Tensors) -> bytes:
    """Integers as one byte each, or two where a tensor has more than 256 levels."""
    coded = [t for t in tensors if t.levels > 1]
    return b"".join(t.integers.astype("<u2" if t.levels > 256 else "u1").tobytes() for t in coded)


def general(compress: Callable[[bytes], bytes]) -> Callable[[Tensors], float]:
    """Bits under a general-purpose compressor, on the layout that suits it best."""
    return lambda tensors: (
        8.0 * min(len(compress(layout(tensors))) for layout in (packed, whole_bytes))
    )


def adaptive_bits(tensor: QuantisedTensor, start: float) -> float:
    """Ideal adaptive order-0 code: symbol k after i others costs -log2 of
    (count_k + start) / (i + K start). The product over all symbols depends on counts alone."""
    counts = np.bincount(tensor.integers, minlength=tensor.levels)
    n, symbols = len(tensor.integers), tensor.levels
    nats = math.lgamma(n + symbols * start) - math.lgamma(symbols * start)
    nats -= sum(math.lgamma(c + start) - math.lgamma(start) for c in counts.tolist() if c)
    return nats / math.log(2)


def entropy_bits(tensor: QuantisedTensor) -> float:
    """Empirical order-0 entropy of a tensor, in all."""
    counts = np.bincount(tensor.integers)
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def static_bits(tensor: QuantisedTensor) -> float:
    """Entropy, and the histogram as one of all that are possible."""
    n, symbols = len(tensor.integers), tensor.levels
    table = math.lgamma(n + symbols) - math.lgamma(n + 1) - math.lgamma(symbols)
    return entropy_bits(tensor) + table / math.log(2)


def rans_bits(tensors: Tensors) -> float:
    """The payload as packed for a file, without levels and ranges."""
    fixed = sum(len(pack_varint(tensor.levels)) + _RANGE_BYTES for tensor in tensors)
    return 8.0 * (len(pack(tensors)) - fixed)


def per_tensor(bits: Callable[[QuantisedTensor], float]) -> Callable[[Tensors], float]:
    """Sum of a cost over tensors that have integers to code."""
    return lambda tensors: sum(bits(tensor) for tensor in tensors if tensor.levels > 1)


CODERS: dict[str, Callable[[Tensors], float]] = {
    "packed": lambda tensors: 8.0 * len(packed(tensors)),
    "zlib": general(lambda data: zlib.compress(data, 9)),
    "bz2": general(lambda data: bz2.compress(data, 9)),
    "zstd": general(lambda data: zstandard.ZstdCompressor(level=19).compress(data)),
    "static": per_tensor(static_bits),
    "adaptive KT": per_tensor(lambda tensor: adaptive_bits(tensor, 0.5)),
    "adaptive Laplace": per_tensor(lambda tensor: adaptive_bits(tensor, 1.0)),
    "rans": rans_bits,
    "entropy": per_tensor(entropy_bits),
}


def compare(name: str, data: bytes) -> record.Row:
    """Bits of one file's integers under every coder."""
    representation, tensors = read(data)
    numbers = sum(len(t.integers) for t in tensors)
    row = {"file": name, "repr": representation, "tensors": len(tensors), "numbers": numbers}
    return row | {f"{coder}_bits": round(bits(tensors)) for coder, bits in CODERS.items()}


def short_fits(steps: int) -> Iterable[tuple[str, bytes]]:
    """Files of the bundled picture: every representation at two rates."""
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.signals.image import read_image

    path = bundled()[0]
    signal = read_image(path, path.name, keep_metadata=False)
    for name in ("asmr", "siren", "doh"):
        for bpp in (0.3, 1.2):
            options = EncodeOptions(bpp=bpp, repr=name, settings={"steps": str(steps)})
            yield f"{path.stem} {name} {bpp} bpp", encode_signal(signal, options).data


def table(rows: list[record.Row]) -> str:
    """Bits per stored number, Markdown: a row per coder, a column per file."""
    lines = ["| bits per number | " + " | ".join(r["file"] for r in rows) + " |"]
    lines.append("|---" * (len(rows) + 1) + "|")
    for coder in CODERS:
        cells = [f"{r[f'{coder}_bits'] / r['numbers']:.3f}" for r in rows]
        lines.append(f"| {coder} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--steps", default=400, show_default=True, help="Of the short fits.")
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON on standard output.")
@click.option("--output", default="entropy_coders", show_default=True, help="Name under results.")
def main(files: tuple[Path, ...], steps: int, as_json: bool, output: str) -> None:
    """Compare entropy coders on the integers of FILES (default: short fits)."""
    sources = [(file.stem, file.read_bytes()) for file in files] or short_fits(steps)
    rows = [compare(name, data) for name, data in sources]
    command = record.command_line("entropy_coders")
    kept = [row | record.provenance(0, command) for row in rows]
    record.save(RESULTS / f"{output}.json", command, kept)
    click.echo(json.dumps(rows, indent=1) if as_json else table(rows))


if __name__ == "__main__":
    main()
