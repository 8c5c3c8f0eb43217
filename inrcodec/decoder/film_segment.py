"""Samples of a part of a film's segment, made while its latents are read."""

from collections.abc import Iterable, Iterator

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.weights_section import integers_crc
from inrcodec.decoder import film, film_latents
from inrcodec.decoder.part import Box, halved
from inrcodec.decoder.tensors import check_crc, read_tensors
from inrcodec.decoder.values import finish, sample_type
from inrcodec.nets.film import Film
from inrcodec.network import film_of


def film_segment(
    parsed: ParsedFile, number: int, box: Box, ignore_checksum: bool
) -> list[np.ndarray]:
    """Samples of a box of one segment (frames, h, w, C); luma and chroma apart with 4:2:0. Raises
    Corrupt."""
    header, net, part = parsed.header, film_of(parsed.header, number), parsed.segments[number]
    assert part.latents is not None
    tensors, weights = read_tensors(net.tensors(), part)
    latents = film_latents.read_latents(net, weights, part.latents, part.latents_offset)
    counted, samples = _Counted(latents, integers_crc(tensors)), _Samples(header, net, box)
    film.synthesise(net, weights, counted, range(*box[0]), samples.place)
    check_crc(counted.crc, header, number, ignore_checksum)
    return samples.planes


class _Counted:
    """Latents as they are read, and the CRC-32 continued over those so far."""

    def __init__(self, latents: Iterable[film_latents.Integers], crc: int) -> None:
        self._latents, self.crc = latents, crc

    def __iter__(self) -> Iterator[film_latents.Integers]:
        for batch in self._latents:
            self.crc = film_latents.latents_crc([batch], self.crc)
            yield batch


class _Samples:
    """Room for the samples of a box, `planes`, which frames are put into in any order."""

    def __init__(self, header: Header, net: Film, box: Box) -> None:
        (self._first, last), luma = box[0], box[1:]
        self._header = header
        self._insides, channels = [luma], [net.channels]
        if net.halved:
            chroma = tuple(halved(ends) for ends in luma)
            self._insides, channels = [luma, chroma], [1, 2]
        self.planes = [
            np.empty((last - self._first, *(b - a for a, b in ends), n), dtype=sample_type(header))
            for ends, n in zip(self._insides, channels, strict=True)
        ]

    def place(self, frame: int, planes: film.Planes) -> None:
        """Put a frame of the segment, of whole planes, where it belongs."""
        for whole, plane, ends in zip(self.planes, planes, self._insides, strict=True):
            inside = plane[:, *(slice(*pair) for pair in ends)]
            whole[frame - self._first] = finish(self._header, np.moveaxis(inside, 0, -1))
