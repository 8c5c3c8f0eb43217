"""Shapes, measured on decoded files: python -m benchmarks.shapes --size 6000 --size 12000

A mesh is voxelised, its occupancy encoded within a size in bytes by each representation, the file
decoded by the installed command and compared: IoU of the voxels. With --picture the mesh that comes
back from the largest ASMR file is drawn beside the original's. A run that is stopped goes on where
it was.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from benchmarks import record
from benchmarks.data import RESULTS, ROOT, shape
from benchmarks.tabular import markdown

if TYPE_CHECKING:
    from inrcodec.signals import Signal

KINDS = ("asmr", "siren", "doh")


def encode_one(
    path: Path, resolution: int, size: int, representation: str, effort: int
) -> tuple[record.Row, "Signal"]:
    """Encode a mesh, decode the file with the installed command, measure; the decoded voxels."""
    from inrcodec.comparison import compare
    from inrcodec.encoder import encode_signal
    from inrcodec.options import EncodeOptions
    from inrcodec.signals.mesh import read_mesh
    from inrcodec.signals.volume import read_volume

    signal = read_mesh(path, path.name, resolution)
    options = EncodeOptions(size=size, repr=representation, effort=effort)
    made = encode_signal(signal, options)
    with tempfile.TemporaryDirectory() as folder:
        file, back = Path(folder) / "a.inr", Path(folder) / "a.npy"
        file.write_bytes(made.data)
        started = time.perf_counter()
        command = [sys.executable, "-m", "inrcodec", "decode", str(file), "-o", str(back), "-q"]
        subprocess.run(command, check=True)
        decode_s = time.perf_counter() - started
        decoded, written = read_volume(back, back.name), file.stat().st_size
    row = {
        "shape": path.stem,
        "resolution": resolution,
        "asked_size": size,
        "repr": made.representation,
        "effort": effort,
        "bytes": written,
        "iou": compare(signal, decoded)["iou"],
        "encode_s": round(made.seconds, 1),
        "decode_s": round(decode_s, 2),
    }
    return row, decoded


def draw(original: "Signal", decoded: "Signal", target: Path) -> None:
    """The surfaces of two masks side by side, shaded by their normals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    from inrcodec.signals.mesh import mesh_of

    figure = pyplot.figure(figsize=(9, 5))
    for place, (label, mask) in enumerate((("original", original), ("decoded", decoded)), 1):
        vertices, faces = mesh_of(mask)
        triangles = vertices[faces][:, :, [2, 0, 1]]
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
        shade = 0.35 + 0.6 * np.abs(normals @ np.array([0.5, -0.7, 0.5]))
        axes = figure.add_subplot(1, 2, place, projection="3d")
        axes.add_collection3d(
            Poly3DCollection(triangles, facecolors=np.outer(shade, (0.7, 0.75, 0.8)))
        )
        low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
        axes.set(
            xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]), title=label
        )
        axes.set_box_aspect(high - low)
        axes.view_init(elev=10, azim=-70, roll=180)
        axes.set_axis_off()
    figure.tight_layout()
    figure.savefig(target, dpi=90)


def table(rows: list[record.Row]) -> str:
    """IoU by size, a line for each representation."""
    sizes = sorted({row["asked_size"] for row in rows})
    lines = []
    for (name, kind), members in record.grouped(rows, "shape", "repr").items():
        found = {row["asked_size"]: row for row in members}
        cells = [f"{found[size]['iou']:.4f}" if size in found else "-" for size in sizes]
        seconds = f"{record.mean(members, 'encode_s'):.0f}"
        lines.append([f"{name}, {kind}", *cells, seconds])
    return markdown(["", *(f"IoU at {size / 1000:g} kB" for size in sizes), "s per encode"], lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--size", "sizes", type=int, multiple=True, default=[3000, 6000, 12000])
@click.option("--repr", "kinds", multiple=True, type=click.Choice(KINDS), default=KINDS)
@click.option("--mesh", default="armadillo_normalized.obj", show_default=True)
@click.option("--resolution", default=128, show_default=True)
@click.option("--effort", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--picture", is_flag=True, help="Draw docs/shape.png.")
@click.option("--output", default="shapes", show_default=True, help="Name under results.")
def main(
    sizes: tuple[int, ...],
    kinds: tuple[str, ...],
    mesh: str,
    resolution: int,
    effort: int,
    threads: int,
    picture: bool,
    output: str,
) -> None:
    """Encode, decode and measure a shape; resumes; rows go to JSON and CSV."""
    record.limit_threads(threads)
    path, target = shape(mesh), RESULTS / f"{output}.json"
    rows = record.load(target)
    done = {(r["shape"], r["asked_size"], r["repr"], r["effort"]) for r in rows}
    command = record.command_line("shapes")
    where = record.provenance(threads, command)
    for size in sizes:
        for kind in kinds:
            if (path.stem, size, kind, effort) in done and not picture:
                continue
            row, decoded = encode_one(path, resolution, size, kind, effort)
            rows.append(row | where)
            record.save(target, command, rows)
            click.echo(
                f"{kind} {row['bytes']} bytes: IoU {row['iou']:.4f}, {row['encode_s']:.0f} s"
            )
            if picture:
                from inrcodec.signals.mesh import read_mesh

                draw(read_mesh(path, path.name, resolution), decoded, ROOT / "docs" / "shape.png")


if __name__ == "__main__":
    main()
