"""Encoding: the only part of inrcodec that imports torch."""

from inrcodec.patience import wait_briefly

wait_briefly()

from inrcodec.encoder.encode import Encoded as Encoded  # noqa: E402 (torch reads it once)
from inrcodec.encoder.encode import encode_signal as encode_signal  # noqa: E402
from inrcodec.encoder.extension import Extended as Extended  # noqa: E402
from inrcodec.encoder.extension import extend as extend  # noqa: E402
from inrcodec.encoder.session import Progress as Progress  # noqa: E402
