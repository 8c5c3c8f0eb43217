"""Reading sound: the file's content, not its suffix, says what it is."""

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import printable
from inrcodec.signals import mpeg_audio, sizes
from inrcodec.signals.audio_formats import MAX_CHANNELS
from inrcodec.signals.common import check_finite, check_shape, read_all, reading
from inrcodec.signals.signal import Signal

if TYPE_CHECKING:
    from soundfile import SoundFile

READABLE = ("WAV", "FLAC", "Ogg", "MP3", "AIFF", "AU", "CAF", "W64", "VOC", "and a few older ones")

_SIGNATURES = (
    b"fLaC",
    b"ID3",
    b".snd",
    b"dns.",
    b"caff\0",
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0",  # W64
    b"Creative Voice File\x1a",
    b"NIST_1A\n",
    b"PVF1\n",
    b"2BIT",  # AVR
    b" paf",
    b"fap ",
    b"\x64\xa3\1\0",  # IRCAM
    b"\x64\xa3\2\0",
    b"\x64\xa3\3\0",
    b"ALawSoundFile**",
)
_RIFF = (b"RIFF", b"RIFX", b"RF64")
_FORM_TYPES = (b"AIFF", b"AIFC", b"8SVX", b"16SV")

# signature: where the file says its size, in which layout, and how much that leaves out
_SIZE_FIELDS = {
    b"RIFF": (4, "<I", 8),
    b"RIFX": (4, ">I", 8),
    b"FORM": (4, ">I", 8),
    b"RF64": (20, "<Q", 8),
    b"riff": (16, "<Q", 0),
    b".snd": (8, ">I", 24),
    b"dns.": (8, "<I", 24),
}
# programs that write to a pipe cannot know the size and put one near 2^31 or 2^32
_UNKNOWN_SIZE = 2**31 - 2**16
_UNKNOWN_FRAMES = 2**63 - 1

_DEPTHS = {"PCM_24": 24, "PCM_32": 24, "ALAC_20": 24, "ALAC_24": 24, "ALAC_32": 24, "DWVW_24": 24}
_DEPTHS |= {"FLOAT": 32, "DOUBLE": 32}
_LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")


def is_audio(data: bytes) -> bool:
    """Say whether `data` begins like an audio file."""
    if data.startswith(_RIFF):  # WebP and AVI are RIFF too
        return data[8:12] == b"WAVE"
    if data.startswith(b"FORM"):  # so are ILBM pictures
        return data[8:12] in _FORM_TYPES
    if data.startswith(b"OggS"):
        return b"\x80theora" not in data[:4096]
    return data.startswith(_SIGNATURES) or mpeg_audio.is_frame(data)


def read_audio(source: Path | BinaryIO, name: str) -> Signal:
    """Return the sound in a file: samples float32 of shape (N, C), full scale -1..1, and a rate.

    `name` is what messages call the file. Integers of b bits are divided by 2^(b - 1), which is
    exact up to 24 bits. `bits` is 16 for integers up to 16 bits and for lossy files, 24 for longer
    integers, 32 for floating point; float and lossy samples may lie beyond full scale.

    Raises InputError, naming the file, if it is unreadable, damaged, cut short or of another kind,
    has no samples, more than 2^28 of them, more than 64 channels, or values that are not finite.
    Ogg and MP3 files may be cut between two packets without a sign of it.
    """
    name = printable(name)
    data = read_all(source, name)
    with reading(name, "audio"):
        return _decode(data)


def _decode(data: bytes) -> Signal:
    import soundfile

    if not data:
        raise InputError("file is empty")
    if not is_audio(data):
        kinds = ", ".join(READABLE)
        raise InputError(f"not audio, or damaged at its start (known: {kinds})")
    if _is_cut(data):
        raise InputError("audio is cut short")
    try:
        with soundfile.SoundFile(_Source(mpeg_audio.with_length(data))) as file:
            return _signal(file)
    except soundfile.LibsndfileError as error:  # str() of it would name the BytesIO
        raise InputError(f"damaged audio: {error.error_string}") from error


class _Source(io.BytesIO):
    """A file that libsndfile reads from; damaged ones make it seek before the start."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Stay where it is instead of raising, which would be printed, as nothing can catch it."""
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


def _is_cut(data: bytes) -> bool:
    """Say whether the file is shorter than its header says; libsndfile would read what is there."""
    if data[:4] not in _SIZE_FIELDS:
        return False
    offset, layout, uncounted = _SIZE_FIELDS[data[:4]]
    if len(data) < offset + struct.calcsize(layout):
        return True
    (size,) = struct.unpack_from(layout, data, offset)
    # one byte less: some programs leave out the padding of an odd chunk at the end
    return bool(size < _UNKNOWN_SIZE and size + uncounted > len(data) + 1)


def _signal(file: "SoundFile") -> Signal:
    frames, channels = file.frames, file.channels
    if channels > MAX_CHANNELS:
        raise InputError(f"audio of {channels} channels; at most {MAX_CHANNELS} can be used")
    if frames == _UNKNOWN_FRAMES:  # FLAC written to a pipe
        file.seekable = lambda: False  # a seek after each read would fail
        samples = _samples(file, sizes.MAX_SAMPLES // channels + 1).copy()
    else:
        check_shape((frames, channels), "audio")
        samples = _samples(file, frames)
        if len(samples) < frames:
            raise InputError("audio is cut short")
    check_shape(samples.shape, "audio")
    check_finite(samples, "audio")
    bits = _DEPTHS.get(file.subtype, 16)
    return Signal("audio", samples, rate=Fraction(file.samplerate), bits=bits)


def _samples(file: "SoundFile", frames: int) -> np.ndarray:
    """Return at most `frames` frames, float32 of shape (N, C)."""
    bits = _DEPTHS.get(file.subtype, 16)
    if bits == 32 or file.subtype in _LOSSY:
        return file.read(frames, "float32", always_2d=True)
    # integers as they are: what libsndfile makes of them in float is its own choice
    codes = file.read(frames, "int16" if bits == 16 else "int32", always_2d=True)
    scale = np.float32(2.0 ** (1 - 8 * codes.itemsize))
    return np.multiply(codes, scale, dtype=np.float32, casting="same_kind")
