"""Cropping a Local-Global file: groups of partitions outside a box are left out, byte by byte.

Nothing is fitted, quantised or coded again (Ashkenazi and Treister 2024, section 3.3): the global
network, Merge and the streams of the groups that stay are those of the file. The coded grid stays
as it was, and with it the coordinates that every network sees.
"""

from dataclasses import replace

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header, net_shape
from inrcodec.container.header_fields import Layout
from inrcodec.container.locals_section import in_file_order
from inrcodec.container.streams import join, split
from inrcodec.container.weights_section import integers_crc
from inrcodec.cropping.contents import Contents, with_window
from inrcodec.decoder.local_global import read_integers
from inrcodec.network import groups_of
from inrcodec.quantise import QuantisedTensor
from inrcodec.weights.groups import Box, Groups


def crop(parsed: ParsedFile, box: Box) -> Contents:
    """The groups that a box of coded grid points touches. Raises Corrupt."""
    header, part = parsed.header, parsed.segments[0]
    assert part.locals is not None
    before = groups_of(header)
    after = _touched(header, before, box)
    groups = len(before.boxes())
    streams = split(part.locals, groups, "LOCALS", "group", part.locals_offset)
    kept = [streams[number][0] for number in _places(before, after)]
    shared, local = read_integers(parsed)
    partitions = before.numbers(after.box)
    own = [_taken(tensor, before.count, partitions) for tensor in local]
    crc = integers_crc(in_file_order(shared, own, after.members()))
    if header.segment:  # as long as what it holds: a window's segment is never cut short
        header = replace(header, segment=net_shape(header)[0])
    header = with_window(header, header.coded_shape, box)
    header = replace(header, first_group=after.first, groups_kept=after.kept)
    return Contents(
        header.with_crcs([crc]), (part.weights,), (), after.kept != before.kept, join(kept)
    )


def _touched(header: Header, groups: Groups, box: Box) -> Groups:
    """The groups that a box touches."""
    halved = header.layout == Layout.YCBCR_420
    first, kept = [], []
    for axis, (a, b) in enumerate(box):
        points = header.side[axis] * groups.group[axis]
        if halved and axis > 0:
            a, b = a // 2, -(-b // 2)
        first.append(a // points)
        kept.append(-(-b // points) - a // points)
    return Groups(groups.partitions, groups.group, tuple(first), tuple(kept))


def _places(before: Groups, after: Groups) -> list[int]:
    """Numbers of the groups that stay."""
    numbers = np.arange(len(before.boxes())).reshape(before.kept)
    slices = tuple(
        slice(a - b, a - b + n)
        for a, b, n in zip(after.first, before.first, after.kept, strict=True)
    )
    places: list[int] = numbers[slices].reshape(-1).tolist()
    return places


def _taken(tensor: QuantisedTensor, count: int, partitions: np.ndarray) -> QuantisedTensor:
    integers = tensor.integers.reshape(count, -1)[partitions].reshape(-1)
    return replace(tensor, integers=integers)
