"""What a cropped file is made of, and the header of a window."""

from dataclasses import dataclass, replace

from inrcodec.container.header import Header, net_shape
from inrcodec.container.header_fields import EXCERPT
from inrcodec.decoder.part import Box


@dataclass(frozen=True)
class Contents:
    """A smaller file: its header, complete with CRCs, and the payloads of its segments.

    `dropped`: whether anything was left out; if not, the window alone is smaller. `partitions`: the
    LOCALS payload, where there is one.
    """

    header: Header
    weights: tuple[bytes, ...]
    latents: tuple[bytes, ...]
    dropped: bool
    partitions: bytes | None = None


def with_window(header: Header, coded: tuple[int, ...], box: Box) -> Header:
    """A header that shows a box, counted from the first of the `coded` grid points, without CRCs
    yet; one without a window where all is shown."""
    shape = tuple(last - first for first, last in box)
    first = tuple(first for first, _ in box)
    header = replace(
        header, excerpt=EXCERPT, coded=coded, first=first, shape=shape, segment_crcs=()
    )
    plain = replace(header, excerpt=0, coded=(), first=())
    whole = coded == shape and net_shape(plain) == net_shape(header)
    return plain if whole and header.segment else header
