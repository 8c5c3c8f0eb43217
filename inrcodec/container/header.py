"""The header: what the signal is, and which network with which weights stands for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inrcodec.container.header_fields import Kind, Layout, Net, Numbers, Storage


@dataclass(frozen=True)
class Header:
    """Fields of HEAD in file order; 0 or () where a field is absent (see FIELDS for the ranges).

    `shape`: (H, W) of an image, (N,) of audio, (T, H, W) of a video; of an excerpt, what is shown
    of `coded` grid points from `first` on. `bases[i][a]`: base of axis a at level i, `layers` + 1
    levels for asmr.
    """

    channels: int
    depth: int
    shape: tuple[int, ...]
    net: Net
    storage: Storage
    width: int = 0
    layers: int = 0
    w0_first: int = 0
    w0_hidden: int = 0
    frequencies: int = 0
    w0_modulator: int = 0
    bases: tuple[tuple[int, ...], ...] = ()
    levels: int = 0
    colour_from: int = 0
    stages: int = 0
    coarse_width: int = 0
    tile: int = 0
    interval: int = 0
    block: int = 0
    motion_levels: int = 0
    context_width: int = 0
    hop: int = 0
    global_width: int = 0
    w0_global: int = 0
    side: tuple[int, ...] = ()
    group: tuple[int, ...] = ()
    first_group: tuple[int, ...] = ()
    groups_kept: tuple[int, ...] = ()
    latent: int = 0
    groups: int = 0
    projection_seed: int = 0
    seed: int = 0
    effort: int = 0
    integers_crc: int = 0
    segment_crcs: tuple[int, ...] = ()
    kind: Kind = Kind.IMAGE
    numbers: Numbers = Numbers.UNSIGNED
    low: float = 0.0
    high: float = 0.0
    rate: int = 0
    rate_seconds: int = 0
    layout: Layout | int = 0
    segment: int = 0
    activation: int = 0
    tiling: int = 0
    mirroring: int = 0
    merging: int = 0
    excerpt: int = 0
    coded: tuple[int, ...] = ()
    first: tuple[int, ...] = ()

    @property
    def coded_shape(self) -> tuple[int, ...]:
        """Grid points along each axis, those of an excerpt that are not shown too."""
        return self.coded or self.shape

    @property
    def ndim(self) -> int:
        """Number of axes of the grid."""
        return len(self.shape)

    @property
    def segments(self) -> int:
        """Number of segments along axis 0; 1 for an image."""
        return -(-self.coded_shape[0] // self.segment) if self.segment else 1

    @property
    def crcs(self) -> tuple[int, ...]:
        """CRC-32 of the decoded integers of each segment."""
        return self.segment_crcs if self.segment else (self.integers_crc,)

    def with_crcs(self, crcs: Sequence[int]) -> "Header":
        """The same header with the CRC-32 of each segment's integers."""
        if self.segment:
            return replace(self, segment_crcs=tuple(crcs))
        return replace(self, integers_crc=crcs[0])


def net_shape(header: Header) -> tuple[int, ...]:
    """The grid that a network covers: a whole segment, with 4:2:0 at the size of the chroma."""
    length, *sides = header.coded_shape
    if header.segment:  # a segment of an excerpt can be cut short even if there is no other
        length = header.segment if header.excerpt else min(header.segment, length)
    if header.layout == Layout.YCBCR_420:
        sides = [-(-side // 2) for side in sides]
    return (length, *sides)
