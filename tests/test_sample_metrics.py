"""Measures of sounds and volumes against their definitions."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from video_files import random_video

from inrcodec import comparison, metrics, sample_metrics
from inrcodec.errors import InputError
from inrcodec.sample_metrics import audio_metrics, volume_metrics
from inrcodec.signals import Signal
from inrcodec.video_metrics import video_metrics


def sound(samples, rate=8000):
    return Signal("audio", np.asarray(samples, np.float32), rate=Fraction(rate), bits=16)


def volume(samples, bits=0):
    return Signal("volume", np.asarray(samples), bits=bits)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.2, shape)


def test_audio_by_definition(monkeypatch):
    monkeypatch.setattr(sample_metrics, "_BLOCK", 7)
    x, y = noise((50, 3)).astype("f4"), noise((50, 3), 1).astype("f4")
    error = ((x.astype(float) - y) ** 2).sum()
    found = audio_metrics(sound(x), sound(y))
    assert found == {
        "snr_db": pytest.approx(10 * math.log10((x.astype(float) ** 2).sum() / error)),
        "psnr_db": pytest.approx(10 * math.log10(150 / error)),
    }


def test_audio_at_the_ends():
    x = sound(noise((50, 2)))
    silence = sound(np.zeros((50, 2)))
    assert audio_metrics(x, x) == {"snr_db": math.inf, "psnr_db": math.inf}
    assert audio_metrics(silence, silence)["snr_db"] == math.inf
    assert audio_metrics(silence, x)["snr_db"] is None
    assert audio_metrics(x, silence)["snr_db"] == pytest.approx(0)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "f4"])
def test_volume_by_definition(dtype, monkeypatch):
    monkeypatch.setattr(sample_metrics, "_BLOCK", 11)
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 100, (3, 4, 5, 2)).astype(dtype) for _ in range(2))
    error = x.astype(float) - y
    peak = float(x.max()) - float(x.min())
    assert volume_metrics(volume(x), volume(y)) == {
        "psnr_db": pytest.approx(10 * math.log10(peak**2 / (error**2).mean())),
        "max_error": np.abs(error).max(),
    }


def test_volume_at_the_ends():
    x = volume(np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1))
    flat = volume(np.full((2, 2, 2, 1), 9, np.uint8))
    assert volume_metrics(x, x) == {"psnr_db": math.inf, "max_error": 0}
    assert volume_metrics(flat, flat)["psnr_db"] == math.inf
    assert volume_metrics(flat, x) == {"psnr_db": None, "max_error": 9}


def test_masks():
    x = np.array([[1], [1], [0], [0], [1]], np.uint8)
    y = np.array([[1], [0], [0], [1], [1]], np.uint8)
    found = volume_metrics(volume(x, 1), volume(y, 1))
    assert found["iou"] == 0.5
    assert found["max_error"] == 1
    assert found["psnr_db"] == pytest.approx(10 * math.log10(5 / 2))
    real = np.array([[0.5], [0.49], [0], [0.9], [7]], np.float32)
    assert volume_metrics(volume(x, 1), volume(real))["iou"] == 0.5
    empty = volume(np.zeros_like(x), 1)
    assert volume_metrics(empty, empty)["iou"] == 1
    assert volume_metrics(empty, volume(x, 1))["iou"] == 0


def test_dispatch():
    x = sound(noise((50, 2)))
    assert comparison.compare(x, x) == audio_metrics(x, x)
    v = volume(np.arange(8, dtype=np.int16).reshape(2, 2, 2, 1))
    assert comparison.compare(v, v) == volume_metrics(v, v)
    picture = Signal("image", np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    assert comparison.compare(picture, picture) == metrics.compare(picture, picture)
    film = random_video(height=12, width=13, chroma=True)
    assert comparison.compare(film, replace(film, rate=None)) == video_metrics(film, film)


def test_the_quick_way_leaves_out_ssim():
    picture = Signal("image", np.zeros((12, 12, 3), np.uint8))
    assert comparison.compare_quickly(picture, picture) == {"psnr_db": math.inf}
    film = random_video(height=12, width=13, chroma=True)
    quick, all_measures = (f(film, film) for f in (comparison.compare_quickly, comparison.compare))
    assert set(all_measures) - set(quick) == {"ssim", "ms_ssim"}
    x = sound(noise((50, 2)))
    assert comparison.compare_quickly(x, x) == audio_metrics(x, x)


def test_what_cannot_be_compared():
    x, v = sound(noise((50, 2))), volume(np.zeros((50, 2), np.uint8))
    for reference, test, reason in (
        (x, v, "cannot compare audio with volume"),
        (x, sound(x.samples[:40]), "cannot compare 50 x 2 with 40 x 2"),
        (x, sound(x.samples[:, :1]), "cannot compare 50 x 2 with 50 x 1"),
        (x, sound(x.samples, 44100), "cannot compare 8000 per second with 44100 per second"),
        (x, Signal("audio", x.samples), "cannot compare 8000 per second with no rate"),
        (Signal("none", x.samples), Signal("none", x.samples), "no measures for none"),
    ):
        with pytest.raises(InputError, match=reason):
            comparison.compare(reference, test)
    for measure in (audio_metrics, volume_metrics):
        with pytest.raises(InputError, match="cannot compare shape"):
            measure(x, sound(x.samples[:40]))


def test_pictures_of_different_sizes():
    a, b = (Signal("image", np.zeros(shape, np.uint8)) for shape in ((4, 5, 3), (5, 4, 3)))
    with pytest.raises(InputError, match="5 x 4 x 3 with 4 x 5 x 3"):
        comparison.compare(a, b)
