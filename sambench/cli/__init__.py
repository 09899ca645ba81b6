"""The command line: parse, call, print. Imports nothing heavy before a command needs it."""

from sambench.cli.app import main as main
