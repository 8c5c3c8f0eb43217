"""Pictures in and out of files: the table of formats, the reader and the writer."""

from inrcodec.signals.image_formats import (
    FORMATS,
    READABLE_SUFFIXES,
    WRITABLE_SUFFIXES,
    ImageFormat,
    format_for,
)
from inrcodec.signals.image_read import read_image
from inrcodec.signals.image_write import write_image
from inrcodec.signals.orientation import oriented
from inrcodec.signals.sizes import MAX_SAMPLES

__all__ = [
    "FORMATS",
    "MAX_SAMPLES",
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "ImageFormat",
    "format_for",
    "oriented",
    "read_image",
    "write_image",
]
