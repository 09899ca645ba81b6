"""The settings to use, each with the score that it was confirmed with."""

from collections.abc import Sequence

from sambench.analysis import NONE, Leaderboard, Setting, numbers, tells_epochs
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text


def hyperparameters(setting: Setting, radius: str | None) -> str:
    """All but lr and the radius."""
    found = {name: value for name, value in setting.hyperparameters.items() if name != radius}
    return ", ".join(f"{name} {_value(value)}" for name, value in found.items())


def _value(value: object) -> str:
    return numbers.setting(value) if isinstance(value, float) else str(value)


def table(leaderboard: Leaderboard) -> Table:
    """One line per arm that has a setting."""
    arms, told = leaderboard.header["arms"], tells_epochs(leaderboard.header)
    found = [(row.label, row.setting) for row in leaderboard.rows if row.setting]

    def further(item: tuple[str, Setting]) -> Cell:
        return text(hyperparameters(item[1], arms[item[0]]["radius"]) or NONE)

    def score(item: tuple[str, Setting]) -> Cell:
        found = item[1].score
        return number(numbers.estimate(found, leaderboard.score), found and found.value)

    columns: Sequence[Column[tuple[str, Setting]]] = (
        Column("arm", lambda item: text(item[0]), number=False, hint=ARM),
        Column("lr", lambda item: measured(item[1].lr, numbers.setting), hint="Peak learning rate"),
        Column(
            "radius",
            lambda item: measured(item[1].rho, numbers.setting),
            hint="How far weights are perturbed: rho, or what the variant calls it",
        ),
        Column("further", further, number=False, hint="Its other hyperparameters"),
        Column(
            "epochs",
            lambda item: measured(item[1].epochs if told else None, numbers.count),
            hint="Of the schedule",
        ),
        Column(
            leaderboard.score.named("test"),
            score,
            hint="Mean over its retrainings ± 95% t interval",
        ),
        Column(
            "retrained",
            lambda item: measured(item[1].runs, numbers.count),
            hint="Runs on fresh streams that ended",
        ),
        Column(
            "at a bound",
            lambda item: text(", ".join(item[1].edges) or NONE),
            number=False,
            hint="At an end of its range: a better one may lie outside",
        ),
    )
    labels = [label for label, _ in found]
    marked = labels.index(leaderboard.use) if leaderboard.use in labels else None
    table = of(found, columns, "Settings to use", marked=marked)
    return table.without_empty(["radius", "further", "epochs", "at a bound"])
