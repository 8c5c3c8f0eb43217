"""Tables of the documentation: made of results, replaced between their marks, or left alone."""

import json

import pytest
from click.testing import CliRunner

from benchmarks import curves, record, tables

WHERE = {"processor": "p", "threads": 1, "cores": 2, "torch": "2", "commit": "c"}
PLAIN = {"repr": "asmr", "asked_repr": "asmr", "effort": 5, "settings": "", "encode_s": 60.0}


def kodak_rows(bpp, psnr, count=24):
    numbers = range(1, count + 1)
    facts = {"asked_bpp": bpp, "bpp": bpp * 0.99} | PLAIN | WHERE
    return [{"image": f"kodim{n:02d}", "psnr_db": psnr + n % 2, **facts} for n in numbers]


def save(folder, name, rows):
    record.save(folder / f"{name}.json", "command", rows)


def pyramid_rows(bpp, psnr, count=24):
    own = {"repr": "pyramid", "asked_repr": "pyramid", "effort": 5}
    return [row | own for row in kodak_rows(bpp, psnr, count)]


def test_peers_are_read_off_at_our_mean_rate(tmp_path):
    save(tmp_path, "kodak", kodak_rows(0.15, 20.0))
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.15, 26.0) + pyramid_rows(0.3, 29.0))
    lines = tables.kodak(tmp_path).splitlines()
    assert lines[0] == "|  |  | 0.148 bpp | 0.297 bpp | s per encode |"
    assert "| **inrcodec** | pyramid, effort 5, the default | **26.5** | **29.5** | 60 |" in lines
    assert "| **inrcodec** | `--repr asmr`: a coordinate network | **20.5** | - | 60 |" in lines
    cells = {line.split(" | ")[0]: line.split(" | ")[2:] for line in lines[2:-2]}
    assert 24.2 < float(cells["| COIN"][0]) < 24.7 < float(cells["| C3"][0])
    order = [line.split(" | ")[3].strip("*~ |") for line in lines[2:-2]]
    figures = [float(cell) for cell in order if cell != "-"]
    assert figures == sorted(figures) and len(figures) == len(tables.PEERS) + 1


def test_a_rate_without_all_pictures_is_not_shown(tmp_path):
    save(tmp_path, "kodak", kodak_rows(0.15, 26.0))
    rows = pyramid_rows(0.3, 26.0) + pyramid_rows(0.6, 28.0, count=23)
    save(tmp_path, "kodak_pyramid", rows)
    assert "0.594" not in tables.kodak(tmp_path)
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.3, 28.0, count=23))
    with pytest.raises(tables.Missing, match="24 pictures"):
        tables.kodak(tmp_path)


def test_efforts_have_rows_of_their_own(tmp_path):
    save(tmp_path, "kodak", kodak_rows(0.15, 20.0))
    longer = [row | {"effort": 7, "encode_s": 90.2} for row in pyramid_rows(0.3, 29.5)]
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.3, 29.0) + longer)
    text = tables.kodak(tmp_path)
    assert "| **inrcodec** | pyramid, effort 7 | **30.0** | 90 |" in text


def test_beside_avif(tmp_path):
    rows = [
        row | {"avif_psnr_db": row["psnr_db"] - gain, "encode_s": seconds}
        for bpp, psnr in ((0.15, 26.0), (0.3, 29.0), (0.6, 32.0))
        for row, gain, seconds in zip(
            pyramid_rows(bpp, psnr, count=2), (0.5, -0.1), (10, 30), strict=True
        )
    ]
    save(tmp_path, "kodak_pyramid", [*rows, *pyramid_rows(1.2, 40.0)])
    lines = tables.beside_avif(tmp_path).splitlines()
    assert lines[2:5] == [
        "| 5 | 2 | 0.148 | 26.50 | 26.30 | 1 | 20 | 30 |",
        "| 5 | 2 | 0.297 | 29.50 | 29.30 | 1 | 20 | 30 |",
        "| 5 | 2 | 0.594 | 32.50 | 32.30 | 1 | 20 | 30 |",
    ]
    # 3 dB an octave: half a dB more is 2^(-1/6) of the bytes, a tenth less 2^(1/30).
    assert lines[-1] == "| 5 | 2 | 0.33 | -4.3 % | -10.9 to +2.3 % |"
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.3, 29.0))
    with pytest.raises(tables.Missing, match="AVIF"):
        tables.beside_avif(tmp_path)


def test_curves_are_straight_over_the_logarithm_and_end():
    curve = [(0.1, 20.0), (0.4, 24.0)]
    assert tables.at_rate(curve, 0.2) == "22.0"
    assert (tables.at_rate(curve, 0.1), tables.at_rate(curve, 0.4)) == ("20.0", "24.0")
    assert (tables.at_rate(curve, 0.095), tables.at_rate(curve, 0.42)) == ("~19.9", "~24.1")
    assert (tables.at_rate(curve, 0.05), tables.at_rate(curve, 0.8)) == ("-", "-")


def test_a_codec_is_not_taken_for_another_with_a_longer_name():
    names = [("JPEG", 19), ("JPEG (Pillow", 8), ("COIN", 6), ("COIN++", 5), ("C3", 14)]
    assert [(name, len(curves.published(name))) for name, _ in names] == names


def test_another_setting_is_compared_on_its_own_pictures(tmp_path):
    save(tmp_path, "kodak", kodak_rows(0.3, 28.0))
    doh = [row | {"repr": "doh", "psnr_db": 25.0} for row in kodak_rows(0.3, 0, count=1)]
    save(tmp_path, "kodak_doh", doh)
    lines = tables.TABLES["doh"](tmp_path).splitlines()
    assert lines[2:4] == [
        "| asmr, effort 5 | 1 | 0.297 | 29.00 | 60 |",
        "| doh, effort 5 | 1 | 0.297 | 25.00 | 60 |",
    ]
    save(tmp_path, "kodak", kodak_rows(0.15, 28.0))
    with pytest.raises(tables.Missing, match="kodim01"):
        tables.TABLES["doh"](tmp_path)


def test_paper_size_stands_beside_the_published_figure(tmp_path):
    rounded = {f"psnr_db_{bits}_bit": 30.0 for bits in (4, 5, 6, 8, 16)} | {"bpp_8_bit": 2.5}
    facts = {"steps": 4000, "batch": 1024, "learning_rate": 1e-3, "seconds": 100.0} | rounded
    save(tmp_path, "paper_size", [facts | {"psnr_db": psnr} for psnr in (32.0, 34.0)])
    text = tables.paper_size(tmp_path)
    assert "| 24 | 33.09 +- 2.70 | - |" in text
    assert "| 4000 steps of 1024 cells, rate 0.001 | 2 | 33.00 +- 1.00 | 30.00 |" in text


def test_timings(tmp_path):
    kinds = ("decode", "step", "numpy_decode")
    figures = {f"{kind}_ms": 2.0 for kind in kinds} | {f"{kind}_ratio": 5.0 for kind in kinds}
    figures |= {f"published_{kind}_ms": 10.0 for kind in kinds} | WHERE
    (tmp_path / "speed.json").write_text(json.dumps(figures))
    assert "| fit step, torch | 10.0 | 2.0 | 5.0 |" in tables.speed(tmp_path)
    row = {"command": "decode asmr", "seconds": 0.256, "peak_mb": 99.6}
    (tmp_path / "startup.json").write_text(json.dumps({"rows": [row]} | WHERE))
    assert "| `decode asmr` | 0.26 | 100 |" in tables.startup(tmp_path)


def test_only_what_is_between_marks_changes(tmp_path):
    save(tmp_path, "kodak", kodak_rows(0.15, 24.0))
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.15, 26.0))
    text = (
        "a\n<!-- table:kodak -->\nold\n<!-- /table -->\nb\n<!-- table:doh -->\nold\n<!-- /table -->"
    )
    said = []
    fresh = tables.updated(text, tmp_path, said.append)
    assert fresh.startswith("a\n<!-- table:kodak -->\n|") and fresh.count("old") == 1
    assert fresh.endswith("\n<!-- /table -->\nb\n<!-- table:doh -->\nold\n<!-- /table -->")
    assert said == ["table doh left as it is: no results/kodak_doh.json"]
    assert tables.updated(fresh, tmp_path, said.append) == fresh
    with pytest.raises(SystemExit, match="called nonsense"):
        tables.updated("<!-- table:nonsense -->\n<!-- /table -->", tmp_path, said.append)


def test_check_fails_on_a_difference_and_writes_nothing(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("<!-- table:kodak -->\nold\n<!-- /table -->\n")
    save(tmp_path, "kodak", kodak_rows(0.15, 24.0))
    save(tmp_path, "kodak_pyramid", pyramid_rows(0.15, 26.0))
    monkeypatch.setattr(tables, "documents", lambda: [page])
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    before = page.read_text()
    checked = CliRunner().invoke(tables.main, ["--check"])
    assert checked.exit_code == 1 and page.read_text() == before
    assert CliRunner().invoke(tables.main).exit_code == 0
    assert CliRunner().invoke(tables.main, ["--check"]).exit_code == 0
    assert "26.5" in page.read_text()


def test_grids_stand_beside_the_pyramid_and_avif(tmp_path):
    row = {"image": "kodim03", "asked_bpp": 0.3, "bpp": 0.298, "psnr_db": 36.5, "effort": 8}
    row |= {"asked_repr": "grids", "repr": "grids", "avif_psnr_db": 35.8, "encode_s": 700.0}
    row |= {"decode_s": 0.8, "processor": "cpu", "threads": 1, "torch": "2", "commit": "a"}
    row |= {"settings": ""}
    save(tmp_path, "kodak_grids", [row])
    with pytest.raises(tables.Missing, match="kodak_pyramid"):
        tables.grids_beside_pyramid(tmp_path)
    other = row | {"asked_repr": "pyramid", "repr": "pyramid", "effort": 7, "psnr_db": 36.0}
    save(tmp_path, "kodak_pyramid", [other | {"encode_s": 200.0}])
    made = tables.grids_beside_pyramid(tmp_path)
    assert "| kodim03 | 8 | 0.298 | 36.50 | 36.00 | 35.80 | 38.6 | 700 | 0.80 |" in made
