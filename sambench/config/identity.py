"""Whether two studies ask the same thing."""

import hashlib
import json
from collections.abc import Iterator, Mapping

from sambench.config.models import Study

Dump = Mapping[str, object]

UNRELATED = ("name", "question", "published", "task.stream")
"""Keys of a study that change nothing about its results."""


def fingerprint(study: Study) -> str:
    """16 hex digits that change when, and only when, the study's results may."""
    content = _content(study.model_dump(mode="json"))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def changed_keys(old: Dump, new: Dump) -> list[str]:
    """Dotted keys in which two `model_dump(mode="json")` differ; none if the fingerprints agree."""
    return list(_differences(_content(old), _content(new)))


def _content(table: Dump, at: str = "") -> Dump:
    """What results depend on."""
    return {
        key: _content(value, f"{at}{key}.") if isinstance(value, dict) else value
        for key, value in table.items()
        if at + key not in UNRELATED
    }


def _differences(old: Dump, new: Dump, at: str = "") -> Iterator[str]:
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, f"{at}{key}.")
        elif before != after:
            yield f"{at}{key}"
