"""Make the C library keep pages between the steps of a fit and the stripes of a decode."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_pages() -> None:
    """Ask glibc not to give large blocks back at once; elsewhere do nothing.

    A fit step frees and allocates the same tens of megabytes: without this the kernel clears
    fresh pages for each of them (benchmarks/planning.py).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    # Not a threshold: glibc takes none above 32 MiB, and films have tensors twice as large.
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
