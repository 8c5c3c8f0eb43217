"""From a signal and a byte budget to a network: widths and latents are planned, not searched."""

import bisect
import math
from dataclasses import dataclass, replace

from inrcodec.container.header_fields import MAX_PADDED_SIDE, MAX_SIDE
from inrcodec.encoder.plan_partitions import plan_partitions
from inrcodec.encoder.rate import RECORD_BYTES, STREAM_BYTES
from inrcodec.errors import OptionError, RateError
from inrcodec.nets import Asmr, Net, Siren
from inrcodec.options import EncodeOptions
from inrcodec.weights.projection import Projection
from inrcodec.weights.storage import Direct, Projected, Storage

# Bits per stored number that a width is planned for; the quantiser then fills the budget.
# Fewer bits and a wider network, or the reverse: benchmarks/planning.py.
_DIRECT_BITS = 5.5
_LATENT_BITS = 6.0
_MAX_WIDTH = 1024
_LATENTS_PER_GROUP = 256
_MAX_GROUPS = 2**16
_MAX_LEVELS = 65
# Samples per cell and axis: as many as leave this many cells, which is what a default fit can see
# often enough. Kodak (393 K pixels) at 0.3 bpp: 4 is 0.4 to 0.9 dB better than 2 after as many
# steps; a picture of 25 K pixels: 1 is 1 dB better than 2 (benchmarks/planning.py).
_CELLS = 20_000
_LARGEST_CELL = 4
# Bases after the first for one axis, for as long as they fit.
_INNER_BASES = ((10, 10, 16, 28), (10, 16, 20), (16, 20), (16,))


Grid = tuple[tuple[int, ...], int]  # shape, and values at each point


@dataclass(frozen=True)
class Plan:
    """What will be fitted: a network and how its weights are stored."""

    net: Net
    storage: Storage

    @property
    def numbers(self) -> int:
        """Stored numbers."""
        return sum(spec.size for spec in self.storage.stored(self.net))

    def estimated_bytes(self, bits: float) -> float:
        """Payload at `bits` per stored number."""
        stored = self.storage.stored(self.net)
        return self.numbers * bits / 8 + len(stored) * RECORD_BYTES + STREAM_BYTES


def plan(grid: Grid, options: EncodeOptions, representation: str, budget: int) -> Plan:
    """Network for a WEIGHTS payload of at most `budget` bytes.

    Raises RateError if not even the smallest network fits, OptionError for settings that
    contradict one another.
    """
    if representation == "doh":
        return _plan_projected(grid, options, budget)
    bits = options.real("bits", _DIRECT_BITS)
    if representation == "local-global":
        return Plan(*plan_partitions(grid, options, budget, bits))
    return Plan(_network(grid, options, representation, budget, bits), Direct())


def _network(grid: Grid, options: EncodeOptions, kind: str, budget: float, bits: float) -> Net:
    """Widest network of a kind whose tensors fit in `budget` bytes at `bits` each."""
    layers = options.number("layers", 0) or _default_layers(budget * 8 / bits)
    if kind == "asmr" and _shares_deeply(grid, options):
        layers = len(bases_of_sound(grid[0][0])) - 1
    if options.setting("bases") is not None:
        layers = len(_parse_bases(options, grid[0])) - 1
    build = _asmr if kind == "asmr" else _siren
    if (width := options.number("width", 0)) > 0:
        return build(grid, options, width, layers)
    least = 1 if options.setting("layers") is None and options.setting("bases") is None else layers
    for depth in range(layers, least - 1, -1):

        def needed(width: int, depth: int = depth) -> float:
            net = build(grid, options, width, depth)
            return Plan(net, Direct()).estimated_bytes(bits)

        width = bisect.bisect_right(range(1, _MAX_WIDTH + 1), budget, key=needed)
        if width > 0:
            return build(grid, options, width, depth)
    # Not even one unit at the planned bits: a few bits each are the last resort.
    smallest = build(grid, options, 1, least)
    required = Plan(smallest, Direct()).estimated_bytes(2)
    if required > budget:
        raise RateError(
            f"{budget:.0f} bytes are too few for the weights of the smallest network,"
            f" which needs about {math.ceil(required)}"
        )
    return smallest


def _default_layers(numbers: float) -> int:
    """Sine layers for a number of weights: deep enough to be expressive, wide enough to learn."""
    for layers, least in ((7, 4000), (5, 1500), (3, 500), (2, 100)):
        if numbers >= least:
            return layers
    return 1


def _siren(grid: Grid, options: EncodeOptions, width: int, layers: int) -> Siren:
    return Siren(
        shape=grid[0],
        channels=grid[1],
        width=width,
        layers=layers,
        w0_first=options.number("w0", 30),
        w0_hidden=options.number("w0_hidden", 30),
        frequencies=options.number("frequencies", _octaves(grid[0])),
        learned=options.learned,
    )


def _asmr(grid: Grid, options: EncodeOptions, width: int, layers: int) -> Asmr:
    if options.setting("bases") is not None:
        bases = _parse_bases(options, grid[0])
    elif _shares_deeply(grid, options):
        bases = bases_of_sound(grid[0][0])
    else:
        cell = options.number("cell", _planned_cell(grid[0]))
        bases = planned_bases(grid[0], layers, cell)
    frequencies = options.number("frequencies", _octaves(bases[0]))
    return Asmr(
        shape=grid[0],
        channels=grid[1],
        width=width,
        bases=bases,
        # Digits span 0..1, half of a SIREN's -1..1: twice the factor is the same frequency.
        w0_first=options.number("w0", 30 if frequencies else 60),
        w0_hidden=options.number("w0_hidden", 30),
        w0_modulator=options.number("w0_modulator", 1),
        frequencies=frequencies,
        learned=options.learned,
    )


def _octaves(first: tuple[int, ...]) -> int:
    """Octaves of positional encoding for an axis of cells or samples: up to an eighth of them.

    Kodak 13 and 15 at 0.3 bpp, 3,000 steps: 0.3 dB better than none (benchmarks/planning.py).
    """
    return max(0, max(first).bit_length() - 3)


def _planned_cell(shape: tuple[int, ...]) -> int:
    """Samples per cell and axis for a grid."""
    cell = int((math.prod(shape) / _CELLS) ** (1 / len(shape)))
    return min(max(cell, 1), _LARGEST_CELL)


def planned_bases(shape: tuple[int, ...], layers: int, cell: int) -> tuple[tuple[int, ...], ...]:
    """Bases of a small network: cells of `cell` samples an axis, all prefix digits in one level.

    At small budgets a plain coordinate network over the cells, with the samples inside a cell
    from the last level, keeps the quality and shares the cost; deep sharing pays at large ones.
    """
    inner = tuple(min(cell, n) for n in shape)
    outer = tuple(-(-n // c) for n, c in zip(shape, inner, strict=True))
    return (outer, *((1,) * len(shape) for _ in range(layers - 1)), inner)


def _shares_deeply(grid: Grid, options: EncodeOptions) -> bool:
    """Whether an ASMR network without bases of its own gets those of a sound."""
    free = options.setting("cell") is None and options.setting("layers") is None
    return len(grid[0]) == 1 and free


def bases_of_sound(length: int) -> tuple[tuple[int, ...], ...]:
    """Bases of a network for one long axis: shared deeply, as in the paper (section 4.3).

    A sound repeats itself at many scales, and its samples are many for the numbers that tell
    them: Bach, 57 kbps, 600 steps: 18.1 dB of SNR with 7, 10, 10, 16, 28; 17.2 dB after 1,500
    steps, each four times as long, with cells of 4 samples and all prefixes in one level.
    """
    inner = next((i for i in _INNER_BASES if math.prod(i) < length), ())
    first = -(-length // math.prod(inner))
    if not inner:
        return ((first,), (1,))
    last = -(-length // (first * math.prod(inner[:-1])))
    return ((first,), *((base,) for base in inner[:-1]), (last,))


def _parse_bases(options: EncodeOptions, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    text = str(options.setting("bases"))
    try:
        axes = [[int(base) for base in axis.split(",")] for axis in text.split("/")]
    except ValueError:
        raise OptionError(f"setting bases = {text!r} is not like 4,4,4,8/4,4,6,8") from None
    sizes = [math.prod(axis) for axis in axes]
    good = len(axes) == len(shape) and len({len(axis) for axis in axes}) == 1
    if not good or len(axes[0]) < 2 or min(map(min, axes)) < 1:
        raise OptionError(f"setting bases = {text!r}: every axis needs as many bases, 2 or more")
    if any(size < n for size, n in zip(sizes, shape, strict=True)):
        raise OptionError(f"setting bases = {text!r} spans {sizes}, less than {list(shape)}")
    if max(sizes) > MAX_PADDED_SIDE or max(map(max, axes)) > MAX_SIDE:
        raise OptionError(f"setting bases = {text!r} spans {sizes}, more than a file can hold")
    if len(axes[0]) > _MAX_LEVELS:
        raise OptionError(f"setting bases = {text!r} has more than {_MAX_LEVELS} levels")
    return tuple(zip(*axes, strict=True))


def _plan_projected(grid: Grid, options: EncodeOptions, budget: int) -> Plan:
    """A latent that fills the budget, and a target network with `ratio` weights per latent."""
    bits = options.real("bits", _LATENT_BITS)
    ratio = options.real("ratio", 1.25)
    kind = str(options.setting("target") or "asmr")
    if kind not in ("asmr", "siren"):
        raise OptionError(f"setting target = {kind!r} is not asmr or siren")
    net = _network(grid, options, kind, budget * ratio, bits)
    while True:
        biases = [t for t in net.tensors() if not t.is_matrix]
        fixed = sum(t.size for t in biases) * bits / 8 + (len(biases) + 1) * RECORD_BYTES
        latent = options.number("latent", int((budget - fixed - STREAM_BYTES) * 8 / bits))
        if latent >= 1:
            break
        if net.width == 1 or options.setting("width") is not None:
            raise RateError(f"{budget} bytes are too few for the biases of a D'OH network")
        net = replace(net, width=net.width - 1)
    weights = sum(t.size for t in net.tensors() if t.is_matrix)
    latent = min(latent, weights)
    groups = options.number("groups", _planned_groups(latent))
    return Plan(net, Projected(Projection(latent, min(groups, latent), options.seed)))


def _planned_groups(latent: int) -> int:
    return min(max(1, latent // _LATENTS_PER_GROUP), _MAX_GROUPS)
