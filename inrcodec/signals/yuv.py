"""RGB and the code values of video (Y, Cb, Cr), limited range, 8 bits.

ITU-R BT.601-7 below 720 rows, BT.709-6 from there on; sections 2.5 and 3 there. Limited range:
black is Y = 16, white 235; Cb and Cr lie in 16 to 240, grey being 128. Everything is integers, with
coefficients of 16 bits after the point, so that every machine gets the same values.

Chroma of 4:2:0 is sited in the centre of its 2 x 2 pixels: the mean of four pixels one way,
bilinear interpolation with weights of 3/4 and 1/4 the other way. Films sited at the left (most
H.264 files) shift their chroma by a quarter of a luma pixel; what is not there is repeated from
the edge.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from inrcodec.signals.signal import Signal

# rows from which on a video counts as high definition
HD_ROWS = 720

_BT601_RED_BLUE = (0.299, 0.114)
_BT709_RED_BLUE = (0.2126, 0.0722)

_POINT = 16  # bits after the point of the coefficients
_LUMA_SPAN, _CHROMA_SPAN = 219, 224
_BLACK, _GREY = 16, 128


def rgb_of(signal: Signal) -> np.ndarray:
    """Return any video as RGB, shape (T, H, W, 3) uint8; grey is repeated."""
    rgb = np.empty((*signal.shape, 3), np.uint8)
    for index, frame in enumerate(rgb_frames(signal)):
        rgb[index] = frame
    return rgb


def rgb_frames(signal: Signal) -> Iterator[np.ndarray]:
    """Give the frames of any video one by one as RGB, shape (H, W, 3) uint8."""
    for index, samples in enumerate(signal.samples):
        if signal.chroma is not None:
            yield rgb_of_yuv420(samples[..., 0], signal.chroma[index])
        else:
            yield np.broadcast_to(samples, (*samples.shape[:2], 3))


def yuv420_of_rgb(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return luma (H, W) and chroma (ceil(H / 2), ceil(W / 2), 2) of one RGB frame (H, W, 3)."""
    height, width, _ = rgb.shape
    padded = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge").astype(np.int32)
    sums = padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]
    return _luma(rgb), _chroma(sums, 2, height)


def yuv444_of_rgb(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return luma (H, W) and chroma (H, W, 2), uint8, of one RGB frame (H, W, 3)."""
    return _luma(rgb), _chroma(rgb.astype(np.int32), 0, rgb.shape[0])


def rgb_of_yuv420(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return RGB (H, W, 3) uint8 of luma (H, W) and chroma (ceil(H / 2), ceil(W / 2), 2)."""
    height, width = luma.shape
    across = _doubled(_doubled(chroma.astype(np.int32)).swapaxes(0, 1)).swapaxes(0, 1)
    return _rgb(luma, across[:height, :width], 4)


def rgb_of_yuv444(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return RGB (H, W, 3) uint8 of luma (H, W) and chroma (H, W, 2)."""
    return _rgb(luma, chroma.astype(np.int32), 0)


def limited(luma: np.ndarray, chroma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return full-range code values (0 to 255) brought to the limited range, uint8."""
    values = np.arange(256)
    luma_table = _BLACK + (values * _LUMA_SPAN + 127) // 255
    chroma_table = _GREY + ((values - _GREY) * _CHROMA_SPAN + 127) // 255
    return luma_table.astype(np.uint8)[luma], chroma_table.astype(np.uint8)[chroma]


def _weights(rows: int) -> np.ndarray:
    """Return the shares of red, green and blue in luma, float64 (3,)."""
    red, blue = _BT709_RED_BLUE if rows >= HD_ROWS else _BT601_RED_BLUE
    return np.array([red, 1 - red - blue, blue])


@cache
def _to_yuv(rows: int) -> tuple[list[int], list[list[int]]]:
    """Return coefficients of red, green, blue: of Y, and of Cb and Cr (whose sums are 0)."""
    weights = _weights(rows)
    luma = np.rint(weights * _LUMA_SPAN / 255 * 2**_POINT).astype(int)
    chroma = []
    for colour in (2, 0):
        difference = (np.eye(3)[colour] - weights) / (2 * (1 - weights[colour]))
        parts = np.rint(difference * _CHROMA_SPAN / 255 * 2**_POINT).astype(int)
        parts[1] = -parts[0] - parts[2]  # grey has no chroma, to the last bit
        chroma.append(parts.tolist())
    return luma.tolist(), chroma


@cache
def _to_rgb(rows: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the coefficient of Y and, for red, green and blue, those of Cb and Cr."""
    red, green, blue = _weights(rows).tolist()
    cb_in_blue, cr_in_red = 2 * (1 - blue), 2 * (1 - red)
    parts = [
        (0.0, cr_in_red),
        (-cb_in_blue * blue / green, -cr_in_red * red / green),
        (cb_in_blue, 0.0),
    ]
    scale = 255 / _CHROMA_SPAN * 2**_POINT
    chroma = [(round(cb * scale), round(cr * scale)) for cb, cr in parts]
    return round(255 / _LUMA_SPAN * 2**_POINT), chroma


def _luma(rgb: np.ndarray) -> np.ndarray:
    (red, green, blue), _ = _to_yuv(rgb.shape[0])
    wide = rgb.astype(np.int32)
    total = red * wide[..., 0] + green * wide[..., 1] + blue * wide[..., 2]
    return (_BLACK + (total + 2 ** (_POINT - 1) >> _POINT)).astype(np.uint8)


def _chroma(sums: np.ndarray, extra_bits: int, rows: int) -> np.ndarray:
    """Return Cb and Cr, (..., 2) uint8, of sums of 2^extra_bits RGB values in a frame of `rows`."""
    point = _POINT + extra_bits
    chroma = np.empty((*sums.shape[:2], 2), np.uint8)
    for channel, (red, green, blue) in enumerate(_to_yuv(rows)[1]):
        total = red * sums[..., 0] + green * sums[..., 1] + blue * sums[..., 2]
        chroma[..., channel] = _GREY + (total + 2 ** (point - 1) >> point)
    return chroma


def _doubled(chroma: np.ndarray) -> np.ndarray:
    """Return twice as many rows, each 3 x the nearest row + 1 x the next nearest."""
    padded = np.pad(chroma, ((1, 1), (0, 0), (0, 0)), mode="edge")
    doubled = np.empty((2 * chroma.shape[0], *chroma.shape[1:]), chroma.dtype)
    doubled[::2] = 3 * chroma + padded[:-2]
    doubled[1::2] = 3 * chroma + padded[2:]
    return doubled


def _rgb(luma: np.ndarray, chroma: np.ndarray, extra_bits: int) -> np.ndarray:
    """Return RGB of luma and of chroma (H, W, 2) int32 that is 2^extra_bits times too large."""
    point = _POINT + extra_bits
    of_luma, of_chroma = _to_rgb(luma.shape[0])
    base = ((luma.astype(np.int32) - _BLACK) * of_luma << extra_bits) + 2 ** (point - 1)
    differences = chroma - (_GREY << extra_bits)
    rgb = np.empty((*luma.shape, 3), np.uint8)
    for colour, (cb, cr) in enumerate(of_chroma):
        total = base + cb * differences[..., 0] + cr * differences[..., 1]
        rgb[..., colour] = np.clip(total >> point, 0, 255)
    return rgb
