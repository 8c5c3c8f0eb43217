"""Encoding: the only part of inrcodec that imports torch."""

from inrcodec.encoder.encode import Encoded as Encoded
from inrcodec.encoder.encode import encode_signal as encode_signal
from inrcodec.encoder.session import Progress as Progress
