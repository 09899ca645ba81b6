"""The W&B run of a whole study: leaderboard, figures and records."""

from pathlib import Path
from typing import Any


def fill(
    run: Any, *, study: str, table: dict[str, list[Any]], summary: dict[str, Any], files: list[str]
) -> None:
    """Logs the table, shows what can be shown of the files, and keeps all of them as an artifact.

    table: "columns" and "data", row by row
    """
    import wandb

    logged: dict[str, Any] = {
        "leaderboard": wandb.Table(columns=table["columns"], data=table["data"])
    }
    artifact = wandb.Artifact(f"{study}-records", type="records")
    for path in map(Path, files):
        artifact.add_file(str(path))
        if path.suffix == ".svg":
            logged[path.stem] = wandb.Html(path.read_text())
    run.log(logged)
    run.summary.update(summary)
    run.log_artifact(artifact)
