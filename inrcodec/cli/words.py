"""A signal in words, from the fields of a file's header."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inrcodec.signals import Signal

Facts = Mapping[str, Any]

CHANNELS = {1: "grey", 2: "grey+alpha", 3: "RGB", 4: "RGBA"}
SPEAKERS = {1: "mono", 2: "stereo"}
SUBSAMPLED = "ycbcr_420"
_NUMBERS = {"unsigned": "uint", "signed": "int", "float": "float"}


def facts_of(signal: "Signal") -> dict[str, Any]:
    """What `in_words` needs of a signal, as a header says it."""
    facts: dict[str, Any] = {
        "kind": signal.kind,
        "shape": list(signal.shape),
        "channels": signal.channels,
        "depth": signal.depth,
    }
    if signal.rate is not None:
        facts |= {"rate": signal.rate.numerator, "rate_seconds": signal.rate.denominator}
    if signal.chroma is not None:
        facts["layout"] = SUBSAMPLED
    if signal.kind == "volume":
        letter = signal.samples.dtype.kind
        facts["numbers"] = {"u": "unsigned", "i": "signed", "f": "float"}[letter]
    return facts


_KEPT = (
    *("bytes", "bpp", "kbps", "repr", "seed", "version", "kind", "shape", "channels", "depth"),
    *("duration_s", "effort", "rate", "rate_seconds", "layout", "numbers"),
)


def file_facts(header: Facts) -> dict[str, Any]:
    """What a command that writes a file tells of it, from what `info` says."""
    return {key: header[key] for key in _KEPT if key in header}


def in_words(facts: Facts) -> str:
    """The grid and its samples: "192x128 RGB, 8 bits", "7.0 s, 44.1 kHz mono, 16 bits",
    "96 frames, 176x144 4:2:0, 29.97 fps", "97x128x128 mask"."""
    return _WORDS[facts["kind"]](facts)


def rate_of(facts: Facts) -> float | None:
    """Samples or frames per second; None for what has no rate."""
    return facts["rate"] / facts["rate_seconds"] if facts.get("rate") else None


def rate_in_words(facts: Facts) -> str:
    """The rate of a file: kilobits per second, or bits per pixel where there are no seconds."""
    return f"{facts['kbps']:.2f} kbps" if "kbps" in facts else f"{facts['bpp']:.3f} bpp"


def _picture(facts: Facts) -> str:
    return f"{_size(facts['shape'])} {CHANNELS[facts['channels']]}, {facts['depth']} bits"


def _audio(facts: Facts) -> str:
    channels = facts["channels"]
    speakers = SPEAKERS.get(channels, f"{channels} channels")
    rate = rate_of(facts)
    if rate is None:
        return f"{facts['shape'][0]} samples, {speakers}, {facts['depth']} bits"
    duration = in_seconds(facts["shape"][0] / rate)
    return f"{duration}, {rate / 1000:g} kHz {speakers}, {facts['depth']} bits"


def in_seconds(duration: float) -> str:
    """A time to a tenth of a second, or a thousandth of a short one: "7.0 s"."""
    return f"{duration:.1f} s" if duration >= 1 else f"{duration:.3f} s"


def _video(facts: Facts) -> str:
    frames, *sides = facts["shape"]
    colours = "4:2:0" if facts.get("layout") == SUBSAMPLED else CHANNELS[facts["channels"]]
    rate = rate_of(facts)
    text = f"{frames} frame{'' if frames == 1 else 's'}, {_size(sides)} {colours}"
    return text if rate is None else f"{text}, {rate:.5g} fps"


def _volume(facts: Facts) -> str:
    numbers = f"{_NUMBERS[facts['numbers']]}{facts['depth']}"
    channels = f" {facts['channels']} channels," if facts["channels"] > 1 else ""
    return f"{_size(facts['shape'])}{channels} {'mask' if facts['depth'] == 1 else numbers}"


def _size(shape: Any) -> str:
    return "x".join(str(side) for side in reversed(shape))


_WORDS = {"image": _picture, "audio": _audio, "video": _video, "volume": _volume}
