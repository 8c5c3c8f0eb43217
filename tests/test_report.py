"""Sweeps and their report: curves, BD-rates, one page with nothing outside it, resuming."""

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks import charts, crops, curves, data, fetch, record, report, sweep

WHERE = {"processor": "p & q", "threads": 1, "jobs": 2, "commit": "c", "command": "the command"}
RATES = (0.2, 0.4, 0.8)
VOID = {"meta", "img", "path", "use"}


def sweep_rows(image="kodim05", source="a.png"):
    """Ours is 3 dB an octave, JPEG half a dB below; JPEG 2000 has no small file."""
    facts = {"image": image, "path": source} | WHERE
    rows = []
    for rate in RATES:
        psnr = 30 + 3 * math.log2(rate)
        ours = {"codec": "pyramid", "bytes": 90, "bpp": rate * 0.99, "psnr_db": psnr}
        ours |= {"effort": 4, "time_limit_s": 24.0, "seed": 0, "encode_s": 9.5, "ssim": 0.9}
        jpeg = {"codec": "jpeg", "bytes": 91, "bpp": rate * 0.99, "psnr_db": psnr - 0.5}
        large = {"codec": "jpeg2000", "error": "no file so <small>"}
        rows += [row | {"asked_bpp": rate} | facts for row in (ours, jpeg, large)]
    return rows


def picture(side=64, seed=2):
    return np.random.default_rng(seed).integers(0, 255, (side, side, 3)).astype(np.uint8)


def write_report(folder):
    """A report of made-up rows about files that exist."""
    (folder / "files").mkdir()
    rows = sweep_rows(source=str(folder / "a.png"))
    Image.fromarray(picture()).save(folder / "a.png")
    for row in rows:
        if "error" not in row:
            row["file"] = f"{row['codec']}-{row['asked_bpp']}.png"
            Image.fromarray(picture(seed=3)).save(folder / "files" / row["file"])
    record.save(folder / "rows.json", "the command", rows)
    return report.write(folder, ["pyramid", "jpeg", "jpeg2000"], folder / "no results")


class Page(HTMLParser):
    """Checks that elements nest, and gathers ids and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], [], []

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        self.ids += [names["id"]] if "id" in names else []
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def test_report_is_one_valid_page(tmp_path):
    text = write_report(tmp_path).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == [] and len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in page.links)
    assert {link[1:] for link in page.links if link[0] == "#"} <= set(page.ids)
    assert not re.search(r"https?://(?!www\.w3\.org)", text) and "@import" not in text
    assert str(tmp_path) not in text


def test_report_says_what_was_measured(tmp_path, capsys):
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert text.count("<img") == 5  # the original, two crops, two error maps
    assert "p &amp; q" in text and "no file so &lt;small&gt;" in text and "the command" in text
    assert "-10.9 %" in text  # half a dB at 3 dB an octave: 2^(-1/6) of the bytes
    assert "prefers-color-scheme: dark" in text and "currentColor" in text
    printed = capsys.readouterr().out
    assert "pyramid          23.03    26.03    29.03" in printed
    assert {"curves-kodim05.png", "curves-kodim05.svg", "report.html"} <= {
        p.name for p in tmp_path.iterdir()
    }


def test_means_are_of_the_same_pictures():
    rows = [row for row in sweep_rows() + sweep_rows("kodim15") if "psnr_db" in row]
    whole = report.summary(rows, ["pyramid", "jpeg"]).splitlines()
    assert whole[2].split() == ["jpeg", "22.53", "25.53", "28.53"]
    lacking = report.summary(rows[:-1], ["pyramid", "jpeg"]).splitlines()
    assert lacking[2].split() == ["jpeg", "22.53", "25.53", "-"]


def test_published_curves_and_ours_are_compared(tmp_path):
    assert report.kodak_chart(tmp_path) is None
    chart = report.kodak_chart(data.RESULTS)
    assert chart is not None and chart.colour("pyramid, effort 4") == charts.COLOURS["pyramid"]
    header, lines = report.published_bd(chart)
    cells = {line[0]: dict(zip(header, line, strict=True)) for line in lines}
    assert float(cells["pyramid, effort 4"]["against JPEG"].split()[0]) < 0


def test_bd_rate():
    anchor = [(rate, 30 + 3 * math.log2(rate)) for rate in (0.1, 0.2, 0.4, 0.8)]
    halved = [(rate / 2, psnr) for rate, psnr in anchor]
    assert curves.bd_rate(anchor, halved) == pytest.approx(-50)
    assert curves.bd_rate(halved, anchor) == pytest.approx(100)
    assert math.isnan(curves.bd_rate(anchor, anchor[:2]))
    assert math.isnan(curves.bd_rate(anchor, [(rate, psnr + 20) for rate, psnr in anchor]))


def test_points_that_are_surpassed_are_left_out():
    points = [(0.4, 26.0), (0.1, 20.0), (0.2, 19.0), (0.3, 25.0)]
    assert curves.rising(points) == [(0.1, 20.0), (0.3, 25.0), (0.4, 26.0)]


def test_mean_curve_is_of_pictures_with_all_rates():
    facts = [
        ("a", 0.1, 20.0),
        ("a", 0.2, 24.0),
        ("b", 0.1, 30.0),
        ("b", 0.2, 34.0),
        ("c", 0.1, 9.0),
    ]
    rows = [{"image": i, "asked_bpp": r, "bpp": r, "psnr_db": p} for i, r, p in facts]
    assert curves.mean_curve(rows) == [(0.1, 25.0), (0.2, 29.0)]


def test_bd_rate_of_named_curves(tmp_path):
    done = CliRunner().invoke(curves.main, ["JPEG (Pillow", "C3"])
    assert done.exit_code == 0 and re.search(r"BD-rate of C3 .*: -\d\d\.\d\d %", done.output)
    path = tmp_path / "rows.json"
    record.save(path, "x", sweep_rows())
    done = CliRunner().invoke(curves.main, [f"{path}:codec=jpeg", f"{path}:codec=pyramid"])
    assert "-10.91 %" in done.output
    assert CliRunner().invoke(curves.main, ["C3", "nonsense"]).exit_code == 2


def test_published_figures_have_sources():
    for name in ("kodak", "kodak_coolchic5", "asmr"):
        rows = curves.published_rows(name)
        assert rows and all(row["source"] for row in rows)


def test_labels_are_spread_no_more_than_they_must():
    assert charts.spread([0.5, 0.1, 0.9], 0.1) == [0.5, 0.1, 0.9]
    placed = charts.spread([0.5, 0.5, 0.9], 0.1)
    assert abs(placed[0] - placed[1]) == pytest.approx(0.1) and placed[2] == 0.9


def test_crops_are_not_the_emptiest_part_and_errors_are_seen():
    samples = np.zeros((200, 200, 3), dtype=np.uint8)
    samples[100:, 100:] = picture(100)
    rows, columns = crops.typical(samples, 80)
    assert samples[rows, columns].any() and rows.stop - rows.start == 80
    error = crops.error_map(samples, samples + np.uint8(3))
    assert error.shape == (200, 200) and error[0, 0] == 18
    assert crops.data_uri(error).startswith("data:image/png;base64,")


def tiny_sweep(folder, *more):
    path = folder / "small.png"
    if not path.exists():
        Image.fromarray(np.clip(picture(24) // 8 + 90, 0, 255).astype(np.uint8)).save(path)
    options = ["--bpp", "9", "--time-limit", "0.4", "--effort", "1", "--jobs", "1"]
    return CliRunner().invoke(sweep.main, [str(path), *options, "--folder", str(folder), *more])


def test_a_sweep_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "CODECS", ("siren",))
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", InProcess)
    first = tiny_sweep(tmp_path)
    assert first.exit_code == 0, first.output
    rows = record.load(tmp_path / "rows.json")
    assert {row["codec"] for row in rows} == {"siren", *sweep.PEERS}
    row = next(row for row in rows if row["codec"] == "siren")
    assert row["command"].startswith("python -m benchmarks.sweep") and row["seed"] == 0
    assert row["bytes"] == (tmp_path / "files" / "small-siren-9.inr").stat().st_size
    record.save(tmp_path / "rows.json", "x", [r for r in rows if r["codec"] != "webp"])
    again = tiny_sweep(tmp_path)
    assert "webp" in again.output and "9.0 bpp siren:" not in again.output
    assert len(record.load(tmp_path / "rows.json")) == len(rows)
    other = tiny_sweep(tmp_path, "--seed", "1")
    assert other.exit_code == 2 and "other settings" in other.output


class InProcess:
    """Runs what a pool of processes is given, at once."""

    def __init__(self, jobs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def submit(self, call, *arguments):
        from concurrent.futures import Future

        future = Future()
        future.set_result(call(*arguments))
        return future


def test_pictures_are_found_fetched_or_taken_from_a_package(tmp_path, monkeypatch):
    monkeypatch.setenv("INRCODEC_DATA", str(tmp_path))
    said = []

    def refused(name, folder):
        raise fetch.FetchError("no network")

    monkeypatch.setattr(fetch, "fetch", refused)
    paths, source = data.small_set([5], said.append)
    assert source == "scikit-image" and all(path.is_file() for path in paths)
    assert "no network" in said[0]
    (tmp_path / "kodak").mkdir()
    (tmp_path / "kodak" / "kodim05.png").write_bytes(b"x")
    assert data.small_set([5], said.append) == ([tmp_path / "kodak" / "kodim05.png"], "Kodak")
    monkeypatch.setattr(fetch, "fetch", lambda name, folder: True)
    assert data.small_set([6], said.append)[1] == "Kodak, fetched and verified"
