"""Cropping a Local-Global file: groups of partitions outside a box are left out, byte by byte.

Nothing is fitted, quantised or coded again (Ashkenazi and Treister 2024, section 3.3): the global
network, Merge and the streams of the groups that stay are those of the file. What the header calls
the grid stays as it was, and with it the coordinates that every network sees: samples inside the
box are the same to the last bit.
"""

from dataclasses import replace

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header, Layout, net_shape
from inrcodec.container.locals_section import in_file_order, join, split
from inrcodec.container.weights_section import integers_crc
from inrcodec.decoder.local_global import read_integers
from inrcodec.network import groups_of
from inrcodec.quantise import QuantisedTensor
from inrcodec.weights.groups import Box, Groups


def crop(parsed: ParsedFile, box: Box) -> tuple[Header, bytes, bytes]:
    """Header, WEIGHTS and LOCALS payloads of the smallest file that has the samples of a box.

    `box`: first and last+1 grid point of the signal per axis. Raises ValueError for a box with
    samples that the file does not have, or with none, Corrupt for integers that are not those of
    the header.
    """
    header, part = parsed.header, parsed.segments[0]
    assert part.locals is not None
    before = groups_of(header)
    after = _touched(header, before, box)
    streams = [stream for stream, _ in split(part.locals, len(before.boxes()), part.locals_offset)]
    kept = [streams[number] for number in _places(before, after)]
    shared, local = read_integers(parsed)
    partitions = before.numbers(after.box)
    own = [_taken(tensor, before.count, partitions) for tensor in local]
    crc = integers_crc(in_file_order(shared, own, after.members()))
    smaller = replace(header, first_group=after.first, groups_kept=after.kept)
    return smaller.with_crcs([crc]), part.weights, join(kept)


def _touched(header: Header, groups: Groups, box: Box) -> Groups:
    """The groups that a box touches."""
    halved = header.layout == Layout.YCBCR_420
    first, kept = [], []
    axes = zip(box, net_shape(header), header.side, groups.group, strict=True)
    for axis, ((a, b), size, side, group) in enumerate(axes):
        if halved and axis > 0:
            a, b = a // 2, -(-b // 2)
        low, high = a // (side * group), -(-b // (side * group))
        ends = groups.first[axis], groups.first[axis] + groups.kept[axis]
        if not ends[0] <= low < high <= ends[1] or not a < b <= size:
            raise ValueError(f"{box} is not a box of the samples in this file")
        first.append(low)
        kept.append(high - low)
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
