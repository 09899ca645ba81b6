"""A study's W&B report: first a description in a file, which a login turns into the report."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from sambench.config import Table, one_line
from sambench.errors import UserError
from sambench.files import write_atomically

if TYPE_CHECKING:
    from sambench.analysis import Leaderboard

FORMAT = 1
INSTALL = "W&B reports need wandb-workspaces: pip install 'sambench[dashboard]'"
LOGIN = "run `wandb login`, then repeat the command or give it --upload"


class NoLogin(Exception):
    """W&B knows no key here."""


def describe(analysis: "Leaderboard", project: str) -> dict[str, Any]:
    """The report as plain data: headline, leaderboard, and the panels over the study's runs."""
    from sambench.render.markdown import markdown
    from sambench.render.tables import ranking

    searched = _searched(analysis)
    return {
        "format": FORMAT,
        "project": project,
        "study": analysis.study,
        "title": f"sambench: {analysis.study}"[:128],
        "headline": analysis.headline,
        "leaderboard": markdown(ranking.table(analysis)),
        "sections": [
            {
                "title": "Every search run",
                "stages": ["search", "sweep"],
                "panels": [
                    _panel(
                        "scatter",
                        "radius and learning rate, coloured by validation accuracy",
                        x="config.lr",
                        y="config.rho",
                        z="summary.val_accuracy",
                        log=True,
                    ),
                    _panel(
                        "parallel",
                        "what was tried, and how well it did",
                        columns=[*(f"config.{name}" for name in searched), "summary.val_accuracy"],
                    ),
                    _panel("importance", "", of="val_accuracy"),
                ],
            },
            {
                "title": "Confirm runs",
                "stages": ["confirm", "equal-compute"],
                "panels": [
                    _panel(
                        "scatter",
                        "test accuracy against gradient evaluations",
                        x="summary.gradient_evaluations",
                        y="summary.test_accuracy",
                        z="summary.test_accuracy",
                        log=False,
                    ),
                    *(
                        _panel("curves", f"{name.replace('_', ' ')} by variant", y=name)
                        for name in ("val_accuracy", "train_loss", "rise")
                    ),
                ],
            },
        ],
    }


def _searched(analysis: "Leaderboard") -> list[str]:
    """The config keys that any variant searches, as W&B's runs have them."""
    spaces: Mapping[str, Mapping[str, Any]] = analysis.header["spaces"]
    names = dict.fromkeys(name for space in spaces.values() for name in space)
    names.pop("epochs_factor", None)
    return ["variant", *names, "epochs"]


def _panel(kind: str, title: str, **keys: Any) -> dict[str, Any]:
    return {"kind": kind, "title": title, **keys}


def place(root: Path, study: str) -> Path:
    """Where a study's description goes; UserError if that is outside of root, or somebody's file.

    The study's name comes from records, which may be anybody's.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", study):
        raise UserError(f"records of a study {short(study)}: that is no name of a study")
    path = root / study / "dashboard.json"
    if path.exists():
        read(path)
    return path


def write(path: Path, description: Mapping[str, Any]) -> None:
    write_atomically(path, json.dumps(description, indent=1) + "\n")


class _Section(Table):
    title: str
    stages: list[str]
    panels: list[dict[str, Any]]


class _Dashboard(Table):
    format: Literal[1]
    project: str
    study: str
    title: str
    headline: str
    leaderboard: str
    sections: list[_Section]


def read(path: Path) -> dict[str, Any]:
    """A description from its file; UserError, one line, if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a dashboard: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UserError(f"{path}: not a dashboard of format {FORMAT}")
    try:
        return _Dashboard.model_validate(found).model_dump()
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(error)}") from None


def upload(description: Mapping[str, Any], entity: str | None = None) -> str:
    """Makes the report, returns its URL; NoLogin without a key.

    UserError if wandb-workspaces is missing or W&B refuses.
    """
    import wandb

    if not wandb.login(prompt=False):
        raise NoLogin
    try:
        import wandb_workspaces.reports.v2 as wr
    except ImportError:
        raise UserError(INSTALL) from None
    try:
        who = entity or wandb.Api().default_entity or ""
        report = wr.Report(
            project=description["project"],
            entity=who,
            title=description["title"],
            description=description["headline"],
            blocks=blocks(description, who),
            width="fluid",
        )
        return report.save().url
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"W&B refuses the report: {reason}") from None


def blocks(description: Mapping[str, Any], entity: str) -> list[Any]:
    """The report's blocks, as wandb-workspaces has them."""
    import wandb_workspaces.reports.v2 as wr

    made: list[Any] = [
        wr.P(text=description["headline"]),
        wr.H1(text="Leaderboard"),
        wr.MarkdownBlock(text=description["leaderboard"]),
    ]
    for section in description["sections"]:
        runset = wr.Runset(
            entity=entity,
            project=description["project"],
            name=section["title"],
            filters=_filters(description["study"], section["stages"]),
        )
        panels = [_made(panel, i) for i, panel in enumerate(section["panels"])]
        made += [wr.H1(text=section["title"]), wr.PanelGrid(runsets=[runset], panels=panels)]
    return made


def _filters(study: str, stages: Sequence[str]) -> str:
    return f"Metric('Group') = {study!r} and Metric('JobType') in {list(stages)!r}"


def _made(panel: Mapping[str, Any], place: int) -> Any:
    import wandb_workspaces.reports.v2 as wr

    layout = wr.Layout(x=12 * (place % 2), y=9 * (place // 2), w=12, h=9)
    title = panel["title"]
    match panel["kind"]:
        case "scatter":
            axes = {axis: _metric(panel[axis]) for axis in "xyz"}
            log = panel["log"] or None
            return wr.ScatterPlot(title=title, **axes, log_x=log, log_y=log, layout=layout)
        case "parallel":
            columns = [
                wr.ParallelCoordinatesPlotColumn(_metric(name), log=_is_log(name))
                for name in panel["columns"]
            ]
            return wr.ParallelCoordinatesPlot(title=title, columns=columns, layout=layout)
        case "importance":
            return wr.ParameterImportancePlot(with_respect_to=panel["of"], layout=layout)
        case "curves":
            return wr.LinePlot(
                title=title,
                x="epoch",
                y=[panel["y"]],
                groupby=wr.Config("variant"),
                groupby_aggfunc="mean",
                groupby_rangefunc="minmax",
                layout=layout,
            )
    raise UserError(f"dashboard: unknown panel {panel['kind']!r}")


def _metric(name: str) -> Any:
    import wandb_workspaces.reports.v2 as wr

    where, _, key = name.partition(".")
    return wr.Config(key) if where == "config" else wr.SummaryMetric(key)


def _is_log(name: str) -> bool | None:
    return True if name in ("config.lr", "config.rho") else None
