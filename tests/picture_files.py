"""Picture files to test with, made by other libraries than the code under test uses."""

import io
import struct

import numpy as np
import png
import tifffile
from PIL import Image

from inrcodec.signals.image import read_image, write_image

ICC = b"an ICC profile, never looked into"


def samples(channels, depth=8, height=9, width=13):
    rng = np.random.default_rng(channels)
    return rng.integers(0, 2**depth, (height, width, channels), dtype=f"u{depth // 8}")


def exif(turn=None):
    block = Image.Exif()
    block[0x010E] = "a description"
    if turn:
        block[0x0112] = turn
    return block.tobytes()


def saved(picture, format_name, **options):
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def read(data, **options):
    return read_image(io.BytesIO(data), "it", **options)


def written(signal, format_name, **options):
    file = io.BytesIO()
    write_image(signal, file, "it", format_name, **options)
    return file.getvalue()


def png16(array, **options):
    """A 16-bit PNG by pypng, which shares no code with the reader under test."""
    height, width, channels = array.shape
    file = io.BytesIO()
    writer = png.Writer(
        width, height, greyscale=channels < 3, alpha=channels in (2, 4), bitdepth=16, **options
    )
    writer.write(file, array.reshape(height, -1).tolist())
    return file.getvalue()


def tiff16(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def tiff_of_one_strip(strip, tags):
    """A little-endian TIFF in which all tags are SHORTs; `tags` are those that vary."""
    bits = tags[258]
    bits_offset = 8 + len(strip)
    directory_offset = bits_offset + 2 * len(bits)
    tags = {**tags, 273: [8], 277: [len(bits)], 278: tags[257], 279: [len(strip)], 284: [1]}
    entries = b""
    for tag, values in sorted(tags.items()):
        inline = len(values) == 1
        payload = struct.pack("<HH", values[0], 0) if inline else struct.pack("<I", bits_offset)
        entries += struct.pack("<HHI", tag, 3, len(values)) + payload
    head = b"II*\0" + struct.pack("<I", directory_offset)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return head + strip + struct.pack(f"<{len(bits)}H", *bits) + directory
