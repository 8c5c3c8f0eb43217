"""From a header to a network and its storage, and back: the only place that knows both."""

from collections.abc import Mapping, Sequence
from typing import Any

from inrcodec.container.header import Header, net_shape
from inrcodec.container.header_fields import LEARNED, MERGED_ONCE, MIRRORED, TILED, Layout
from inrcodec.container.header_fields import Net as NetId
from inrcodec.container.header_fields import Storage as StorageId
from inrcodec.nets import Asmr, LocalGlobal, Net, Siren
from inrcodec.nets.film import Film
from inrcodec.nets.grids import Grids
from inrcodec.nets.pyramid import Pyramid
from inrcodec.nets.spectrum import Spectrum
from inrcodec.signals import packing
from inrcodec.weights.groups import Groups, all_groups
from inrcodec.weights.projection import Projection
from inrcodec.weights.storage import Direct, Projected, Storage

_PYRAMID_FIELDS = ("levels", "colour_from", "stages", "coarse_width", "tile")
_FILM_FIELDS = ("levels", "colour_from", "interval", "block", "motion_levels")
_GRIDS_FIELDS = ("width", "context_width", "levels", "colour_from", "tile")
_SINE_FIELDS = ("w0_first", "w0_hidden")
_LOCAL_GLOBAL_FIELDS = ("global_width", "w0_global", "side")


def pyramid_of(header: Header) -> Pyramid:
    """The pyramid that a header describes."""
    return Pyramid(
        shape=header.coded_shape,
        box=_window(header),
        mirrored=bool(header.mirroring),
        **_named(header, ("channels", "width", "layers", *_PYRAMID_FIELDS)),
    )


def grids_of(header: Header) -> Grids:
    """The latent grids that a header describes."""
    return Grids(
        shape=header.coded_shape,
        box=_window(header),
        **_named(header, ("channels", *_GRIDS_FIELDS)),
    )


def _window(header: Header) -> tuple[tuple[int, int], ...] | None:
    """First and last+1 sample that an excerpt shows on every axis; None of a whole signal."""
    ends = zip(header.first, header.shape, strict=True) if header.excerpt else ()
    return tuple((a, a + n) for a, n in ends) or None


def film_of(header: Header, number: int) -> Film:
    """The film of a segment; the last one has the frames that are left."""
    total, *sides = header.coded_shape
    frames = min(header.segment, total - number * header.segment)
    return Film(
        shape=(frames, *sides),
        channels=header.channels,
        halved=header.layout == Layout.YCBCR_420,
        **_named(header, _FILM_FIELDS),
    )


def spectrum_of(header: Header) -> Spectrum:
    """The spectrum that a header describes."""
    return Spectrum(shape=(header.segment,), channels=header.channels, hop=header.hop)


def net_channels(header: Header) -> int:
    """Values that a coordinate network gives for a point of its grid."""
    return packing.CHANNELS if header.layout == Layout.YCBCR_420 else header.channels


def _grid_fields(header: Header) -> dict[str, Any]:
    """What all coordinate networks have."""
    grid = {"shape": net_shape(header), "channels": net_channels(header)}
    named = _named(header, ("width", *_SINE_FIELDS))
    return {**grid, **named, "learned": bool(header.activation)}


def local_global_of(header: Header) -> LocalGlobal:
    """The network of all partitions, also those that the file does without."""
    named = _named(header, ("layers", *_LOCAL_GLOBAL_FIELDS))
    return LocalGlobal(**_grid_fields(header), **named, merged_once=bool(header.merging))


def groups_of(header: Header) -> Groups:
    """The groups of partitions that a file has."""
    partitions = local_global_of(header).partitions
    return Groups(partitions, header.group, header.first_group, header.groups_kept)


def network_of(header: Header) -> Net:
    """The coordinate network that a header describes."""
    if header.net == NetId.LOCAL_GLOBAL:
        return local_global_of(header)
    fields = _grid_fields(header) | {"frequencies": header.frequencies}
    if header.net == NetId.ASMR:
        return Asmr(**fields, bases=header.bases, w0_modulator=header.w0_modulator)
    return Siren(**fields, layers=header.layers)


def storage_of(header: Header) -> Storage:
    """How the header's network is stored."""
    if header.storage == StorageId.PROJECTION:
        return Projected(Projection(header.latent, header.groups, header.projection_seed))
    return Direct(header.group)


def header_of(
    net: Net | Pyramid | Grids | Spectrum | Film,
    storage: Storage,
    signal: Mapping[str, Any],
    *,
    seed: int,
    effort: int,
    crcs: Sequence[int],
) -> Header:
    """The header of a network's file. `signal`: the fields that say what the signal is."""
    fields = _net_fields(net) | _storage_fields(storage)
    if isinstance(net, LocalGlobal) and isinstance(storage, Direct):
        fields |= _group_fields(all_groups(net.partitions, storage.group))
    return Header(**signal, **fields, seed=seed, effort=effort).with_crcs(crcs)


def _group_fields(groups: Groups) -> dict[str, Any]:
    return {"group": groups.group, "first_group": groups.first, "groups_kept": groups.kept}


def _net_fields(net: Net | Pyramid | Grids | Spectrum | Film) -> dict[str, Any]:
    if isinstance(net, Spectrum):
        return {"net": NetId.SPECTRUM, "hop": net.hop}
    if isinstance(net, Film):
        return {"net": NetId.FILM} | _named(net, _FILM_FIELDS)
    if isinstance(net, Grids):
        return {"net": NetId.GRIDS} | _tiling(net) | _named(net, _GRIDS_FIELDS)
    fields: dict[str, Any] = {"width": net.width, "layers": net.layers}
    if isinstance(net, Pyramid):
        fields |= {"net": NetId.PYRAMID} | _tiling(net)
        fields |= {"mirroring": MIRRORED if net.mirrored else 0}
        return fields | _named(net, _PYRAMID_FIELDS)
    fields |= _named(net, _SINE_FIELDS) | {"activation": LEARNED if net.learned else 0}
    if isinstance(net, LocalGlobal):
        fields |= {"net": NetId.LOCAL_GLOBAL, "merging": MERGED_ONCE if net.merged_once else 0}
        return fields | _named(net, _LOCAL_GLOBAL_FIELDS)
    fields["frequencies"] = net.frequencies
    if isinstance(net, Asmr):
        return fields | {"net": NetId.ASMR, "w0_modulator": net.w0_modulator, "bases": net.bases}
    return fields | {"net": NetId.SIREN}


def _tiling(net: Pyramid | Grids) -> dict[str, Any]:
    return {"tiling": TILED if net.tile else 0}


def _named(net: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(net, name) for name in names}


def _storage_fields(storage: Storage) -> dict[str, Any]:
    if not isinstance(storage, Projected):
        return {"storage": StorageId.DIRECT}
    projection = storage.projection
    return {
        "storage": StorageId.PROJECTION,
        "latent": projection.latent,
        "groups": projection.groups,
        "projection_seed": projection.seed,
    }


def representation_of(header: Header) -> str:
    """The name that --repr has for a file: doh, asmr, siren, local-global, pyramid, grids, spectrum
    or film."""
    if header.storage == StorageId.PROJECTION:
        return "doh"
    return header.net.name.lower().replace("_", "-")
