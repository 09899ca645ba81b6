"""The address of a W&B run, from what a record keeps of it."""

import re

PATH = re.compile(r"[\w.-]+/[\w.-]+/(?:runs/)?[\w.-]+")


def wandb(kept: object) -> str:
    """An address of the web, "" for anything else.

    >>> wandb("team/sambench/abc123")
    'https://wandb.ai/team/sambench/runs/abc123'
    >>> wandb("javascript:alert(1)")
    ''
    """
    if not isinstance(kept, str) or not kept:
        return ""
    if kept.startswith(("https://", "http://")):
        return kept
    if not PATH.fullmatch(kept):
        return ""
    entity, project, run = kept.replace("/runs/", "/").split("/")
    return f"https://wandb.ai/{entity}/{project}/runs/{run}"
