"""Where test pictures come from."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


def kodak(numbers: list[int] | None = None) -> list[Path]:
    """Kodak pictures under $INRCODEC_DATA/kodak, all 24 or those numbered 1..24.

    Raises SystemExit with what to do if the folder is not there.
    """
    root = Path(os.environ.get("INRCODEC_DATA", ROOT / "data"))
    wanted = numbers or list(range(1, 25))
    paths = [root / "kodak" / f"kodim{number:02d}.png" for number in wanted]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise SystemExit(
            f"{missing[0]} is missing: set INRCODEC_DATA to a folder with kodak/kodim01.png ...,"
            " or run python -m benchmarks.fetch"
        )
    return paths


def clips(names: list[str] | None = None) -> list[Path]:
    """Sounds under $INRCODEC_DATA/audio, all or those with one of `names` in their name.

    Raises SystemExit with what to do if the folder is not there.
    """
    folder = Path(os.environ.get("INRCODEC_DATA", ROOT / "data")) / "audio"
    found = sorted(path for path in folder.glob("*") if path.suffix in (".wav", ".flac"))
    if not found:
        raise SystemExit(f"{folder} has no sounds: set INRCODEC_DATA to a folder with audio/*.wav")
    return [path for path in found if not names or any(name in path.name for name in names)]


def shape(name: str) -> Path:
    """A mesh under $INRCODEC_DATA/shapes. Raises SystemExit if it is not there."""
    path = Path(os.environ.get("INRCODEC_DATA", ROOT / "data")) / "shapes" / name
    if not path.is_file():
        raise SystemExit(f"{path} is missing: set INRCODEC_DATA to a folder with shapes/*.obj")
    return path


def bundled() -> list[Path]:
    """Pictures that come with the repository."""
    return sorted((ROOT / "examples").glob("*.png"))
