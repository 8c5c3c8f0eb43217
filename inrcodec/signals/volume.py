"""Volumes in and out of files: the table of formats, the reader and the writer."""

from inrcodec.signals.volume_read import is_volume, read_volume
from inrcodec.signals.volume_write import VOLUME_FORMATS, volume_format_for, write_volume

__all__ = ["VOLUME_FORMATS", "is_volume", "read_volume", "volume_format_for", "write_volume"]
