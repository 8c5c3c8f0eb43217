"""Make the golden files of a format version, once: `python tests/golden/make_golden.py v1.0`.

Golden files of a released format are never made again: an existing folder is an error. Each
NAME.inr has the samples and the integers that the second decoder, not the package, finds in it;
of a 4:2:0 video the chroma too.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import spec_decoder  # noqa: E402

import inrcodec  # noqa: E402
from inrcodec.encoder import encode_signal  # noqa: E402
from inrcodec.options import EncodeOptions  # noqa: E402
from inrcodec.signals import Signal  # noqa: E402
from inrcodec.signals.signal import Metadata  # noqa: E402

STEPS = {"steps": "1500", "learning_rate": "0.003"}


@dataclass(frozen=True)
class File:
    """A signal, and how it is coded: size in bytes, representation, settings, and what is done to
    the file afterwards."""

    signal: Signal
    size: int
    repr: str
    settings: dict[str, str] = field(default_factory=dict)
    changed: Callable[[bytes], bytes] = lambda data: data


def waves(shape: tuple[int, ...], channels: int) -> np.ndarray:
    """Waves and an edge, values of 0..1: (*shape, channels)."""
    *_, y, x = np.meshgrid(*map(np.arange, (1, *shape)), indexing="ij")
    planes = [
        0.5 + 0.2 * np.sin(x / 4 + c) + 0.15 * np.cos(y / 3 - c) + 0.1 * (x + y > 20 + 4 * c)
        for c in range(channels)
    ]
    return np.stack(planes, axis=-1)[0]


def picture(channels: int, depth: int, shape: tuple[int, int] = (21, 30)) -> Signal:
    samples = np.rint(waves(shape, channels) * (2**depth - 1))
    return Signal("image", samples.astype(np.uint8 if depth == 8 else np.uint16), Metadata())


def sound(length: int, channels: int, rate: int, bits: int = 16) -> Signal:
    """Tones that grow, and a little noise."""
    time = np.arange(length)[:, None]
    tones = np.sin(time * (0.2 + 0.1 * np.arange(channels))) * (0.2 + time / length / 2)
    noise = np.random.default_rng(0).normal(0, 0.01, tones.shape)
    samples = (tones + noise).astype(np.float32)
    return Signal("audio", samples, rate=Fraction(rate), bits=bits)


def film() -> Signal:
    """4:2:0 with an odd number of rows and of columns."""
    return as_420(np.rint(255 * waves((7, 13, 17), 3)).astype(np.uint8))


def as_420(frames: np.ndarray) -> Signal:
    chroma = np.ascontiguousarray(frames[:, ::2, ::2, 1:])
    return Signal("video", frames[..., :1], rate=Fraction(25), chroma=chroma)


def drifting(frames: int, shape: tuple[int, int], channels: int) -> np.ndarray:
    """Waves and an edge that drift by a sample and a quarter a frame: (frames, *shape, C)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    samples = []
    for x_now in (x - 1.25 * t for t in range(frames)):
        planes = [
            0.5
            + 0.2 * np.sin(x_now / 4 + c)
            + 0.15 * np.cos(y / 3 - c)
            + 0.1 * (x_now + y > 20 + 4 * c)
            for c in range(channels)
        ]
        samples.append(np.rint(255 * np.stack(planes, axis=-1)))
    return np.array(samples).astype(np.uint8)


def volume() -> Signal:
    samples = (40 * waves((9, 8, 7), 1) - 10).astype(np.float32)
    return Signal("volume", samples)


def mask() -> Signal:
    """A ball."""
    z, y, x = np.mgrid[-1:1:10j, -1:1:12j, -1:1:11j]
    inside = (z**2 + y**2 + x**2 < 0.6).astype(np.uint8)
    return Signal("volume", inside[..., None], bits=1)


def cut(**part: Any) -> Callable[[bytes], bytes]:
    return lambda data: inrcodec.crop(data, **part)


def continued(data: bytes) -> bytes:
    """A sound of two channels that goes on, by another network."""
    more = sound(100, 2, 8000)
    return inrcodec.extend(data, more, size=400, repr="siren", settings={"steps": "400"})


def files_of(version: str) -> dict[str, File]:
    """The files of a version by name; the order gives each its seed."""
    if version == "v1.0":
        bases = {"bases": "3,2,4/4,2,4", "w0_modulator": "2"}
        return {
            "asmr_rgb8": File(picture(3, 8), 800, "asmr", STEPS | bases),
            "siren_grey8": File(
                picture(1, 8), 600, "siren", STEPS | {"frequencies": "4", "layers": "2"}
            ),
            "doh_asmr_rgba8": File(
                picture(4, 8), 800, "doh", STEPS | {"target": "asmr", "groups": "3"}
            ),
            "doh_siren_rgb8": File(
                picture(3, 8), 700, "doh", STEPS | {"target": "siren", "groups": "1"}
            ),
            "asmr_rgb16": File(picture(3, 16), 900, "asmr", STEPS | {"frequencies": "2"}),
        }
    if version == "v1.1":
        steps = {"steps": "200"}
        return {
            "pyramid_rgb8": File(picture(3, 8, (40, 56)), 950, "pyramid", steps),
            "pyramid_grey16": File(picture(1, 16, (40, 56)), 700, "pyramid", steps),
        }
    if version == "v1.2":
        return {
            "audio_asmr": File(sound(500, 1, 8000), 900, "asmr", STEPS | {"segment": "200"}),
            # Segments of ten seconds.
            "audio_spectrum": File(
                sound(1000, 2, 36, 24), 950, "spectrum", {"hop": "32", "steps": "50"}
            ),
            "video_420_asmr": File(film(), 950, "asmr", STEPS | {"segment": "4"}),
            "volume_float_siren": File(volume(), 600, "siren", STEPS | {"frequencies": "2"}),
            "mask_asmr": File(mask(), 500, "asmr", STEPS | {"segment": "6"}),
        }
    if version == "v1.3":
        steps = {"steps": "100"}
        rgb = Signal("video", drifting(6, (17, 22), 3), rate=Fraction(30000, 1001))
        grey = Signal("video", drifting(20, (18, 25), 1), rate=Fraction(25))
        own = {"steps": "400"}
        tones = sound(600, 1, 8000)
        return {
            "film_420": File(
                as_420(drifting(7, (19, 26), 3)), 950, "film", steps | {"segment": "4"}
            ),
            "film_rgb": File(rgb, 900, "film", steps),
            # More frames than from one anchor to the next.
            "film_grey": File(grey, 800, "film", steps),
            "pyramid_window": File(
                picture(3, 8, (40, 56)), 950, "pyramid", steps, cut(region=(27, 9, 20, 18))
            ),
            "joined_sound": File(
                sound(320, 2, 8000), 450, "spectrum", {"hop": "32", "steps": "50"}, continued
            ),
            "local_global_rgb": File(
                picture(3, 8), 950, "local-global", own | {"partitions": "2,3", "group": "1,2"}
            ),
            "local_global_window": File(
                picture(3, 8),
                980,
                "local-global",
                own | {"partitions": "3,3", "group": "1,1"},
                cut(region=(3, 8, 15, 7)),
            ),
            "local_global_sound": File(
                tones, 800, "local-global", own | {"partitions": "4", "group": "3"}
            ),
            "local_global_420": File(
                film(), 950, "local-global", own | {"partitions": "2,1,2", "activation": "incode"}
            ),
            "incode_siren": File(
                picture(1, 8), 600, "siren", STEPS | {"activation": "incode", "layers": "2"}
            ),
            "incode_asmr": File(
                picture(3, 8), 800, "asmr", STEPS | {"activation": "incode", "bases": "3,2,4/4,2,4"}
            ),
        }
    if version == "v1.4":
        tiles = {"steps": "60", "tile": "128"}
        return {
            "tiles_grey": File(picture(1, 8, (135, 140)), 950, "pyramid", tiles),
            "tiles_window": File(
                picture(3, 8, (140, 150)), 1200, "pyramid", tiles, cut(region=(110, 100, 36, 34))
            ),
        }
    if version == "v1.5":
        two = {"steps": "60", "stages": "2", "width": "2"}
        return {
            "mirrored_rgb8": File(picture(3, 8, (40, 56)), 990, "pyramid", two),
            "mirrored_alpha16": File(picture(2, 16, (40, 56)), 990, "pyramid", two),
        }
    if version == "v1.8":
        tiles = {"steps": "40", "tile": "128"}
        return {
            "tiles_grey16": File(picture(1, 16, (150, 140)), 980, "grids", tiles),
            "tiles_window": File(
                picture(3, 8, (300, 280)),
                1500,
                "grids",
                tiles | {"colour_from": "2"},
                cut(region=(110, 120, 30, 20)),
            ),
        }
    if version == "v1.7":
        steps = {"steps": "40"}
        return {
            "grids_rgb8": File(picture(3, 8, (70, 56)), 990, "grids", steps),
            "grids_alpha16": File(
                picture(2, 16, (40, 57)), 1000, "grids", steps | {"colour_from": "0"}
            ),
            "grids_window": File(
                picture(4, 8, (40, 56)), 1200, "grids", steps, cut(region=(31, 20, 12, 9))
            ),
        }
    if version == "v1.6":
        own = {"steps": "300", "layers": "2"}
        return {
            "merged_rgb": File(
                picture(3, 8), 950, "local-global", own | {"partitions": "2,3", "group": "1,2"}
            ),
            "merged_sound": File(
                sound(500, 1, 8000),
                800,
                "local-global",
                own | {"partitions": "4", "group": "3", "activation": "incode"},
            ),
        }
    raise SystemExit(f"no golden files of {version}")


def main(version: str) -> None:
    files = files_of(version)
    folder = HERE / version
    folder.mkdir()  # FileExistsError: they stay as they are
    for seed, (name, file) in enumerate(files.items()):
        options = EncodeOptions(size=file.size, repr=file.repr, seed=seed, settings=file.settings)
        coded = encode_signal(file.signal, options)
        data = file.changed(coded.data)
        decoded = spec_decoder.read_file(data)
        integers = spec_decoder.all_integers(decoded)
        (folder / f"{name}.inr").write_bytes(data)
        for what, samples in zip(
            ("samples", "chroma"), spec_decoder.planes_of(decoded), strict=False
        ):
            np.save(folder / f"{name}.{what}.npy", samples)
        np.save(folder / f"{name}.integers.npy", np.array(integers, dtype=np.int32))
        print(f"{name}: {len(data)} bytes, {coded.psnr_db:.2f} dB")


if __name__ == "__main__":
    main(sys.argv[1])
