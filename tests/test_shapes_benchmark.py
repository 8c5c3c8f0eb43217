"""The benchmark of shapes: its table, and its picture of two masks."""

import numpy as np

from benchmarks import shapes
from inrcodec.signals import Signal


def test_table():
    row = {"shape": "ball", "encode_s": 4.0}
    rows = [
        row | {"repr": "asmr", "asked_size": 3000, "iou": 0.91},
        row | {"repr": "asmr", "asked_size": 12000, "iou": 0.99},
        row | {"repr": "doh", "asked_size": 3000, "iou": 0.9},
    ]
    assert shapes.table(rows).splitlines() == [
        "|  | IoU at 3 kB | IoU at 12 kB | s per encode |",
        "| --- | --- | --- | --- |",
        "| ball, asmr | 0.9100 | 0.9900 | 4 |",
        "| ball, doh | 0.9000 | - | 4 |",
    ]


def test_picture(tmp_path):
    place = np.mgrid[:8, :8, :8] - 3.5
    mask = Signal("volume", (np.square(place).sum(0) < 9).astype(np.uint8)[..., None], bits=1)
    shapes.draw(mask, mask, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 2000
