"""A study's dashboard: what its W&B report shows, kept in a file until a login uploads it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from sambench.config import Table, one_line
from sambench.errors import UserError
from sambench.files import write_atomically

if TYPE_CHECKING:
    from sambench.analysis import Leaderboard
    from sambench.scores import Score

FORMAT = 2
INSTALL = "W&B reports need wandb-workspaces: pip install 'sambench[dashboard]'"
LOGIN = "run `wandb login`, then repeat the command or give it --upload"


class NoLogin(Exception):
    """W&B knows no key here."""


class Scatter(Table):
    """A point per run; an axis is "config.KEY" or "summary.KEY", z the colour."""

    kind: Literal["scatter"] = "scatter"
    title: str
    x: str
    y: str
    z: str


class Parallel(Table):
    """A line per run through its "config.KEY" and "summary.KEY"."""

    kind: Literal["parallel"] = "parallel"
    title: str
    columns: list[str]


class Importance(Table):
    """Which hyperparameters a metric depends on."""

    kind: Literal["importance"] = "importance"
    title: str = ""
    of: str


class Curves(Table):
    """A metric over the epochs, mean and range of every variant."""

    kind: Literal["curves"] = "curves"
    title: str
    y: str


Panel = Scatter | Parallel | Importance | Curves


class Section(Table):
    """Panels over the runs of some arms and stages."""

    title: str
    groups: list[str]
    """W&B's: STUDY/ARM"""
    stages: list[str]
    panels: list[Annotated[Panel, Field(discriminator="kind")]]


class Dashboard(Table):
    """A study's report, as it stands in a file."""

    format: Literal[2] = FORMAT
    project: str
    study: str
    title: str
    headline: str
    leaderboard: str
    """markdown"""
    sections: list[Section]


def describe(leaderboard: "Leaderboard", project: str) -> Dashboard:
    """Headline, leaderboard, and the panels over the study's runs."""
    from sambench.render.markdown import markdown
    from sambench.render.tables import ranking

    study, searched, score = leaderboard.study, _searched(leaderboard), leaderboard.score
    val = f"val_{score.name}"
    groups = [f"{study}/{label}" for label in searched]
    names = list(dict.fromkeys(name for own in searched.values() for name in own))
    whole = Section(
        title="Every run that searched",
        groups=groups,
        stages=TRIED,
        panels=[
            _tried(names, score),
            _parallel(score, "variant", *names, "epochs"),
            Importance(of=val),
        ],
    )
    arms = [
        Section(
            title=label,
            groups=[f"{study}/{label}"],
            stages=TRIED,
            panels=[_tried(own, score), _parallel(score, *own)],
        )
        for label, own in searched.items()
        if own
    ]
    retrained = Section(
        title="Settings that were trained again",
        groups=groups,
        stages=["confirm", "setting"],
        panels=[
            Scatter(
                title=f"validation {score.words} against gradient evaluations",
                x="summary.gradient_evaluations",
                y=f"summary.{val}",
                z=f"summary.{val}",
            ),
            *(
                Curves(title=f"{name.replace('_', ' ')} by arm", y=name)
                for name in (val, "train_loss", "rise")
            ),
        ],
    )
    return Dashboard(
        project=project,
        study=study,
        title=f"sambench: {study}"[:128],
        headline=leaderboard.headline,
        leaderboard=markdown(ranking.table(leaderboard)),
        sections=[*([whole, *arms] if arms else []), retrained],
    )


TRIED = ["pool", "sweep"]


def _searched(leaderboard: "Leaderboard") -> dict[str, list[str]]:
    """What each arm searches, as the config of W&B's runs names it."""
    arms: Mapping[str, Mapping[str, Any]] = leaderboard.header["arms"]
    return {
        label: ["rho" if name == arm["radius"] else name for name in arm["space"]]
        for label, arm in arms.items()
    }


def _tried(names: Sequence[str], decides: "Score") -> Scatter:
    """The first two of the searched values, or one of them, against the validation score."""
    first, *others = names
    score = f"summary.val_{decides.name}"
    return Scatter(
        title=f"validation {decides.words} by {' and '.join(names[:2])}",
        x=f"config.{first}",
        y=f"config.{others[0]}" if others else score,
        z=score,
    )


def _parallel(decides: "Score", *names: str) -> Parallel:
    columns = [*(f"config.{name}" for name in names), f"summary.val_{decides.name}"]
    return Parallel(title="what was tried, and how well it did", columns=columns)


def place(root: Path, study: str) -> Path:
    """Where a study's dashboard goes; UserError if that is outside of root, or somebody's file.

    The study's name comes from records, which may be anybody's.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", study):
        raise UserError(f"records of a study {short(study)}: that is no name of a study")
    path = root / study / "dashboard.json"
    if path.exists():
        read(path)
    return path


def write(path: Path, dashboard: Dashboard) -> None:
    write_atomically(path, json.dumps(dashboard.model_dump(), indent=1) + "\n")


def read(path: Path) -> Dashboard:
    """A dashboard from its file; UserError, one line, if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a dashboard: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UserError(f"{path}: not a dashboard of format {FORMAT}; move it away, make it anew")
    try:
        return Dashboard.model_validate(found)
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(error)}") from None


def upload(dashboard: Dashboard, entity: str | None = None) -> str:
    """Makes the report, returns its URL; NoLogin without a key.

    UserError if wandb-workspaces is missing or W&B refuses.
    """
    import wandb

    if not wandb.login(prompt=False):
        raise NoLogin
    try:
        from sambench.sweeps.report import report
    except ImportError:
        raise UserError(INSTALL) from None
    try:
        who = entity or wandb.Api().default_entity or ""
        return report(dashboard, who).save().url
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"W&B refuses the report: {reason}") from None
