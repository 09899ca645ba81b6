"""What was measured of a model, for a terminal."""

from collections.abc import Mapping

from rich.console import RenderableType

from sambench.render.terminal.table import labelled


def render(name: str, values: Mapping[str, float], failed: Mapping[str, str]) -> RenderableType:
    """Values by name, to four digits, and what has none."""
    rows = {"of": name, **{key: f"{value:.4g}" for key, value in values.items()}}
    return labelled(rows | {measure: f"none: {why}" for measure, why in failed.items()})
