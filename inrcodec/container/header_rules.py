"""Rules that bind more than one field of the header."""

from math import prod

from inrcodec.container.header import Header, net_shape
from inrcodec.container.header_fields import (
    COORDINATES,
    KINDS,
    MAX_PADDED_SIDE,
    MAX_SIDE,
    VOLUME_DEPTHS,
    Kind,
    Layout,
    Net,
    Storage,
)

# Latents' networks, whose tensors are stored as they are.
_UNPROJECTED = {
    Net.PYRAMID: "a pyramid's tensors",
    Net.GRIDS: "the tensors of grids",
    Net.FILM: "a film's tensors",
    Net.SPECTRUM: "a spectrum's tensors",
}


def problems_of(header: Header) -> list[str]:
    """What breaks a rule, in words; none if all are kept."""
    problems = _kind_problems(header)
    wanted = [header.ndim] * (header.layers + 1) if header.net == Net.ASMR else []
    if [len(level) for level in header.bases] != wanted:
        return [f"bases = {header.bases} are not layers + 1 levels of {header.ndim} axes"]
    if problems:
        return problems
    for axis, size in enumerate(net_shape(header) if header.bases else ()):
        padded = prod(level[axis] for level in header.bases)
        if not size <= padded <= MAX_PADDED_SIDE:
            problems.append(
                f"bases of axis {axis} multiply to {padded}, outside {size}..{MAX_PADDED_SIDE}"
            )
    if header.storage == Storage.PROJECTION and header.groups > header.latent:
        problems.append(f"groups = {header.groups} is more than latent = {header.latent}")
    if header.net in _UNPROJECTED and header.storage != Storage.DIRECT:
        problems.append(f"{_UNPROJECTED[header.net]} are not stored by projection")
    if header.net == Net.PYRAMID:
        problems += _pyramid_problems(header)
    if header.net == Net.GRIDS:
        problems += _level_problems(header, "colour_from") + _tile_problems(header, 0)
    if header.net == Net.SPECTRUM:
        problems += _spectrum_problems(header)
    if header.net == Net.FILM:
        problems += _film_problems(header)
    if header.net == Net.LOCAL_GLOBAL:
        problems += _partition_problems(header)
    if header.activation and header.net not in COORDINATES:
        problems.append(f"net = {header.net.name.lower()} has no learned scalars")
    if header.tiling and header.net not in (Net.PYRAMID, Net.GRIDS):
        problems.append(f"net = {header.net.name.lower()} has no tiles")
    if header.mirroring and header.net != Net.PYRAMID:
        problems.append(f"net = {header.net.name.lower()} has no cell networks")
    if header.merging and header.net != Net.LOCAL_GLOBAL:
        problems.append(f"net = {header.net.name.lower()} has no global features")
    return problems


def _kind_problems(header: Header) -> list[str]:
    """Rules of the kind of signal."""
    problems = [
        f"{name} = {getattr(header, name)} is not allowed with kind = {header.kind.name.lower()}"
        for name, allowed in KINDS[header.kind].items()
        if getattr(header, name) not in allowed
    ]
    problems += _window_problems(header)
    timed, name = header.kind in (Kind.AUDIO, Kind.VIDEO), "coded" if header.coded else "shape"
    for axis, size in enumerate(header.coded_shape):
        if size > MAX_SIDE and not (timed and axis == 0):
            problems.append(f"{name}[{axis}] = {size} is above {MAX_SIDE}")
    if header.segment and len(header.segment_crcs) != header.segments:
        problems.append(f"segment_crcs are {len(header.segment_crcs)}, not {header.segments}")
    if header.high < header.low:
        problems.append(f"high = {header.high} is below low = {header.low}")
    if header.layout == Layout.YCBCR_420 and header.channels != 3:
        problems.append(f"channels = {header.channels} is not allowed with layout = ycbcr_420")
    if header.kind == Kind.VOLUME and header.depth not in VOLUME_DEPTHS[header.numbers]:
        problems.append(f"depth = {header.depth} is not allowed with numbers = {header.numbers}")
    return problems


def _window_problems(header: Header) -> list[str]:
    if not header.excerpt:
        return []
    if not len(header.first) == len(header.coded) == header.ndim:
        return [f"coded = {header.coded} and first = {header.first} are not of {header.ndim} axes"]
    ends = [a + n for a, n in zip(header.first, header.shape, strict=True)]
    problems = [
        f"shape[{axis}] = {header.shape[axis]} from {header.first[axis]} on ends after {size}"
        for axis, size in enumerate(header.coded)
        if ends[axis] > size
    ]
    if header.layout == Layout.YCBCR_420 and any(a % 2 for a in header.first[1:]):
        problems.append(f"first = {header.first} is not even with layout = ycbcr_420")
    return problems


def _level_problems(header: Header, *names: str) -> list[str]:
    """Of levels for the rows and columns there are, and of fields that name one of them."""
    problems = []
    if header.levels > 1 and 2**header.levels > max(header.coded_shape[-2:]):
        problems.append(f"levels = {header.levels} are too many for {header.coded_shape}")
    return problems + [
        f"{name} = {getattr(header, name)} is more than the levels"
        for name in names
        if getattr(header, name) > header.levels
    ]


def _pyramid_problems(header: Header) -> list[str]:
    return _level_problems(header, "colour_from", "stages") + _tile_problems(header, 1)


def _tile_problems(header: Header, more: int) -> list[str]:
    """Of tiles that do not have whole latents at every level; `more`: octaves beyond `levels`."""
    if header.tile % 2 ** (header.levels + more):
        power = f"(levels + {more})" if more else "levels"
        return [f"tile = {header.tile} is not a multiple of 2^{power}"]
    return []


def _film_problems(header: Header) -> list[str]:
    problems = _level_problems(header)
    least = 1 if header.layout == Layout.YCBCR_420 else 0
    if not least <= header.colour_from <= header.levels:
        problems.append(f"colour_from = {header.colour_from} is outside {least}..{header.levels}")
    return problems


def _spectrum_problems(header: Header) -> list[str]:
    problems = []
    if header.segment % header.hop:
        problems.append(f"segment = {header.segment} is not a multiple of hop = {header.hop}")
    if header.high != -header.low:
        problems.append(f"high = {header.high} is not -low = {-header.low}")
    return problems


def _partition_problems(header: Header) -> list[str]:
    problems = []
    if header.storage != Storage.DIRECT:
        problems.append("the tensors of partitions are not stored by projection")
    if header.segments > 1:
        problems.append(f"{header.segments} segments are not allowed with net = local_global")
    lists = (header.side, header.group, header.first_group, header.groups_kept)
    if any(len(values) != header.ndim for values in lists):
        return [*problems, f"{lists} are not lists of {header.ndim} axes"]
    for axis, values in enumerate(zip(net_shape(header), *lists, strict=True)):
        size, side, group, first, kept = values
        groups = -(-size // (side * group))
        shown = _shown(header, axis)
        if side > size or group > -(-size // side):
            problems.append(f"side = {side} and group = {group} do not fit axis {axis} of {size}")
        elif first + kept > groups:
            problems.append(f"{kept} groups from {first} on of axis {axis} are not in {groups}")
        elif shown[0] < first * group * side or shown[-1] >= (first + kept) * group * side:
            problems.append(f"axis {axis} shows more than {kept} groups from {first} on")
    return problems


def _shown(header: Header, axis: int) -> range:
    """Points of the network's grid that samples shown are made of."""
    first = header.first[axis] if header.excerpt else 0
    last = first + header.shape[axis]
    if header.layout == Layout.YCBCR_420 and axis > 0:
        return range(first // 2, -(-last // 2))
    return range(first, last)
