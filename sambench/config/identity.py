"""Whether two studies ask the same thing."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sambench.config.models import Study

UNRELATED = ("name", "question", "published")
"""Keys of a study that change nothing about its results."""


def fingerprint(study: Study) -> str:
    """16 hex digits that change when, and only when, the study's results may."""
    content = _content(study.model_dump(mode="json"))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def changed_keys(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Dotted keys in which two `model_dump(mode="json")` differ; none if the fingerprints agree."""
    return list(_differences(_content(old), _content(new)))


def _content(dump: dict[str, Any]) -> dict[str, Any]:
    """What results depend on."""
    content = {key: value for key, value in dump.items() if key not in UNRELATED}
    task = {key: value for key, value in content.get("task", {}).items() if key != "stream"}
    return {**content, "task": task}


def _differences(old: dict[str, Any], new: dict[str, Any], at: str = "") -> Iterator[str]:
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, f"{at}{key}.")
        elif before != after:
            yield f"{at}{key}"
