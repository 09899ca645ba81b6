"""Tables read: their features and targets in numbers."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sambench.errors import UserError, echo, nearest, said
from sambench.scores import LOSS, REGRESSION, RMSE
from sambench.tasks.frames import FILES

if TYPE_CHECKING:
    from sambench.tasks.tabular.task import Tabular

EMBEDDED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""Of scikit-learn's."""
FEWEST = 5  # rows of a class, on average


class Rows(NamedTuple):
    """A whole table in numbers."""

    x: np.ndarray
    """(n, features) float64: words as columns of 0 and 1; NaN where nothing is"""
    y: np.ndarray
    """(n,) int64 or float64"""
    classes: tuple[str, ...]
    """none of a number to predict"""


def read(task: "Tabular") -> Rows:
    """The table, read once; UserError for what is no table, or not of these targets."""
    path = Path(task.dataset).expanduser()
    if task.dataset in EMBEDDED:
        if task.target is not None:
            raise UserError(f"task.target: is for files; {task.dataset} has its own")
        found = _embedded(task.dataset)
    elif path.suffix.lower() not in FILES:
        hint = nearest(task.dataset, [*EMBEDDED, "a path that ends in .csv, .tsv or .parquet"])
        raise UserError(f"task.dataset: no table {echo(task.dataset)}, {hint}")
    elif not path.is_file():
        raise UserError(f"task.dataset: no file {echo(task.dataset)}")
    elif task.target is None:
        raise UserError("task.target: is required: which column of the file is predicted")
    else:
        found = _file(path, task.target, path.stat().st_mtime_ns)
    predicts_numbers = task.known is REGRESSION
    if predicts_numbers and task.label_noise:
        raise UserError("task.label_noise: is for classes, and the objective is of numbers")
    as_rows = _numbers if predicts_numbers else _classes
    return as_rows(*found, task.objective)


@lru_cache(maxsize=1)
def _embedded(name: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    return (
        np.asarray(found.data, float),
        np.asarray(found.target),
        tuple(map(str, getattr(found, "target_names", ()))),
    )


@lru_cache(maxsize=1)
def _file(path: Path, target: str, stamp: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Features and targets; `stamp` makes that a file is read again once it has changed."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, sep="," if path.suffix.lower() == ".csv" else "\t")
    except Exception as error:
        raise UserError(f"task.dataset: {path} cannot be read: {said(error)}") from None
    if target not in frame:
        hint = nearest(target, map(str, frame.columns))
        raise UserError(f"task.target: {path} has no column {echo(target)}, {hint}")
    column = frame.pop(target)
    if num := int(column.isna().sum()):
        raise UserError(f"task.target: {echo(target)} is missing in {num} of {len(column)} rows")
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    x = pd.get_dummies(frame, columns=words, dtype=float).to_numpy(float)
    if not x.shape[1]:
        raise UserError(f"task.dataset: {path} has no column beside {echo(target)}")
    return x, column.to_numpy(), ()


def _numbers(x: np.ndarray, y: np.ndarray, names: tuple[str, ...], objective: str) -> Rows:
    if y.dtype.kind not in "fiu" or names:
        raise UserError(f"task.objective: {objective} is of numbers, and the targets are classes")
    if not np.isfinite(y).all():
        raise UserError("task.target: not every number is finite")
    return Rows(x, y.astype(float), ())


def _classes(x: np.ndarray, y: np.ndarray, names: tuple[str, ...], objective: str) -> Rows:
    found, codes = np.unique(y.astype(str) if y.dtype.kind == "O" else y, return_inverse=True)
    rule = " or ".join(f'"{score.name}"' for score in REGRESSION if score.name != "loss")
    if objective == LOSS.name:
        rule += f'; "{RMSE.name}" is the root of the loss of numbers, "{objective}" that of classes'
    if y.dtype.kind == "f" and not (y == np.rint(y)).all():
        raise UserError(f"task.objective: the targets are numbers, not classes; choose {rule}")
    if len(found) < 2 or len(found) * FEWEST > len(y):
        raise UserError(
            f"task.target: {len(found)} different targets in {len(y)} rows are no classes to learn"
            f"{f'; if they are numbers, choose task.objective {rule}' * (y.dtype.kind in 'fiu')}"
        )
    return Rows(x, codes.astype(np.int64), names or tuple(map(str, found)))
