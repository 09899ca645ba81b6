"""The settings to use, each with the score that it was confirmed with."""

from collections.abc import Sequence

from sambench.analysis import NONE, Leaderboard, Setting, numbers
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text


def hyperparameters(setting: Setting, radius: str | None) -> str:
    """All but lr and the radius."""
    found = {name: value for name, value in setting.hyperparameters.items() if name != radius}
    return ", ".join(f"{name} {_value(value)}" for name, value in found.items())


def _value(value: object) -> str:
    return numbers.setting(value) if isinstance(value, float) else str(value)


def table(leaderboard: Leaderboard) -> Table:
    """One line per arm that has a setting."""
    arms = leaderboard.header["arms"]
    found = [(row.label, row.setting) for row in leaderboard.rows if row.setting]

    def further(item: tuple[str, Setting]) -> Cell:
        return text(hyperparameters(item[1], arms[item[0]]["radius"]) or NONE)

    columns: Sequence[Column[tuple[str, Setting]]] = (
        Column("arm", lambda item: text(item[0]), number=False),
        Column("lr", lambda item: measured(item[1].lr, numbers.setting)),
        Column("radius", lambda item: measured(item[1].rho, numbers.setting)),
        Column("further", further, number=False),
        Column("epochs", lambda item: measured(item[1].epochs, numbers.count)),
        Column("test accuracy, %", _score, hint="Mean over its retrainings ± 95% t interval"),
        Column("retrained", lambda item: measured(item[1].runs, numbers.count)),
        Column("at a bound", lambda item: text(", ".join(item[1].edges) or NONE), number=False),
    )
    return of(found, columns, "Settings to use").without_empty(["radius", "further", "at a bound"])


def _score(item: tuple[str, Setting]) -> Cell:
    score = item[1].score
    return number(numbers.accuracy(score), score and score.value)
