"""The front of the command line: help, version, start-up, wrong usage."""

import subprocess
import sys

import click
import pytest
from cli_fakes import call

from inrcodec.cli import main
from inrcodec.cli.group import COMMANDS


def test_the_group_lists_every_command_once():
    result = call("--help")
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name):
    result = call(name, "-h")
    assert result.exit_code == 0
    assert f"Example:\n    inrcodec {name} " in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name):
    command = main.get_command(click.Context(main), name)
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert options
    assert [o.name for o in options if not o.help] == []


def test_version():
    result = call("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "inrcodec")


def test_an_unknown_command_is_a_usage_error():
    assert call("transmogrify").exit_code == 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from inrcodec.cli import main\n"
        "main(['encode', '--help'], standalone_mode=False)\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'PIL', 'torch', 'tqdm', 'zstandard'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or None)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
