"""How near videos are, against slow definitions."""

import math
from dataclasses import replace

import numpy as np
import pytest
from video_files import noise, random_video, smooth_rgb, yuv420_of

from inrcodec import metrics
from inrcodec.errors import InputError
from inrcodec.signals import Signal, yuv
from inrcodec.video_metrics import video_metrics


def decibels(*errors):
    return pytest.approx(10 * math.log10(255**2 / np.mean(errors)))


def squared(a, b):
    return (a.astype(float) - b) ** 2


def test_psnr_of_planes():
    a = random_video(height=6, width=7, chroma=True)
    b = Signal("video", noise(3, 6, 7, 1, seed=5), chroma=noise(3, 3, 4, 2, seed=6))
    y, c = squared(a.samples, b.samples).mean(), squared(a.chroma, b.chroma).mean(axis=(0, 1, 2))
    results = video_metrics(a, b)
    assert results["psnr_y_db"] == decibels(y)
    assert results["psnr_u_db"] == decibels(c[0])
    assert results["psnr_v_db"] == decibels(c[1])
    assert results["psnr_db"] == decibels((6 * y + c[0] + c[1]) / 8)
    assert results["ssim"] is None and results["ms_ssim"] is None


@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_of_grey_and_rgb(channels):
    a, b = noise(4, 6, 7, channels), noise(4, 6, 7, channels, seed=1)
    results = video_metrics(Signal("video", a), Signal("video", b))
    assert results == {"psnr_db": decibels(squared(a, b)), "ssim": None, "ms_ssim": None}


def test_equal_videos():
    a = random_video(chroma=True, height=11, width=12)
    results = video_metrics(a, a)
    assert all(results[f"psnr_{name}"] == math.inf for name in ("db", "y_db", "u_db", "v_db"))
    assert results["ssim"] == pytest.approx(1)


def test_similarities_are_means_over_frames():
    a, b = noise(2, 176, 180, 3), noise(2, 176, 180, 3, seed=1) // 2
    results = video_metrics(Signal("video", a), Signal("video", b))
    pairs = list(zip(a, b, strict=True))
    assert results["ssim"] == pytest.approx(np.mean([metrics.ssim(*pair) for pair in pairs]))
    assert results["ms_ssim"] == pytest.approx(np.mean([metrics.ms_ssim(*pair) for pair in pairs]))


def test_similarities_of_planes_are_those_of_luma():
    a = random_video(height=12, width=13, chroma=True)
    b = Signal("video", a.samples // 2, chroma=a.chroma)
    grey = video_metrics(Signal("video", a.samples), Signal("video", b.samples))
    results = video_metrics(a, b)
    assert results["ssim"] == grey["ssim"]
    assert results["psnr_u_db"] == math.inf


@pytest.mark.parametrize("swap", [False, True])
def test_planes_and_rgb_are_compared_as_rgb(swap):
    rgb = smooth_rgb()
    luma, chroma = yuv420_of(rgb)
    pair = Signal("video", luma, chroma=chroma), Signal("video", rgb)
    results = video_metrics(*(reversed(pair) if swap else pair))
    assert set(results) == {"psnr_db", "ssim", "ms_ssim"}
    assert results["psnr_db"] == decibels(squared(yuv.rgb_of(pair[0]), rgb))


def test_grey_and_rgb_are_compared_as_rgb():
    grey = noise(2, 5, 7, 1)
    pair = Signal("video", grey), Signal("video", np.repeat(grey, 3, axis=3))
    assert video_metrics(*pair)["psnr_db"] == math.inf


def test_differing_sizes_are_refused():
    a = random_video(frames=3)
    with pytest.raises(InputError, match="3 frames of 7 x 5 with 2 frames of 7 x 5"):
        video_metrics(a, random_video(frames=2))
    with pytest.raises(InputError, match="3 frames of 7 x 5 with 3 frames of 5 x 7"):
        video_metrics(a, random_video(height=7, width=5))
    halved = random_video(chroma=True)
    other = replace(halved, chroma=halved.chroma[:, 1:])
    with pytest.raises(InputError, match="chroma"):
        video_metrics(halved, other)
