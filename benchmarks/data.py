"""Where pictures, sounds, films and meshes come from."""

import os
from collections.abc import Callable
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


# A busy picture, a calm one, and one of strong colours.
SMALL_KODAK = [5, 15, 23]
SMALL_BUNDLED = ["astronaut", "chelsea", "coffee"]


def small_set(numbers: list[int], say: Callable[[str], None]) -> tuple[list[Path], str]:
    """A few pictures and where they are from.

    Of Kodak, where they are or can be fetched (their checksums are verified); else those that come
    with scikit-image. `say` is told what happens.
    """
    from benchmarks.fetch import FetchError, destination, fetch

    folder = destination()
    names = [f"kodim{number:02d}.png" for number in numbers]
    if all((folder / name).is_file() for name in names):
        return [folder / name for name in names], "Kodak"
    try:
        for name in names:
            say(f"{name}: {'fetched' if fetch(name, folder) else 'there'}")
    except FetchError as error:
        say(f"{error}; pictures that come with scikit-image instead")
        return skimage_pictures(), "scikit-image"
    return [folder / name for name in names], "Kodak, fetched and verified"


def skimage_pictures() -> list[Path]:
    """Pictures inside the package scikit-image, RGB. Raises SystemExit without it."""
    try:
        import skimage
    except ImportError as error:
        raise SystemExit("no pictures: pip install scikit-image, or set INRCODEC_DATA") from error
    folder = Path(skimage.__file__).parent / "data"
    return [folder / f"{name}.png" for name in SMALL_BUNDLED]


def clips(names: list[str] | None = None) -> list[Path]:
    """Sounds under $INRCODEC_DATA/audio, all or those with one of `names` in their name.

    Raises SystemExit with what to do if the folder is not there.
    """
    folder = Path(os.environ.get("INRCODEC_DATA", ROOT / "data")) / "audio"
    found = sorted(path for path in folder.glob("*") if path.suffix in (".wav", ".flac"))
    if not found:
        raise SystemExit(f"{folder} has no sounds: set INRCODEC_DATA to a folder with audio/*.wav")
    return [path for path in found if not names or any(name in path.name for name in names)]


def films(names: list[str] | None = None) -> list[Path]:
    """Videos under $INRCODEC_DATA/video, all or those with one of `names` in their name.

    Raises SystemExit with what to do if the folder is not there.
    """
    folder = Path(os.environ.get("INRCODEC_DATA", ROOT / "data")) / "video"
    found = sorted(folder.glob("*.y4m"))
    if not found:
        raise SystemExit(f"{folder} has no films: set INRCODEC_DATA to a folder with video/*.y4m")
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
