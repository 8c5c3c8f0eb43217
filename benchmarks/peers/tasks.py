"""What the ASMR paper fits and with what: signals, networks of its sizes, learning rates.

Sizes and rates are those of Li et al., ICLR 2024, appendices A (figure 2), B (table 2, figure 3),
C (table 3), D (table 4) and H (table 6). The paper's sounds and shapes are other samples of the
same kinds than those under $INRCODEC_DATA. Of films (table 11) networks are an eighth of its sizes,
since the film here has an eighth of the samples, with seven layers as in table 10.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.peers.base import Peer
from benchmarks.peers.codec import OfCodec
from benchmarks.peers.ffn import Ffn
from benchmarks.peers.kilonerf import KiloNerf
from benchmarks.peers.loe import Loe
from benchmarks.peers.mfn import Mfn
from benchmarks.peers.ngp import Ngp
from benchmarks.peers.wire import Wire
from inrcodec.nets.asmr import Asmr
from inrcodec.nets.siren import Siren

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """How a network is made for a grid, and the paper's learning rate."""

    make: Callable[[Shape, int], Peer]
    learning_rate: float


@dataclass(frozen=True)
class Item:
    """One signal: values (*shape, C) float32, the range of what can be sampled."""

    name: str
    values: np.ndarray
    low: float = 0.0
    high: float = 1.0
    mask: bool = False


@dataclass(frozen=True)
class Task:
    """`items`: names to loaders; `table`: of the paper; `batch`: samples of a step, None: all."""

    table: str
    items: Callable[[], dict[str, Callable[[], Item]]]
    networks: dict[str, Network]
    batch: int | None = None


def axes(dimensions: int, *per_axis: int) -> tuple[Shape, ...]:
    """The same bases on every axis: one tuple per level."""
    return tuple((base,) * dimensions for base in per_axis)


def siren(width: int, layers: int, shape: Shape, channels: int, middle: float = 0.5) -> Peer:
    """`layers` counts the output layer, as the paper does."""
    return OfCodec(Siren(shape, channels, width, layers - 1), middle=middle)


def asmr(
    width: int, bases: tuple[Shape, ...], shape: Shape, channels: int, middle: float = 0.5
) -> Peer:
    """ASMR with bases along the shorter axis first where they differ."""
    sides = tuple(math.prod(axis) for axis in zip(*bases, strict=True))
    if sides != shape and sides[::-1] == shape:
        bases = tuple(level[::-1] for level in bases)
    return OfCodec(Asmr(shape, channels, width, bases), middle=middle)


def _kilonerf(width: int, layers: int, grid: Shape, frequencies: int) -> Network:
    def make(shape: Shape, channels: int) -> Peer:
        return KiloNerf(shape, channels, grid, width, layers, frequencies)

    return Network(make, 5e-4)


def _loe(width: int, *bases: int) -> Network:
    return Network(lambda shape, channels: Loe(shape, channels, axes(2, *bases), width), 1e-2)


def _asmr(*bases: int) -> Network:
    return Network(partial(asmr, 256, axes(2, *bases)), 1e-4)


def _siren(layers: int) -> Network:
    return Network(partial(siren, 256, layers), 1e-4)


# Names as in the tables: the number of layers in brackets. The first six are table 2, with the
# others they are figure 3 (table 9).
CAMERAMAN = {
    "KiloNeRF (3)": _kilonerf(16, 3, (16, 16), 10),
    "LoE (4)": _loe(24, 8, 8, 8),
    "SIREN (3)": _siren(3),
    "SIREN (4)": _siren(4),
    "ASMR (3)": _asmr(8, 8, 8),
    "ASMR (4)": _asmr(4, 4, 4, 8),
    "ASMR (5)": _asmr(8, 2, 2, 2, 8),
    "ASMR (6)": _asmr(4, 2, 2, 2, 2, 8),
    "LoE (5)": _loe(24, 8, 4, 4, 4),
    "LoE (6)": _loe(24, 4, 4, 4, 4, 2),
    "LoE (7)": _loe(24, 4, 4, 4, 2, 2, 2),
    "KiloNeRF (4)": _kilonerf(16, 4, (16, 16), 10),
    "KiloNeRF (5)": _kilonerf(16, 5, (16, 16), 10),
    "KiloNeRF (6)": _kilonerf(16, 6, (16, 16), 10),
}
# Table 7. The grid of KiloNeRF is 8 x 8: its parameters are 64 times its MACs.
FIGURE_2 = (
    {f"SIREN 256x{layers}": _siren(layers) for layers in (7, 6, 5, 4, 3)}
    | {
        "ASMR 256x7": _asmr(2, 2, 2, 2, 2, 2, 8),
        "ASMR 256x6": _asmr(4, 2, 2, 2, 2, 8),
        "ASMR 256x5": _asmr(8, 2, 2, 2, 8),
        "ASMR 256x4": _asmr(4, 4, 4, 8),
        "ASMR 256x3": _asmr(8, 8, 8),
        "LoE 50x10": _loe(50, *[2] * 9),
        "LoE 50x9": _loe(50, 4, *[2] * 7),
        "LoE 50x8": _loe(50, 4, 4, *[2] * 5),
        "LoE 50x7": _loe(50, 4, 4, 4, 2, 2, 2),
        "LoE 50x6": _loe(50, 4, 4, 4, 4, 2),
    }
    | {f"KiloNeRF 32x{layers}": _kilonerf(32, layers, (8, 8), 10) for layers in (6, 5, 4, 3)}
)
KODAK = {
    "FFN": Network(Ffn, 1e-3),
    "SIREN": _siren(4),
    "MFN": Network(Mfn, 1e-2),
    "WIRE": Network(Wire, 1e-3),
    "ASMR": Network(partial(asmr, 256, ((4, 4), (4, 4), (4, 6), (8, 8))), 1e-4),
}
AUDIO = {
    "Instant-NGP": Network(partial(Ngp, levels=7, base=125, finest=8000), 1e-4),
    "KiloNeRF": Network(_kilonerf(48, 5, (4,), 12).make, 1e-4),
    "SIREN": Network(partial(siren, 128, 4, middle=0.0), 1e-4),
    "ASMR": Network(partial(asmr, 128, axes(1, 10, 10, 16, 20), middle=0.0), 1e-4),
}
# Frames, rows and columns of 96x144x176: coarse bases first, as in the paper's table 11.
_FILM_BASES = ((3, 2, 2, 1, 2, 1, 4), (3, 2, 2, 1, 2, 1, 6), (11, 2, 2, 1, 1, 1, 4))
# Ten levels of 2 make a grid of 1,024; for 128 voxels the first three levels have base 1.
SHAPES = {
    "SIREN": Network(partial(siren, 512, 10), 1e-4),
    "ASMR": Network(partial(asmr, 512, axes(3, 1, 1, 1, *[2] * 7)), 1e-4),
}
VIDEO = {
    "Instant-NGP": Network(
        partial(Ngp, levels=10, base=12, finest=72, entries=2**14, layers=3), 1e-4
    ),
    "KiloNeRF": _kilonerf(32, 6, (3, 4, 4), 6),
    "SIREN": Network(partial(siren, 224, 7), 1e-4),
    "ASMR": Network(partial(asmr, 224, tuple(zip(*_FILM_BASES, strict=True))), 1e-4),
}
_PAPER_SECONDS, _RESOLUTION = 2, 128


def _camera() -> dict[str, Callable[[], Item]]:
    def load() -> Item:
        from skimage.data import camera

        return Item("camera", (camera() / np.float32(255))[..., None])

    return {"camera": load}


def _kodak() -> dict[str, Callable[[], Item]]:
    def load(path: Path) -> Item:
        from inrcodec.signals.image import read_image

        return Item(path.stem, read_image(path, path.name).samples / np.float32(255))

    return {str(number): partial(load, path) for number, path in enumerate(data.kodak(), 1)}


def _sounds() -> dict[str, Callable[[], Item]]:
    """The clips of LibriSpeech: their first two seconds, as they are, -1..1."""

    def load(path: Path) -> Item:
        from inrcodec.signals.audio import read_audio

        whole = read_audio(path, path.name)
        count = _PAPER_SECONDS * round(whole.rate or 1)
        return Item(path.stem, whole.samples[:count].astype(np.float32), low=-1.0)

    speech = [p for p in data.clips() if p.suffix == ".flac" and p.stem[:1].isdigit()]
    return {path.stem: partial(load, path) for path in speech}


def _films() -> dict[str, Callable[[], Item]]:
    """Carphone as RGB."""

    def load(path: Path) -> Item:
        from inrcodec.signals.video_read import read_video
        from inrcodec.signals.yuv import rgb_of

        return Item(path.stem, rgb_of(read_video(path, path.name)) / np.float32(255))

    return {path.stem: partial(load, path) for path in data.films(["carphone"])}


def _meshes() -> dict[str, Callable[[], Item]]:
    def load(name: str) -> Item:
        from inrcodec.signals.mesh import read_mesh

        path = data.shape(name)
        signal = read_mesh(path, path.name, _RESOLUTION)
        sides = [(0, _RESOLUTION - side) for side in signal.shape]
        values = np.pad(signal.samples, [*sides, (0, 0)]).astype(np.float32)
        return Item(path.stem, values, mask=True)

    return {n: partial(load, n) for n in ("armadillo_normalized.obj", "spot.obj")}


TASKS: dict[str, Task] = {
    "cameraman": Task("2", _camera, CAMERAMAN),
    "kodak": Task("3", _kodak, KODAK),
    "audio": Task("4", _sounds, AUDIO),
    "video": Task("11", _films, VIDEO, batch=2**14),
    "shapes": Task("6", _meshes, SHAPES, batch=4096),
}

# Samples and channels of what a task's networks are for.
GRIDS: dict[str, tuple[Shape, int]] = {
    "cameraman": ((512, 512), 1),
    "kodak": ((512, 768), 3),
    "audio": ((32000,), 1),
    "video": ((96, 144, 176), 3),
    "shapes": ((_RESOLUTION,) * 3, 1),
}


def sizes() -> list[dict[str, Any]]:
    """Parameters and MACs of every network of tables 2, 3, 4, 6, 7 and 9, as we count them."""
    sets = {name: task.networks for name, task in TASKS.items() if name != "video"}
    sets["cameraman"] = dict(list(CAMERAMAN.items())[:6])
    sets["figure 2"] = FIGURE_2
    sets["figure 3"] = {n: v for n, v in CAMERAMAN.items() if not n.startswith("SIREN")}
    rows = []
    for task, networks in sets.items():
        grid = GRIDS["cameraman" if task.startswith("figure") else task]
        for name, network in networks.items():
            made = network.make(*grid)
            facts = {"parameters": made.size, "macs": round(made.macs, 1)}
            rows.append({"task": task, "network": name} | facts)
    return rows
