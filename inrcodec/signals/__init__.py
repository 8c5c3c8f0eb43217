"""How a file becomes samples on a grid, and back."""

from inrcodec.signals.depth import with_depth
from inrcodec.signals.image import read_image, write_image
from inrcodec.signals.orientation import oriented
from inrcodec.signals.signal import Metadata, Signal

__all__ = ["Metadata", "Signal", "oriented", "read_image", "with_depth", "write_image"]
