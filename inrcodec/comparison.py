"""How near one signal is to another, whatever their kind."""

from collections.abc import Callable

from inrcodec import metrics
from inrcodec.errors import InputError
from inrcodec.sample_metrics import audio_metrics, volume_metrics
from inrcodec.signals.signal import Signal

Measures = dict[str, float | None]

_MEASURES: dict[str, Callable[[Signal, Signal], Measures]] = {
    "image": metrics.compare,
    "audio": audio_metrics,
    "volume": volume_metrics,
}


def compare(reference: Signal, test: Signal) -> Measures:
    """Return the measures of `test` against `reference` that their kind has.

    Pictures: as `metrics.compare`, which turns them upright first; sounds: as `audio_metrics`;
    volumes: as `volume_metrics`. InputError if kinds, shapes, channels or rates differ, or if
    there are no measures for the kind.
    """
    if reference.kind != test.kind:
        raise InputError(f"cannot compare {reference.kind} with {test.kind}")
    if reference.kind not in _MEASURES:
        raise InputError(f"no measures for {reference.kind}")
    if reference.rate != test.rate:
        raise InputError(f"cannot compare {_rate(reference)} with {_rate(test)}")
    if reference.kind != "image" and reference.samples.shape != test.samples.shape:
        raise InputError(f"cannot compare {_size(reference)} with {_size(test)}")
    return _MEASURES[reference.kind](reference, test)


def _size(signal: Signal) -> str:
    return " x ".join(str(size) for size in (*signal.shape, signal.channels))


def _rate(signal: Signal) -> str:
    return "no rate" if signal.rate is None else f"{float(signal.rate):.8g} per second"
