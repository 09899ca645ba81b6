"""What click would let through: empty paths, endless numbers, commands that nobody knows."""

import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from sambench.errors import UserError, echo, nearest

DIGITS = 9  # of a point's number


class Commands(click.Group):
    """Names the nearest command to an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise UserError(f"unknown command {echo(args[0])}; {nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


class Place(click.Path):
    """A path of the user's; an empty word, as of a shell variable that is not set, is none."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        if not str(value).strip() or "\0" in str(value):
            self.fail("must be a path, got an empty word", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


class Real(click.FloatRange):
    """A finite number within its bounds."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if not math.isfinite(number := click.FLOAT.convert(value, param, ctx)):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return super().convert(number, param, ctx)


class Span(click.ParamType):
    """FIRST:END, as in Python: the numbers from the first to that before the end."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        if isinstance(value, range):
            return value
        first, _, end = str(value).partition(":")
        if not (_is_count(first) and _is_count(end) and int(first) < int(end)):
            self.fail(f"must look like 40:80, for 40 to 79, got {echo(value)}", param, ctx)
        return range(int(first), int(end))


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= DIGITS


class Counts(click.ParamType):
    """A,B,C: numbers of at least 1, each larger than the one before."""

    name = "counts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        words = str(value).split(",")
        found = tuple(int(word) if _is_count(word) else 0 for word in words)
        if not all(a < b for a, b in pairwise((0, *found))):
            self.fail(f"must look like 10,1000, each more, got {echo(value)}", param, ctx)
        return found


class Count(click.IntRange):
    """A number of at least `least`, and not beyond what could ever run."""

    def __init__(self, least: int, *, most: int) -> None:
        super().__init__(min=least)
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = super().convert(value, param, ctx)
        if number > self.most:
            self.fail(f"{echo(number)} is more than {self.most}.", param, ctx)
        return number
