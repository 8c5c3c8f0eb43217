"""Cropping latent grids: latents that the box does not depend on are left out, the others coded
again under the same weights."""

from inrcodec.container import ParsedFile
from inrcodec.container.weights_section import integers_crc
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder.grids_latents import latents_crc, read_latents, write_latents
from inrcodec.decoder.part import Box
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.network import grids_of


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The latents that a box of coded samples needs; from tiles no others are decoded. Raises
    Corrupt."""
    net, part = grids_of(parsed.header), parsed.segments[0]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    header = with_window(parsed.header, parsed.header.coded_shape, box)
    smaller, crc = grids_of(header), integers_crc(tensors)
    inner = smaller if net.tile else net
    latents = read_latents(net, weights, part.latents, part.latents_offset, part=inner)
    if inner is net:
        check_crc(latents_crc(latents, crc), parsed.header, 0, False)
    planes = zip(latents, inner.planes(), smaller.planes(), strict=True)
    kept = [values[plane.part(within)] for values, plane, within in planes]
    return Contents(
        header.with_crcs([latents_crc(kept, crc)]),
        (part.weights,),
        (write_latents(smaller, weights, kept),),
        dropped=True,
    )
