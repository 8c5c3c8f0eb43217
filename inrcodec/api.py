"""The Python twins of the commands."""

from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

from inrcodec import comparison, decoder
from inrcodec.files import read_bytes
from inrcodec.limits import Limits
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal
from inrcodec.sources import Source, load, load_all

File = bytes | str | PathLike[str]


def encode(source: Source, *, resolution: int | None = None, **options: Any) -> bytes:
    """The .inr file of a signal, or of a file or folder that `signals.read.read_signal` takes.

    `resolution`: voxels along the longest side of a mesh. `options` are the fields of
    EncodeOptions: bpp, kbps (of audio and video), size (bytes) or psnr (dB), repr, effort 1..9,
    time_limit (s), seed, threads, device, settings. The sound of a film is left out. Raises
    OptionError, InputError, RateError, EncodeError, and what `decode` raises if the source is an
    .inr file.
    """
    from inrcodec.encoder import encode_signal  # torch: only when something is encoded

    return encode_signal(load(source, resolution), EncodeOptions(**options)).data


def decode(
    source: File,
    region: tuple[int, ...] | None = None,
    scale: int = 1,
    limits: Limits | None = None,
    draft: bool = False,
    *,
    span: tuple[int, int | None] | None = None,
    enlarge: int | float | Fraction = 1,
) -> Signal:
    """The signal of an .inr file, given as bytes or as a path.

    `region` is (x, y, width, height), of a volume of three axes (x, y, z, width, height, depth)
    with the last axis first. `span` is first and last+1 frame of video or sample of audio (None:
    the end). `scale` is k for 1/k of the size, `draft` for speed before fidelity in scaling;
    `enlarge` is a factor of 1 to 64 for more samples than were coded, from siren networks. Raises
    NotInr, Corrupt, Unsupported, LimitExceeded, OptionError, and InputError for a path that cannot
    be read.
    """
    return decoder.decode(
        _bytes(source),
        region=region,
        span=span,
        scale=scale,
        enlarge=enlarge,
        draft=draft,
        limits=limits,
    )


def crop(
    source: File,
    region: tuple[int, ...] | None = None,
    limits: Limits | None = None,
    *,
    span: tuple[int, int | None] | None = None,
) -> bytes:
    """The .inr file of a part of an .inr file, without refitting: it decodes to exactly the samples
    that the part has there. `region` and `span` are as in `decode`.

    Raises as `decode` does, and OptionError for files of which nothing can be left out: pictures by
    one coordinate network, and parts that need every segment.
    """
    from inrcodec.cropping import crop as crop_bytes

    return crop_bytes(_bytes(source), region=region, span=span, limits=limits)


def extend(source: File, more: Source, **options: Any) -> bytes:
    """An .inr file of audio, video or a volume, continued by a signal along its first axis: frames,
    seconds, slices. Only they are fitted; what is there decodes as before.

    `options` are the fields of EncodeOptions; rates are of what is added, by default in proportion
    to the file's, representation and effort by default the file's. Raises as `encode` and
    `decode` do, and InputError if `more` is of another kind, size or rate.
    """
    from inrcodec.encoder import extend as extend_bytes  # torch: only when something is encoded

    return extend_bytes(_bytes(source), load(more), options).data


def info(source: File) -> dict[str, Any]:
    """What an .inr file's header says, ready for JSON. Raises as `decode` does."""
    return decoder.info(_bytes(source))


def verify(source: File) -> dict[str, Any]:
    """Check every checksum of an .inr file and decode it. Returns `info`; raises as `decode`."""
    return decoder.verify(_bytes(source))


def compare(
    reference: Source, test: Source, *, resolution: int | None = None
) -> dict[str, float | None]:
    """How near two signals are, given or in files of any kind, .inr files among them.

    psnr_db, ssim and ms_ssim of pictures and video; snr_db and psnr_db of audio; psnr_db, max_error
    and, of masks, iou of volumes: see `inrcodec.comparison`. `resolution` is for meshes; by default
    that of the other volume. Raises InputError if kinds or shapes differ, and as `decode`.
    """
    return comparison.compare(*load_all([reference, test], resolution))


def _bytes(source: File) -> bytes:
    return source if isinstance(source, bytes) else read_bytes(Path(source))
