"""A 4:2:0 video as one grid: the samples of 2x2 pixels and their chroma in six channels."""

import numpy as np

CHANNELS = 6


def unpacked_420(values: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Six values of every 2x2 pixels to luma (T, H, W, 1) and chroma (T, h, w, 2).

    Values 0 to 3 are luma, row by row; 4 and 5 are Cb and Cr. `size`: (H, W).
    """
    frames, rows, columns, _ = values.shape
    luma = values[..., :4].reshape(frames, rows, columns, 2, 2).transpose(0, 1, 3, 2, 4)
    luma = luma.reshape(frames, 2 * rows, 2 * columns, 1)
    return luma[:, : size[0], : size[1]], values[..., 4:]


def packed_420(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """The inverse of `unpacked_420`; odd sizes are padded by their last row and column."""
    frames, rows, columns, _ = chroma.shape
    height, width = luma.shape[1:3]
    padding = ((0, 0), (0, 2 * rows - height), (0, 2 * columns - width))
    cells = np.pad(luma[..., 0], padding, mode="edge").reshape(frames, rows, 2, columns, 2)
    cells = cells.transpose(0, 1, 3, 2, 4).reshape(frames, rows, columns, 4)
    return np.concatenate([cells, chroma], axis=-1)
