"""Cropping a pyramid: latents that the box does not depend on are left out, the others coded again
under the same weights."""

from inrcodec.container import ParsedFile
from inrcodec.container.weights_section import integers_crc
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder.part import Box
from inrcodec.decoder.pyramid_latents import latents_crc, read_latents, write_latents
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.network import pyramid_of


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The latents that a box of coded samples needs; from tiles no others are decoded. Raises
    Corrupt."""
    net, part = pyramid_of(parsed.header), parsed.segments[0]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    header = with_window(parsed.header, parsed.header.coded_shape, box)
    smaller, crc = pyramid_of(header), integers_crc(tensors)
    inner = smaller if net.tile else net
    latents = read_latents(net, weights, part.latents, part.latents_offset, part=inner)
    if inner is net:
        check_crc(latents_crc(latents, crc), parsed.header, 0, False)
    grids = zip(latents, inner.grids(), smaller.grids(), strict=True)
    kept = [values[:, :, *grid.part(within)] for values, grid, within in grids]
    return Contents(
        header.with_crcs([latents_crc(kept, crc)]),
        (part.weights,),
        (write_latents(smaller, weights, kept),),
        dropped=True,  # or hardly anything: but for the outermost samples there is always something
    )
