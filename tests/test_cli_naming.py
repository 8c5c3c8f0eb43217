"""Where outputs go, and what is never written over."""

import os

import click
import pytest

from inrcodec.cli.naming import Job, Target, exclusive, obstacle, plan_jobs


def outputs(inputs, target=None, suffix=".inr"):
    return [job.output for job in plan_jobs(inputs, target or Target(), suffix)]


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("photo.png", "photo.inr"),
        ("a/b/photo.tar.png", "a/b/photo.tar.inr"),
        ("photo", "photo.inr"),
        (".hidden", ".hidden.inr"),
        ("scan.nii.gz", "scan.inr"),
        ("frames/", "frames.inr"),
        ("-", "-"),
    ],
)
def test_the_suffix_is_swapped(name, output):
    assert outputs([name]) == [output]


def test_the_suffix_may_depend_on_the_input():
    assert outputs(["a.inr", "b.inr"], suffix=lambda name: ".wav" if name < "b" else "") == [
        "a.wav",
        "b",
    ]


def test_output_dir_takes_the_files_of_all_folders():
    assert outputs(["a/x.png", "y.jpg"], Target(output_dir="out")) == ["out/x.inr", "out/y.inr"]


def test_output_is_taken_as_it_is():
    assert outputs(["x.png"], Target(output="y.bin")) == ["y.bin"]


@pytest.mark.parametrize(
    ("inputs", "target", "words"),
    [
        (["a.png", "b.png"], Target(output="c.inr"), ["--output-dir"]),
        (["a.png", "a.jpg"], Target(), ["a.png", "a.jpg", "a.inr"]),
        (["a/x.png", "b/x.png"], Target(output_dir="out"), ["a/x.png", "b/x.png"]),
        (["a.png", "a.png"], Target(), ["a.inr"]),
        (["a.png", "./a.png"], Target(), ["a.inr"]),
        (["-", "-"], Target(), ["standard input"]),
        (["-"], Target(output_dir="out"), ["--output"]),
    ],
)
def test_clashing_names_are_usage_errors(inputs, target, words):
    with pytest.raises(click.UsageError) as caught:
        plan_jobs(inputs, target, ".inr")
    assert [word for word in words if word not in caught.value.message] == []


@pytest.mark.parametrize(
    "options",
    [{"output": "a", "output_dir": "b"}, {"force": True, "skip_existing": True}],
)
def test_options_that_exclude_one_another(options):
    with pytest.raises(click.UsageError, match="exclude one another"):
        Target(**options)


def test_exclusive_names_the_two_that_were_given():
    exclusive("--bpp", None, "--size", 5, "--psnr", None)
    with pytest.raises(click.UsageError, match="--bpp and --psnr"):
        exclusive("--bpp", 0.3, "--size", None, "--psnr", 30.0)


def test_a_free_name_in_a_folder_is_no_obstacle(tmp_path):
    assert obstacle(Job("x.png", str(tmp_path / "x.inr")), ["x.png"], force=False) is None


def test_an_existing_file_needs_force(tmp_path):
    output = tmp_path / "x.inr"
    output.write_bytes(b"old")
    job = Job("x.png", str(output))
    assert "--force" in str(obstacle(job, ["x.png"], force=False))
    assert obstacle(job, ["x.png"], force=True) is None


def test_a_broken_link_counts_as_existing(tmp_path):
    output = tmp_path / "x.inr"
    output.symlink_to(tmp_path / "nowhere")
    assert obstacle(Job("x.png", str(output)), ["x.png"], force=False) is not None


@pytest.mark.parametrize("make_alias", [os.link, os.symlink, None])
def test_no_input_is_written_over_even_with_force(tmp_path, make_alias):
    source = tmp_path / "a.png"
    source.write_bytes(b"pixels")
    output = source
    if make_alias:
        output = tmp_path / "alias.inr"
        make_alias(source, output)
    found = obstacle(Job("b.png", str(output)), ["-", "b.png", str(source)], force=True)
    assert "is an input" in str(found)


def test_a_directory_or_a_missing_one_is_an_obstacle(tmp_path):
    assert "--output-dir" in str(obstacle(Job("x", str(tmp_path)), ["x"], force=True))
    missing = str(tmp_path / "none" / "x.inr")
    assert "no directory" in str(obstacle(Job("x", missing), ["x"], force=True))


def test_devices_and_standard_output_need_no_force():
    assert obstacle(Job("x", os.devnull), ["x"], force=False) is None
    assert obstacle(Job("x", "-"), ["x"], force=False) is None


@pytest.mark.parametrize("ending", ["/", "/.", "//"])
def test_a_name_of_a_directory_is_an_obstacle_even_where_a_file_lies(tmp_path, ending):
    source = tmp_path / "x.png"
    source.write_bytes(b"x")
    found = obstacle(Job(str(source), f"{source}{ending}"), [str(source)], force=True)
    assert "names no file" in str(found)
    assert "names no file" in str(obstacle(Job("x", ""), ["x"], force=True))


def test_a_folder_may_end_in_a_slash(tmp_path):
    assert obstacle(Job("x", f"{tmp_path}/new/"), ["x"], force=False, folder=True) is None
    assert obstacle(Job("x", f"{tmp_path}/."), ["x"], force=False, folder=True) is None
    (tmp_path / "file").write_bytes(b"x")
    found = obstacle(Job("x", f"{tmp_path}/file/"), ["x"], force=True, folder=True)
    assert "is a file" in str(found)


def test_what_cannot_be_made_is_an_obstacle(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 300)
    assert "cannot be written" in str(obstacle(Job("x", str(long)), ["x"], force=False))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    found = obstacle(Job("x", str(tmp_path / "x.inr")), ["x"], force=False)
    assert f"nothing can be made in {tmp_path}" in str(found)
