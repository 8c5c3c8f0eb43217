"""encode_signal: from a signal and a request to the bytes of a file, checked by decoding them."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch

from inrcodec.allocator import keep_pages
from inrcodec.comparison import Measures
from inrcodec.container.metadata import pack_metadata
from inrcodec.encoder import parted
from inrcodec.encoder.choice import representation
from inrcodec.encoder.describe import bytes_for_kbps
from inrcodec.encoder.film import encode as film
from inrcodec.encoder.grids import encode as grids
from inrcodec.encoder.pyramid import encode as pyramid
from inrcodec.encoder.quality import encode_to_psnr
from inrcodec.encoder.session import Progress, Session
from inrcodec.encoder.single import Candidate, encode_to_size
from inrcodec.encoder.spectrum import encode as spectrum
from inrcodec.errors import OptionError
from inrcodec.options import DEFAULT_BPP, DEFAULT_KBPS, EncodeOptions
from inrcodec.signals.signal import Signal

_ENDLESS = 2.0**53  # bytes: as good as any larger budget, and still a whole number


@dataclass(frozen=True)
class Encoded:
    """A finished encode.

    `data`: the file. `psnr_db`: measured on the decoded file, over colour. `seconds`: wall clock.
    `representation`: asmr, doh, siren, local-global, pyramid, grids, spectrum or film. `stopped`:
    cut short by Ctrl-C or the time limit. `steps`: optimisation steps taken in all. `measures`: all
    that the decoded file was measured by: psnr_db of pictures, what `inrcodec.comparison` has for
    other kinds, without SSIM.
    """

    data: bytes
    psnr_db: float
    seconds: float
    representation: str
    stopped: bool
    steps: int
    measures: Measures = field(default_factory=dict)


def encode_signal(
    signal: Signal,
    options: EncodeOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Encoded:
    """Fit a network to a signal and return its file.

    `progress` is called with the state of the encode about every 20 steps; `stop` is asked before
    every step and ends the fit with the best so far. Raises RateError if the size or quality
    cannot be reached, OptionError for settings that contradict one another, EncodeError if the
    file does not decode to what was measured.
    """
    options = options or EncodeOptions()
    session = Session(signal, options, progress, stop)
    budget = None if options.psnr is not None else size_budget(signal, options)
    session.representation = representation(signal, options, budget)
    with _torch_for(options):
        best = _encode(session, budget)
    session.size_bytes = len(best.data)
    session.report("done", 1.0, best.psnr_db)
    return Encoded(
        data=best.data,
        psnr_db=best.psnr_db,
        seconds=session.seconds,
        representation=session.representation,
        stopped=best.stopped,
        steps=session.steps,
        measures=best.checked.measures,
    )


def _encode(session: Session, budget: int | None) -> Candidate:
    target, kind = session.options.psnr, session.representation
    if kind == "grids" and session.options.repr == "auto" and not session.options.settings:
        assert budget is not None  # grids are chosen for a size alone
        return _grids_or_pyramid(session, budget)
    if kind in _LATENT:
        by_size, by_quality = _LATENT[kind]
        if target is not None:
            return by_quality(session, target)
        assert budget is not None  # no settings fix their size
        return by_size(session, budget)
    if session.signal.kind != "image":
        return parted.encode(session, budget)
    if target is not None:
        return encode_to_psnr(session, target)
    return encode_to_size(session, budget)


def _grids_or_pyramid(session: Session, budget: int) -> Candidate:
    """The better one of latent grids and a pyramid, which has fine texture in fewer steps."""
    other = session.instead("pyramid", _PYRAMID_EFFORT)
    share = _PYRAMID_SHARE[session.options.effort]
    other.expect(0.0, share)
    kept = pyramid.encode_to_size(other, budget)
    session.steps += other.steps
    if not kept.stopped:
        session.expect(share, 1.0)
        made = grids.encode_to_size(session, budget)
        if made.psnr_db > kept.psnr_db:
            return made
        kept = replace(kept, stopped=made.stopped)
    session.representation = "pyramid"
    return kept


# What pyramids do not get better after, and the share of the time that it takes.
_PYRAMID_EFFORT, _PYRAMID_SHARE = 7, {8: 0.25, 9: 0.1}
_LATENT = {
    "grids": (grids.encode_to_size, grids.encode_to_psnr),
    "pyramid": (pyramid.encode_to_size, pyramid.encode_to_psnr),
    "film": (film.encode_to_size, film.encode_to_psnr),
    "spectrum": (spectrum.encode_to_size, spectrum.encode_to_psnr),
}


def size_budget(signal: Signal, options: EncodeOptions) -> int | None:
    """Ceiling of the file in bytes; None where expert settings fix the size instead.

    Raises OptionError for kilobits per second of what has no seconds.
    """
    if options.size is not None:
        return int(options.size)
    samples = math.prod(signal.shape)
    if options.bpp is not None:
        return int(min(options.bpp * samples / 8, _ENDLESS))
    if options.kbps is not None:
        if signal.rate is None:
            raise OptionError(f"kbps = {options.kbps:g} is for audio and video with a rate")
        return int(min(bytes_for_kbps(signal, options.kbps), _ENDLESS))
    if options.setting("levels") is not None and options.setting("width") is not None:
        return None
    # Without a wish, a signal too small for its default rate still gets a usable file.
    return max(_default_budget(signal), 400 + len(pack_metadata(signal.metadata)))


def _default_budget(signal: Signal) -> int:
    if signal.kind == "audio":
        return bytes_for_kbps(signal, DEFAULT_KBPS * signal.channels)
    return int(DEFAULT_BPP[signal.kind] * math.prod(signal.shape) / 8)


@contextmanager
def _torch_for(options: EncodeOptions) -> Iterator[None]:
    """Torch with the threads that are asked for, and afterwards as it was. Raises OptionError."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise OptionError("device = cuda, but torch sees no CUDA device")
    keep_pages()
    threads = torch.get_num_threads()
    if options.threads is not None:
        # torch starts as many as it is told to, and the process dies of too many
        torch.set_num_threads(min(options.threads, os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
