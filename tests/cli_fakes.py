"""Stand-ins for the encoder and the decoder, so that the command line is tested by itself."""

import io
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from inrcodec.cli import main
from inrcodec.cli.words import facts_of
from inrcodec.errors import Corrupt, NotInr
from inrcodec.signals import Signal

MAGIC = b"\x89INR"
HEADER = {
    "version": "1.0",
    "kind": "image",
    "shape": [16, 24],
    "channels": 3,
    "depth": 8,
    "bpp": 0.5,
    "repr": "asmr",
    "seed": 0,
    "effort": 1,
    "bases": [[4, 4], [4, 6]],
    "sections": [{"type": 1, "name": "HEAD", "offset": 12, "bytes": 30}],
}


@dataclass(frozen=True)
class Progress:
    """An update as the encoder sends it."""

    phase: str = "fit"
    fraction: float = 0.5
    eta_s: float | None = 75.0
    psnr_db: float | None = 31.4159
    size_bytes: int | None = 912


@dataclass(frozen=True)
class Encoded:
    """A result as the encoder returns it."""

    data: bytes = MAGIC + b"coded"
    psnr_db: float = 31.0
    seconds: float = 0.25
    representation: str = "asmr"
    stopped: bool = False
    steps: int = 100
    measures: dict = field(default_factory=dict)


class FakeCodec:
    """Records what it is asked; `on_encode` may be replaced to misbehave."""

    def __init__(self) -> None:
        self.encodes: list = []
        self.decodes: list = []
        self.on_encode = lambda progress, stop: Encoded()
        rng = np.random.default_rng(0)
        self.holds(Signal("image", rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)))

    def holds(self, signal, **fields):
        """From now on every file holds this signal, and its header has these fields."""
        self.signal = signal
        self.header = {**HEADER, **facts_of(signal), **fields}

    def encode_signal(self, signal, options, progress=None, stop=None):
        self.encodes.append((signal, options))
        return self.on_encode(progress, stop)

    def decode(self, data, **options):
        self.info(data)
        self.decodes.append(options)
        return self.signal

    def info(self, data, *, limits=None, ignore_checksum=False):
        if not data.startswith(MAGIC):
            raise NotInr("file begins with other bytes")
        if b"damaged" in data and not ignore_checksum:
            raise Corrupt("section WEIGHTS: checksum is wrong")
        return {"bytes": len(data), **self.header}


def install(monkeypatch: pytest.MonkeyPatch) -> FakeCodec:
    """Put a fake codec in the place of inrcodec.encoder and inrcodec.decoder."""
    codec = FakeCodec()
    encoder = types.ModuleType("inrcodec.encoder")
    encoder.encode_signal = codec.encode_signal
    decoder = types.ModuleType("inrcodec.decoder")
    decoder.decode, decoder.info = codec.decode, codec.info
    decoder.verify = lambda data, *, limits: codec.info(data, limits=limits)
    monkeypatch.setitem(sys.modules, "inrcodec.encoder", encoder)
    monkeypatch.setitem(sys.modules, "inrcodec.decoder", decoder)
    return codec


def call(*arguments: object, stdin: bytes | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin, prog_name="inrcodec")


def picture_bytes(format: str = "png") -> bytes:
    """A 24x16 RGB picture with a gradient, as a file."""
    rows, columns = np.mgrid[0:16, 0:24]
    samples = np.stack([rows * 15, columns * 10, rows + columns], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, format)
    return buffer.getvalue()


def make_picture(path: Path) -> Path:
    """Write the picture to `path` and return it."""
    path.write_bytes(picture_bytes())
    return path


def make_inr(path: Path, data: bytes = b"coded") -> Path:
    """Write a file that the fake decoder takes (or finds "damaged") and return its path."""
    path.write_bytes(MAGIC + data)
    return path


def describe_picture(file) -> tuple[str, tuple[int, int], str]:
    """Format, (width, height) and mode of a picture in a path or an open file."""
    with Image.open(file) as image:
        return str(image.format), image.size, image.mode
