"""Pictures that are refused: damaged, too large, or of samples that do not fit."""

import io
from functools import partial

import damage
import numpy as np
import pytest
from picture_files import ICC, exif, png16, read, samples, saved, tiff16, tiff_of_one_strip
from PIL import Image

from inrcodec.errors import InputError
from inrcodec.signals import netpbm, sizes
from inrcodec.signals.image import read_image

refused = partial(damage.refused, read)


def test_refused_files(tmp_path):
    refused(b"", "file is empty")
    refused(b"just text", "not a picture")
    refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture")
    with pytest.raises(InputError, match="No such file"):
        read_image(tmp_path / "missing.png", "it")


def test_refused_sample_types():
    values = np.zeros((4, 4))
    refused(tiff16(values.astype(np.float32)), "floating-point")
    refused(tiff16(values.astype(np.int32)), "integer samples")
    refused(tiff16(values.astype(np.int16)), "integer samples")
    refused(tiff16(np.zeros((4, 4, 3), np.float32), photometric="rgb"), "float32")
    refused(tiff16(np.zeros((4, 4, 4), np.uint16), photometric="cielab"), "colour kind 8")
    twelve = {256: [4], 257: [4], 258: [12], 259: [1], 262: [1]}
    refused(tiff_of_one_strip(bytes(24), twelve), "integer samples")


def test_refused_arrays():
    for array in (
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.array([[{}]]),
    ):
        file = io.BytesIO()
        np.save(file, array)
        refused(file.getvalue(), "expected")


def test_no_samples():
    refused(b"P5 0 4 65535\n", "no samples")


def test_too_many_samples(monkeypatch):
    monkeypatch.setattr(sizes, "MAX_SAMPLES", 9 * 13 * 3 - 1)
    refused(saved(Image.fromarray(samples(3)), "PNG"), "13 x 9 x 3 has 351 samples")
    refused(tiff16(samples(2, 16, 20), extrasamples=[2], photometric="minisblack"), "samples")
    refused(netpbm.write(samples(3, 16)), "351 samples")
    assert read(saved(Image.fromarray(samples(1)[..., 0]), "PNG")).channels == 1


def test_bomb_is_refused_before_it_is_decoded():
    refused(b"P6 100000 100000 255\n" + bytes(100), "30000000000 samples")


def test_the_limit_of_pillow_does_not_count_and_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(
        read(saved(Image.fromarray(samples(3)), "PNG")).samples, samples(3)
    )
    refused(b"just text", "not a picture")
    assert Image.MAX_IMAGE_PIXELS == 10


DAMAGED = {
    "PNG": saved(Image.fromarray(samples(3)), "PNG", icc_profile=ICC, exif=exif(6)),
    "PNG16": png16(samples(3, 16)),
    "JPEG": saved(Image.fromarray(samples(3)), "JPEG", exif=exif(6)),
    "WEBP": saved(Image.fromarray(samples(4)), "WEBP", exif=exif(6)),
    "TIFF": saved(Image.fromarray(samples(3)), "TIFF", compression="tiff_lzw"),
    "TIFF16": tiff16(samples(2, 16), photometric="minisblack", extrasamples=[2]),
    "AVIF": saved(Image.fromarray(samples(3)), "AVIF"),
    "GIF": saved(Image.fromarray(samples(3)), "GIF"),
    "BMP": saved(Image.fromarray(samples(3)), "BMP"),
    "QOI": saved(Image.fromarray(samples(3)), "QOI"),
    "PPM16": netpbm.write(samples(3, 16)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_cut_files_are_refused(kind, capfd):
    data = DAMAGED[kind]
    for length in {1, 4, 8, 20, len(data) // 3, len(data) // 2, len(data) * 2 // 3}:
        refused(data[:length], ".")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", DAMAGED)
def test_changed_bytes_give_a_picture_or_an_input_error(kind, capfd):
    for changed in damage.changed(DAMAGED[kind], 60):
        signal = damage.read_or_refused(read, changed)
        assert signal is None or signal.samples.ndim == 3
    if kind != "TIFF":  # libtiff inside Pillow prints what it finds, and offers no way to stop it
        assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["PNG", "PNG16"])
def test_every_flipped_bit_of_a_png_is_noticed(kind):
    data = DAMAGED[kind]
    for position in range(8, len(data) - 12, 5):  # up to the last chunk, which holds nothing
        flipped = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        refused(flipped, ".")


def test_failing_stream_is_an_input_error():
    with pytest.raises(InputError, match="it: cannot be read: Input/output error"):
        read_image(damage.BrokenStream(), "it")
