"""The made-up study of accuracies as one of other scores: of errors, of returns."""

import copy
from dataclasses import dataclass, replace

from sambench.records import Record, Records, Score, pack_numbers, unpack

ERROR = Score(name="rmse", unit="of the target", direction="minimize")
RETURN = Score(name="mean_return", unit="return", direction="maximize", items="values")
WRONG = Score(name="error_rate", unit="share", direction="minimize", items="pseudovalues")


@dataclass(frozen=True)
class Turned:
    """What an accuracy becomes: `at` + `by` times it."""

    score: Score
    at: float
    by: float

    def __call__(self, accuracy: float | None) -> float | None:
        return None if accuracy is None else self.at + self.by * accuracy


KINDS = {
    "an error": Turned(ERROR, 37.0, -37.0),
    "a return": Turned(RETURN, -220.0, 500.0),
    "a share of which less is better": Turned(WRONG, 1.0, -1.0),
}


def turned(study: Records, kind: Turned) -> Records:
    """The same runs, luck and claims: the margin is as large."""
    score, header = kind.score, copy.deepcopy(study.header)
    spec = header["spec"]
    spec["task"] = {
        "kind": "own",
        "dataset": "own",
        "model": "own",
        "score": score.model_dump(),
    }
    share = 1.0 if score.in_percent else 0.01
    spec["search"]["margin"] = abs(kind.by) * share * spec["search"].get("margin", 1.0)
    for fit in header["fits"].values():
        fit["expected"] = kind(fit["expected"])
        fit["noise"] *= abs(kind.by)
        fit["profile"] = [[r, kind(s), abs(kind.by) * e] for r, s, e in fit["profile"]]
    header |= {"objective": score.name, "scores": [score.model_dump()]}
    return Records(header, tuple(_record(run, kind) for run in study.records))


def _record(run: Record, kind: Turned) -> Record:
    name, items = kind.score.name, {}
    if kind.score.items and run.items["accuracy"]:
        right = unpack(run.items["accuracy"], run.num_items)
        items = {name: pack_numbers(kind.at + kind.by * right)}
    return replace(
        run,
        val={name: kind(run.val["accuracy"])},
        test={name: kind(run.test["accuracy"])},
        items=items,
        num_items=run.num_items if items else 0,
        curve=" ".join(f"{kind(float(value)):.6g}" for value in run.curve.split()),
    )
