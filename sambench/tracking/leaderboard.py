"""What the W&B run of a whole study holds: the leaderboard as a table, its headline, its files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.config import Study
from sambench.tracking.describe import TAG, summary_id
from sambench.tracking.messages import Content, Described

if TYPE_CHECKING:
    from sambench.analysis import Leaderboard, Row


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
    """What the study came to. Accuracies are in [0, 1]."""
    rows = [_cells(row) for row in leaderboard.rows]
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


def _cells(row: "Row") -> dict[str, object]:
    accuracy, against, settings, cost = row.accuracy, row.against, row.settings, row.cost
    difference = against and against.difference
    return {
        "group": row.group,
        "variant": row.label,
        "test_accuracy": accuracy and accuracy.mean,
        "low": accuracy and accuracy.low,
        "high": accuracy and accuracy.high,
        "seeds": accuracy.n if accuracy else 0,
        "minus_plain": difference and difference.mean,
        "minus_plain_low": difference and difference.low,
        "minus_plain_high": difference and difference.high,
        "holm_p": against and against.holm_p,
        "lr": settings and settings.lr,
        "rho": settings and settings.rho,
        "epochs": settings and settings.epochs,
        "gradient_evaluations": cost and cost.gradient_evaluations,
    }
