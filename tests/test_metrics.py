"""PSNR, SSIM and MS-SSIM against slow definitions and properties that must hold."""

import math

import numpy as np
import pytest

from inrcodec import metrics
from inrcodec.errors import InputError
from inrcodec.signals import Metadata, Signal
from inrcodec.signals.depth import with_depth

ROTATED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"


def picture(height, width, channels, seed=0):
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] % 200
    return (ramp + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)


def noisy(samples, amplitude=9, seed=1):
    noise = np.random.default_rng(seed).integers(-amplitude, amplitude + 1, samples.shape)
    return np.clip(samples.astype(int) + noise, 0, 255).astype(np.uint8)


def ssim_of_windows(x, y, peak):
    """SSIM and its contrast factor, window by window, as the paper's equations stand."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    ssim, contrast = [], []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11].astype(float), y[i : i + 11, j : j + 11].astype(float)
            ma, mb = (weights * a).sum(), (weights * b).sum()
            va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
            covariance = (weights * (a - ma) * (b - mb)).sum()
            contrast.append((2 * covariance + c2) / (va + vb + c2))
            ssim.append(contrast[-1] * (2 * ma * mb + c1) / (ma**2 + mb**2 + c1))
    return np.mean(ssim), np.mean(contrast)


def test_psnr_of_a_known_error():
    a = np.full((3, 5, 3), 100, np.uint8)
    assert metrics.psnr(a, a + 5, 255) == pytest.approx(10 * math.log10(255**2 / 25))
    assert metrics.psnr(a, a) == math.inf


def test_psnr_takes_the_peak_of_the_type():
    a = np.full((4, 4, 1), 1000, np.uint16)
    assert metrics.psnr(a, a + 100) == pytest.approx(20 * math.log10(65535 / 100))
    assert metrics.psnr(a[..., 0], a[..., 0] + 100) == metrics.psnr(a, a + 100)


def test_psnr_counts_every_row():
    a = np.zeros((metrics._BAND_ROWS * 2 + 3, 4, 1), np.uint8)
    for row in range(a.shape[0]):
        b = a.copy()
        b[row, 1] = 10
        assert metrics.psnr(a, b) == pytest.approx(10 * math.log10(255**2 * a.size / 100))


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_apart(channels):
    a = picture(20, 20, channels)
    b = a.copy()
    b[..., -1] ^= 1
    results = metrics.compare(Signal("image", a), Signal("image", b))
    assert results["psnr_db"] == math.inf
    assert results["ssim"] == pytest.approx(1)
    assert results["alpha_psnr_db"] == pytest.approx(20 * math.log10(255))


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_ssim_is_the_paper_s(dtype, scale):
    a = picture(14, 17, 3)
    b = noisy(a, 40)
    expected = np.mean([ssim_of_windows(a[..., c], b[..., c], 255)[0] for c in range(3)])
    a, b = a.astype(dtype) * scale, b.astype(dtype) * scale
    assert metrics.ssim(a, b) == pytest.approx(expected, abs=1e-12)


def test_ssim_terms_over_several_bands():
    a = picture(metrics._BAND_ROWS + 20, 12, 1)[..., 0]
    b = noisy(a, 40)
    assert metrics._ssim_terms(a, b, 255) == pytest.approx(ssim_of_windows(a, b, 255), abs=1e-12)


def test_ms_ssim_is_the_product_over_scales():
    a = picture(181, 176, 1)[..., 0]
    b = noisy(a, 40)
    expected, x, y = 1.0, a.astype(float), b.astype(float)
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        similarity, contrast = metrics._ssim_terms(x, y, 255)
        expected *= (similarity if scale == 4 else contrast) ** weight
        x, y = (np.vstack([z, z[-1:]]) if len(z) % 2 else z for z in (x, y))
        x, y = (
            sum(z[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
            for z in (x[:, : x.shape[1] // 2 * 2], y[:, : y.shape[1] // 2 * 2])
        )
    assert metrics.ms_ssim(a, b, 255) == pytest.approx(expected, abs=1e-12)
    assert 0.5 < expected < 1


def test_ms_ssim_of_opposites_is_zero_not_complex():
    a = picture(176, 176, 1)
    assert metrics.ms_ssim(a, 255 - a) == 0
    assert metrics.ssim(a, 255 - a) < 0


def test_equal_pictures():
    a = Signal("image", picture(176, 180, 3))
    results = metrics.compare(a, a)
    assert results.pop("psnr_db") == math.inf
    assert results == {"ssim": pytest.approx(1), "ms_ssim": pytest.approx(1)}


def test_small_pictures_have_no_structural_similarity():
    a = picture(175, 200, 1)
    assert metrics.ms_ssim(a, a) is None
    assert metrics.ssim(a[:11, :11], a[:11, :11]) == pytest.approx(1)
    assert metrics.ssim(a[:10, :50], a[:10, :50]) is None
    assert metrics.psnr(a[:1, :1], a[:1, :1]) == math.inf


def test_depths_are_compared_on_the_deeper_scale():
    shallow = Signal("image", picture(12, 12, 3))
    assert metrics.compare(shallow, with_depth(shallow, 16))["psnr_db"] == math.inf
    off_by_one = Signal("image", with_depth(shallow, 16).samples ^ np.uint16(1))
    for pair in ((shallow, off_by_one), (off_by_one, shallow)):
        assert metrics.compare(*pair)["psnr_db"] == pytest.approx(20 * math.log10(65535))


def test_comparison_is_upright():
    samples = picture(12, 15, 3)
    upright = Signal("image", np.rot90(samples, -1).copy())
    stored = Signal("image", samples, Metadata(exif=ROTATED))
    assert metrics.compare(upright, stored)["psnr_db"] == math.inf


def test_differing_shapes_are_refused():
    a, b = picture(12, 13, 3), picture(13, 12, 3)
    with pytest.raises(InputError, match="13 x 12 x 3 with 12 x 13 x 3"):
        metrics.compare(Signal("image", a), Signal("image", b))
    with pytest.raises(InputError, match="cannot compare shape"):
        metrics.psnr(a, a[..., :1])
