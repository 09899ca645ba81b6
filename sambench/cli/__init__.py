"""The command line: parse, call, print."""

from sambench.cli.commands import main as main
