"""Make the golden files of a format version, once: `python tests/golden/make_golden.py v1.0`.

Golden files of a released format are never made again: an existing folder is an error. Each
NAME.inr has the samples and the integers that the second decoder, not the package, finds in it.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import spec_decoder  # noqa: E402

from inrcodec.encoder import encode_signal  # noqa: E402
from inrcodec.options import EncodeOptions  # noqa: E402
from inrcodec.signals import Signal  # noqa: E402
from inrcodec.signals.signal import Metadata  # noqa: E402

# Per name: channels, depth, size in bytes, representation, settings.
Files = dict[str, tuple[int, int, int, str, dict[str, str]]]
COORDINATES: Files = {
    "asmr_rgb8": (3, 8, 800, "asmr", {"bases": "3,2,4/4,2,4", "w0_modulator": "2"}),
    "siren_grey8": (1, 8, 600, "siren", {"frequencies": "4", "layers": "2"}),
    "doh_asmr_rgba8": (4, 8, 800, "doh", {"target": "asmr", "groups": "3"}),
    "doh_siren_rgb8": (3, 8, 700, "doh", {"target": "siren", "groups": "1"}),
    "asmr_rgb16": (3, 16, 900, "asmr", {"frequencies": "2"}),
}
PYRAMIDS: Files = {
    "pyramid_rgb8": (3, 8, 950, "pyramid", {}),
    "pyramid_grey16": (1, 16, 700, "pyramid", {}),
}
# Per version: rows and columns of the picture, settings of every fit, files.
VERSIONS: dict[str, tuple[tuple[int, int], dict[str, str], Files]] = {
    "v1.0": ((21, 30), {"steps": "1500", "learning_rate": "0.003"}, COORDINATES),
    "v1.1": ((40, 56), {"steps": "200"}, PYRAMIDS),
}


def picture(shape: tuple[int, int], channels: int, depth: int) -> Signal:
    """Waves and an edge."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [
        0.5 + 0.2 * np.sin(x / 4 + c) + 0.15 * np.cos(y / 3 - c) + 0.1 * (x + y > 20 + 4 * c)
        for c in range(channels)
    ]
    samples = np.rint(np.stack(planes, axis=-1) * (2**depth - 1))
    return Signal("image", samples.astype(np.uint8 if depth == 8 else np.uint16), Metadata())


def main(version: str) -> None:
    shape, common, files = VERSIONS[version]
    folder = HERE / version
    folder.mkdir()  # FileExistsError: golden files stay as they are
    for seed, (name, (channels, depth, size, kind, settings)) in enumerate(files.items()):
        options = EncodeOptions(size=size, repr=kind, seed=seed, settings=common | settings)
        coded = encode_signal(picture(shape, channels, depth), options)
        integers = spec_decoder.all_integers(spec_decoder.read_file(coded.data))
        (folder / f"{name}.inr").write_bytes(coded.data)
        np.save(folder / f"{name}.samples.npy", spec_decoder.decode(coded.data))
        np.save(folder / f"{name}.integers.npy", np.array(integers, dtype=np.int32))
        print(f"{name}: {len(coded.data)} bytes, {coded.psnr_db:.2f} dB")


if __name__ == "__main__":
    main(sys.argv[1])
