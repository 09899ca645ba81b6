"""What a run depends on, and what of it has changed since."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache

from sambench.config.models import Study

Dump = Mapping[str, object]

RUNS = ("seed", "task", "train")
"""Keys of a study that all of its runs depend on; what its arms are, those of the arm alone."""
UNRELATED = ("task.stream",)
"""Those among them that change nothing about results."""


def fingerprint(study: Study) -> str:
    """16 hex digits that change when, and only when, what all runs depend on does.

    Budget, searches, margin and the list of variants are not in it: a study may grow.
    """
    return _fingerprint(_Itself(study))


class _Itself:
    """A study as a key: no other one is the same, however equal. Its runs all ask."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def __hash__(self) -> int:
        return id(self.study)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.study is self.study


@lru_cache(maxsize=8)
def _fingerprint(key: _Itself) -> str:
    content = _content(key.study.model_dump(mode="json", include=set(RUNS)))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def changed_keys(old: Dump, new: Dump) -> list[str]:
    """Dotted keys in which two tables differ, what changes no result left out."""
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
