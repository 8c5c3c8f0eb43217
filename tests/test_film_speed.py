"""The benchmark of film decodes, on a tiny film."""

import pytest
from video_files import smooth_video, written

from benchmarks import film_speed


@pytest.mark.parametrize("kind", ["film", "asmr"])
def test_row(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(film_speed, "_STEPS", {"film": 1, "asmr": 1})
    path = tmp_path / "small.y4m"
    path.write_bytes(written(smooth_video(frames=3, height=8, width=12), "y4m"))
    row = film_speed.speed_row(path, kind, 24.0, 1)
    assert (row["film"], row["frames"], row["bytes"] > 0) == ("small", 3, True)
    assert row["frames_per_s"] == pytest.approx(3 / row["decode_s"], rel=0.05)
    assert row["running_frames_per_s"] > row["frames_per_s"]
    assert row["peak_mb"] > 10
    (line,) = film_speed.table([row]).splitlines()[2:]
    assert line.startswith(f"| small | `{kind}` | 24 | ")
