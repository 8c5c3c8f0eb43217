"""The Python twins of the commands."""

from os import PathLike
from pathlib import Path
from typing import Any

from inrcodec import decoder, metrics
from inrcodec.files import read_bytes
from inrcodec.limits import Limits
from inrcodec.options import EncodeOptions
from inrcodec.signals import Signal, read_image

Source = Signal | str | PathLike[str]
File = bytes | str | PathLike[str]


def encode(source: Source, **options: Any) -> bytes:
    """The .inr file of a signal or of a picture file.

    `options` are the fields of EncodeOptions: bpp, size (bytes) or psnr (dB), repr, effort 1..9,
    time_limit (s), seed, threads, device, settings. Raises OptionError, InputError, RateError.
    """
    from inrcodec.encoder import encode_signal  # torch: only when something is encoded

    return encode_signal(_signal(source), EncodeOptions(**options)).data


def decode(
    source: File,
    region: tuple[int, int, int, int] | None = None,
    scale: int = 1,
    limits: Limits | None = None,
    draft: bool = False,
) -> Signal:
    """The signal of an .inr file, given as bytes or as a path.

    `region` is (x, y, width, height), `scale` k for 1/k of the size, `draft` for speed before
    fidelity in scaling. Raises NotInr, Corrupt,
    Unsupported, LimitExceeded, OptionError, and InputError for a path that cannot be read.
    """
    return decoder.decode(_bytes(source), region=region, scale=scale, draft=draft, limits=limits)


def info(source: File) -> dict[str, Any]:
    """What an .inr file's header says, ready for JSON. Raises as `decode` does."""
    return decoder.info(_bytes(source))


def verify(source: File) -> dict[str, Any]:
    """Check every checksum of an .inr file and decode it. Returns `info`; raises as `decode`."""
    return decoder.verify(_bytes(source))


def compare(reference: Source, test: Source) -> dict[str, float | None]:
    """psnr_db, ssim and ms_ssim between two signals or picture files.

    Raises InputError if they have different shapes.
    """
    return metrics.compare(_signal(reference), _signal(test))


def _signal(source: Source) -> Signal:
    return source if isinstance(source, Signal) else read_image(Path(source), str(source))


def _bytes(source: File) -> bytes:
    return source if isinstance(source, bytes) else read_bytes(Path(source))
