"""What W&B is told about a run: names, tags, and a flat configuration."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING

from pydantic import BaseModel

from sambench.config import Study, fingerprint
from sambench.tracking.messages import Described, Ending, Measured, Table

if TYPE_CHECKING:
    import numpy as np

    from sambench.records import Quantity, Score
    from sambench.training import Outcome, Run

TAG = 64  # characters that W&B takes
RENAMED = {"ascent": "train_ascent"}  # stable_sam has one of its own

NOTHING: Measured = {"summary": {}, "tables": {}}


def run_id(run: "Run") -> str:
    """The same for the same run of the same study, so that a resumed one continues."""
    return _digest([fingerprint(run.study), run.study.name, run.id, run.setting, run.device])


def summary_id(study: Study) -> str:
    return _digest([fingerprint(study), study.name, "summary"])


def describe(run: "Run") -> Described:
    """What W&B is told about a run that begins; each arm is a group."""
    task = run.study.task
    return {
        "id": run_id(run),
        "name": f"{run.study.name}/{run.id}",
        "group": f"{run.study.name}/{run.label}",
        "job_type": run.stage,
        "tags": [word[:TAG] for word in (run.label, task.model, task.dataset)],
        "config": config(run),
    }


def config(run: "Run") -> dict[str, object]:
    """Flat keys, so that W&B's parallel coordinates and importance panels work at once."""
    return {
        **dict(_flat(run.study.task)),
        **dict(_flat(run.study.train)),
        "study": run.study.name,
        "variant": run.label,
        "key": run.key,
        "stage": run.stage,
        **({} if run.point < 0 else {"point": run.point}),
        "rerun": run.rerun,
        "device": run.device,
        **run.seeds.columns(),
        "lr": run.lr,
        "epochs": run.epochs,
        "length": run.epochs / run.study.train.epochs,
        **({} if run.rho is None else {"rho": run.rho}),
        **run.hyperparameters,
    }


def history(row: Mapping[str, float]) -> dict[str, float]:
    """An epoch's row, without test scores, which a run that is scored by its course has in each;
    the rate that the schedule has come to is not the config's lr."""
    return {
        "scheduled_lr" if name == "lr" else name: value
        for name, value in row.items()
        if not name.startswith("test_")
    }


def measured(
    quantities: Iterable["Score"], values: Mapping[str, float], details: Mapping[str, str]
) -> Measured:
    """What was measured of a run's weights; details as the records keep them."""
    from sambench.records import Quantity, unpack_numbers

    found: Measured = {"summary": {}, "tables": {}}
    for own in quantities:
        if own.name in values:
            found["summary"][f"measure_{own.name}"] = values[own.name]
        if isinstance(own, Quantity) and own.name in details:
            table = _table(own, unpack_numbers(details[own.name]))
            found["tables"] |= {f"details_{own.name}": table} if table else {}
    return found


def _table(quantity: "Quantity", numbers: "np.ndarray") -> Table | None:
    """A row for each number that is known, behind its places on the axes; None if none fits."""
    shape = quantity.shape(len(numbers))
    if shape is None:
        return None
    ticks = [axis.ticks or range(size) for axis, size in zip(quantity.axes, shape, strict=True)]
    rows = [
        [*place, number]
        for place, number in zip(product(*ticks), numbers.tolist(), strict=True)
        if math.isfinite(number)
    ]
    return {"columns": [*quantity.axes_named, quantity.name], "data": rows}


def ending(outcome: "Outcome", found: Measured = NOTHING) -> Ending:
    """How a run ended: its last rows, summary, and exit code; no test scores, which the page has.

    A pruned or diverged run is a result; only a failed one exits with 1.
    """
    return {
        "tables": found["tables"],
        "rows": [history(row) for row in outcome.history],
        "tag": "" if outcome.outcome == "complete" else outcome.outcome,
        "notes": outcome.reason,
        "exit_code": 1 if outcome.outcome == "failed" else 0,
        "summary": {
            "state": outcome.outcome,
            "reason": outcome.reason,
            "gradient_evaluations": outcome.gradient_evaluations,
            "wall_s": outcome.wall_s,
            **found["summary"],
        },
    }


def _flat(table: BaseModel) -> Iterator[tuple[str, object]]:
    """Every key of a table, defaults included: split_train, betas_0, model_args_drop_rate."""
    for name in type(table).model_fields:  # not a dump, which leaves defaults out
        yield from _leaves(RENAMED.get(name, name), getattr(table, name))


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}_{key}", inner)
    else:
        yield name, value


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
