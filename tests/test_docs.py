"""The documentation runs, is up to date, and points at what exists."""

import re
import shlex
from pathlib import Path

import pytest
from cli_fakes import call

from benchmarks import tables
from docs import make_cli
from inrcodec import __version__
from inrcodec.cli.group import COMMANDS
from inrcodec.encoder import single

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    "README.md",
    "CHANGELOG.md",
    "bitstream_spec.md",
    *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md"))),
]


def test_python_in_the_readme_runs(monkeypatch, capsys):
    """With short fits, and printing what its comments say."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(single, "STEPS", dict.fromkeys(single.STEPS, 20))
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    stated = re.findall(r"^print\(.*\)  # (.*)$", "\n".join(blocks), re.MULTILINE)
    assert printed[: len(stated)] == stated


def test_commands_in_the_readme_do_what_it_shows(tmp_path, monkeypatch):
    """The words around the figures, with a short fit; times and PSNR are the machine's own."""
    commands = re.findall(r"^\$ inrcodec (.*)\n(.*)$", README, re.MULTILINE)
    assert [line.split()[0] for line, _ in commands] == ["encode", "decode", "compare"]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(single, "STEPS", dict.fromkeys(single.STEPS, 20))
    for line, shown in commands:
        result = call(*shlex.split(line))
        assert result.exit_code == 0, result.stderr
        told = (result.stdout + result.stderr).splitlines()[0]
        assert re.sub(r"\d+\.\d+|\d+ bytes", "#", told) == re.sub(r"\d+\.\d+|\d+ bytes", "#", shown)


def test_exit_statuses_in_the_readme_are_those_of_the_help():
    stated = re.findall(r"^\| (\d+) \| (.*) \|$", README, re.MULTILINE)
    told = " ".join(call("--help").stdout.split())
    assert [number for number, _ in stated] == ["0", "1", "2", "3", "4", "130"]
    assert all(re.search(rf"\b{number} \w+", told) for number, _ in stated)


def test_option_reference_is_what_help_says():
    page = make_cli.page()
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == page
    assert all(f"## inrcodec {name}\n" in page for name in COMMANDS)


def test_tables_are_those_of_the_results():
    for path in tables.documents():
        text = path.read_text(encoding="utf-8")
        assert tables.updated(text, tables.RESULTS, lambda reason: None) == text, path.name


def test_every_table_is_in_the_documentation():
    text = "".join(path.read_text(encoding="utf-8") for path in tables.documents())
    assert sorted(re.findall("<!-- table:(.*) -->", text)) == sorted(tables.TABLES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert anchor in slugs, target


def test_comments_point_at_benchmarks_that_exist():
    pages = [ROOT / "docs" / name for name in ("figures.md", "results.md")]
    sources = [*(ROOT / "inrcodec").rglob("*.py"), *pages]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    names = {*re.findall(r"benchmarks/(\w+\.py)", text)}
    names |= {f"{name}.py" for name in re.findall(r"-m benchmarks\.(\w+)", text)}
    assert names
    there = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    there |= {f"{path.parent.name}.py" for path in (ROOT / "benchmarks").glob("*/__main__.py")}
    assert names - there == set()


def test_changelog_knows_this_version():
    assert f"### {__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
