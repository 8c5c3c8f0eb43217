"""LATENTS payloads of pictures whose latents may lie in tiles: a stream for each, or one for all.

No tile's contexts reach out of it, so that a part of the picture needs the tiles alone that it lies
in, and of those around it the coarser latents.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from inrcodec.container.streams import join, split
from inrcodec.nets.areas import Area
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid

A = TypeVar("A", bound=Area)


class Tile(NamedTuple, Generic[A]):
    """A tile that is read: its areas, how many of them are needed, its stream, and where that
    begins in the file."""

    areas: Sequence[A]
    needed: int
    stream: bytes
    start: int


def needed_tiles(
    net: Pyramid | Grids,
    tiles: Sequence[Sequence[A]],
    wanted: Sequence[Area],
    payload: bytes,
    offset: int,
) -> Iterator[Tile[A]]:
    """Those of a net's tiles that have anything of the areas that are wanted, the first ones in
    file order. Raises Corrupt."""
    streams = [(payload, offset)]
    if net.tile:
        streams = split(payload, len(tiles), "LATENTS", "tile", offset)
    for areas, (stream, start) in zip(tiles, streams, strict=True):
        common = [area.within(inner) for area, inner in zip(areas, wanted, strict=False)]
        if needed := max((i for i, area in enumerate(common, 1) if not area.empty), default=0):
            yield Tile(areas, needed, stream, start)


def keep(
    tile: Tile[A],
    found: Sequence[np.ndarray],
    wanted: Sequence[Area],
    latents: Sequence[np.ndarray],
) -> None:
    """Put what was found in a tile's first areas where it is wanted; rows and columns come last."""
    for area, values, inner, target in zip(tile.areas, found, wanted, latents, strict=False):
        common = area.within(inner)
        target[(..., *inner.part(common))] = values[(..., *area.part(common))]


def parts(
    whole: Sequence[Area], latents: Sequence[np.ndarray], tile: Sequence[Area]
) -> list[np.ndarray]:
    """What a tile has of the latents of whole areas."""
    triples = zip(whole, latents, tile, strict=True)
    return [values[(..., *area.part(inner))] for area, values, inner in triples]


def joined(net: Pyramid | Grids, streams: Sequence[bytes]) -> bytes:
    """The payload of the streams of all tiles."""
    return join(streams) if net.tile else streams[0]
