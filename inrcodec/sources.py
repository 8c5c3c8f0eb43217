"""Signals from wherever they are: given, in any file that can be read, or in an .inr file."""

from collections.abc import Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path

from inrcodec.errors import naming
from inrcodec.files import STDIN, is_special, read_bytes
from inrcodec.signals.read import MAGIC, read_signal
from inrcodec.signals.signal import Signal

Source = Signal | str | PathLike[str]


def load_all(sources: Sequence[Source], resolution: int | None = None) -> list[Signal]:
    """Return the signals of all sources: signals, paths, or "-" for standard input.

    Meshes take `resolution`, or else that of a volume among the .inr files and signals. Raises what
    decoding and reading raise, naming the file, and OptionError for a resolution of one source that
    is no mesh.
    """
    found = [_ready(source) for source in sources]
    volumes = [one for one in found if isinstance(one, Signal) and one.kind == "volume"]
    if resolution is None and volumes:
        resolution = max(volumes[0].shape)
    among_others = len(sources) > 1
    return [
        one
        if isinstance(one, Signal)
        else read_signal(one, str(source), resolution=resolution, among_others=among_others)
        for one, source in zip(found, sources, strict=True)
    ]


def load(source: Source, resolution: int | None = None) -> Signal:
    """Return the signal of one source, as `load_all` does."""
    return load_all([source], resolution)[0]


def _ready(source: Source) -> Signal | Path | BytesIO:
    """A signal, given or decoded; else a file that is still to be read."""
    if isinstance(source, Signal):
        return source
    name = str(source)
    once = name == STDIN or is_special(name)
    if not once and not _is_inr(Path(source)):
        return Path(source)
    data = read_bytes(name)
    if once and not data.startswith(MAGIC):
        return BytesIO(data)
    from inrcodec.decoder import decode

    with naming(name):
        return decode(data)


def _is_inr(path: Path) -> bool:
    if path.suffix.lower() == ".inr":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:  # a folder, or what its reader will complain of
        return False
