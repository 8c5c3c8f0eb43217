"""TIFF with 16 bits per sample, through tifffile: all of writing, and the kinds Pillow cannot read.

Those kinds are grey with alpha, and one plane per channel.
"""

import io
import logging
from typing import Any

import numpy as np

from inrcodec.errors import InputError
from inrcodec.signals.deep_samples import divided_by_alpha
from inrcodec.signals.orientation import ORIENTATION_TAG, oriented_samples
from inrcodec.signals.sizes import check_size

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_SEPARATE_PLANES = 2
_PREMULTIPLIED = 1
_ALPHA_KINDS = (1, 2)


def read(data: bytes) -> np.ndarray:
    """Return the first page as uint16 samples (H, W, C), its orientation applied.

    Raises InputError if it is no grey or RGB picture of 8 or 16 bits.
    """
    import tifffile

    # tifffile logs what it finds wrong; without a handler that would be printed
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        _check(page)
        samples = _channels_last(page)
        tag = page.tags.get(ORIENTATION_TAG)
    return oriented_samples(samples, int(tag.value) if tag else 1)


def _check(page: Any) -> None:
    check_size(page.imagewidth, page.imagelength, page.samplesperpixel)
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        raise InputError(f"TIFF of colour kind {int(page.photometric)} is not supported")
    if page.dtype not in (np.uint8, np.uint16) or page.bitspersample not in (8, 16):
        raise InputError(f"TIFF samples of {page.bitspersample} bits, type {page.dtype}")


def _channels_last(page: Any) -> np.ndarray:
    """Return the page's samples in the order and meaning that a Signal has them."""
    samples = page.asarray()
    if samples.ndim == 3 and page.planarconfig == _SEPARATE_PLANES:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    colours = 3 if page.photometric == _RGB else 1
    extra = [int(kind) for kind in page.extrasamples[:1]]
    has_alpha = bool(extra) and extra[0] in _ALPHA_KINDS
    samples = np.ascontiguousarray(samples[..., : colours + has_alpha])
    if page.photometric == _WHITE_IS_ZERO:
        samples[..., 0] = ~samples[..., 0]
    if has_alpha and extra[0] == _PREMULTIPLIED and samples.dtype == np.uint16:
        samples = divided_by_alpha(samples)
    return samples


def write(samples: np.ndarray, icc: bytes = b"") -> bytes:
    """Return a TIFF, deflated with prediction, of uint16 samples, shape (H, W, 1 to 4)."""
    import tifffile

    colours = 3 if samples.shape[2] > 2 else 1
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        samples if samples.shape[2] > 1 else samples[..., 0],
        photometric="rgb" if colours == 3 else "minisblack",
        planarconfig="contig" if samples.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if samples.shape[2] > colours else None,
        compression="zlib",
        predictor=True,
        iccprofile=icc or None,
        metadata=None,
        software=False,
    )
    return file.getvalue()
