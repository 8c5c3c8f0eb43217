"""Samples of 16 bits, which Pillow keeps for grey pictures only.

For colour Pillow decodes 16 bits and keeps the high byte of each sample. Which byte it keeps is
said by the byte order in its "raw mode"; decoding once with each byte order gives both bytes, for
every compression that Pillow knows.
"""

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_COLOUR = ("RGB;16", "RGBA;16", "RGBa;16", "RGBX;16", "LA;16")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR = 258, 262, 284
_WHITE_IS_ZERO, _SEPARATE_PLANES = 0, 2


def rawmode(picture: "PillowImage") -> str:
    """Return the raw mode of an unloaded 16-bit colour picture, "" for all others."""
    tiles = getattr(picture, "tile", [])
    found = _rawmode(tiles[0]) if tiles else ""
    return found if found[:-1] in _COLOUR else ""


def _rawmode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])


def is_planar_tiff(picture: "PillowImage") -> bool:
    """Say whether this is a TIFF of more than 8 bits with one plane per channel."""
    tags = getattr(picture, "tag_v2", {})
    return max(tags.get(_BITS_PER_SAMPLE, (8,))) > 8 and tags.get(_PLANAR) == _SEPARATE_PLANES


def has_odd_depth(picture: "PillowImage") -> bool:
    """Say whether this is a TIFF of 9 to 15 bits per sample, whose full scale is not 65535."""
    bits = getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
    return any(8 < depth < 16 for depth in bits)


def read(data: bytes, rawmode: str) -> np.ndarray:
    """Return the uint16 samples, shape (H, W, C), of a file whose picture has this raw mode."""
    colour, order = rawmode.split(";16")
    if colour == "LA":  # 4 bytes per pixel, as RGBA of 8 bits: both bytes of each in one go
        return _load(data, "RGBA").view(">u2").astype(np.uint16)
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    # read as premultiplied colour it would be divided before both bytes are there
    layout = "RGBA" if colour == "RGBa" else colour
    high = _load(data, f"{layout};16{order}").astype(np.uint16)
    high <<= 8
    high |= _load(data, f"{layout};16{'B' if order == 'L' else 'L'}")
    return divided_by_alpha(high) if colour == "RGBa" else high


def _load(data: bytes, rawmode: str) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        picture.tile = [
            tile._replace(
                args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode
            )
            for tile in picture.tile
        ]
        picture.load()
        return np.array(picture)


def divided_by_alpha(samples: np.ndarray) -> np.ndarray:
    """Return uint16 samples whose colour, premultiplied until now, is divided by the alpha."""
    alpha = samples[..., -1:].astype(np.uint64)
    colour = (samples[..., :-1] * np.uint64(65535) + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(colour, 65535), alpha], axis=2).astype(np.uint16)


def grey(picture: "PillowImage") -> np.ndarray:
    """Return the uint16 samples of a loaded picture of mode I;16, zero being black."""
    samples = np.array(picture).astype(np.uint16)
    tags = getattr(picture, "tag_v2", {})
    return ~samples if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else samples


def with_transparency(samples: np.ndarray, transparent: object) -> np.ndarray:
    """Return samples (H, W, C) with an alpha channel added if one colour is said to be transparent.

    `transparent` is what Pillow makes of PNG's tRNS chunk: an integer or a tuple of three, or None.
    """
    if not isinstance(transparent, int | tuple) or samples.shape[2] not in (1, 3):
        return samples
    clear = (samples == np.array(transparent)).all(axis=2, keepdims=True)
    return np.concatenate([samples, np.where(clear, 0, 65535).astype(np.uint16)], axis=2)
