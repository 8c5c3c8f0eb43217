"""The LATENTS payload of latent grids: one stream, plane by plane, each front by front."""

from collections.abc import Iterator, Mapping, Sequence
from zlib import crc32

import numpy as np

from inrcodec.entropy.centred import centred
from inrcodec.entropy.latents import MAX_MAGNITUDE, LatentDecoder, LatentEncoder
from inrcodec.errors import Corrupt
from inrcodec.nets.grids import Grids, Plane
from inrcodec.nets.prediction import ContextNetwork, LevelNetwork, besides, predicted, read

Weights = Mapping[str, np.ndarray]
_LARGEST = MAX_MAGNITUDE - 1


def read_latents(
    net: Grids, weights: Weights, payload: bytes, offset: int, omitted: int = 0
) -> list[np.ndarray]:
    """The latents of every plane, int32 (rows, columns). Raises Corrupt.

    The finest levels come last: with `omitted` of them the stream is read up to there.
    """
    decoder = LatentDecoder(payload, offset, centred())

    def front(centres: np.ndarray, indices: np.ndarray) -> np.ndarray:
        return decoder.plane(indices) + centres

    latents: dict[tuple[int, int], np.ndarray] = {}
    for plane, network in _planes(net, weights):
        if plane.level >= omitted:
            known = besides(net, plane, latents)
            values = read(network, plane, known, front)
            _check(values, plane)
            latents[plane.channel, plane.level] = values
    if not omitted:
        decoder.finish()
    return list(latents.values())


def _check(values: np.ndarray, plane: Plane) -> None:
    if np.abs(values).max() > _LARGEST:
        raise Corrupt(
            f"LATENTS: channel {plane.channel}, level {plane.level} has a latent of magnitude"
            f" above {_LARGEST}"
        )


def _planes(net: Grids, weights: Weights) -> Iterator[tuple[Plane, LevelNetwork]]:
    """Every plane and the network that predicts it, in file order."""
    networks = [ContextNetwork(weights, number) for number in net.networks()]
    for plane in net.planes():
        yield plane, networks[min(plane.channel, 1)].at_level(plane.level)


def write_latents(net: Grids, weights: Weights, latents: Sequence[np.ndarray]) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    encoder = LatentEncoder(centred())
    done: dict[tuple[int, int], np.ndarray] = {}
    for (plane, network), values in zip(_planes(net, weights), latents, strict=True):
        known = besides(net, plane, done)
        for there, centres, indices in predicted(network, plane, known, values):
            encoder.add(there - centres.astype(np.int64), indices)
        done[plane.channel, plane.level] = values
    return encoder.finish()


def latents_crc(latents: Sequence[np.ndarray], crc: int) -> int:
    """CRC-32 continued over all latents as little-endian i16, in file order."""
    for values in latents:
        crc = crc32(values.astype("<i2").tobytes(), crc)
    return crc
