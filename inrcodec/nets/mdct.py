"""The modified discrete cosine transform (Princen, Johnson, Bradley 1987) with a sine window.

Frame f of hop N covers the blocks f - 1 and f of N samples each and has N coefficients:

    X[k] = sqrt(2 / N) sum over n of w[n] x[n] cos(pi / N (n + 1/2 + N/2) (k + 1/2))
    w[n] = sin(pi / (2 N) (n + 1/2)),  n = 0 .. 2 N - 1

Frames and blocks are orthogonal to one another: an error of the coefficients is as large in the
samples.
"""

import numpy as np


def dct4(x: np.ndarray) -> np.ndarray:
    """Orthonormal DCT-IV along the last axis, of even length: its own inverse.

    By one complex FFT of half the length; complex numbers of the input's precision.
    """
    n = x.shape[-1]
    turns = np.exp(-1j * np.pi / n * (np.arange(n // 2) + 0.125))
    turns = turns.astype(np.result_type(x.dtype, np.complex64))
    pairs = (x[..., ::2] + 1j * x[..., ::-2]) * turns
    pairs = np.fft.fft(pairs, axis=-1) * turns
    out = np.empty_like(x)
    scale = np.sqrt(2 / n)
    out[..., ::2] = pairs.real * scale
    out[..., ::-2] = pairs.imag * -scale
    return out


def window(hop: int, dtype: np.dtype) -> np.ndarray:
    """The rising half of the window: (hop,)."""
    rising: np.ndarray = np.sin(np.pi / (2 * hop) * (np.arange(hop) + 0.5))
    return rising.astype(dtype)


def analyse(blocks: np.ndarray) -> np.ndarray:
    """Blocks (..., F + 1, hop) to coefficients of the F frames between them: (..., F, hop)."""
    rising = window(blocks.shape[-1], blocks.dtype)
    half = blocks.shape[-1] // 2
    a, b = np.split(blocks[..., :-1, :] * rising, [half], axis=-1)
    c, d = np.split(blocks[..., 1:, :] * rising[::-1], [half], axis=-1)
    return dct4(np.concatenate([-c[..., ::-1] - d, a - b[..., ::-1]], axis=-1))


def synthesise(frames: np.ndarray) -> np.ndarray:
    """Coefficients (..., F, hop) to the F - 1 blocks that lie in two frames: (..., F - 1, hop)."""
    rising = window(frames.shape[-1], frames.dtype)
    folded = dct4(frames)
    c, a = np.split(folded, 2, axis=-1)
    before = np.concatenate([a, -a[..., ::-1]], axis=-1)
    after = np.concatenate([-c[..., ::-1], -c], axis=-1)
    return after[..., :-1, :] * rising[::-1] + before[..., 1:, :] * rising
