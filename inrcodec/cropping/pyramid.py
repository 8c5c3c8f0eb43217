"""Cropping a pyramid: latents that the box does not depend on are left out, the others coded again
under the same weights."""

from dataclasses import replace

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.weights_section import integers_crc
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder import pyramid
from inrcodec.decoder.part import Box
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.nets.pyramid import Grid
from inrcodec.network import pyramid_of


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The latents that a box of coded samples needs. Raises Corrupt."""
    net, part = pyramid_of(parsed.header), parsed.segments[0]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    latents = pyramid.read_latents(net, weights, part.latents, part.latents_offset)
    crc = integers_crc(tensors)
    check_crc(pyramid.latents_crc(latents, crc), parsed.header, 0, False)
    header = with_window(parsed.header, parsed.header.coded_shape, box)
    smaller = pyramid_of(header)
    grids = list(zip(latents, net.grids(), smaller.grids(), strict=True))
    kept = [_within(values, grid, inner) for values, grid, inner in grids]
    return Contents(
        replace(header, integers_crc=pyramid.latents_crc(kept, crc)),
        (part.weights,),
        (pyramid.write_latents(smaller, weights, kept),),
        dropped=True,  # or hardly anything: but for the outermost samples there is always something
    )


def _within(latents: np.ndarray, grid: Grid, inner: Grid) -> np.ndarray:
    """The latents of a grid that lie in a smaller one."""
    top, left = inner.top - grid.top, inner.left - grid.left
    return latents[:, :, top : top + inner.rows, left : left + inner.columns]
