"""Who competes in a study: its variants, with all that the registry knows filled in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from sambench.config.names import Name
from sambench.config.space import Scalar, Space
from sambench.config.table import Broken, Table
from sambench.errors import UserError

if TYPE_CHECKING:
    from variants import VariantInfo

BASELINE = "plain"
"""The registry key of the variant that all others are compared with."""

EQUAL_EPOCHS = "plain-equal-epochs"
"""The label of the baseline that trains as many epochs as everyone, for the second ranking."""

EPOCHS_FACTOR = Space(choices=(0.5, 1.0, 2.0))
"""The baseline searches its schedule length instead of a radius, in units of `train.epochs`."""


class VariantTable(Table):
    """A variant with hyperparameters to fix, and to search beside lr and the radius."""

    name: str
    """registry key"""
    label: Name | None = None
    """tells two entries of one variant apart; default: the name"""
    fix: dict[str, Scalar] = Field(default_factory=dict)
    """hyperparameters and their values"""
    space: dict[str, Space] = Field(default_factory=dict)
    """hyperparameters and where to search them"""

    @model_validator(mode="after")
    def _fixed_or_searched(self) -> Self:
        for name in self.space:
            if name in self.fix:
                raise Broken("cannot be fixed and searched at once", "space", name)
        return self


@dataclass(frozen=True)
class Arm:
    """One competitor: a variant, what is fixed of it and what is searched."""

    label: str
    key: str
    """its name in the registry"""
    fix: dict[str, Scalar]
    space: dict[str, Space]
    """lr, then the radius, then the rest; a range of an integer hyperparameter has int ends"""
    radius: str | None
    """the hyperparameter that records call rho"""


def arm(place: str, table: VariantTable, lr: Space) -> Arm:
    """The competitor described by the table at `place`; UserError where the registry disagrees."""
    import variants  # imports torch, too slow for a module that `--help` may load

    with _blamed_on(place):
        info = variants.info(table.name)
    with _blamed_on(f"{place}.fix"):
        variants.create(table.name, **table.fix)
    for name, space in table.space.items():
        for end, value in space.extremes.items():
            with _blamed_on(f"{place}.space.{name}.{end}"):
                variants.create(table.name, **table.fix, **{name: value})
    space = {"lr": lr.as_floats(), **_searched(table, info)}
    return Arm(table.label or table.name, table.name, table.fix, space, info.radius)


def baselines(keys: Mapping[str, str]) -> list[str]:
    """Labels of the baseline's arms, the one that has its name first; `keys`: label -> key."""
    labels = [label for label, key in keys.items() if key == BASELINE]
    return sorted(labels, key=lambda label: (label != BASELINE, label))


def equal_epochs(plain: Arm) -> Arm:
    """The baseline again, with its schedule length no longer searched."""
    return replace(plain, label=EQUAL_EPOCHS, space={"lr": plain.space["lr"]})


def _searched(table: VariantTable, info: "VariantInfo") -> dict[str, Space]:
    """What is searched beside lr: the radius, then the rest in the registry's order."""
    if table.name == BASELINE:
        return {"epochs_factor": EPOCHS_FACTOR}
    spaces: dict[str, Space] = {}
    for name in sorted(info.hyperparameters, key=lambda name: name != info.radius):
        known, space = info.hyperparameters[name], table.space.get(name)
        if name == info.radius and known.range and name not in {*table.fix, *table.space}:
            low, high = known.range
            space = Space(low=low, high=high, log=known.log)
        if space is not None:
            spaces[name] = space.as_floats() if known.kind is float else space
    return spaces


@contextmanager
def _blamed_on(key: str) -> Iterator[None]:
    """The registry's complaints, under the key of the study file that caused them."""
    try:
        yield
    except ValueError as error:
        raise UserError(f"{key}: {error}") from None
