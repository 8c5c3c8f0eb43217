"""How near one signal is to another, whatever their kind."""

from collections.abc import Callable, Mapping

from inrcodec import metrics
from inrcodec.errors import InputError
from inrcodec.sample_metrics import audio_metrics, volume_metrics
from inrcodec.signals.signal import Signal
from inrcodec.video_metrics import video_metrics, video_psnr

Measures = dict[str, float | None]
_Measure = Callable[[Signal, Signal], Measures]


def _image_psnr(reference: Signal, test: Signal) -> Measures:
    return {"psnr_db": metrics.psnr(reference, test)}


_MEASURES: dict[str, _Measure] = {
    "image": metrics.compare,
    "audio": audio_metrics,
    "video": video_metrics,
    "volume": volume_metrics,
}
_QUICK = _MEASURES | {"image": _image_psnr, "video": video_psnr}


def compare(reference: Signal, test: Signal) -> Measures:
    """Return the measures of `test` against `reference` that their kind has.

    Pictures: as `metrics.compare`, which turns them upright first; sounds: as `audio_metrics`;
    videos, frame by frame at whatever rates: as `video_metrics`; volumes: as `volume_metrics`.
    InputError if kinds, shapes, channels or rates differ, or if there are no measures for the kind.
    """
    return _measured(_MEASURES, reference, test)


def compare_quickly(reference: Signal, test: Signal) -> Measures:
    """Return what `compare` does, but for SSIM and MS-SSIM; pictures are taken as they lie."""
    return _measured(_QUICK, reference, test)


def _measured(measures: Mapping[str, _Measure], reference: Signal, test: Signal) -> Measures:
    if reference.kind != test.kind:
        raise InputError(f"cannot compare {reference.kind} with {test.kind}")
    if reference.kind not in measures:
        raise InputError(f"no measures for {reference.kind}")
    # a folder of frames, or an animation, does not keep the rate of the film that it was made of
    if reference.kind != "video" and reference.rate != test.rate:
        raise InputError(f"cannot compare {_rate(reference)} with {_rate(test)}")
    # pictures are turned first, and videos of other planes are compared as RGB
    if reference.kind in ("audio", "volume") and reference.samples.shape != test.samples.shape:
        raise InputError(f"cannot compare {_size(reference)} with {_size(test)}")
    return measures[reference.kind](reference, test)


def _size(signal: Signal) -> str:
    return " x ".join(str(size) for size in (*signal.shape, signal.channels))


def _rate(signal: Signal) -> str:
    return "no rate" if signal.rate is None else f"{float(signal.rate):.8g} per second"
