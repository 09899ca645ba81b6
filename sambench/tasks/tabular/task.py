"""The task `tabular`: a class or a number of each row of a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sambench.config import IfSet, Task, Text, kinds
from sambench.errors import UserError, echo
from sambench.scores import ACCURACY, CLASSIFICATION, REGRESSION, Score
from sambench.tasks.tabular import table
from sambench.tasks.tabular.models import network

if TYPE_CHECKING:
    from torch import nn

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data


@kinds.register("tabular")
class Tabular(Task):
    """Rows of a table, each with a class or a number: which of the two, the objective says.

    Features are scaled to mean 0 and variance 1 over the training rows; words become columns of 0
    and 1, and a missing number the mean. A number to predict is scaled for the loss alone.
    Dropout draws the same masks in all passes of a step.
    """

    item: ClassVar[str] = "row"
    replays: ClassVar[bool] = True

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
    """`"mlp"`, whose `model_args` are `width` 128, `depth` 2 and `dropout` 0; `"tabm"`, with `k`
    32, `width` 512, `depth` 3 and `dropout` 0.1; `"ft-transformer"`, with `depth` 3, `heads` 8
    and, as its authors choose them for that depth, `width`, `attention_dropout` and `dropout`"""

    @property
    def known(self) -> tuple[Score, ...]:
        for family in (CLASSIFICATION, REGRESSION):
            if self.objective in [score.name for score in family]:
                return family
        return (*CLASSIFICATION, *REGRESSION)

    def check_data(self) -> None:
        table.read(self)

    def check_model(self) -> None:
        network(self.model, self.model_args).check()

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.contents import fingerprint, of_arrays

        x, y, classes = table.read(self)
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

        x, y, classes = table.read(self)
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
        return network(self.model, self.model_args).build(*data.sizes.values())
