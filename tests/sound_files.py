"""Sounds to test with, and the files that soundfile itself makes of them."""

import io
from fractions import Fraction

import numpy as np
import soundfile

from inrcodec.signals import Signal
from inrcodec.signals.audio import read_audio, write_audio


def codes(bits, channels=2, frames=50):
    """Integers over the whole range of that many bits, both ends among them."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    values = np.random.default_rng(bits + channels).integers(low, high + 1, (frames, channels))
    values[:2] = [[low], [high]]
    return values


def tone(channels=2, frames=2400, rate=8000):
    times = np.arange(frames)[:, None] / rate
    return (0.5 * np.sin(times * (2000 + 700 * np.arange(channels)))).astype(np.float32)


def sound(samples, bits=16, rate=8000):
    return Signal("audio", np.asarray(samples, np.float32), rate=Fraction(rate), bits=bits)


def saved(samples, container, subtype, rate=8000, **options):
    file = io.BytesIO()
    channels = samples.shape[1]
    with soundfile.SoundFile(
        file, "w", rate, channels, subtype, format=container, **options
    ) as sink:
        sink.write(samples)
    return file.getvalue()


def read(data):
    return read_audio(io.BytesIO(data), "it")


def written(signal, format_name, **options):
    file = io.BytesIO()
    write_audio(signal, file, "it", format_name, **options)
    return file.getvalue()
