"""The tables of a study file: pydantic models, the one truth about its keys, types and rules."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sambench.config.arms import BASELINE, EQUAL_EPOCHS, Arm, VariantTable, arm, equal_epochs
from sambench.config.names import StudyName
from sambench.config.numbers import (
    LARGEST_RATE,
    SMALLEST_RATE,
    Count,
    Images,
    Nonnegative,
    Pixels,
    Plain,
    Seed,
    Share,
)
from sambench.config.space import Space
from sambench.config.table import Broken, IfSet, Listed, Table
from sambench.config.train import Train
from sambench.errors import echo
from sambench.seeds import CONFIRM

Text = Annotated[str, Field(min_length=1)]


class Split(Table):
    """Sizes in images; by default the official test set, a tenth of the rest, and what is left."""

    train: Images | None = None
    """default: what is left"""
    val: Images | None = None
    """default: a tenth of what is not for testing"""
    test: Images | None = None
    """default: the official test set, else a fifth of all images"""


def _stream(given: object) -> object:
    if given not in (True, False, "auto"):
        raise Broken(f'must be true, false or "auto", got {echo(given)}')
    return given


class Task(Table):
    """The data and the model."""

    dataset: Text
    """`"digits"`, `"synthetic"`, `"folder:PATH"`, or a torchvision set by name"""
    image_size: Pixels | None = None
    """side in pixels; default: that of the images"""
    label_noise: Share = 0.0
    """share of training labels replaced by a different class"""
    split: Split = Split()
    """below"""
    model: Text
    """any of timm's"""
    model_args: dict[str, Plain] = Field(default_factory=dict)
    """arguments of timm's `create_model`"""
    stream: IfSet[Annotated[bool | Literal["auto"], BeforeValidator(_stream)]] = "auto"
    """whether pictures stay in their files; no result depends on it"""


class Search(Table):
    """How each variant is tuned: the same number of trials and the same learning rates for all."""

    trials: Count
    """of each variant"""
    sampler: Literal["halton", "random", "tpe", "gp"] = "halton"
    """`halton`: the same points for all variants; the others are Optuna's"""
    pruner: Literal["none", "median", "hyperband", "percentile"] = "none"
    """Optuna's: ends trials early that do badly"""
    space: dict[str, Space]
    """of `lr` alone; what else is searched stands with a variant"""

    @model_validator(mode="after")
    def _lr_alone(self) -> Self:
        for name in self.space:
            if name != "lr":
                rule = "only lr is searched for all variants; use a [[variant]] table"
                raise Broken(rule, "space", name)
        if "lr" not in self.space:
            raise Broken("is required", "space", "lr")
        for end, value in self.space["lr"].extremes.items():
            if isinstance(value, bool | str) or value <= 0:
                raise Broken(f"must be a number > 0, got {echo(value)}", "space", "lr", end)
            if not SMALLEST_RATE <= value <= LARGEST_RATE:
                rule = f"must be from {SMALLEST_RATE:g} to {LARGEST_RATE:g}, got {value!r}"
                raise Broken(rule, "space", "lr", end)
        return self

    @model_validator(mode="after")
    def _tpe_has_trials(self) -> Self:
        if self.sampler == "tpe" and self.trials < 20:
            rule = f"must be >= 20 for tpe, whose first trials are random, got {self.trials}"
            raise Broken(rule, "trials")
        return self


class Finalists(Table):
    """The `top` configurations of a search run on `seeds` fresh seeds; the highest mean wins."""

    top: Count = 2
    """the best configurations, again"""
    seeds: Annotated[Count, Field(lt=CONFIRM)] = 2  # from there on they are those of confirm runs
    """on so many fresh seeds"""


class Confirm(Table):
    """The winner of each variant runs on `seeds` new seeds, the only runs that see the test set."""

    seeds: Count = 10
    """the same for all variants"""


class Published(Table):
    """A number that a paper or another project reports for this task: shown, never ranked."""

    variant: Text
    """as it stands on the page"""
    accuracy: Annotated[float, Field(le=100)]
    """on the test set, in percent"""
    sd: Nonnegative | None = None
    """over seeds, in points"""
    source: Text
    """a citation or an address"""
    note: str = ""
    """stands beside it"""

    @model_validator(mode="after")
    def _in_percent(self) -> Self:
        if self.accuracy <= 1:
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
    task: Task
    """below"""
    train: Train
    """below"""
    search: Search
    """below"""
    finalists: Finalists = Finalists()
    """below"""
    confirm: Confirm = Confirm()
    """below"""
    equal_epochs: IfSet[bool] = False
    """also tune and confirm the baseline at the epochs of all others, for a second ranking"""

    published: IfSet[Annotated[tuple[Published, ...], Listed]] = ()
    """below"""

    @model_validator(mode="after")
    def _one_baseline(self) -> Self:
        tables, labels = self._tables().values(), self.labels()
        for label in labels:
            if labels.count(label) > 1:
                raise Broken(f"label {label!r} is used twice; labels must be unique", "variants")
        if [table.name for table in tables].count(BASELINE) != 1:
            raise Broken(f"must hold the baseline {BASELINE!r}, once", "variants")
        return self

    @model_validator(mode="after")
    def _enough_trials(self) -> Self:
        if self.finalists.top > self.search.trials:
            rule = f"must be <= search.trials = {self.search.trials}, got {self.finalists.top}"
            raise Broken(rule, "finalists", "top")
        return self

    def labels(self) -> list[str]:
        """The names of all competitors."""
        own = [table.label or table.name for table in self._tables().values()]
        return [*own, EQUAL_EPOCHS] if self.equal_epochs else own

    def names(self) -> list[tuple[str, str]]:
        """Place in the file and registry key of every variant."""
        return [(place, table.name) for place, table in self._tables().items()]

    def arms(self) -> tuple[Arm, ...]:
        """The competitors, in the order of the file; UserError where the registry knows better."""
        lr = self.search.space["lr"]
        arms = [arm(place, table, lr) for place, table in self._tables().items()]
        if self.equal_epochs:
            arms += [equal_epochs(plain) for plain in arms if plain.key == BASELINE]
        return tuple(arms)

    def _tables(self) -> dict[str, VariantTable]:
        """Every variant as a table, by its place in the file."""
        short = {f"variants[{i}]": VariantTable(name=name) for i, name in enumerate(self.variants)}
        return short | {f"variant[{i}]": table for i, table in enumerate(self.variant)}
