"""Cropping a film: whole segments are left out, and what follows the part in the last one that it
needs, anchor by anchor; what stays of that one is coded again under the same weights.

Frames are predicted from anchors on both sides, never from one that is further away, and no anchor
from a later one: up to any anchor a segment is a film of its own.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.weights_section import integers_crc
from inrcodec.cropping import segments
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder.film_latents import Integers, latents_crc, read_latents, write_latents
from inrcodec.decoder.part import Box
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.nets.film import Film
from inrcodec.network import film_of


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The segments that a box of coded samples needs, the last up to the anchor after it. Raises
    Corrupt."""
    kept = segments.crop(parsed, box)
    length = parsed.header.segment
    number = (box[0][1] - 1) // length
    net = film_of(parsed.header, number)
    frames = _up_to_anchor(net, box[0][1] - number * length)
    if frames == net.shape[0]:
        return kept
    shorter = replace(net, shape=(frames, *net.shape[1:]))
    latents, crc = _shortened(parsed, number, net, shorter)
    first = box[0][0] // length
    local = ((box[0][0] - first * length, box[0][1] - first * length), *box[1:])
    coded = ((number - first) * length + frames, *parsed.header.coded_shape[1:])
    return replace(
        kept,
        header=with_window(parsed.header, coded, local).with_crcs(
            [*parsed.header.crcs[first:number], crc]
        ),
        latents=(*kept.latents[:-1], latents),
        dropped=True,
    )


def _up_to_anchor(net: Film, frames: int) -> int:
    """The least number of frames, `frames` or more, that ends with an anchor."""
    return min(-(-(frames - 1) // net.interval) * net.interval + 1, net.shape[0])


def _shortened(parsed: ParsedFile, number: int, net: Film, shorter: Film) -> tuple[bytes, int]:
    """The LATENTS payload of a segment's first frames, and its checksum. Raises Corrupt."""
    part = parsed.segments[number]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    latents = list(read_latents(net, weights, part.latents, part.latents_offset))
    crc = integers_crc(tensors)
    check_crc(latents_crc(latents, crc), parsed.header, number, False)
    kept = _of_frames(net, shorter, latents)
    return write_latents(shorter, weights, kept), latents_crc(kept, crc)


def _of_frames(net: Film, shorter: Film, latents: Sequence[Integers]) -> list[Integers]:
    """The latents of the frames of a film's beginning, batch by batch."""
    found = {
        batch.frames[0]: (len(batch.frames), grids)
        for batch, grids in zip(net.batches, latents, strict=True)
    }
    kept = []
    for batch in shorter.batches:
        (count, grids), n = found[batch.frames[0]], len(batch.frames)
        motion = [_first(values, count, n) for values in grids.motion]
        kept.append(Integers(motion, [_first(values, count, n) for values in grids.picture]))
    return kept


def _first(values: np.ndarray, count: int, n: int) -> np.ndarray:
    """The first n of `count` frames that lie under one another: (4, bands, rows, columns)."""
    return values[:, :, : values.shape[2] // count * n]
