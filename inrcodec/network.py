"""From a header to a network and its storage, and back: the only place that knows both."""

from inrcodec.container.header import Header
from inrcodec.container.header import Net as NetId
from inrcodec.container.header import Storage as StorageId
from inrcodec.nets import Asmr, Net, Siren
from inrcodec.nets.pyramid import Pyramid
from inrcodec.weights.projection import Projection
from inrcodec.weights.storage import Direct, Projected, Storage


def pyramid_of(header: Header) -> Pyramid:
    """The pyramid that a header describes."""
    return Pyramid(
        shape=header.shape,
        channels=header.channels,
        width=header.width,
        layers=header.layers,
        levels=header.levels,
        colour_from=header.colour_from,
        stages=header.stages,
        coarse_width=header.coarse_width,
    )


def header_of_pyramid(net: Pyramid, *, depth: int, seed: int, effort: int, crc: int) -> Header:
    """The header of a pyramid's file."""
    return Header(
        channels=net.channels,
        depth=depth,
        shape=net.shape,
        net=NetId.PYRAMID,
        storage=StorageId.DIRECT,
        width=net.width,
        layers=net.layers,
        levels=net.levels,
        colour_from=net.colour_from,
        stages=net.stages,
        coarse_width=net.coarse_width,
        seed=seed,
        effort=effort,
        integers_crc=crc,
    )


def network_of(header: Header) -> Net:
    """The coordinate network that a header describes."""
    if header.net == NetId.ASMR:
        return Asmr(
            shape=header.shape,
            channels=header.channels,
            width=header.width,
            bases=header.bases,
            w0_first=header.w0_first,
            w0_hidden=header.w0_hidden,
            w0_modulator=header.w0_modulator,
            frequencies=header.frequencies,
        )
    return Siren(
        shape=header.shape,
        channels=header.channels,
        width=header.width,
        layers=header.layers,
        w0_first=header.w0_first,
        w0_hidden=header.w0_hidden,
        frequencies=header.frequencies,
    )


def storage_of(header: Header) -> Storage:
    """How the header's network is stored."""
    if header.storage == StorageId.PROJECTION:
        return Projected(Projection(header.latent, header.groups, header.projection_seed))
    return Direct()


def header_of(
    net: Net, storage: Storage, *, depth: int, seed: int, effort: int, integers_crc: int
) -> Header:
    """The header of a network's file."""
    projection = storage.projection if isinstance(storage, Projected) else None
    asmr = net if isinstance(net, Asmr) else None
    return Header(
        channels=net.channels,
        depth=depth,
        shape=net.shape,
        net=NetId.ASMR if asmr else NetId.SIREN,
        storage=StorageId.PROJECTION if projection else StorageId.DIRECT,
        width=net.width,
        layers=net.layers,
        w0_first=net.w0_first,
        w0_hidden=net.w0_hidden,
        frequencies=net.frequencies,
        w0_modulator=asmr.w0_modulator if asmr else 0,
        bases=asmr.bases if asmr else (),
        latent=projection.latent if projection else 0,
        groups=projection.groups if projection else 0,
        projection_seed=projection.seed if projection else 0,
        seed=seed,
        effort=effort,
        integers_crc=integers_crc,
    )


def representation_of(header: Header) -> str:
    """The name that --repr has for a file: doh, asmr, siren or pyramid."""
    if header.storage == StorageId.PROJECTION:
        return "doh"
    return header.net.name.lower()
