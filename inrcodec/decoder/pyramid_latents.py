"""The LATENTS payload of a pyramid: one stream, or one for each tile.

No tile's contexts reach out of it, so that a part of the picture needs the tiles alone that it lies
in, and of those around it what its coarser bands reach into.
"""

from collections.abc import Iterator, Mapping, Sequence
from zlib import crc32

import numpy as np

from inrcodec.container.streams import join_tiles, split_tiles
from inrcodec.entropy.latents import LatentDecoder, LatentEncoder
from inrcodec.nets.context import Contexts, walk
from inrcodec.nets.pyramid import Grid, Pyramid

Weights = Mapping[str, np.ndarray]


def read_latents(
    net: Pyramid,
    weights: Weights,
    payload: bytes,
    offset: int,
    omitted: int = 0,
    part: Pyramid | None = None,
) -> list[np.ndarray]:
    """The latents of every grid, int32 (4, bands, rows, columns). Raises Corrupt.

    A stream has the finest levels last: with `omitted` of them it is read up to there. `part`: the
    same pyramid with a smaller box; its grids alone are read, as far as tiles allow.
    """
    contexts = Contexts(net, weights)
    wanted = (part or net).grids()[: 1 + net.levels - omitted]
    latents = [np.zeros(grid.shape, dtype=np.int32) for grid in wanted]
    for tile, stream, start in _streams(net, payload, offset):
        common = [outer.within(inner) for outer, inner in zip(tile, wanted, strict=False)]
        count = max((i + 1 for i, grid in enumerate(common) if grid.size), default=0)
        if not count:
            continue
        read = _read(contexts, tile[:count], LatentDecoder(stream, start), count == len(tile))
        for i, values in enumerate(read):
            place, source = wanted[i].part(common[i]), tile[i].part(common[i])
            latents[i][:, :, *place] = values[:, :, *source]
    return latents


def _read(
    contexts: Contexts, grids: Sequence[Grid], decoder: LatentDecoder, whole: bool
) -> list[np.ndarray]:
    """The latents of some grids; `whole`: nothing follows them. Raises Corrupt."""
    known = walk(contexts, grids, lambda grid, index, scales: decoder.plane(scales))
    if whole:
        decoder.finish()
    return [grid.values for grid in known]


def _streams(net: Pyramid, payload: bytes, offset: int) -> Iterator[tuple[list[Grid], bytes, int]]:
    """Grids of every tile, its stream, and where that begins in the file. Raises Corrupt."""
    tiles = list(net.tiles())
    streams = split_tiles(payload, len(tiles), bool(net.tile), offset)
    for tile, (stream, start) in zip(tiles, streams, strict=True):
        yield tile, stream, start


def write_latents(net: Pyramid, weights: Weights, latents: Sequence[np.ndarray]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    contexts, grids = Contexts(net, weights), net.grids()
    streams = []
    for tile in net.tiles():
        pairs = zip(latents, grids, tile, strict=True)
        parts = [values[:, :, *grid.part(inner)] for values, grid, inner in pairs]
        streams.append(_written(contexts, tile, parts))
    return join_tiles(streams, bool(net.tile))


def _written(contexts: Contexts, grids: Sequence[Grid], latents: Sequence[np.ndarray]) -> bytes:
    """The stream of the latents of some grids."""
    encoder = LatentEncoder()

    def plane(grid: int, index: tuple[int, int], scales: np.ndarray) -> np.ndarray:
        values: np.ndarray = latents[grid][index]
        encoder.add(values, scales)
        return values

    walk(contexts, grids, plane)
    return encoder.finish()


def latents_crc(latents: Sequence[np.ndarray], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for values in latents:
        for band in range(values.shape[1]):
            crc = crc32(values[:, band].astype("<i2").tobytes(), crc)
    return crc
