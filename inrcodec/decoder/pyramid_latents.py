"""The LATENTS payload of a pyramid."""

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np

from inrcodec.decoder.tiles import joined, keep, needed_tiles, parts
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
    for tile in needed_tiles(net, list(net.tiles()), wanted, payload, offset):
        decoder, grids = LatentDecoder(tile.stream, tile.start), tile.areas[: tile.needed]
        keep(tile, _read(contexts, grids, decoder, len(grids) == len(tile.areas)), wanted, latents)
    return latents


def _read(
    contexts: Contexts, grids: Sequence[Grid], decoder: LatentDecoder, whole: bool
) -> list[np.ndarray]:
    """The latents of some grids; `whole`: nothing follows them. Raises Corrupt."""
    known = walk(contexts, grids, lambda grid, index, scales: decoder.plane(scales))
    if whole:
        decoder.finish()
    return [grid.values for grid in known]


def write_latents(net: Pyramid, weights: Weights, latents: Sequence[np.ndarray]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    contexts, grids = Contexts(net, weights), net.grids()
    streams = [_written(contexts, tile, parts(grids, latents, tile)) for tile in net.tiles()]
    return joined(net, streams)


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
