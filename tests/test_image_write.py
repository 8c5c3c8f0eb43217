"""Pictures written, and read back by this and by other readers."""

import io
import subprocess
import sys

import numpy as np
import png
import pytest
from picture_files import ICC, exif, read, samples, written

from inrcodec.errors import InrError, OptionError, OutputError
from inrcodec.signals import Metadata, Signal, image
from inrcodec.signals.depth import with_depth
from inrcodec.signals.image import write_image
from inrcodec.signals.orientation import EXIF_PREFIX, orientation


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("format_name", ["png", "tiff", "npy", "ppm", "webp", "bmp"])
def test_lossless_round_trip(format_name, channels, depth):
    image_format = image.FORMATS[format_name]
    if channels not in image_format.channels or (depth == 16 and not image_format.deep):
        with pytest.raises(OptionError):
            written(Signal("image", samples(channels, depth)), format_name)
        return
    result = read(written(Signal("image", samples(channels, depth)), format_name)).samples
    expected = samples(channels, depth)
    if format_name == "webp" and channels < 3:  # WebP knows no grey
        expected = np.concatenate([expected[..., :1]] * 3 + [expected[..., 1:]], axis=2)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bit_png_reads_alike_elsewhere(channels):
    data = written(Signal("image", samples(channels, 16)), "png")
    _, _, rows, info = png.Reader(bytes=data).read()
    assert info["bitdepth"] == 16
    np.testing.assert_array_equal(np.vstack(list(rows)), samples(channels, 16).reshape(9, -1))


@pytest.mark.parametrize("format_name", ["jpeg", "avif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossy_formats_are_near(format_name, channels):
    ramp = np.add.outer(np.arange(32), np.arange(48)).astype(np.uint8)
    signal = Signal("image", np.dstack([ramp + 40 * c for c in range(channels)]))
    result = read(written(signal, format_name)).samples
    assert np.abs(result.astype(int) - signal.samples).max() <= 8


@pytest.mark.parametrize("format_name", ["png", "webp", "jpeg", "avif", "tiff"])
def test_metadata_goes_along(format_name):
    signal = Signal("image", samples(3), Metadata(ICC, exif()))
    metadata = read(written(signal, format_name)).metadata
    assert metadata.icc == ICC
    assert b"a description" in metadata.exif


@pytest.mark.parametrize("format_name", ["png", "webp", "jpeg", "avif", "tiff"])
def test_broken_exif_does_not_cost_the_picture(format_name):
    signal = Signal("image", samples(3), Metadata(exif=b"no such thing"))
    assert read(written(signal, format_name)).samples.shape == (9, 13, 3)


def test_exif_from_webp_fits_into_jpeg():
    bare = exif(6).removeprefix(EXIF_PREFIX)
    data = written(Signal("image", samples(3), Metadata(exif=bare)), "jpeg")
    assert read(data).metadata.exif == exif(6)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("format_name", ["ppm", "npy", "tiff"])
def test_orientation_is_applied_where_exif_is_left_out(format_name, depth):
    signal = Signal("image", samples(3, depth), Metadata(ICC, exif(6)))
    result = read(written(signal, format_name))
    np.testing.assert_array_equal(result.samples, np.rot90(samples(3, depth), -1))
    assert orientation(result.metadata.exif) == 1
    assert result.metadata.icc == (ICC if format_name == "tiff" else b"")


def test_depths():
    deep = np.array([[[0], [127], [128], [129], [385], [386], [65535]]], np.uint16)
    shallow = with_depth(Signal("image", deep), 8)
    assert shallow.samples.dtype == np.uint8
    assert shallow.samples.ravel().tolist() == [0, 0, 0, 1, 1, 2, 255]
    every = Signal("image", np.arange(256, dtype=np.uint8).reshape(16, 16, 1))
    assert with_depth(every, 16).samples.max() == 65535
    np.testing.assert_array_equal(with_depth(with_depth(every, 16), 8).samples, every.samples)
    with pytest.raises(ValueError, match="not 12"):
        with_depth(every, 12)


def test_depth_that_was_asked_for():
    deep = Signal("image", samples(3, 16))
    np.testing.assert_array_equal(
        read(written(deep, "bmp", depth=8)).samples, with_depth(deep, 8).samples
    )
    assert read(written(Signal("image", samples(3)), "png", depth=16)).depth == 16
    with pytest.raises(OptionError, match="jpeg holds 8 bits per sample, not 16: ask for"):
        written(Signal("image", samples(3)), "jpeg", depth=16)
    with pytest.raises(OptionError, match="not 12"):
        written(deep, "png", depth=12)


def test_what_a_format_cannot_hold():
    with pytest.raises(OptionError, match="jpeg cannot hold an alpha channel; png, tiff, webp"):
        written(Signal("image", samples(4)), "jpeg")
    with pytest.raises(OptionError, match="pgm cannot hold colour; png"):
        written(Signal("image", samples(3)), "pgm")


def test_format_from_the_suffix(tmp_path):
    signal = Signal("image", samples(3))
    for name, magic in (("a.PNG", b"\x89PNG"), ("a.tif", b"II*\0"), ("a.jpg", b"\xff\xd8")):
        write_image(signal, tmp_path / name, name)
        assert (tmp_path / name).read_bytes().startswith(magic)
    write_image(signal, tmp_path / "b.dat", "b.dat", format="JPG")
    assert (tmp_path / "b.dat").read_bytes().startswith(b"\xff\xd8")
    with pytest.raises(OptionError, match="'xyz'; formats: png, tiff"):
        write_image(signal, tmp_path / "a.xyz", "a.xyz")
    with pytest.raises(OptionError, match="no suffix says how to write a picture; formats: png"):
        written(signal, None)


def test_suffix_tables():
    assert image.WRITABLE_SUFFIXES[".tif"] == "tiff"
    assert set(image.WRITABLE_SUFFIXES) < set(image.READABLE_SUFFIXES)


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(b"old")
    too_wide = Signal("image", np.zeros((1, 20000, 3), np.uint8))
    with pytest.raises(OutputError, match="it: cannot be made a webp: ") as caught:
        write_image(too_wide, path, "it")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.webp"]
    assert path.read_bytes() == b"old"


def test_failing_stream_is_an_output_error():
    class Full(io.RawIOBase):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="it: cannot be written: No space left"):
        write_image(Signal("image", samples(3)), Full(), "it", "png")
    assert issubclass(OutputError, InrError)


def test_import_is_cheap():
    code = (
        "import sys, inrcodec.signals, inrcodec.metrics;"
        "print([m for m in ('PIL', 'tifffile', 'png', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
