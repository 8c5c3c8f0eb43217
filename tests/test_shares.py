"""Where the time goes: modules by sampling."""

import time

import pytest

from benchmarks import shares


def test_time_counts_for_the_module_that_is_called():
    wait = "while time.perf_counter() < end: pass"
    code = f"def turn():\n    end = time.perf_counter() + 0.05\n    {wait}"
    spaces = [{"__name__": name, "time": time} for name in ("inrcodec.a.b", "elsewhere")]
    for space in spaces:
        exec(code, space)
    found = shares.shares_of(lambda: [space["turn"]() for space in spaces], 0.2)
    assert found == {"a.b": pytest.approx(1.0)}


def test_rows(monkeypatch):
    monkeypatch.setattr("benchmarks.performance._STEPS", 2)
    rows = [{"repr": "asmr"} | row for row in shares.rows_of("asmr", 2, 0.1, (96, 64))]
    assert [row["way"] for row in rows] == ["decode", "encode"]
    assert all(sum(row["shares"].values()) == pytest.approx(1, abs=0.01) for row in rows)
    assert any(name.startswith("encoder.") for name in rows[1]["shares"])
    table = shares.table([{"repr": "asmr", "way": "decode", "shares": {"a.b": 0.9, "c": 0.03}}])
    assert table.splitlines()[-1] == "| `asmr` | decode | a.b 90 % |"
