"""Parts of decoded pictures for a report: where they are taken, what is wrong with them, as PNG."""

import base64
import io

import numpy as np
from PIL import Image

SIDE = 144
_GAIN = 6  # of the error maps: an error of 42 code values or more is as bright as it gets


def typical(samples: np.ndarray, side: int = SIDE) -> tuple[slice, slice]:
    """Rows and columns of a square in (H, W, 3) uint8 that has much detail, not the most.

    Detail is the squared difference of neighbours. Of the candidates, half a side apart, the one
    at the upper quartile: not the blandest part of a picture, and not its worst case.
    """
    height, width = samples.shape[:2]
    side = min(side, height, width)
    grey = samples.astype(np.float64).mean(axis=2)
    places = [
        (row, column)
        for row in range(0, height - side + 1, max(side // 2, 1))
        for column in range(0, width - side + 1, max(side // 2, 1))
    ]

    def detail(place: tuple[int, int]) -> float:
        row, column = place
        part = grey[row : row + side, column : column + side]
        return float(sum(np.square(np.diff(part, axis=axis)).mean() for axis in (0, 1)))

    row, column = sorted(places, key=detail)[(len(places) - 1) * 3 // 4]
    return slice(row, row + side), slice(column, column + side)


def error_map(original: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Mean absolute error over colours of (H, W, 3) uint8, times six, black is none: (H, W)."""
    error = np.abs(original.astype(np.float64) - decoded).mean(axis=2)
    return np.clip(error * _GAIN, 0, 255).astype(np.uint8)


def data_uri(samples: np.ndarray) -> str:
    """(H, W, 3) or (H, W) uint8 as a PNG inside an address."""
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
