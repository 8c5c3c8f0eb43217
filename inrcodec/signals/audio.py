"""Sound in and out of files: the table of formats, the reader and the writer."""

from inrcodec.signals.audio_formats import AUDIO_FORMATS, AudioFormat, audio_format_for
from inrcodec.signals.audio_read import is_audio, read_audio
from inrcodec.signals.audio_write import write_audio

__all__ = [
    "AUDIO_FORMATS",
    "AudioFormat",
    "audio_format_for",
    "is_audio",
    "read_audio",
    "write_audio",
]
