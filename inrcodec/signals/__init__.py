"""How a file becomes samples on a grid, and back. What reads and writes is imported by its module:
a decoder of films needs no reader of pictures."""

from inrcodec.signals.signal import Metadata as Metadata
from inrcodec.signals.signal import Signal as Signal
