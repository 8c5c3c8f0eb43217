"""Pictures of every kind become samples."""

import io

import numpy as np
import pytest
import tifffile
from picture_files import ICC, png16, read, samples, saved, tiff16, tiff_of_one_strip
from PIL import Image

from inrcodec.signals import netpbm
from inrcodec.signals.image import read_image


@pytest.mark.parametrize(
    ("format_name", "mode"),
    [
        *[("PNG", mode) for mode in ("L", "LA", "RGB", "RGBA")],
        *[("TIFF", mode) for mode in ("L", "LA", "RGB", "RGBA")],
        *[("BMP", "L"), ("BMP", "RGB"), ("PPM", "L"), ("PPM", "RGB"), ("QOI", "RGB")],
    ],
)
def test_eight_bit_samples_are_exact(format_name, mode):
    expected = samples(len(mode))
    picture = Image.fromarray(expected[..., 0] if mode == "L" else expected)
    signal = read(saved(picture, format_name))
    assert signal.kind == "image"
    assert signal.samples.dtype == np.uint8
    np.testing.assert_array_equal(signal.samples, expected)


def test_lossless_webp_with_alpha():
    expected = samples(4)
    data = saved(Image.fromarray(expected), "WEBP", lossless=True, exact=True)
    np.testing.assert_array_equal(read(data).samples, expected)


@pytest.mark.parametrize("format_name", ["JPEG", "AVIF", "WEBP"])
def test_lossy_files_are_read_as_pillow_reads_them(format_name):
    data = saved(Image.fromarray(samples(3, height=16, width=24)), format_name)
    np.testing.assert_array_equal(read(data).samples, np.array(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bit_png_is_exact(channels, interlace):
    expected = samples(channels, 16)
    signal = read(png16(expected, interlace=interlace))
    assert (signal.depth, signal.peak) == (16, 65535)
    np.testing.assert_array_equal(signal.samples, expected)


@pytest.mark.parametrize(("channels", "clear"), [(1, 700), (3, (700, 701, 702))])
def test_sixteen_bit_png_with_a_transparent_colour(channels, clear):
    colours = samples(channels, 16)
    colours[2, 3] = clear
    result = read(png16(colours, transparent=clear)).samples
    np.testing.assert_array_equal(result[..., :-1], colours)
    expected = np.full(colours.shape[:2], 65535)
    expected[2, 3] = 0
    np.testing.assert_array_equal(result[..., -1], expected)


@pytest.mark.parametrize(("mode", "clear"), [("L", 7), ("RGB", (7, 8, 9))])
def test_eight_bit_png_with_a_transparent_colour(mode, clear):
    colours = np.full((4, 5, len(mode)), 100, np.uint8)
    colours[1, 2] = clear
    picture = Image.fromarray(colours[..., 0] if mode == "L" else colours)
    result = read(saved(picture, "PNG", transparency=clear)).samples
    np.testing.assert_array_equal(result[..., :-1], colours)
    assert result[1, 2, -1] == 0
    assert result[..., -1].sum() == 19 * 255


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bit_tiff_is_exact(channels, compression, order):
    expected = samples(channels, 16)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        expected if channels > 1 else expected[..., 0],
        byteorder=order,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression=compression,
        predictor=bool(compression),
    )
    signal = read(file.getvalue())
    assert signal.samples.dtype == np.uint16
    np.testing.assert_array_equal(signal.samples, expected)


def test_sixteen_bit_lzw_tiff_is_exact():
    # Pillow writes LZW for 16-bit grey only; the same strip, three times as wide, is an RGB one
    expected = samples(3, 16)
    grey = saved(Image.fromarray(expected.reshape(9, -1)), "TIFF", compression="tiff_lzw")
    tags = Image.open(io.BytesIO(grey)).tag_v2
    strip = grey[tags[273][0] :][: tags[279][0]]
    data = tiff_of_one_strip(strip, {256: [13], 257: [9], 258: [16] * 3, 259: [5], 262: [2]})
    np.testing.assert_array_equal(read(data).samples, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_with_one_plane_per_channel(dtype):
    expected = samples(3, 16).astype(dtype)
    planes = np.moveaxis(expected, -1, 0)
    data = tiff16(planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(data).samples, expected)


@pytest.mark.parametrize("channels", [1, 2])
def test_tiff_where_zero_is_white(channels):
    expected = samples(channels, 16)
    stored = expected.copy()
    stored[..., 0] = 65535 - stored[..., 0]
    extra = ["unassalpha"] if channels == 2 else None
    stored = stored if channels == 2 else stored[..., 0]
    data = tiff16(stored, photometric="miniswhite", extrasamples=extra)
    np.testing.assert_array_equal(read(data).samples, expected)


@pytest.mark.parametrize("channels", [2, 4])
def test_tiff_of_premultiplied_colours(channels):
    expected = samples(channels, 16)
    expected[..., -1] = np.maximum(expected[..., -1], 40000)
    stored = expected.copy()
    share = expected[..., -1:] / 65535
    stored[..., :-1] = np.rint(expected[..., :-1] * share)
    photometric = "rgb" if channels == 4 else "minisblack"
    data = tiff16(stored, photometric=photometric, planarconfig="contig", extrasamples=[1])
    assert np.abs(read(data).samples.astype(int) - expected).max() <= 1


def test_deep_pgm_and_ppm():
    for channels in (1, 3):
        expected = samples(channels, 16)
        np.testing.assert_array_equal(read(netpbm.write(expected)).samples, expected)
    ten_bits = b"P5 # a comment\n2 1\n1023\n" + bytes([0x03, 0xFF, 0x02, 0x00])
    assert read(ten_bits).samples.ravel().tolist() == [65535, round(512 * 65535 / 1023)]


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_arrays(order):
    file = io.BytesIO()
    expected = samples(3, 16)
    np.save(file, np.asarray(expected, ">u2", order=order))
    np.testing.assert_array_equal(read(file.getvalue()).samples, expected)
    file = io.BytesIO()
    np.save(file, expected[..., 0])
    np.testing.assert_array_equal(read(file.getvalue()).samples, expected[..., :1])


def test_palettes_become_rgb_or_rgba():
    indices = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Image.fromarray(indices)
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])[indices]
    np.testing.assert_array_equal(read(saved(picture, "PNG")).samples, colours)
    alpha = np.array([0, 128, 255])[indices]
    result = read(saved(picture, "PNG", transparency=bytes([0, 128, 255]))).samples
    np.testing.assert_array_equal(result, np.dstack([colours, alpha]))


def test_one_bit_becomes_grey():
    bits = np.random.default_rng(0).integers(0, 2, (5, 11)).astype(bool)
    for format_name in ("PNG", "TIFF", "PPM"):
        signal = read(saved(Image.fromarray(bits), format_name))
        np.testing.assert_array_equal(signal.samples[..., 0], bits * 255)


def test_cmyk_becomes_rgb_and_loses_its_profile():
    picture = Image.fromarray(np.full((8, 8, 4), (0, 255, 255, 0), np.uint8), "CMYK")
    signal = read(saved(picture, "JPEG", icc_profile=ICC, quality=100))
    assert signal.samples.shape == (8, 8, 3)
    assert np.abs(signal.samples.astype(int) - (255, 0, 0)).max() < 4
    assert signal.metadata.icc == b""


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("#ff0000", "#00ff00")]
    for format_name in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if format_name == "WEBP" else {}
        data = saved(frames[0], format_name, save_all=True, append_images=frames[1:], **options)
        signal = read(data)
        np.testing.assert_array_equal(signal.samples, np.full((4, 6, 3), (255, 0, 0)))


def test_transparent_gif():
    picture = Image.fromarray(np.array([[0, 1]], np.uint8))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    result = read(saved(picture, "GIF", transparency=1)).samples
    assert result[0, 0].tolist() == [10, 20, 30, 255]
    assert result[0, 1, 3] == 0


def test_content_counts_and_not_the_suffix(tmp_path):
    path = tmp_path / "wrong.jpg"
    path.write_bytes(saved(Image.fromarray(samples(3)), "PNG"))
    np.testing.assert_array_equal(read_image(path, "it").samples, samples(3))
