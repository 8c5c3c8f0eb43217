"""How near one video is to another: PSNR over all frames, SSIM and MS-SSIM as means of frames."""

import math
from collections.abc import Iterable
from statistics import fmean

import numpy as np

from inrcodec import metrics
from inrcodec.errors import InputError
from inrcodec.signals import yuv
from inrcodec.signals.signal import Signal

_PEAK = 255


def video_metrics(reference: Signal, test: Signal) -> dict[str, float | None]:
    """Return psnr_db, ssim and ms_ssim of `test`; for 4:2:0 also psnr_y_db, psnr_u_db, psnr_v_db.

    PSNR is 10 log10(255^2 / MSE), with MSE the mean squared error over all frames; math.inf if that
    is 0. For two 4:2:0 videos psnr_db is that of MSE = (6 MSE_Y + MSE_U + MSE_V) / 8, and ssim and
    ms_ssim are those of the luma. Two grey or two RGB videos are compared as they are, two of
    different kinds as RGB. ssim and ms_ssim are means over the frames, None where frames are too
    small (below 11 and 176 samples on a side).

    Raises InputError if frame counts or sizes differ.
    """
    similarities, multi_scale = [], []
    for pair in _frame_pairs(reference, test):
        similarities.append(metrics.ssim(*pair))
        multi_scale.append(metrics.ms_ssim(*pair))
    return {
        **video_psnr(reference, test),
        "ssim": _mean(similarities),
        "ms_ssim": _mean(multi_scale),
    }


def video_psnr(reference: Signal, test: Signal) -> dict[str, float | None]:
    """Return what `video_metrics` does but for ssim and ms_ssim, which take most of its time."""
    errors = [_squared_error(*pair) for pair in _frame_pairs(reference, test)]
    return _psnr(fmean(errors), reference.chroma, test.chroma)


def _frame_pairs(reference: Signal, test: Signal) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Give the frames of both, (H, W, C) uint8: luma, grey or RGB of both. Raises InputError."""
    if reference.shape != test.shape:
        raise InputError(f"cannot compare {_size(reference)} with {_size(test)}")
    planes = [signal.chroma.shape for signal in (reference, test) if signal.chroma is not None]
    if len(set(planes)) > 1:
        raise InputError(f"cannot compare chroma of {planes[0]} with {planes[1]}")
    if (reference.chroma is None) == (test.chroma is None) and reference.channels == test.channels:
        return zip(reference.samples, test.samples, strict=True)
    return zip(yuv.rgb_frames(reference), yuv.rgb_frames(test), strict=True)


def _psnr(
    error: float, chroma: np.ndarray | None, test_chroma: np.ndarray | None
) -> dict[str, float | None]:
    """Return the PSNR of a mean squared error; if there are planes, those of them and of all."""
    if chroma is None or test_chroma is None:
        return {"psnr_db": _decibels(error)}
    pairs = list(zip(chroma, test_chroma, strict=True))
    of_u, of_v = (fmean(_squared_error(a[..., i], b[..., i]) for a, b in pairs) for i in (0, 1))
    return {
        "psnr_db": _decibels((6 * error + of_u + of_v) / 8),
        "psnr_y_db": _decibels(error),
        "psnr_u_db": _decibels(of_u),
        "psnr_v_db": _decibels(of_v),
    }


def _squared_error(frame: np.ndarray, test: np.ndarray) -> float:
    """Return the mean squared error of one frame or plane."""
    difference = frame.astype(np.float64) - test
    return float(np.vdot(difference, difference)) / frame.size


def _decibels(error: float) -> float:
    return math.inf if error == 0 else 10 * math.log10(_PEAK**2 / error)


def _mean(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return fmean(present) if present else None


def _size(signal: Signal) -> str:
    frames, height, width = signal.shape
    return f"{frames} frames of {width} x {height}"
