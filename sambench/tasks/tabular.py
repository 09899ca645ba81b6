"""The task `tabular`: a class or a number of each row of a table, by an MLP."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, ValidationError

from sambench.config import IfSet, Table, Task, Text, kinds, one_line
from sambench.errors import UserError, echo, nearest, said
from sambench.scores import ACCURACY, CLASSIFICATION, LOSS, REGRESSION, RMSE, Score
from sambench.tasks.frames import FILES

if TYPE_CHECKING:
    from torch import nn

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data

EMBEDDED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""Of scikit-learn's."""
FEWEST = 5  # rows of a class, on average


class MLP(Table):
    """Linear layers with ReLU between them."""

    width: Annotated[int, Field(ge=1, le=65536)] = 128
    depth: Annotated[int, Field(ge=0, le=100)] = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def build(self, features: int, outputs: int) -> "nn.Module":
        from torch import nn

        layers: list[nn.Module] = []
        for _ in range(self.depth):
            layers += [nn.Linear(features, self.width), nn.ReLU()]
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            features = self.width
        return nn.Sequential(*layers, nn.Linear(features, outputs))


class Rows(NamedTuple):
    """A whole table in numbers."""

    x: np.ndarray
    """(n, features) float64: words as columns of 0 and 1; NaN where nothing is"""
    y: np.ndarray
    """(n,) int64 or float64"""
    classes: tuple[str, ...]
    """none of a number to predict"""


@kinds.register("tabular")
class Tabular(Task):
    """Rows of a table, each with a class or a number: which of the two, the objective says.

    Features are scaled to mean 0 and variance 1 over the training rows; words become columns of 0
    and 1, and a missing number the mean. A number to predict is scaled for the loss alone.
    """

    item: ClassVar[str] = "row"

    dataset: Text
    """`"breast_cancer"`, `"diabetes"`, `"digits"`, `"iris"` or `"wine"`, which scikit-learn brings,
    or the path of a file, .csv, .tsv or .parquet"""
    target: IfSet[Text | None] = None
    """the column of a file that is predicted"""
    objective: IfSet[Text] = ACCURACY.name
    """the score that decides: of classes `"accuracy"`, `"balanced_accuracy"`, `"f1_macro"`,
    `"auroc"` or `"loss"`, of numbers `"r2"`, the share of their variance that is explained,
    `"rmse"`, the root of their loss, or `"mae"`, in the unit of the target"""
    model: Text = "mlp"
    """`"mlp"`; its `model_args` are `width` 128, `depth` 2 and `dropout` 0"""

    @property
    def known(self) -> tuple[Score, ...]:
        for family in (CLASSIFICATION, REGRESSION):
            if self.objective in [score.name for score in family]:
                return family
        return (*CLASSIFICATION, *REGRESSION)

    def check_data(self) -> None:
        _rows(self)

    def check_model(self) -> None:
        self._mlp()

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.contents import fingerprint, of_arrays

        x, y, classes = _rows(self)
        names = fingerprint(repr(classes).encode())
        return {**of_arrays(features=x, target=y), "classes": names}

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Data":
        import torch

        from sambench.tasks.contents import digest
        from sambench.tasks.noise import mislabel
        from sambench.tasks.split import draw, sizes
        from sambench.tasks.tensors import TensorData, Tensors

        x, y, classes = _rows(self)
        if began_with not in (None, digest(self.contents())):
            raise UserError(
                f"task.dataset: {echo(self.dataset)} has changed since the study began; undo that, "
                "or start a new study with --fork NAME"
            )
        targets = torch.from_numpy(y)
        pool = Tensors(torch.from_numpy(x), targets if classes else targets.float())
        fitting = sizes(self.split, len(pool), None, self.dataset)
        train, val, test = draw(pool, None, fitting, streams["split"])
        rng = np.random.default_rng(streams["labels"])
        if self.label_noise:
            train, val = (mislabel(part, self.label_noise, classes, rng) for part in (train, val))
        mean = train.x.nanmean(0)
        mean = torch.where(mean.isfinite(), mean, 0.0)
        spread = torch.where(train.x.isnan(), mean, train.x).std(0, correction=0)
        spread = torch.where(spread > 0, spread, 1.0)
        sets = [
            (((torch.where(part.x.isnan(), mean, part.x) - mean) / spread).float(), part.y)
            for part in (train, val, test)
        ]
        return TensorData.from_tensors(*sets, classes=classes or None, item=self.item)

    def build(self, data: "Data") -> "nn.Module":
        return self._mlp().build(*data.sizes.values())

    def _mlp(self) -> MLP:
        if self.model != "mlp":
            raise UserError(f"task.model: no model {echo(self.model)} of rows; the nearest is mlp")
        try:
            return MLP.model_validate(self.model_args)
        except ValidationError as error:
            raise UserError(f"task.model_args.{one_line(error)}") from None


def _rows(task: Tabular) -> Rows:
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
    read = _numbers if predicts_numbers else _classes
    return read(*found, task.objective)


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
