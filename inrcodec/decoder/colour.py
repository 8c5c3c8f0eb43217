"""From channels in a picture's own axes to samples."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np


def coloured(
    planes: np.ndarray, axes: np.ndarray, means: np.ndarray, pool: ThreadPoolExecutor
) -> np.ndarray:
    """Planes (C, h, w) in the channel axes to samples (h, w, C), summed plane by plane."""
    samples = np.empty((*planes.shape[1:], len(planes)), dtype=np.float32)

    @np.errstate(all="ignore")
    def channel(k: int) -> None:
        total = axes[k, 0] * planes[0]
        for c in range(1, len(planes)):
            total += axes[k, c] * planes[c]
        samples[..., k] = total + means[k]

    list(pool.map(channel, range(len(planes))))
    return samples
