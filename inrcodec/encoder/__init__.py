"""Encoding: the only part of inrcodec that imports torch."""

from inrcodec.encoder.encode import Encoded as Encoded
from inrcodec.encoder.encode import encode_signal as encode_signal
from inrcodec.encoder.extension import Extended as Extended
from inrcodec.encoder.extension import extend as extend
from inrcodec.encoder.session import Progress as Progress
