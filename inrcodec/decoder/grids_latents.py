"""The LATENTS payload of latent grids: one stream, or one for each tile; plane by plane, each front
by front.

No tile's contexts reach out of it, so that a part of the picture needs the tiles alone that it lies
in, and of those around it the coarser planes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from zlib import crc32

import numpy as np

from inrcodec.container.streams import join_tiles, split_tiles
from inrcodec.entropy.centred import centred
from inrcodec.entropy.latents import MAX_MAGNITUDE, LatentDecoder, LatentEncoder
from inrcodec.errors import Corrupt
from inrcodec.nets.grids import Grids, Plane
from inrcodec.nets.prediction import ContextNetwork, LevelNetwork, besides, predicted, read

Weights = Mapping[str, np.ndarray]
Known = dict[tuple[int, int], np.ndarray]  # latents by channel and level
_LARGEST = MAX_MAGNITUDE - 1
# Latents of tiles that are read side by side: fronts of one alone are short.
_TOGETHER = 1 << 21


class _Tile(NamedTuple):
    """A tile that is read: its planes, how many of them are needed, and their stream."""

    planes: list[Plane]
    needed: int
    decoder: LatentDecoder


def read_latents(
    net: Grids,
    weights: Weights,
    payload: bytes,
    offset: int,
    omitted: int = 0,
    part: Grids | None = None,
) -> list[np.ndarray]:
    """The latents of every plane, int32 (rows, columns). Raises Corrupt.

    A stream has the finest levels last: with `omitted` of them it is read up to there. `part`: the
    same grids with a smaller box; their planes alone are read, as far as tiles allow.
    """
    networks = _Networks(net, weights)
    wanted = [plane for plane in (part or net).planes() if plane.level >= omitted]
    latents = [np.zeros(plane.shape, dtype=np.int32) for plane in wanted]
    for tiles in _groups(_tiles(net, payload, offset, wanted)):
        for tile, known in zip(tiles, _read(networks, tiles), strict=True):
            _keep(tile.planes, known, wanted, latents)
    return latents


def _tiles(net: Grids, payload: bytes, offset: int, wanted: Sequence[Plane]) -> Iterator[_Tile]:
    """The tiles that have anything of the planes that are wanted. Raises Corrupt."""
    tiles = list(net.tiles())
    streams = split_tiles(payload, len(tiles), bool(net.tile), offset)
    for planes, (stream, start) in zip(tiles, streams, strict=True):
        common = [plane.within(inner) for plane, inner in zip(planes, wanted, strict=False)]
        if count := max((i + 1 for i, plane in enumerate(common) if plane.size), default=0):
            yield _Tile(planes, count, LatentDecoder(stream, start, centred()))


def _groups(tiles: Iterable[_Tile]) -> Iterator[list[_Tile]]:
    """Tiles of which as many planes are read, in groups that are not too large."""
    for _, alike in groupby(tiles, key=lambda tile: tile.needed):
        group: list[_Tile] = []
        size = 0
        for tile in alike:
            own = sum(plane.size for plane in tile.planes[: tile.needed])
            if group and size + own > _TOGETHER:
                yield group
                group, size = [], 0
            group.append(tile)
            size += own
        yield group


def _keep(
    planes: Sequence[Plane], known: Known, wanted: Sequence[Plane], latents: Sequence[np.ndarray]
) -> None:
    """Put what is known of a tile's planes where it is wanted."""
    for plane, values, inner, target in zip(planes, known.values(), wanted, latents, strict=False):
        common = plane.within(inner)
        target[inner.part(common)] = values[plane.part(common)]


def _read(networks: "_Networks", tiles: Sequence[_Tile]) -> list[Known]:
    """The first planes of some tiles, of each as many, side by side. Raises Corrupt."""
    known: list[Known] = [{} for _ in tiles]
    count = tiles[0].needed

    def front(centres: np.ndarray, indices: np.ndarray, others: np.ndarray) -> np.ndarray:
        parts = zip(tiles, np.split(indices, others), strict=True)
        return np.concatenate([tile.decoder.plane(part) for tile, part in parts]) + centres

    for number in range(count):
        planes = [tile.planes[number] for tile in tiles]
        around = [
            besides(tile.planes, number, others) for tile, others in zip(tiles, known, strict=True)
        ]
        found = read(networks.of(planes[0]), planes, around, front)
        for plane, values, others in zip(planes, found, known, strict=True):
            _check(values, plane)
            others[plane.channel, plane.level] = values
    for tile in tiles:
        if count == len(tile.planes):
            tile.decoder.finish()
    return known


def _check(values: np.ndarray, plane: Plane) -> None:
    if np.abs(values).max(initial=0) > _LARGEST:
        raise Corrupt(
            f"LATENTS: channel {plane.channel}, level {plane.level} has a latent of magnitude"
            f" above {_LARGEST}"
        )


class _Networks:
    """The networks that predict planes."""

    def __init__(self, net: Grids, weights: Weights) -> None:
        self._networks = [ContextNetwork(weights, number) for number in net.networks()]

    def of(self, plane: Plane) -> LevelNetwork:
        """That of a plane."""
        return self._networks[min(plane.channel, 1)].at_level(plane.level)


def write_latents(net: Grids, weights: Weights, latents: Sequence[np.ndarray]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    networks, whole, streams = _Networks(net, weights), net.planes(), []
    for planes in net.tiles():
        triples = zip(latents, whole, planes, strict=True)
        streams.append(
            _written(networks, planes, [values[outer.part(p)] for values, outer, p in triples])
        )
    return join_tiles(streams, bool(net.tile))


def _written(networks: _Networks, planes: Sequence[Plane], latents: Sequence[np.ndarray]) -> bytes:
    """The stream of the latents of some planes."""
    encoder, done = LatentEncoder(centred()), Known()
    for number, (plane, values) in enumerate(zip(planes, latents, strict=True)):
        known = besides(planes, number, done)
        for there, centres, indices in predicted(networks.of(plane), plane, known, values):
            encoder.add(there - centres.astype(np.int64), indices)
        done[plane.channel, plane.level] = values
    return encoder.finish()


def latents_crc(latents: Sequence[np.ndarray], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for values in latents:
        crc = crc32(values.astype("<i2").tobytes(), crc)
    return crc
