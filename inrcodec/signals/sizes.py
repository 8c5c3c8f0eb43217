"""How large a picture may be: checked when its header is known, before its pixels are read."""

import math

from inrcodec.errors import InputError

# as many as a decoder accepts by default, so that what is read can be decoded again
MAX_SAMPLES = 2**28


def check_size(width: int, height: int, channels: int) -> None:
    """Raise InputError for a picture without samples or with more than MAX_SAMPLES."""
    samples = math.prod((width, height, channels))
    if samples <= 0:
        raise InputError(f"picture of {width} x {height} has no samples")
    if samples > MAX_SAMPLES:
        raise InputError(
            f"picture of {width} x {height} x {channels} has {samples} samples, "
            f"above the limit of {MAX_SAMPLES}"
        )
