"""What the W&B run of a whole study holds: the ranking as a table, its headline, its files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.config import Study
from sambench.tracking.describe import TAG, summary_id
from sambench.tracking.messages import Content, Described

if TYPE_CHECKING:
    from sambench.analysis import Estimate, Leaderboard, Row


def describe_study(study: Study) -> Described:
    return {
        "id": summary_id(study),
        "name": f"{study.name}: leaderboard",
        "group": study.name,
        "job_type": "summary",
        "tags": [word[:TAG] for word in ("leaderboard", study.task.model, study.task.dataset)],
        "notes": study.question or None,
        "config": {"study": study.name, "model": study.task.model, "dataset": study.task.dataset},
    }


def content(leaderboard: "Leaderboard", files: Sequence[Path]) -> Content:
    """What the study came to; scores are in their own unit, shares in [0, 1]."""
    ranked = [row for row in leaderboard.rows if row.group and row.is_baseline]
    best = ranked[0].label if ranked else ""
    rows = [_cells(row, best) for row in leaderboard.rows]
    summary = {
        "headline": leaderboard.headline,
        "use": leaderboard.use or "",
        "advice": leaderboard.advice,
    }
    return {
        "study": leaderboard.study,
        "table": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]},
        "summary": summary,
        "files": [str(path.absolute()) for path in files],
    }


def _cells(row: "Row", best_plain: str) -> dict[str, object]:
    """A line of the ranking at the study's budget."""
    lead = next((own.difference for own in row.against if own.label == best_plain), None)
    setting, cost = row.setting, row.cost
    return {
        "arm": row.label,
        "group": row.group,
        **_interval("score", row.score),
        **_interval("minus_best_plain", lead),
        "beats_plain_p": row.beats,
        "trials": row.trials,
        "points": row.points,
        "run_cost": cost and cost.ratio,
        "gradient_evaluations": cost and cost.gradient_evaluations,
        "seconds": cost and cost.seconds,
        "lr": setting and setting.lr,
        "rho": setting and setting.rho,
        "hyperparameters": setting and json.dumps(setting.hyperparameters),
        "epochs": row.epochs,
        **_interval("setting_score", setting and setting.score),
        "why_unranked": row.why,
    }


def _interval(name: str, found: "Estimate | None") -> dict[str, object]:
    return {
        name: found and found.value,
        f"{name}_low": found and found.low,
        f"{name}_high": found and found.high,
    }
