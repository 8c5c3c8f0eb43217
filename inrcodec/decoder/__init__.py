"""Decoding: NumPy only."""

from inrcodec.decoder.reader import decode as decode
from inrcodec.decoder.reader import info as info
from inrcodec.decoder.reader import verify as verify
