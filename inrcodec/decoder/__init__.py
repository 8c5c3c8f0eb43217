"""Decoding: NumPy only."""

from inrcodec.decoder.decode import decode as decode
from inrcodec.decoder.decode import info as info
from inrcodec.decoder.decode import verify as verify
