"""A kind of task: its table in a study file, its data, its model, and its scores; a plug-in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from sambench.config.numbers import Items, Plain, Share
from sambench.config.table import Broken, IfSet, Table
from sambench.errors import UserError, echo, nearest
from sambench.registry import Registry
from sambench.scores import ACCURACY, CLASSIFICATION, KEPT, Score

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sambench.tasks import Brief, Contents, Data, Trainer

Text = Annotated[str, Field(min_length=1)]
IMAGES = "images"
"""The kind where none is named."""


class Split(Table):
    """Sizes in items; by default the official test set, a tenth of the rest, and what is left."""

    train: Items | None = None
    """default: what is left"""
    val: Items | None = None
    """default: a tenth of what is not for testing"""
    test: Items | None = None
    """default: the official test set, else a fifth of all items"""


class Task(Table):
    """The data and the model; a kind of task adds keys of its own."""

    item: ClassVar[str] = "item"
    """the word for one of what it is trained on"""
    of_runs: ClassVar[tuple[str, ...]] = ()
    """names of scores that no weights have, but a whole run, see `of_run`"""
    replays: ClassVar[bool] = False
    """whether dropout draws the same masks in all passes of a step"""
    trains_itself: ClassVar[bool] = False
    """whether it brings a `trainer`; then it has no `load` and no `build`"""
    goes_by: ClassVar[frozenset[str] | None] = None
    """keys of [train] that mean something to it; None: all"""

    kind: IfSet[Text] = IMAGES
    """`"images"`, or another kind of task by its name"""
    dataset: Text
    """by its name"""
    label_noise: Share = 0.0
    """share of training labels replaced by a different class"""
    split: Split = Split()
    """below"""
    model: Text
    """by its name"""
    model_args: dict[str, Plain] = Field(default_factory=dict)
    """arguments of the model"""
    objective: IfSet[Text] = ACCURACY.name
    """the score that decides: `"accuracy"`, `"balanced_accuracy"`, `"f1_macro"`, `"auroc"` or
    `"loss"`"""

    @model_validator(mode="before")
    @classmethod
    def _of_this_kind(cls, data: object) -> object:
        return {"kind": kinds.name_of(cls), **data} if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _objective_is_known(self) -> Self:
        names = [score.name for score in self.known]
        if self.objective not in names:
            hint = nearest(self.objective, names)
            raise Broken(f"unknown value {echo(self.objective)}, {hint}", "objective")
        return self

    @property
    def measurable(self) -> bool:
        """Whether the measures of sambench/measures can be taken of its models."""
        return not self.trains_itself

    @property
    def known(self) -> tuple[Score, ...]:
        """What runs can be scored by; the first two stand in every record."""
        return CLASSIFICATION

    @property
    def scores(self) -> tuple[Score, ...]:
        """What runs are scored by; of the one that decides single items are kept, if they can."""
        first, second, *others = self.known
        picked = (first, second, *(score for score in others if score.name == self.objective))
        return tuple(
            self._kept(score) if score.name == self.objective else score for score in picked
        )

    def _kept(self, score: Score) -> Score:
        return score.model_copy(update={"items": KEPT.get(score.name, score.items)})

    @property
    def decides(self) -> Score:
        """The score of the objective."""
        return next(score for score in self.scores if score.name == self.objective)

    @property
    def judged(self) -> tuple[str, ...]:
        """Names of the scores that weights have."""
        return tuple(score.name for score in self.scores if score.name not in self.of_runs)

    @property
    def follows_runs(self) -> bool:
        """Whether the objective is known only of a run that was scored after every epoch."""
        return self.objective in self.of_runs

    def of_run(
        self, rows: Sequence[Mapping[str, float]], subset: str, epochs: int
    ) -> Mapping[str, float]:
        """The scores `of_runs` of a run so far.

        rows: of its epochs, each with "epoch", from 1, and SUBSET_NAME of every other score
        subset: "val" or "test"
        epochs: of the study's schedule; the run's own may be shorter or longer
        """
        return {}

    def items_of_run(self, items: "Sequence[Mapping[str, Tensor]]") -> "Mapping[str, Tensor]":
        """Those of the scores `of_runs` of which single test items can be kept, (n,) each.

        items: after each epoch so far, what single items scored, (n,) by name of a score
        """
        return {}

    def meaning(self, epochs: int) -> str:
        """What the objective is, where its name does not say it; `epochs`: as above."""
        return ""

    @property
    def drawn(self) -> str:
        """What a run draws anew, in words."""
        wrong = "wrong labels, " if self.label_noise else ""
        return f"split, {wrong}initial weights and data order"

    @property
    def detail(self) -> str:
        """What a page adds to the name of the dataset."""
        return ""

    def check_data(self) -> None:
        """UserError where `load` would raise it, as far as can be told without reading data."""

    def check_model(self) -> None:
        """UserError where `build` would raise it, as far as can be told by the names."""

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Data":
        """The data of one run, on the CPU, a function of this table and two seeds.

        `streams["split"]` draws training and validation set, `streams["labels"]` which of their
        labels are wrong. The test set depends on neither. What is costly to get is kept under
        `cache`.

        began_with: the digest of what the dataset must hold; UserError if it holds anything else
        """
        raise NotImplementedError

    def true_labels(self, streams: Mapping[str, int], cache: Path | None = None) -> "Tensor":
        """Of the training set that `load` gives, (n,) on the CPU: before `label_noise`."""
        data = self.model_copy(update={"label_noise": 0.0}).load(streams, cache)
        data.close()
        return data.train.y

    def contents(self, cache: Path | None = None) -> "Contents":
        """Digests of all that the dataset holds, whatever the split."""
        raise NotImplementedError

    def build(self, data: "Data") -> "nn.Module":
        """The model, with random weights drawn from torch's global generator."""
        raise NotImplementedError

    def trainer(self, brief: "Brief") -> "Trainer":
        """What trains a run, of a kind that `trains_itself`; a function of what it is given."""
        raise NotImplementedError

    def notes(self) -> tuple[str, ...]:
        """What a user should know about how the dataset is read, a line each."""
        return ()

    def reads(self) -> bool:
        """Whether `dataset` is a name by which `load` reads something."""
        return True

    def is_there(self, cache: Path) -> bool:
        """Whether the dataset is on this machine; downloads nothing."""
        return True


kinds: Registry[Task] = Registry(
    "kind of task",
    "sambench.tasks",
    {
        IMAGES: "sambench.tasks.images.task",
        "tabular": "sambench.tasks.tabular.task",
        "algorithmic": "sambench.tasks.algorithmic",
        "text": "sambench.tasks.text.task",
        "own": "sambench.tasks.own_task",
        "rl": "sambench.tasks.rl.task",
    },
    'a task one under @kinds.register("its_name")',
)
"""Others come by the entry point `sambench.tasks`, or by --import."""


def task_of(given: object) -> object:
    """A table as the task of its kind; anything else as it is."""
    if not isinstance(given, Mapping):
        return given
    kind = given.get("kind", IMAGES)
    if not isinstance(kind, str):
        raise Broken(f"must be a string, got {echo(kind)}", "kind")
    try:
        cls = kinds.get(kind)
    except UserError as error:
        raise Broken(str(error), "kind") from None
    return cls.model_validate(given)


AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(task_of)]
"""A task of whatever kind."""
