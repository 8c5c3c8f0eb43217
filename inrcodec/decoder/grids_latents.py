"""The LATENTS payload of latent grids: plane by plane, each front by front."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from zlib import crc32

import numpy as np

from inrcodec.decoder.tiles import Tile, joined, keep, needed_tiles, parts
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
    needed = needed_tiles(net, list(net.tiles()), wanted, payload, offset)
    for tiles in _groups(needed):
        for tile, known in zip(tiles, _read(networks, tiles), strict=True):
            keep(tile, list(known.values()), wanted, latents)
    return latents


def _groups(tiles: Iterable[Tile[Plane]]) -> Iterator[list[Tile[Plane]]]:
    """Tiles of which as many planes are read, in groups that are not too large."""
    for _, alike in groupby(tiles, key=lambda tile: tile.needed):
        group: list[Tile[Plane]] = []
        size = 0
        for tile in alike:
            own = sum(plane.size for plane in tile.areas[: tile.needed])
            if group and size + own > _TOGETHER:
                yield group
                group, size = [], 0
            group.append(tile)
            size += own
        yield group


def _read(networks: "_Networks", tiles: Sequence[Tile[Plane]]) -> list[Known]:
    """The first planes of some tiles, of each as many, side by side. Raises Corrupt."""
    decoders = [LatentDecoder(tile.stream, tile.start, centred()) for tile in tiles]
    known: list[Known] = [{} for _ in tiles]
    count = tiles[0].needed

    def front(centres: np.ndarray, indices: np.ndarray, others: np.ndarray) -> np.ndarray:
        ends = zip(decoders, pairwise([0, *others.tolist(), len(indices)]), strict=True)
        values = [decoder.plane(indices[first:last]) for decoder, (first, last) in ends]
        return np.concatenate(values) + centres

    for number in range(count):
        planes = [tile.areas[number] for tile in tiles]
        around = [
            besides(tile.areas, number, others) for tile, others in zip(tiles, known, strict=True)
        ]
        found = read(networks.of(planes[0]), planes, around, front)
        for plane, values, others in zip(planes, found, known, strict=True):
            _check(values, plane)
            others[plane.channel, plane.level] = values
    for tile, decoder in zip(tiles, decoders, strict=True):
        if count == len(tile.areas):
            decoder.finish()
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
    networks, whole = _Networks(net, weights), net.planes()
    streams = [_written(networks, tile, parts(whole, latents, tile)) for tile in net.tiles()]
    return joined(net, streams)


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
