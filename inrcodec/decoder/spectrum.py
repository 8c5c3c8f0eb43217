"""Decoding a spectrum: latents from the LATENTS section of a segment, samples from latents."""

from collections.abc import Mapping
from zlib import crc32

import numpy as np

from inrcodec.entropy.latents import LatentDecoder, LatentEncoder, cost_bits
from inrcodec.nets import mdct
from inrcodec.nets.spectrum import Spectrum, coefficients, from_axes
from inrcodec.nets.spectrum_context import walk

Weights = Mapping[str, np.ndarray]


def frames_of(header_samples: int, segment: int, hop: int, number: int) -> int:
    """Frames of segment `number` of a sound of so many samples: the last has one more than
    blocks, for the last block lies in two frames too."""
    start = number * segment
    left = -(-(header_samples - start) // hop)
    return segment // hop if start + segment < header_samples else left + 1


def read_latents(
    net: Spectrum, weights: Weights, frames: int, payload: bytes, offset: int
) -> np.ndarray:
    """The latents of a segment, int32 (C, frames, hop). Raises Corrupt."""
    decoder = LatentDecoder(payload, offset)
    latents = walk(net, weights, frames, lambda f, c, bins, scales: decoder.plane(scales))
    decoder.finish()
    return latents


def write_latents(net: Spectrum, weights: Weights, latents: np.ndarray) -> bytes:
    """The LATENTS payload: the inverse of `read_latents`."""
    encoder = LatentEncoder()

    def plane(frame: int, channel: int, bins: slice, scales: np.ndarray) -> np.ndarray:
        values: np.ndarray = latents[channel, frame, bins]
        encoder.add(values, scales)
        return values

    walk(net, weights, latents.shape[1], plane)
    return encoder.finish()


def latents_bits(net: Spectrum, weights: Weights, latents: np.ndarray) -> float:
    """Size of the LATENTS payload in bits, without coding it."""
    bits = 0.0

    def plane(frame: int, channel: int, bins: slice, scales: np.ndarray) -> np.ndarray:
        nonlocal bits
        values: np.ndarray = latents[channel, frame, bins]
        bits += cost_bits(values, scales)
        return values

    walk(net, weights, latents.shape[1], plane)
    return bits


def latents_crc(latents: np.ndarray, crc: int) -> int:
    """CRC-32 continued over a segment's latents as little-endian i16, by channel, frame, bin."""
    return crc32(latents.astype("<i2").tobytes(), crc)


def contribution(net: Spectrum, weights: Weights, latents: np.ndarray) -> np.ndarray:
    """Samples that frames alone give to the blocks they touch: float32 ((F + 1) hop, C).

    The first block and the last are still to be added to what the frames around give to them.
    In a file made to harm samples can be infinite or not numbers.
    """
    with np.errstate(all="ignore"):
        planes = coefficients(net, weights["frame"], latents)
        none = np.zeros((net.channels, 1, net.hop), dtype=np.float32)
        blocks = mdct.synthesise(np.concatenate([none, planes, none], axis=1))
        return from_axes(net, weights, blocks.reshape(net.channels, -1)).astype(np.float32)
