"""ICC profiles, EXIF blocks and orientation of pictures that are read."""

import io

import numpy as np
import pytest
from picture_files import ICC, exif, read, samples, saved, tiff16, written
from PIL import Image

from inrcodec.signals import Metadata, Signal
from inrcodec.signals.orientation import EXIF_PREFIX, orientation, oriented, upright


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
def test_metadata_is_kept_byte_for_byte(format_name):
    picture = Image.fromarray(samples(3))
    metadata = read(saved(picture, format_name, icc_profile=ICC, exif=exif(6))).metadata
    assert metadata.icc == ICC
    assert metadata.exif.removeprefix(EXIF_PREFIX) == exif(6).removeprefix(EXIF_PREFIX)


def test_metadata_of_sixteen_bit_png():
    data = written(Signal("image", samples(3, 16), Metadata(ICC, exif(3))), "png")
    assert read(data).metadata == Metadata(ICC, exif(3))


def test_metadata_of_avif():
    data = saved(Image.fromarray(samples(3)), "AVIF", icc_profile=ICC, exif=exif(6))
    metadata = read(data).metadata
    assert metadata.icc == ICC
    assert orientation(metadata.exif) == 6
    assert b"a description" in metadata.exif


def test_no_metadata_is_empty():
    for format_name in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "BMP", "GIF"):
        assert read(saved(Image.fromarray(samples(3)), format_name)).metadata == Metadata()


def test_tiff_is_turned_upright_and_keeps_its_descriptive_tags():
    tags = Image.Exif()
    tags[0x010E], tags[0x0112] = "a description", 6
    signal = read(saved(Image.fromarray(samples(3)), "TIFF", icc_profile=ICC, exif=tags))
    np.testing.assert_array_equal(signal.samples, np.rot90(samples(3), -1))
    kept = Image.Exif()
    kept.load(signal.metadata.exif)
    assert dict(kept) == {0x010E: "a description"}
    assert signal.metadata.icc == ICC


@pytest.mark.parametrize("channels", [2, 3])
def test_sixteen_bit_tiff_is_turned_upright(channels):
    stored = samples(channels, 16)
    photometric = "rgb" if channels == 3 else "minisblack"
    extra = None if channels == 3 else ["unassalpha"]
    turn = [(274, "H", 1, 6, True)]
    data = tiff16(
        stored, photometric=photometric, extrasamples=extra, planarconfig="contig", extratags=turn
    )
    signal = read(data)
    np.testing.assert_array_equal(signal.samples, np.rot90(stored, -1))
    assert orientation(signal.metadata.exif) == 1


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientations_are_pillow_s(turn):
    from PIL import ImageOps

    data = saved(Image.fromarray(samples(3)), "PNG", icc_profile=ICC, exif=exif(turn))
    shown = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    stored = read(data)
    np.testing.assert_array_equal(stored.samples, samples(3))
    turned = oriented(stored)
    np.testing.assert_array_equal(turned.samples, shown)
    assert orientation(turned.metadata.exif) == 1
    assert turned.metadata.icc == ICC
    bare = read(data, keep_metadata=False)
    np.testing.assert_array_equal(bare.samples, shown)
    assert bare.metadata == Metadata()


def test_turning_changes_the_tag_alone():
    block = exif(6)
    changed = [(a, b) for a, b in zip(block, upright(block), strict=True) if a != b]
    assert changed == [(6, 1)]


@pytest.mark.parametrize(
    ("block", "turn"),
    [
        (b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0", 8),
        (b"II*\0\x08\0\0\0\x01\0\x12\x01\x04\0\x01\0\0\0\x08\0\0\0", 8),  # LONG
        (b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x01\0\0\0\x08\0\0\0", 1),  # ASCII
        (b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0", 1),  # out of range
        (b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 1),  # cut short
        (b"II*\0\xff\xff\xff\xff", 1),  # pointing away
        (b"II*\0", 1),
        (b"garbage", 1),
        (b"", 1),
        (exif(), 1),  # no such tag
    ],
)
def test_orientation_of_odd_blocks(block, turn):
    assert orientation(block) == turn
    assert orientation(upright(block)) == 1
    assert len(upright(block)) == len(block)


def test_tags_that_cannot_be_read_do_not_cost_the_picture(monkeypatch):
    def broken(self):
        raise ValueError("broken tags")

    data = saved(Image.fromarray(samples(3)), "TIFF", exif=exif())
    monkeypatch.setattr(Image.Exif, "tobytes", broken)
    signal = read(data)
    assert signal.metadata.exif == b""
    np.testing.assert_array_equal(signal.samples, samples(3))
