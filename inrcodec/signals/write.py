"""Writing a signal of any kind: which formats a kind has, and the writer of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import BinaryIO

from inrcodec.errors import OptionError
from inrcodec.signals.common import FileFormat, chosen_format
from inrcodec.signals.signal import Signal

MASK = "mask"


@dataclass(frozen=True)
class Outputs:
    """How a kind of signal is written.

    `tables`: modules and the names of their tables of formats, imported when they are asked for.
    `default`: the format where neither an option nor a suffix says one. `depths`: bits per sample
    that may be asked for.
    """

    what: str
    default: str
    tables: tuple[tuple[str, str], ...]
    depths: tuple[int, ...] = ()

    def formats(self) -> dict[str, FileFormat]:
        """Return every format, by its name."""
        tables = [
            getattr(import_module(f"inrcodec.signals.{module}"), table)
            for module, table in self.tables
        ]
        return {name: known for table in tables for name, known in table.items()}


_VOLUME = ("volume_write", "VOLUME_FORMATS")

# a mask here is one of three axes, the surface of which is a mesh
OUTPUTS = {
    "image": Outputs("a picture", "png", (("image_formats", "FORMATS"),), (8, 16)),
    "audio": Outputs("audio", "wav", (("audio_formats", "AUDIO_FORMATS"),), (16, 24, 32)),
    "video": Outputs("a video", "y4m", (("video_formats", "VIDEO_FORMATS"),)),
    "volume": Outputs("a volume", "npy", (_VOLUME,)),
    MASK: Outputs("a mask", "npy", (_VOLUME, ("mesh_write", "MESH_FORMATS"))),
}


def output_kind(kind: str, shape: Sequence[int], channels: int, depth: int) -> str:
    """Return the key of OUTPUTS for a signal: its kind, or "mask" for what can become a mesh."""
    is_mask = kind == "volume" and depth == 1 and len(shape) == 3 and channels == 1
    return MASK if is_mask else kind


def output_kind_of(signal: Signal) -> str:
    """Return the key of OUTPUTS for a signal."""
    return output_kind(signal.kind, signal.shape, signal.channels, signal.depth)


def format_for(kind: str, name: str | PurePath, format: str | None = None) -> str:
    """Return the name of the format that is called `format`, else the one that the suffix of `name`
    stands for, else the default of the kind, a key of OUTPUTS.

    `format` may be a name or a suffix, in any case. OptionError, naming what this kind can be
    written to, if neither is known.
    """
    outputs = OUTPUTS[kind]
    if format is None and not PurePath(name).suffix:
        return outputs.default
    return chosen_format(outputs.formats(), outputs.what, name, format).name


def check_depth(kind: str, depth: int | None) -> None:
    """Raise OptionError for a depth that cannot be asked for with this kind, a key of OUTPUTS."""
    outputs = OUTPUTS[kind]
    if depth is not None and depth not in outputs.depths:
        allowed = " or ".join(map(str, outputs.depths)) or "as encoded"
        raise OptionError(f"depth of {outputs.what} is {allowed}, not {depth}")


def write_signal(
    signal: Signal,
    target: BinaryIO,
    name: str,
    format: str | None = None,
    depth: int | None = None,
) -> None:
    """Write a signal to an open binary stream.

    `format` and the suffix of `name`, which is what messages call the target, choose the format as
    in `format_for`. `depth` is bits per sample, of pictures and audio; None keeps the signal's.

    Raises OptionError for a format or depth that the signal cannot have, OutputError if the stream
    cannot be written.
    """
    kind = output_kind_of(signal)
    format_name = format_for(kind, name, format)
    check_depth(kind, depth)
    _WRITERS[kind](signal, target, name, format_name, depth)


def _write_image(
    signal: Signal, target: BinaryIO, name: str, format: str, depth: int | None
) -> None:
    from inrcodec.signals.image_write import write_image

    write_image(signal, target, name, format, depth)


def _write_audio(
    signal: Signal, target: BinaryIO, name: str, format: str, depth: int | None
) -> None:
    from inrcodec.signals.audio_write import write_audio

    write_audio(signal, target, name, format, depth)


def _write_video(
    signal: Signal, target: BinaryIO, name: str, format: str, depth: int | None
) -> None:
    from inrcodec.signals.video_write import write_video

    write_video(signal, target, name, format)


def _write_volume(
    signal: Signal, target: BinaryIO, name: str, format: str, depth: int | None
) -> None:
    from inrcodec.signals.mesh_write import MESH_FORMATS, write_mesh
    from inrcodec.signals.volume_write import write_volume

    write = write_mesh if format in MESH_FORMATS else write_volume
    write(signal, target, name, format)


_Writer = Callable[[Signal, BinaryIO, str, str, int | None], None]
_WRITERS: Mapping[str, _Writer] = {
    "image": _write_image,
    "audio": _write_audio,
    "video": _write_video,
    "volume": _write_volume,
    MASK: _write_volume,
}
