"""Writing sound: the same samples give the same bytes."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from inrcodec.files import printable
from inrcodec.signals import npy, ogg_pages
from inrcodec.signals.audio_formats import audio_format_for
from inrcodec.signals.common import write_all, writing
from inrcodec.signals.signal import Signal

# frames per call: the Vorbis encoder keeps those of one call on its stack
_BLOCK = 2**14
# Vorbis of quality 8 of 10, about 256 kbit/s of stereo, so that the codec's own loss is what one
# hears; libsndfile counts from the best, 0, to the smallest, 1
_VORBIS_COMPRESSION = 0.2


def write_audio(
    signal: Signal,
    target: BinaryIO,
    name: str,
    format: str | None = None,
    depth: int | None = None,
) -> None:
    """Write the sound to an open binary stream.

    `format` is a name or suffix from `audio_formats`; None takes the suffix of `name`, which is
    what messages call the target. `depth` is 16, 24 or 32 (float) bits per sample; None keeps the
    signal's, or takes the deepest that the format holds. Ogg (Vorbis) is lossy. .npy holds float32
    of shape (N, C) and no rate.

    Integers of b bits are floor(x 2^(b - 1) + 1/2), clipped to the range; in WAV of 32 bits, .npy
    and Ogg values beyond full scale are kept.

    Raises OptionError if the format is unknown or cannot hold the depth, the channels or the rate,
    OutputError if the stream cannot be written or the sound is too long for its format.
    """
    name = printable(name)
    audio_format = audio_format_for(name, format)
    audio_format.check(signal.channels, signal.rate)
    depth = audio_format.depth_for(signal.depth, depth)
    with writing(name, audio_format.name):
        data = _encode(signal, audio_format.name, depth)
    write_all(target, data, name)


def _encode(signal: Signal, format_name: str, depth: int) -> bytes:
    samples = np.asarray(signal.samples, np.float32)
    if format_name == "npy":
        return npy.write(samples)
    assert signal.rate is not None
    rate = int(signal.rate)
    if format_name == "ogg":
        return _vorbis_file(samples, rate)
    if depth == 32:
        return _float_wav(samples, rate)
    return _integer_file(samples, rate, format_name.upper(), depth)


def _integer_file(samples: np.ndarray, rate: int, container: str, depth: int) -> bytes:
    import soundfile

    target, subtype = io.BytesIO(), f"PCM_{depth}"
    with soundfile.SoundFile(
        target, "w", rate, samples.shape[1], subtype, format=container
    ) as file:
        for block in _blocks(samples):
            file.write(_codes(block, depth))
    return target.getvalue()


def _codes(samples: np.ndarray, depth: int) -> np.ndarray:
    """Return int16, or int32 of which the upper 24 bits count: what libsndfile takes as it is."""
    full_scale = 2.0 ** (depth - 1)
    codes = np.floor(samples * np.float64(full_scale) + 0.5)
    np.clip(codes, -full_scale, full_scale - 1, out=codes)
    return codes.astype(np.int16) if depth == 16 else codes.astype(np.int32) << (32 - depth)


def _vorbis_file(samples: np.ndarray, rate: int) -> bytes:
    import soundfile

    target, options = io.BytesIO(), {"compression_level": _VORBIS_COMPRESSION}
    with soundfile.SoundFile(
        target, "w", rate, samples.shape[1], "VORBIS", format="OGG", **options
    ) as file:
        for block in _blocks(samples):
            file.write(block)
    return ogg_pages.with_serial(target.getvalue(), 0)


def _blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    return (samples[first : first + _BLOCK] for first in range(0, len(samples), _BLOCK))


def _float_wav(samples: np.ndarray, rate: int) -> bytes:
    """Return a WAV file of float32; libsndfile would write the time of day into it (PEAK)."""
    frames, channels = samples.shape
    data = samples.astype("<f4").tobytes()
    bytes_per_second = 4 * channels * rate % 2**32  # informative; too large for a few odd rates
    layout = struct.pack("<HHIIHH", 3, channels, rate, bytes_per_second, 4 * channels, 32)
    chunks = ((b"fmt ", layout), (b"fact", struct.pack("<I", frames)), (b"data", data))
    body = b"".join(key + struct.pack("<I", len(chunk)) + chunk for key, chunk in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body
