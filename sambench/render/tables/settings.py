"""The settings to use, each with the score that it was confirmed with."""

from collections.abc import Sequence

from sambench.analysis import NONE, Leaderboard, Setting, numbers, tells_epochs
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, number, of, text

BOUND = "*"
OUTSIDE = f"{BOUND} At an end of its range: a better one may lie outside."


def hyperparameters(setting: Setting, radius: str | None) -> str:
    """All but lr and the radius."""
    found = {name: value for name, value in setting.hyperparameters.items() if name != radius}
    return ", ".join(
        f"{name} {_value(value)}{_mark(setting, name)}" for name, value in found.items()
    )


def _value(value: object) -> str:
    return numbers.setting(value) if isinstance(value, float) else str(value)


def _mark(setting: Setting, name: str | None) -> str:
    return BOUND if name in setting.edges else ""


def table(leaderboard: Leaderboard) -> Table:
    """One line per arm that has a setting; as many columns as a phone shows."""
    arms, told = leaderboard.header["arms"], tells_epochs(leaderboard.header)
    found = [(row.label, row.setting) for row in leaderboard.rows if row.setting]

    def chosen(value: float | None, setting: Setting, name: str | None) -> Cell:
        return measured(value, lambda own: f"{numbers.setting(own)}{_mark(setting, name)}")

    def radius(item: tuple[str, Setting]) -> Cell:
        return chosen(item[1].rho, item[1], arms[item[0]]["radius"])

    def further(item: tuple[str, Setting]) -> Cell:
        return text(hyperparameters(item[1], arms[item[0]]["radius"]) or NONE)

    def score(item: tuple[str, Setting]) -> Cell:
        found = item[1].score
        return number(numbers.estimate(found, leaderboard.score), found and found.value)

    columns: Sequence[Column[tuple[str, Setting]]] = (
        Column("arm", lambda item: text(item[0]), number=False, hint=ARM),
        Column("lr", lambda item: chosen(item[1].lr, item[1], "lr"), hint="Peak learning rate"),
        Column(
            "radius",
            radius,
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
    )
    labels = [label for label, _ in found]
    marked = labels.index(leaderboard.use) if leaderboard.use in labels else None
    runs = {setting.runs for _, setting in found}
    times = numbers.times(min(runs, default=0), "time")
    caption = "Settings to use" + f", each retrained {times}" * (len(runs) == 1)
    after = OUTSIDE if any(setting.edges for _, setting in found) else ""
    table = of(found, columns, caption, marked=marked, after=after)
    shown = table.without_empty(["radius", "further", "epochs"])
    return shown.without(["retrained"]) if len(runs) == 1 else shown
