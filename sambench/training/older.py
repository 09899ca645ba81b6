"""Results that an older version wrote; runs are not trained again for the form of a file."""

from typing import Any

from sambench.scores import ACCURACY, LOSS


def named_scores(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome of before scores had names, when accuracy and loss were all, as one of today."""
    if "scores" in outcome:
        return outcome
    found = dict(outcome)
    names = [f"{stage}_{name}" for stage in ("val", "test") for name in (ACCURACY.name, LOSS.name)]
    given = {name: found.pop(name) for name in names}
    scores = {name: value for name, value in given.items() if value is not None}
    right = found.pop("test_correct")
    items = {ACCURACY.name: right} if right else {}
    return {**found, "objective": ACCURACY.name, "scores": scores, "items": items}
