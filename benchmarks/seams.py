"""Whether partitions show: python -m benchmarks.seams

Encodes pictures with `local-global`, decodes the files with the installed command, and compares the
squared error of samples beside another partition with that of all others. Beside docs/seams.png,
with a decoded picture, its errors and where the partitions meet, it writes results/seams.json.
"""

import tempfile
from pathlib import Path

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, ROOT, skimage_pictures
from benchmarks.kodak import encode_one
from benchmarks.tabular import markdown

_GAIN = 8  # of errors in the picture
_CROP = 192  # samples along the sides of what it shows


def at_borders(shape: tuple[int, ...], side: tuple[int, ...]) -> np.ndarray:
    """Which samples are next to one of another partition: bool of this shape."""
    beside = np.zeros(shape, dtype=bool)
    for axis, (size, step) in enumerate(zip(shape, side, strict=True)):
        lines = np.arange(step, size, step)
        index = np.concatenate([lines - 1, lines])
        beside[(slice(None),) * axis + (index,)] = True
    return beside


def ratio(error: np.ndarray, borders: np.ndarray) -> float:
    """Mean squared error at borders over that elsewhere."""
    return float(error[borders].mean() / error[~borders].mean())


def measured(
    path: Path, row: record.Row, folder: Path
) -> tuple[record.Row, tuple[np.ndarray, np.ndarray]]:
    """A row with the ratio of a picture's files in a folder; the picture and what was decoded."""
    import inrcodec
    from inrcodec.signals.image import read_image

    original = read_image(path, path.name).samples
    decoded = read_image(folder / "a.png", "a.png").samples
    side = tuple(inrcodec.info(folder / "a.inr")["side"])
    error = (decoded.astype(float) - original.astype(float)) ** 2
    found = ratio(error.mean(-1), at_borders(original.shape[:2], side))
    return row | {"side": side, "ratio": round(found, 4)}, (original, decoded)


def draw(original: np.ndarray, decoded: np.ndarray, side: tuple[int, ...], target: Path) -> None:
    """The middle of a picture: decoded, its errors, and these with the borders of partitions."""
    from PIL import Image

    (top, left), size = ((n - min(n, _CROP)) // 2 for n in original.shape[:2]), _CROP
    place = (slice(top, top + size), slice(left, left + size))
    error = 128.0 + _GAIN * (decoded.astype(float) - original.astype(float))
    error = np.clip(error, 0, 255).astype(np.uint8)
    lined = error.copy()
    lined[np.arange(side[0], len(lined), side[0])] = (255, 0, 0)
    lined[:, np.arange(side[1], lined.shape[1], side[1])] = (255, 0, 0)
    gap = np.full((min(size, len(original)), 8, 3), 255, dtype=np.uint8)
    parts = [decoded[place], gap, error[place], gap, lined[place]]
    whole = np.concatenate(parts, axis=1)
    Image.fromarray(whole).resize((2 * whole.shape[1], 2 * whole.shape[0]), 0).save(target)


def table(rows: list[record.Row]) -> str:
    """A line for each picture."""
    header = [
        "picture",
        "bpp",
        "PSNR, dB",
        "samples a partition",
        "error at borders over elsewhere",
    ]
    lines = [
        [
            row["image"],
            f"{row['bpp']:.2f}",
            f"{row['psnr_db']:.2f}",
            "x".join(map(str, row["side"])),
            f"{row['ratio']:.3f}",
        ]
        for row in rows
    ]
    return markdown(header, lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pictures", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--bpp", default=2.0, show_default=True)
@click.option("--effort", default=3, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(pictures: tuple[Path, ...], bpp: float, effort: int, threads: int) -> None:
    """Measure PICTURES, or those that come with scikit-image, of which the first is drawn too."""
    record.limit_threads(threads)
    command, rows = record.command_line("seams"), []
    settings = {"bpp": bpp, "repr": "local-global", "effort": effort, "threads": threads}
    for number, path in enumerate(pictures or skimage_pictures()):
        with tempfile.TemporaryDirectory() as folder:
            row = encode_one(path, settings, keep=Path(folder) / "a")
            row, planes = measured(path, row, Path(folder))
        rows.append(row | record.provenance(threads, command))
        click.echo(f"{path.stem}: {row['psnr_db']} dB, ratio {row['ratio']}")
        if not pictures and number == 0:
            draw(*planes, row["side"], ROOT / "docs" / "seams.png")
    record.save(RESULTS / "seams.json", command, rows)


if __name__ == "__main__":
    main()
