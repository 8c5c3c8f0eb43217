"""Which audio formats can be written, and what each can hold."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

from inrcodec.errors import OptionError
from inrcodec.signals.common import FileFormat, by_name, chosen_format

MAX_CHANNELS = 64


@dataclass(frozen=True)
class AudioFormat(FileFormat):
    """A format that can be written: its suffixes and what a file of it can hold.

    `depths` are the bits per sample it takes, 32 being float; `max_rate` is in Hz, None for a
    format that does not say its rate at all.
    """

    depths: tuple[int, ...]
    max_channels: int = MAX_CHANNELS
    max_rate: int | None = 2**31 - 1

    def depth_for(self, own: int, wanted: int | None) -> int:
        """Return the depth to write: `wanted`, else the signal's own, else the deepest there is.

        OptionError if the format cannot hold `wanted`.
        """
        if wanted is None:
            return own if own in self.depths else self.depths[-1]
        if wanted not in self.depths:
            held = " or ".join(str(depth) for depth in self.depths)
            raise OptionError(f"{self.name} holds {held} bits per sample, not {wanted}")
        return wanted

    def check(self, channels: int, rate: Fraction | None) -> None:
        """Raise OptionError if a file of this format cannot hold such a signal."""
        if channels > self.max_channels:
            raise OptionError(f"{self.name} holds {self.max_channels} channels, not {channels}")
        if self.max_rate is None:
            return
        if rate is None or rate < 1 or rate.denominator != 1:
            raise OptionError(f"{self.name} holds rates in whole Hz, not {rate}")
        if rate > self.max_rate:
            raise OptionError(f"{self.name} holds rates up to {self.max_rate} Hz, not {rate}")
        # a frame of FLAC writes its rate in 16 bits, of Hz or of tens of Hz
        if self.name == "flac" and rate >= 2**16 and rate % 10:
            raise OptionError(f"flac holds rates above 65535 Hz in tens of Hz, not {rate}")


AUDIO_FORMATS = by_name(
    AudioFormat("wav", (".wav", ".wave"), (16, 24, 32)),
    AudioFormat("flac", (".flac",), (16, 24), max_channels=8, max_rate=655350),
    # above this rate the Vorbis encoder has no settings, and does not say so but crashes
    AudioFormat("ogg", (".ogg", ".oga"), (16,), max_rate=200000),
    AudioFormat("aiff", (".aiff", ".aif"), (16, 24), max_rate=2**30 - 1),  # as libsndfile writes it
    AudioFormat("npy", (".npy",), (32,), max_rate=None),
)


def audio_format_for(name: str | PurePath, format: str | None = None) -> AudioFormat:
    """Return the format called `format`, else the one that the suffix of `name` stands for.

    `format` may be a name or a suffix, in any case. OptionError if neither is known.
    """
    return chosen_format(AUDIO_FORMATS, "audio", name, format)
