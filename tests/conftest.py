"""One thread for NumPy and torch, here and in child processes: sums in the same order every time.

Set before either is imported, so that tests without torch do not wait for it.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
