"""Decoding audio, video and volumes: segment after segment along axis 0."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial

import numpy as np

from inrcodec.container import ParsedFile
from inrcodec.container.header import Header
from inrcodec.container.header_fields import Kind, Layout
from inrcodec.container.header_fields import Net as NetId
from inrcodec.container.weights_section import integers_crc
from inrcodec.decoder import local_global, spectrum
from inrcodec.decoder.evaluate import evaluate
from inrcodec.decoder.film_segment import film_segment
from inrcodec.decoder.part import Box, halved, shares
from inrcodec.decoder.plan import plan_decode
from inrcodec.decoder.tensors import check_crc, read_tensors, read_weights
from inrcodec.decoder.values import finish, means, rounded, sample_type, signal_of
from inrcodec.errors import Corrupt
from inrcodec.network import spectrum_of
from inrcodec.signals.packing import unpacked_420
from inrcodec.signals.signal import Metadata, Signal

Finish = Callable[[np.ndarray], np.ndarray]


@contextmanager
def naming(number: int) -> Iterator[None]:
    """Damage found in the block is said to be in segment `number`."""
    try:
        yield
    except Corrupt as error:
        raise Corrupt(f"segment {number}: {error}") from error


def parted_signal(
    parsed: ParsedFile,
    box: Box,
    scale: int,
    factor: Fraction,
    metadata: Metadata,
    ignore_checksum: bool,
) -> Signal:
    """A box of audio, video or a volume, reduced by `scale` or enlarged by `factor`. Raises
    Corrupt."""
    header = parsed.header
    space = range(1 if header.kind == Kind.VIDEO else 0, header.ndim)
    across = [axis for axis in space if axis]
    parts = [
        [means(plane, across, scale) for plane in planes]
        for file, local in shares(parsed, box)
        for planes in _pieces(file, local, factor, ignore_checksum)
    ]
    # Boxes can lie across the ends of segments.
    along = [axis for axis in space if not axis]
    planes = [means(_concatenated(plane), along, scale) for plane in zip(*parts, strict=True)]
    planes = [rounded(header, plane) for plane in planes]
    signal = signal_of(header, planes[0], metadata)
    if len(planes) == 1:
        return signal
    return Signal(signal.kind, planes[0], metadata, signal.rate, signal.bits, planes[1])


def _pieces(
    parsed: ParsedFile, box: Box, factor: Fraction, ignore_checksum: bool
) -> Iterator[list[np.ndarray]]:
    """Samples of a box of one file, piece after piece along axis 0."""
    if parsed.header.net == NetId.SPECTRUM:
        yield [spectrum_samples(parsed, box[0], ignore_checksum)]
        return
    for number, local in _touched(parsed.header, box):
        yield _segment(parsed, number, local, factor, ignore_checksum)


def _touched(header: Header, box: Box) -> Iterator[tuple[int, Box]]:
    """Segments that meet a box, and the box inside each."""
    first, last = box[0]
    size = header.segment
    for number in range(first // size, -(-last // size)):
        start = number * size
        yield number, ((max(first - start, 0), min(last - start, size)), *box[1:])


def _segment(
    parsed: ParsedFile, number: int, box: Box, factor: Fraction, ignore_checksum: bool
) -> list[np.ndarray]:
    """Samples of a box of one segment, enlarged; luma and chroma apart with 4:2:0."""
    header = parsed.header
    if header.net == NetId.FILM:
        with naming(number):
            return film_segment(parsed, number, box, ignore_checksum)
    packed = header.layout == Layout.YCBCR_420
    grid = (box[0], *(halved(ends) for ends in box[1:])) if packed else box
    with naming(number):
        evaluated = network_samples(parsed, number, grid, factor, ignore_checksum)
    samples = evaluated(lambda v: finish(header, v), sample_type(header))
    if not packed:
        return [samples]
    height, width = (last - first for first, last in box[1:])
    return list(unpacked_420(samples, (height, width)))


def network_samples(
    parsed: ParsedFile, number: int, box: Box, factor: Fraction, ignore_checksum: bool
) -> Callable[[Finish, np.dtype], np.ndarray]:
    """What gives the samples of a box of a segment's grid, enlarged, as `evaluate` does; the
    weights are read at once. Raises Corrupt, OptionError."""
    header = parsed.header
    if header.net == NetId.LOCAL_GLOBAL:  # which nothing enlarges
        weights = local_global.read_weights(parsed, ignore_checksum)
        return partial(local_global.samples, header, weights, box)
    space = range(1 if header.kind == Kind.VIDEO else 0, header.ndim)
    plan = plan_decode(header, box).enlarged(factor, space)
    return partial(evaluate, plan, read_weights(parsed, number, plan, ignore_checksum))


def _concatenated(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Pieces along axis 0; one is not copied."""
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def spectrum_samples(
    parsed: ParsedFile, ends: tuple[int, int], ignore_checksum: bool
) -> np.ndarray:
    """Samples first..last of a spectrum: float32 (n, C). Raises Corrupt."""
    header, net = parsed.header, spectrum_of(parsed.header)
    hop, each = net.hop, net.frames
    first, last = ends[0] // hop, -(-ends[1] // hop)  # blocks; they lie in frames first..last
    blocks = np.zeros(((last - first) * hop, net.channels), dtype=np.float32)
    numbers = range(first // each, min(last // each, header.segments - 1) + 1)
    for number in numbers:
        with naming(number):
            samples = _contribution(parsed, number, ignore_checksum)
        start = (number * each - 1 - first) * hop
        inside = slice(max(start, 0), min(start + len(samples), len(blocks)))
        with np.errstate(all="ignore"):
            blocks[inside] += samples[inside.start - start : inside.stop - start]
    start = first * hop
    with np.errstate(all="ignore"):
        return np.nan_to_num(blocks[ends[0] - start : ends[1] - start] * np.float32(header.high))


def _contribution(parsed: ParsedFile, number: int, ignore_checksum: bool) -> np.ndarray:
    """What one segment's frames give to the blocks they touch: float32 ((F + 1) hop, C)."""
    header, net, part = parsed.header, spectrum_of(parsed.header), parsed.segments[number]
    assert part.latents is not None
    frames = spectrum.frames_of(header.coded_shape[0], header.segment, header.hop, number)
    tensors, weights = read_tensors(net.tensors(), part)
    latents = spectrum.read_latents(net, weights, frames, part.latents, part.latents_offset)
    crc = spectrum.latents_crc(latents, integers_crc(tensors))
    check_crc(crc, header, number, ignore_checksum)
    return spectrum.contribution(net, weights, latents)
