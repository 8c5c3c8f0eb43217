"""The command line: one file per command, imported when the command is looked up."""

from inrcodec.cli.group import main as main
