"""Videos to test with: random ones, and files of films that ffmpeg makes from its own sources."""

import io
import subprocess
from fractions import Fraction

import imageio_ffmpeg
import numpy as np

from inrcodec.signals.signal import Signal
from inrcodec.signals.video import read_video, write_video
from inrcodec.signals.yuv import yuv420_of_rgb

NTSC = Fraction(30000, 1001)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def random_video(channels=1, frames=3, height=5, width=7, rate=NTSC, chroma=False):
    planes = noise(frames, -(-height // 2), -(-width // 2), 2, seed=9) if chroma else None
    return Signal("video", noise(frames, height, width, channels), rate=rate, chroma=planes)


def smooth_rgb(frames=3, height=24, width=32):
    """Colours that change slowly over the frame and move from frame to frame."""
    grid = np.stack(np.meshgrid(*map(np.arange, (frames, height, width)), indexing="ij"), -1)
    waves = [np.sin(grid @ np.array(step)) for step in ((1, 0.2, 0.1), (2, 0.1, 0.2), (0, 0.1, 0))]
    return np.rint(128 + 100 * np.stack(waves, -1)).astype(np.uint8)


def smooth_video(**size):
    luma, chroma = yuv420_of(smooth_rgb(**size))
    return Signal("video", luma, rate=Fraction(25), chroma=chroma)


def film(path, *options, size="32x24", rate="25", frames=4, sound=False):
    """Make a film of ffmpeg's test picture, with a tone if asked for; return its path."""
    sources = ["-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}"]
    if sound:
        sources += ["-f", "lavfi", "-i", "sine=d=0.1"]
    ffmpeg(*sources, "-frames:v", str(frames), *options, path)
    return path


def ffmpeg(*arguments, both=False):
    """Run ffmpeg and return its output, together with what it says if `both`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    messages = subprocess.STDOUT if both else subprocess.PIPE
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages, check=True
    )
    return done.stdout


def read(data, **options):
    return read_video(io.BytesIO(data), "it", **options)


def written(signal, format_name):
    file = io.BytesIO()
    write_video(signal, file, "it", format_name)
    return file.getvalue()


def assert_same(signal, expected):
    assert (signal.kind, signal.rate) == ("video", expected.rate)
    np.testing.assert_array_equal(signal.samples, expected.samples)
    assert signal.samples.dtype == np.uint8
    assert (signal.chroma is None) == (expected.chroma is None)
    if expected.chroma is not None:
        np.testing.assert_array_equal(signal.chroma, expected.chroma)
        assert signal.chroma.dtype == np.uint8


def yuv420_of(rgb):
    """Luma (T, H, W, 1) and chroma (T, ceil(H / 2), ceil(W / 2), 2) of RGB (T, H, W, 3), uint8."""
    luma, chroma = zip(*map(yuv420_of_rgb, rgb), strict=True)
    return np.stack(luma)[..., None], np.stack(chroma)
