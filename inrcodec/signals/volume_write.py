"""Writing volumes: the same samples give the same bytes."""

from collections.abc import Callable
from pathlib import PurePath
from typing import BinaryIO

import numpy as np

from inrcodec.errors import OptionError
from inrcodec.files import printable
from inrcodec.signals import array_file, nifti, npy
from inrcodec.signals.common import FileFormat, by_name, chosen_format, write_all, writing
from inrcodec.signals.signal import Signal

VOLUME_FORMATS = by_name(
    FileFormat("npy", (".npy",)),
    FileFormat("npz", (".npz",)),
    FileFormat("nii", (".nii",)),
    FileFormat("nii.gz", (".nii.gz",)),
)

_ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "npy": npy.write,
    "npz": array_file.write_npz,
    "nii": nifti.write,
    "nii.gz": nifti.write_compressed,
}


def volume_format_for(name: str | PurePath, format: str | None = None) -> FileFormat:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix, in any case. OptionError if neither is known.
    """
    return chosen_format(VOLUME_FORMATS, "a volume", name, format)


def write_volume(signal: Signal, target: BinaryIO, name: str, format: str | None = None) -> None:
    """Write the volume to an open binary stream.

    `format` is a name or suffix from VOLUME_FORMATS; None takes the suffix of `name`, which is
    what messages call the target. A single channel is written without an axis of its own, a mask
    as booleans, or as 0 and 1 in uint8 where NIfTI-1 has none. Channels of NIfTI-1 are its fourth
    axis, behind axes of length 1 if the volume has fewer than 3.

    Raises OptionError if the format is unknown or cannot hold the shape, OutputError if the stream
    cannot be written.
    """
    name = printable(name)
    format_name = volume_format_for(name, format).name
    array = _array(signal)
    if format_name.startswith("nii"):
        array = _in_nifti_shape(array, signal)
    with writing(name, format_name):
        data = _ENCODERS[format_name](array)
    write_all(target, data, name)


def _array(signal: Signal) -> np.ndarray:
    samples = signal.samples[..., 0] if signal.channels == 1 else signal.samples
    return samples.astype(np.bool_) if signal.depth == 1 else np.ascontiguousarray(samples)


def _in_nifti_shape(array: np.ndarray, signal: Signal) -> np.ndarray:
    if max(signal.shape) > nifti.MAX_SIDE:
        raise OptionError(f"nii holds {nifti.MAX_SIDE} values along an axis, not {signal.shape}")
    if signal.channels == 1:
        return array
    return array.reshape(*(*signal.shape, 1, 1)[:3], signal.channels)
