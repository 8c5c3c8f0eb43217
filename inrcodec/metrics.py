"""How near one picture is to another: PSNR, SSIM and MS-SSIM.

SSIM: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Processing 13(4), 2004, section III.
MS-SSIM: Wang, Simoncelli, Bovik, Asilomar 2003, section 3. Both are computed for each channel
over the windows that lie wholly inside the picture, and averaged over the channels.
"""

import math
from collections.abc import Iterator

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.depth import with_depth
from inrcodec.signals.orientation import oriented
from inrcodec.signals.signal import Signal

WINDOW = 11
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# the coarsest scale must still hold one window
MS_SSIM_SMALLEST_SIDE = WINDOW * 2 ** (len(MS_SSIM_WEIGHTS) - 1)

_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03
# rows handled at a time: the intermediate arrays then stay in cache and memory stays bounded
_BAND_ROWS = 64


def compare(reference: Signal, test: Signal) -> dict[str, float | None]:
    """Return psnr_db, ssim, ms_ssim and, if there is alpha, alpha_psnr_db of `test`.

    Both are turned upright first. If their depths differ, both are compared at 16 bits. PSNR is
    math.inf for equal samples; ssim is None below 11 samples on a side, ms_ssim below 176. Alpha
    counts in alpha_psnr_db alone. InputError if shapes or channels differ.
    """
    reference, test = oriented(reference), oriented(test)
    if reference.samples.shape != test.samples.shape:
        raise InputError(f"cannot compare {_size(reference)} with {_size(test)}")
    depth = max(reference.depth, test.depth)
    reference, test = with_depth(reference, depth), with_depth(test, depth)
    results: dict[str, float | None] = {
        "psnr_db": psnr(reference, test),
        "ssim": ssim(reference, test),
        "ms_ssim": ms_ssim(reference, test),
    }
    if reference.has_alpha:
        planes = reference.samples[..., -1:], test.samples[..., -1:]
        results["alpha_psnr_db"] = psnr(*planes, reference.peak)
    return results


def psnr(
    reference: Signal | np.ndarray, test: Signal | np.ndarray, peak: int | None = None
) -> float:
    """Return the peak signal-to-noise ratio in dB over all samples but alpha; math.inf if equal.

    Takes Signals, or arrays of shape (H, W) or (H, W, C), of equal shape; of 2 or 4 channels the
    last is alpha. `peak` is the largest code value; by default that of the reference's type.
    """
    planes, test_planes, peak = _operands(reference, test, peak)
    total, count = 0.0, 0
    for plane, test_plane in zip(planes, test_planes, strict=True):
        for rows in _bands(plane.shape[0], _BAND_ROWS):
            difference = plane[rows].astype(np.float64) - test_plane[rows]
            total += float(np.vdot(difference, difference))
        count += plane.size
    return math.inf if total == 0 else 10 * math.log10(peak**2 * count / total)


def ssim(
    reference: Signal | np.ndarray, test: Signal | np.ndarray, peak: int | None = None
) -> float | None:
    """Return the structural similarity, at most 1; None below 11 samples on a side.

    Arguments as for `psnr`.
    """
    planes, test_planes, peak = _operands(reference, test, peak)
    if min(planes[0].shape) < WINDOW:
        return None
    pairs = zip(planes, test_planes, strict=True)
    return sum(_ssim_terms(*pair, peak)[0] for pair in pairs) / len(planes)


def ms_ssim(
    reference: Signal | np.ndarray, test: Signal | np.ndarray, peak: int | None = None
) -> float | None:
    """Return the multi-scale structural similarity, 0 to 1; None below 176 samples on a side.

    Arguments as for `psnr`. Contrast-structure terms below 0 count as 0, as their fractional power
    is not real.
    """
    planes, test_planes, peak = _operands(reference, test, peak)
    if min(planes[0].shape) < MS_SSIM_SMALLEST_SIDE:
        return None
    pairs = zip(planes, test_planes, strict=True)
    return sum(_ms_ssim_of_plane(*pair, peak) for pair in pairs) / len(planes)


def _ms_ssim_of_plane(plane: np.ndarray, test: np.ndarray, peak: int) -> float:
    product = 1.0
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        if scale:
            plane, test = _halved(plane), _halved(test)
        similarity, contrast_structure = _ssim_terms(plane, test, peak)
        last = scale == len(MS_SSIM_WEIGHTS) - 1
        product *= max(similarity if last else contrast_structure, 0.0) ** weight
    return product


def _operands(
    reference: Signal | np.ndarray, test: Signal | np.ndarray, peak: int | None
) -> tuple[list[np.ndarray], list[np.ndarray], int]:
    """Return the colour planes of both, shape (H, W) each, and the peak value."""
    first = reference.samples if isinstance(reference, Signal) else reference
    second = test.samples if isinstance(test, Signal) else test
    if first.shape != second.shape:
        raise InputError(f"cannot compare shape {first.shape} with {second.shape}")
    return _planes(first), _planes(second), peak or int(np.iinfo(first.dtype).max)


def _planes(samples: np.ndarray) -> list[np.ndarray]:
    if samples.ndim == 2:
        return [samples]
    channels = samples.shape[2]
    return [samples[..., channel] for channel in range(channels - (channels in (2, 4)))]


def _size(signal: Signal) -> str:
    height, width = signal.shape
    return f"{width} x {height} x {signal.channels}"


def _bands(rows: int, step: int) -> Iterator[slice]:
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def _ssim_terms(plane: np.ndarray, test: np.ndarray, peak: int) -> tuple[float, float]:
    """Return the means over all windows of SSIM and of its contrast-structure factor.

    SSIM = l * cs, with l = (2 mx my + C1) / (mx^2 + my^2 + C1) and
    cs = (2 sxy + C2) / (sx^2 + sy^2 + C2), C1 = (K1 peak)^2, C2 = (K2 peak)^2.
    """
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    window_rows = plane.shape[0] - WINDOW + 1
    similarity_sum = contrast_sum = 0.0
    for windows in _bands(window_rows, _BAND_ROWS):
        rows = slice(windows.start, windows.stop + WINDOW - 1)
        x, y = plane[rows].astype(np.float64), test[rows].astype(np.float64)
        mean_x, mean_y = _filtered(x), _filtered(y)
        means, squares = mean_x * mean_y, mean_x**2 + mean_y**2
        covariance = _filtered(x * y) - means
        variances = _filtered(x**2 + y**2) - squares
        contrast = (2 * covariance + c2) / (variances + c2)
        contrast_sum += float(contrast.sum())
        similarity_sum += float((contrast * (2 * means + c1) / (squares + c1)).sum())
    count = window_rows * (plane.shape[1] - WINDOW + 1)
    return similarity_sum / count, contrast_sum / count


def _gaussian() -> np.ndarray:
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights: np.ndarray = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    return weights


_TAPS = _gaussian()


def _filtered(samples: np.ndarray) -> np.ndarray:
    """Return the gaussian mean of every 11 x 11 window: shape (H, W) to (H - 10, W - 10)."""
    return _filtered_rows(np.ascontiguousarray(_filtered_rows(samples).T)).T


def _filtered_rows(samples: np.ndarray) -> np.ndarray:
    """Filter along axis 0 only: shape (H, W) to (H - 10, W)."""
    rows = samples.shape[0] - WINDOW + 1
    total: np.ndarray = _TAPS[WINDOW // 2] * samples[WINDOW // 2 : WINDOW // 2 + rows]
    for tap in range(WINDOW // 2):  # the window is symmetric: one product for two rows
        mirrored = WINDOW - 1 - tap
        total += _TAPS[tap] * (samples[tap : tap + rows] + samples[mirrored : mirrored + rows])
    return total


def _halved(plane: np.ndarray) -> np.ndarray:
    """Return the means of 2 x 2 blocks, float64; an odd last row or column is repeated."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    total: np.ndarray = padded[::2, ::2].astype(np.float64)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        total += padded[row::2, column::2]
    total /= 4
    return total
