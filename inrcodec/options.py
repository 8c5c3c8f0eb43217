"""What a user may ask of the encoder; free of torch, so that the command line can build it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inrcodec.errors import OptionError

REPRESENTATIONS = (
    "auto",
    "asmr",
    "doh",
    "siren",
    "local-global",
    "pyramid",
    "grids",
    "spectrum",
    "film",
)
ACTIVATIONS = ("sine", "incode")
RATES = ("bpp", "kbps", "size", "psnr")
DEVICES = ("auto", "cpu", "cuda")
# Rates where none is asked for: bits per pixel or voxel, kilobits per second and channel.
DEFAULT_BPP = {"image": 0.3, "video": 0.1, "volume": 0.1}
DEFAULT_KBPS = 48.0

# Expert keys of --set: what each means and the type of its value.
SETTINGS: dict[str, tuple[type, str]] = {
    "width": (
        int,
        "units per layer, of a pyramid in each flip; planned from the budget when absent",
    ),
    "layers": (int, "sine layers, or ReLU layers of a pyramid's finest network"),
    "bases": (str, "ASMR bases, one list per axis: 4,4,4,8/4,4,6,8"),
    "cell": (int, "last base of a planned ASMR network: samples per cell and axis"),
    "target": (str, "network that D'OH generates: asmr or siren"),
    "latent": (int, "latents of a D'OH file; planned from the budget when absent"),
    "groups": (int, "parts of the latent; 1 is the paper's dense projection"),
    "ratio": (float, "generated weights per latent when width is planned"),
    "distil": (float, "share of a D'OH fit spent on the target itself before projecting it"),
    "frequencies": (int, "octaves of positional encoding, 0 for none"),
    "w0": (int, "frequency factor of the first layer"),
    "w0_hidden": (int, "frequency factor of the other layers"),
    "w0_modulator": (int, "extra frequency factor of ASMR's modulators"),
    "bits": (float, "bits per stored number that the width is planned for"),
    "context_width": (int, "units of the networks that predict latents of grids"),
    "colour_from": (int, "finest level of grids that channels after the first have"),
    "levels": (int, "fixed number of quantisation levels per tensor"),
    "steps": (int, "optimisation steps"),
    "stages": (int, "levels of a pyramid that have a network, the finest first, or 0 for none"),
    "tile": (int, "samples along the sides of tiles of latents, or 0 for none"),
    "batch": (int, "rows in one step: cells of ASMR, pixels of SIREN, pixels a partition"),
    "learning_rate": (float, "peak learning rate"),
    "partitions": (str, "partitions of local-global along each axis: 16,24; planned when absent"),
    "group": (str, "partitions that are coded together along each axis: 2,2"),
    "global_share": (float, "share of the weights that all partitions use together"),
    "w0_global": (int, "frequency factor of the global network's first layer"),
    "activation": (str, "sine, or incode: sines with four learned scalars"),
    "hop": (int, "samples from frame to frame of a spectrum; planned when absent"),
    "block": (int, "samples from one vector of a film's motion to the next; tried when absent"),
    "segment": (int, "samples or frames of a segment; planned when absent"),
}

_SIZES = {"width", "layers", "w0", "w0_hidden", "bits", "levels", "activation"}
_SINES = frozenset({*_SIZES, "steps", "batch", "learning_rate"})
_SIREN = _SINES | {"frequencies", "segment"}
_ASMR = _SIREN | {"bases", "cell", "w0_modulator"}
# The settings that each representation has.
SETTINGS_OF: dict[str, frozenset[str]] = {
    "siren": _SIREN,
    "asmr": _ASMR,
    "doh": _ASMR | {"target", "latent", "groups", "ratio", "distil"},
    "local-global": _SINES | {"partitions", "group", "global_share", "w0_global"},
    "pyramid": frozenset({"width", "layers", "stages", "steps", "tile"}),
    "grids": frozenset({"width", "context_width", "colour_from", "steps", "tile"}),
    "spectrum": frozenset({"hop", "steps"}),
    "film": frozenset({"block", "segment", "steps"}),
}

# Settings of few values: the format's, and 0 for no tiles.
CHOICES: dict[str, tuple[int, ...]] = {
    "hop": tuple(2**n for n in range(5, 15)),
    "block": tuple(2**n for n in range(2, 8)),
    "tile": (0, *(2**n for n in range(7, 17))),
}
# Open intervals of the settings that do not just have to be above 0 and finite; those of numbers
# that the file holds are the format's.
RANGES: dict[str, tuple[float, float]] = {
    "width": (0, 2**12 + 1),
    "context_width": (0, 2**12 + 1),
    "colour_from": (-1, 17),
    "layers": (0, 65),
    "latent": (0, 2**26 + 1),
    "groups": (0, 2**16 + 1),
    "w0": (0, 2**12 + 1),
    "w0_hidden": (0, 2**12 + 1),
    "w0_modulator": (0, 2**12 + 1),
    "w0_global": (0, 2**12 + 1),
    "global_share": (0, 1),
    "distil": (0, 1),
    "frequencies": (-1, 17),
    "levels": (1, 2**16 + 1),
    "ratio": (0, 1000),
    "stages": (-1, 17),
}


@dataclass(frozen=True)
class EncodeOptions:
    """One encode's request. At most one of `bpp` (bits per grid point), `kbps` (kilobits per second
    of audio or video), `size` (bytes), `psnr` (dB); none: a default of the kind of signal.

    `time_limit` in seconds; `threads` None: as many as torch has, all cores
    unless it was told otherwise; `settings` are expert keys as text.
    Raises OptionError for a value out of range, more than one rate, or an unknown setting.
    """

    bpp: float | None = None
    kbps: float | None = None
    size: int | None = None
    psnr: float | None = None
    repr: str = "auto"
    effort: int = 5
    time_limit: float | None = None
    seed: int = 0
    threads: int | None = None
    device: str = "auto"
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rates = [name for name in RATES if getattr(self, name) is not None]
        if len(rates) > 1:
            raise OptionError(f"{rates[0]} and {rates[1]} exclude one another")
        for name in rates:
            rate = getattr(self, name)
            _require(0 < rate < math.inf, name, rate, "above 0 and finite")
        _require(self.repr in REPRESENTATIONS, "repr", self.repr, " or ".join(REPRESENTATIONS))
        _require(self.device in DEVICES, "device", self.device, " or ".join(DEVICES))
        _require(1 <= self.effort <= 9, "effort", self.effort, "1 to 9")
        _require(0 <= self.seed < 2**64, "seed", self.seed, "0 to 2^64 - 1")
        _require(self.threads is None or self.threads > 0, "threads", self.threads, "above 0")
        limit = self.time_limit
        _require(limit is None or limit > 0, "time_limit", limit, "above 0 seconds")
        for key in self.settings:
            self.setting(key)
        activation = str(self.setting("activation") or ACTIVATIONS[0])
        allowed = " or ".join(ACTIVATIONS)
        _require(activation in ACTIVATIONS, "setting activation", activation, allowed)

    def setting(self, key: str) -> "int | float | str | None":
        """Parsed value of an expert setting, None when it was not given."""
        if key not in SETTINGS:
            raise OptionError(f"unknown setting {key!r}; known: {', '.join(sorted(SETTINGS))}")
        if key not in self.settings:
            return None
        kind = SETTINGS[key][0]
        try:
            value = kind(self.settings[key])
        except ValueError:
            text = self.settings[key]
            raise OptionError(f"setting {key} = {text!r} is not {kind.__name__}") from None
        if key in CHOICES:
            _require(value in CHOICES[key], f"setting {key}", value, one_of(CHOICES[key]))
        elif kind is not str:
            low, high = RANGES.get(key, (0, math.inf))
            good = low < value < high
            _require(good, f"setting {key}", value, f"between {low} and {high}, both excluded")
        return value

    def number(self, key: str, default: int) -> int:
        """An integer setting or its default."""
        value = self.setting(key)
        return default if value is None else int(value)

    def real(self, key: str, default: float) -> float:
        """A real setting or its default."""
        value = self.setting(key)
        return default if value is None else float(value)

    @property
    def learned(self) -> bool:
        """Whether sines have learned scalars."""
        return self.setting("activation") == "incode"


def one_of(values: Sequence[object]) -> str:
    """Values in words."""
    *most, last = map(str, values)
    return f"{', '.join(most)} or {last}"


def _require(good: bool, name: str, value: object, allowed: str) -> None:
    if not good:
        raise OptionError(f"{name} = {value} is not {allowed}")
