"""Animated pictures (GIF, PNG, WebP) as videos, and videos as animated GIF."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from inrcodec.errors import InputError
from inrcodec.files import one_line
from inrcodec.signals import frame_rate, yuv
from inrcodec.signals.frames import Frames, grey_if_all_is, over_black
from inrcodec.signals.image_read import quiet_pillow
from inrcodec.signals.signal import Signal

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

# viewers show a frame of less than this for 100 ms
_SHORTEST_HUNDREDTHS = 2


def read(file: BinaryIO, format_name: str) -> Signal:
    """Return the frames as RGB, or as grey if all are; `format_name` is Pillow's.

    What is transparent shows black. The rate is that at which as many frames last as long: the
    durations of single frames are not kept, and 0 counts as 100 ms. A picture of one frame is a
    video of one frame.

    Raises InputError, naming the frame (the first is 1), if the file is damaged, or above the limit
    of samples.
    """
    from PIL import Image

    with quiet_pillow():
        try:
            picture = Image.open(file, formats=(format_name,))
            count = getattr(picture, "n_frames", 1)
        except Exception as error:  # on damaged data Pillow raises almost anything
            raise InputError(f"damaged {format_name}: {one_line(error)}") from error
        with picture:
            frames = Frames(picture.height, picture.width, 3)
            frames.check_count(count)
            durations = [_add_frame(frame, frames) for frame in _loaded(picture)]
    signal = frames.signal(frame_rate.of_durations(durations))
    return replace(signal, samples=grey_if_all_is(signal.samples))


def _loaded(picture: "PillowImage") -> Iterator["PillowImage"]:
    """Give the picture with one frame after the other loaded."""
    # an animated PNG may have a picture before its frames, for programs that show only one
    number = 1 if picture.info.get("default_image") else 0
    size = picture.size
    while True:
        try:
            picture.seek(number)
            # a frame of a GIF may reach beyond the picture, which Pillow then makes larger
            if picture.size == size:
                picture.load()
        except EOFError:
            return
        except Exception as error:
            raise InputError(f"frame {number + 1} is damaged: {one_line(error)}") from error
        if picture.size != size:
            raise InputError(f"frame {number + 1} is damaged: it is larger than the picture")
        yield picture
        number += 1


def _add_frame(picture: "PillowImage", frames: Frames) -> float:
    """Add the loaded frame and return its duration in milliseconds."""
    frames.add(over_black(np.array(picture.convert("RGBA"))))
    return float(picture.info.get("duration") or 0)


def gif_of(signal: Signal) -> bytes:
    """Return a GIF that repeats for ever: grey exactly, colours as 256 of each frame's own.

    Durations are whole hundredths of a second, of the right sum; above 50 frames per second it
    plays more slowly. Frames equal to the one before are joined with it.
    """
    file = io.BytesIO()
    first, *rest = (_palette_picture(frame) for frame in _frames_of(signal))
    options: dict[str, Any] = {"duration": _durations(signal), "loop": 0, "optimize": False}
    first.save(file, "GIF", save_all=True, append_images=rest, **options)
    return file.getvalue()


def _frames_of(signal: Signal) -> Iterator[np.ndarray]:
    return iter(signal.samples) if signal.channels == 1 else yuv.rgb_frames(signal)


def _palette_picture(frame: np.ndarray) -> "PillowImage":
    from PIL import Image

    if frame.shape[2] == 1:
        return Image.fromarray(np.ascontiguousarray(frame[..., 0]))
    return Image.fromarray(np.ascontiguousarray(frame)).quantize(256, Image.Quantize.MEDIANCUT)


def _durations(signal: Signal) -> list[int]:
    """Return the milliseconds of each frame, multiples of 10, so that the sum stays right."""
    rate = signal.rate or frame_rate.DEFAULT_RATE
    ends = [round(100 * frame / rate) for frame in range(signal.shape[0] + 1)]
    hundredths = np.maximum(np.diff(ends), _SHORTEST_HUNDREDTHS)
    return [10 * int(duration) for duration in hundredths]
