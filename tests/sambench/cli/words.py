"""Command lines that several tests give."""

from pathlib import Path


def study(path: Path, *options: str) -> list[str | Path]:
    return ["study", path, "--device", "cpu", "--workers", "1", "--wandb", "disabled", *options]
