"""make bench-check: what counts as worse, and how times are compared."""

import time

import pytest
from click.testing import CliRunner

from benchmarks import check, data, record

ROWS = [
    {"case": "garden", "kind": "dB", "value": 30.0},
    {"case": "decode", "kind": "ratio", "value": 5.0},
]


def changed(**values):
    return [row | {"value": values.get(row["case"], row["value"])} for row in ROWS]


@pytest.mark.parametrize(
    ("values", "worse"),
    [
        ({}, []),
        ({"garden": 29.91, "decode": 5.9}, []),
        ({"garden": 33.0, "decode": 1.0}, []),
        ({"garden": 29.89}, ["garden: 29.89 dB, was 30.00"]),
        ({"garden": float("nan")}, ["garden: nan dB, was 30.00"]),
        ({"decode": 6.1}, ["decode: 6.10 times the matrix product, was 5.00"]),
    ],
)
def test_a_tenth_of_a_decibel_or_a_fifth_of_the_time(values, worse):
    assert check.regressions(changed(**values), ROWS) == worse


def test_cases_that_come_and_go_are_told():
    found = check.regressions(ROWS[:1], ROWS[1:])
    assert [text.split(":")[0] for text in found] == ["garden", "decode"]


@pytest.mark.parametrize(("value", "status"), [(29.95, 0), (29.0, 1)])
def test_the_command_fails_on_a_regression(tmp_path, monkeypatch, value, status):
    record.save(tmp_path / "check.json", "x", [row | {"processor": "p"} for row in ROWS])
    monkeypatch.setattr(check, "RESULTS", tmp_path)
    monkeypatch.setattr(check, "measured", lambda: changed(garden=value))
    done = CliRunner().invoke(check.main)
    assert done.exit_code == status, done.output


def test_a_busy_moment_is_measured_again(tmp_path, monkeypatch):
    record.save(tmp_path / "check.json", "x", ROWS)
    monkeypatch.setattr(check, "RESULTS", tmp_path)
    monkeypatch.setattr(check, "measured", lambda: changed(decode=9.0))
    monkeypatch.setattr(check, "speeds", lambda: changed(decode=5.5)[1:])
    assert CliRunner().invoke(check.main).exit_code == 0
    monkeypatch.setattr(check, "speeds", lambda: changed(decode=8.0)[1:])
    assert CliRunner().invoke(check.main).exit_code == 1


def test_results_are_updated(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "RESULTS", tmp_path)
    monkeypatch.setattr(check, "measured", lambda: changed(garden=31.0))
    assert CliRunner().invoke(check.main, ["--update"]).exit_code == 0
    kept = record.load(tmp_path / "check.json")
    assert kept[0]["value"] == 31.0 and kept[0]["commit"] and kept[0]["command"]
    assert CliRunner().invoke(check.main).exit_code == 0


def test_a_ratio_is_of_the_least_times():
    value = check.ratio(lambda: time.sleep(0.02), lambda: time.sleep(0.01), 3)
    assert 1.2 < value < 3


def test_committed_results_have_every_case():
    cases = {row["case"] for row in record.load(data.RESULTS / "check.json")}
    assert {case.name for case in check.QUALITY} <= cases
    assert {f"decode {case.name}" for case in check.DECODES} <= cases


def test_cases_are_encoded_as_they_say():
    case = check._case("garden", "siren", 3, bpp=0.6)
    row = check.quality(case)
    assert row["case"] == "garden, siren, 0.6 bpp" and row["kind"] == "dB" and row["value"] > 5
