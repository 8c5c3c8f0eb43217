"""Which representation a signal is encoded by."""

import math

from inrcodec.container.metadata import pack_metadata
from inrcodec.errors import OptionError
from inrcodec.options import SETTINGS_OF, EncodeOptions
from inrcodec.signals.signal import Signal

# Bytes of a file from which `auto` is a pyramid.
_LEAST_PYRAMID = 800
# Bytes from which, samples of a channel up to which, and efforts at which it is latent grids:
# these have larger networks, and need more steps than larger pictures get.
_LEAST_GRIDS, _MOST_GRIDS_SAMPLES, _GRIDS_EFFORT = 10_000, 2**20, 8
# Representations by latents.
_LATENTS = {"image": "pyramid", "audio": "spectrum", "video": "film"}
_KIND_OF = {"grids": "image"} | {name: kind for kind, name in _LATENTS.items()}


def representation(signal: Signal, options: EncodeOptions, budget: int | None) -> str:
    """The representation to use for a budget in bytes (None: a quality, or settings, fix the size).

    `auto` is what measured best at every rate tried (benchmarks/results): the spectrum for audio,
    the film for video, the pyramid for images. Long fits of images without a time limit are latent
    grids, where these come out better than a pyramid. It is ASMR for images whose files a
    pyramid's own tables would fill, for volumes, and with settings that only coordinate networks
    have. Raises OptionError for a representation that is not for this kind of signal, and for
    settings that the representation does not have.
    """
    if options.repr != "auto":
        if _KIND_OF.get(options.repr, signal.kind) != signal.kind:
            raise OptionError(f"repr = {options.repr} is not for {signal.kind}")
        return _with_settings([options.repr], signal, options)
    return _with_settings(_best_first(signal, options, budget), signal, options)


def _best_first(signal: Signal, options: EncodeOptions, budget: int | None) -> list[str]:
    best = _LATENTS.get(signal.kind, "asmr")
    if signal.kind == "image" and budget is not None:
        spare = budget - len(pack_metadata(signal.metadata))
        if spare < _LEAST_PYRAMID:
            return ["asmr", best]
        if spare >= _LEAST_GRIDS and _is_long_fit(signal, options):
            return ["grids", best, "asmr"]
    return [best, "asmr"]


def _is_long_fit(signal: Signal, options: EncodeOptions) -> bool:
    small = math.prod(signal.shape) <= _MOST_GRIDS_SAMPLES
    return options.effort >= _GRIDS_EFFORT and options.time_limit is None and small


def _with_settings(names: list[str], signal: Signal, options: EncodeOptions) -> str:
    """The first representation that has all settings that are given. Raises OptionError."""
    given = set(options.settings)
    one_segment = {"segment"} if signal.kind == "image" else set()
    known = {name: SETTINGS_OF[name] - one_segment for name in names}
    for name in names:
        if given <= known[name]:
            return name
    first = names[0]
    raise OptionError(
        f"setting {min(given - known[first])} is not for {signal.kind} by {first}; settings of "
        f"that: {', '.join(sorted(known[first]))}"
    )
