"""The tables of a study file: pydantic models, the one truth about its keys, types and rules."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sambench.config.arms import BASELINE, Arm, VariantTable, arms, epochs_of
from sambench.config.names import StudyName
from sambench.config.numbers import (
    LARGEST_COUNT,
    LARGEST_RATE,
    SMALLEST_RATE,
    Count,
    Nonnegative,
    Plain,
    Seed,
)
from sambench.config.space import Space
from sambench.config.table import Broken, IfSet, Listed, Table
from sambench.config.task import AnyTask
from sambench.config.train import Train
from sambench.errors import echo, nearest

Text = Annotated[str, Field(min_length=1)]


_GONE = {
    "trials": "write search.budget, in full runs of the baseline",
    "finalists": "whatever may win a search is retrained, the better the more often; leave it out",
    "equal_epochs": "plain enters at half, one and two schedule lengths; leave it out",
}
"""Keys of older study files, and what became of them."""


def _check_gone(data: object, *keys: str) -> None:
    for key in keys:
        if isinstance(data, Mapping) and key in data:
            raise Broken(f"is no more: {_GONE[key]}", key)


def _sampler(name: object) -> object:
    if name == "halton":
        raise Broken("halton is no more: points are random; leave the key out")
    return name


def _rate(given: object) -> object:
    """A learning rate that is not searched."""
    if isinstance(given, Mapping):
        raise Broken("must be a number; a range stands in search.space.lr")
    return given


def _check_rate(value: object, *key: str) -> None:
    """Broken, at `key`, unless it is a number that training can use as a learning rate."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise Broken(f"must be a number > 0, got {echo(value)}", *key)
    if not SMALLEST_RATE <= value <= LARGEST_RATE:
        raise Broken(f"must be from {SMALLEST_RATE:g} to {LARGEST_RATE:g}, got {value!r}", *key)


class Search(Table):
    """How the variants are tuned: how much a user can afford, and how sure the answer shall be."""

    budget: Annotated[float, Field(gt=0, le=LARGEST_COUNT)] = 8.0
    """what a user can afford, in full runs of the baseline: an arm whose run costs twice as many
    gradient evaluations affords half as many trials"""
    searches: Count = 5
    """the pool of each arm is as large as so many searches; below 5 nothing is concluded"""
    margin: Annotated[float, Field(gt=0)] = 1.0
    """what may be given up for a cheaper run: the recommendation is the cheapest arm that no other
    exceeds by more. In points, up to 100; required in the unit of a score that is no share"""
    sampler: Annotated[Literal["random", "tpe", "gp"], BeforeValidator(_sampler)] = "random"
    """`random`: a pool, which ranks; `tpe` and `gp`, Optuna's, tune and hand out a setting"""
    pruner: Literal["none", "median", "hyperband", "percentile"] = "none"
    """Optuna's: ends trials early that do badly; not of a pool"""
    lr: IfSet[Annotated[float, Field(gt=0, le=LARGEST_RATE), BeforeValidator(_rate)] | None] = None
    """the learning rate, where it is not searched"""
    keep_weights: IfSet[bool] = False
    """whether runs of the pool keep their final weights, too"""
    space: dict[str, Space] = Field(default_factory=dict)
    """of `lr` alone; what else is searched stands with a variant"""

    @model_validator(mode="before")
    @classmethod
    def _nothing_gone(cls, data: object) -> object:
        _check_gone(data, "trials")
        return data

    @model_validator(mode="after")
    def _lr_alone(self) -> Self:
        for name in self.space:
            if name != "lr":
                rule = "only lr is searched for all variants; use a [[variant]] table"
                raise Broken(rule, "space", name)
        if self.lr is not None and self.space:
            raise Broken("cannot stand beside space.lr: it is fixed or searched", "lr")
        if self.lr is None and not self.space:
            rule = "is required, such as { low = 0.001, high = 1.0, log = true }, or lr = 0.1"
            raise Broken(rule, "space", "lr")
        if self.lr is not None:
            _check_rate(self.lr, "lr")
        for end, value in self.space["lr"].extremes.items() if self.space else ():
            _check_rate(value, "space", "lr", end)
        return self

    @model_validator(mode="after")
    def _pools_are_not_pruned(self) -> Self:
        if self.sampler == "random" and self.pruner != "none":
            rule = "is for tpe and gp: a pool's points run to their end; leave it out"
            raise Broken(rule, "pruner")
        return self

    @property
    def rates(self) -> "Space | float":
        """Where lr is searched, or its value."""
        return self.space["lr"] if self.lr is None else self.lr


class Confirm(Table):
    """Runs that see the test set; where nothing is searched they run on `seeds` paired seeds."""

    seeds: IfSet[Annotated[Count, Field(ge=2)]] = 10
    """the same for all variants; below 5 nothing is concluded"""
    keep_weights: IfSet[bool] = False
    """whether every run that sees the test set keeps its final weights, in `weights.safetensors`;
    where there is a [measure], they do"""


class Measured(Table):
    """What is measured of the weights of runs that see the test set, once they are trained."""

    names: Annotated[tuple[Text, ...], Listed, Field(min_length=1)]
    """of measures, see sambench/measures"""
    max_batches: Count = 8
    """of training and of test items, at most, at even distances in each set"""
    batch_size: Count = 128
    """items; changes no value but for rounding"""
    set: dict[str, dict[str, Plain]] = Field(default_factory=dict)
    """settings of a measure by its name, e.g. set.curvature.top = 5"""

    @model_validator(mode="after")
    def _set_are_named(self) -> Self:
        for name in self.set:
            if name not in self.names:
                raise Broken(f"is not measured, {nearest(name, self.names)}", "set", name)
        return self


class Published(Table):
    """A number that a paper or another project reports for this task: shown, never ranked."""

    variant: Text
    """as it stands on the page"""
    accuracy: IfSet[Annotated[float, Field(le=100)] | None] = None
    """on the test set, in percent"""
    score: IfSet[float | None] = None
    """instead of it: on the test set, in the unit of the study's score where that is no share"""
    sd: Nonnegative | None = None
    """over seeds, in points or in that unit"""
    source: Text
    """a citation or an address"""
    note: str = ""
    """stands beside it"""

    @model_validator(mode="after")
    def _in_percent(self) -> Self:
        if (self.accuracy is None) == (self.score is None):
            raise Broken("is required, or score instead of it", "accuracy")
        if self.accuracy is not None and self.accuracy <= 1:
            raise Broken(f"must be in percent, > 1, got {self.accuracy:g}", "accuracy")
        return self


class Study(Table):
    """One question, and everything needed to answer it."""

    name: StudyName
    """of its folder and its page; default: the file's"""
    question: str = ""
    """stands above the page"""
    seed: Seed = 0
    """of all random streams"""
    variants: Annotated[tuple[str, ...], Listed] = ()
    """registry keys, each with the range that its file declares; `plain` must be among them"""
    variant: Annotated[tuple[VariantTable, ...], Listed] = ()
    """the same as tables, below"""
    task: AnyTask
    """below"""
    train: Train
    """below"""
    search: Search
    """below"""
    confirm: IfSet[Confirm] = Confirm()
    """below"""
    measure: IfSet[Measured | None] = None
    """below"""

    published: IfSet[Annotated[tuple[Published, ...], Listed]] = ()
    """below"""

    @model_validator(mode="before")
    @classmethod
    def _nothing_gone(cls, data: object) -> object:
        _check_gone(data, "finalists", "equal_epochs")
        return data

    @model_validator(mode="after")
    def _margin_has_a_unit(self) -> Self:
        score, search = self.task.decides, self.search
        if not score.in_percent and "margin" not in search.model_fields_set:
            rule = f"is required: how much {score.words} may be given up for a cheaper run"
            raise Broken(f"{rule}, in its own unit", "search", "margin")
        if score.in_percent and search.margin > 100:
            raise Broken(f"must be <= 100, got {search.margin:g}", "search", "margin")
        return self

    @model_validator(mode="after")
    def _training_means_something(self) -> Self:
        known, kind = self.task.goes_by, echo(self.task.kind)
        if known is None:
            return self
        for name, field in Train.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if name not in known and getattr(self.train, name) != default:
                raise Broken(f"means nothing to a task of kind {kind}; leave it out", "train", name)
        return self

    @model_validator(mode="after")
    def _can_be_measured(self) -> Self:
        if self.measure is not None and not self.task.measurable:
            rule = f"measures are not taken of a task of kind {echo(self.task.kind)}"
            raise Broken(f"{rule}; leave the table out", "measure")
        return self

    @model_validator(mode="after")
    def _has_a_baseline(self) -> Self:
        labels = self.labels()
        for label in labels:
            if labels.count(label) > 1:
                rule = "labels must be unique, those of variants and [[variant]] tables together"
                raise Broken(f"label {label!r} is used twice; {rule}", "variants")
        if BASELINE not in {table.name for table in self._tables().values()}:
            raise Broken(f"must hold the baseline {BASELINE!r}", "variants")
        for i, table in enumerate(self.variant):
            known: dict[int, float] = {}
            for at in table.length or ():
                epochs = epochs_of(at, self.train.epochs)
                if epochs in known:
                    rule = (
                        f"{known[epochs]:g} and {at:g} are the same schedule, of epochs: {epochs}"
                    )
                    raise Broken(rule, f"variant[{i}]", "length")
                known[epochs] = at
        return self

    def labels(self) -> list[str]:
        """The names of all competitors."""
        return [
            label for table in self._tables().values() for label in table.labels(self.train.epochs)
        ]

    def names(self) -> list[tuple[str, str]]:
        """Place in the file and registry key of every variant."""
        return [(place, table.name) for place, table in self._tables().items()]

    def arms(self) -> tuple[Arm, ...]:
        """The competitors, in the order of the file; UserError where the registry knows better."""
        lr, epochs = self.search.rates, self.train.epochs
        tables = self._tables().items()
        return tuple(found for at, table in tables for found in arms(at, table, lr, epochs))

    def points(self, arm: Arm) -> int:
        """Of an arm's pool: as many as the searches need, at the declared passes (rule 3)."""
        searches, budget = self.search.searches, Fraction(repr(self.search.budget))
        return ceil(searches * budget / arm.cost(self.train.epochs))

    def asked(self) -> dict[str, dict[str, object]]:
        """What the file says of each competitor, by label; what the registry adds left out."""
        lr = self.search.model_dump(mode="json", include={"lr", "space"})
        found = {}
        for table in self._tables().values():
            own = table.model_dump(mode="json", exclude={"label", "length"})
            labels = table.labels(self.train.epochs)
            found |= {label: {**own, "length": at, **lr} for label, at in labels.items()}
        return found

    def _tables(self) -> dict[str, VariantTable]:
        """Every variant as a table, by its place in the file."""
        short = {f"variants[{i}]": VariantTable(name=name) for i, name in enumerate(self.variants)}
        return short | {f"variant[{i}]": table for i, table in enumerate(self.variant)}
