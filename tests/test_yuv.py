"""RGB to code values of video and back, against the recommendations' formulas."""

import numpy as np
import pytest
from video_files import noise, random_video, smooth_rgb, yuv420_of

from inrcodec.signals import Signal, yuv

WEIGHTS = {10: (0.299, 0.587, 0.114), 720: (0.2126, 0.7152, 0.0722)}


def code_values(rgb, rows):
    """Y, Cb and Cr of RGB in 0 to 255, as the formulas stand; not rounded."""
    kr, kg, kb = WEIGHTS[rows]
    red, green, blue = np.moveaxis(rgb.astype(float) / 255, -1, 0)
    luma = kr * red + kg * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    return np.stack([16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr], -1)


def colours(values, rows):
    """RGB in 0 to 255 of Y, Cb and Cr, solved from the formulas; not rounded."""
    matrix = code_values(np.eye(3) * 255, rows) - (16, 128, 128)
    return np.clip((values - np.array([16, 128, 128])) @ np.linalg.inv(matrix) * 255, 0, 255)


def tall(frame, rows):
    """The frame repeated downwards until it has at least this many rows."""
    return np.tile(frame, (-(-rows // len(frame)), 1, 1))


@pytest.mark.parametrize("rows", [10, 720])
@pytest.mark.parametrize(
    ("colour", "codes"),
    [
        ((0, 0, 0), {10: (16, 128, 128), 720: (16, 128, 128)}),
        ((255, 255, 255), {10: (235, 128, 128), 720: (235, 128, 128)}),
        ((255, 0, 0), {10: (81, 90, 240), 720: (63, 102, 240)}),
        ((0, 0, 255), {10: (41, 240, 110), 720: (32, 240, 118)}),
    ],
)
def test_known_colours(rows, colour, codes):
    frame = np.full((rows, 2, 3), colour, np.uint8)
    for luma, chroma in (yuv.yuv420_of_rgb(frame), yuv.yuv444_of_rgb(frame)):
        assert (luma == codes[rows][0]).all()
        assert (chroma == codes[rows][1:]).all()


@pytest.mark.parametrize("rows", [10, 720])
def test_to_code_values_is_the_formula(rows):
    rgb = tall(noise(10, 8, 3), rows)
    luma, chroma = yuv.yuv444_of_rgb(rgb)
    assert np.abs(np.dstack([luma, chroma]) - code_values(rgb, rows)).max() <= 0.51


@pytest.mark.parametrize("rows", [10, 720])
def test_to_rgb_is_the_formula(rows):
    values = tall(noise(10, 8, 3), rows)
    rgb = yuv.rgb_of_yuv444(values[..., 0], values[..., 1:])
    assert np.abs(rgb - colours(values.astype(float), rows)).max() <= 0.51


def test_grey_has_no_chroma():
    frame = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    _, chroma = yuv.yuv444_of_rgb(frame)
    assert (chroma == 128).all()


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1), (2, 1)])
def test_chroma_is_the_mean_of_four_pixels(size):
    rgb = noise(*size, 3)
    luma, chroma = yuv.yuv420_of_rgb(rgb)
    rows, columns = (np.minimum(np.arange(-(-n // 2) * 2), n - 1) for n in size)
    means = code_values(rgb, 10)[rows][:, columns, 1:]
    means = means.reshape(len(rows) // 2, 2, len(columns) // 2, 2, 2).mean(axis=(1, 3))
    assert luma.shape == size
    assert np.abs(chroma - means).max() <= 0.51


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1)])
def test_chroma_is_interpolated_between_centres(size):
    luma = noise(*size)
    chroma = noise(-(-size[0] // 2), -(-size[1] // 2), 2, seed=1)
    wide = chroma.astype(float)
    for axis in (0, 1):
        # where the pixels lie among the centres of the chroma samples
        places = (np.arange(size[axis]) - 0.5) / 2
        count = wide.shape[axis]
        wide = np.apply_along_axis(
            lambda v, p=places, n=count: np.interp(p, range(n), v), axis, wide
        )
    expected = colours(np.dstack([luma, wide]), 10)
    assert np.abs(yuv.rgb_of_yuv420(luma, chroma) - expected).max() <= 0.51


def test_smooth_colours_survive():
    rgb = smooth_rgb()
    luma, chroma = yuv420_of(rgb)
    assert luma.shape == (3, 24, 32, 1)
    assert chroma.shape == (3, 12, 16, 2)
    again = yuv.rgb_of(Signal("video", luma, chroma=chroma))
    assert (again.shape, again.dtype) == (rgb.shape, np.uint8)
    assert np.abs(again.astype(int) - rgb).mean() < 2


@pytest.mark.parametrize("channels", [1, 3])
def test_rgb_of_other_videos(channels):
    signal = random_video(channels)
    expected = np.broadcast_to(signal.samples, (*signal.shape, 3))
    np.testing.assert_array_equal(yuv.rgb_of(signal), expected)


def test_whole_range_of_code_values_fits_in_the_integers():
    extremes = np.array([0, 255], np.uint8)
    luma, cb, cr = np.meshgrid(extremes, extremes, extremes)
    for rows in (10, 720):
        values = tall(np.stack([luma, cb, cr], -1).reshape(-1, 1, 3), rows)
        even = values.repeat(2, axis=0).repeat(2, axis=1)
        rgb = yuv.rgb_of_yuv420(even[..., 0], np.ascontiguousarray(even[::2, ::2, 1:]))
        assert np.abs(rgb[0, 0] - colours(values[0, 0].astype(float), rows)).max() <= 0.51
