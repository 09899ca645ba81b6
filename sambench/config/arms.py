"""Who competes in a study: its variants, with all that the registry knows filled in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sambench.config.names import Name
from sambench.config.numbers import Count
from sambench.config.space import Scalar, Space
from sambench.config.table import Broken, Table
from sambench.errors import UserError, echo

if TYPE_CHECKING:
    from variants import VariantInfo

BASELINE = "plain"
"""The registry key of the variant that all others are compared with."""

LENGTHS = (0.5, 1.0, 2.0)
"""Of the baseline's schedules, in units of `train.epochs`: who fixes one builds a straw man."""

LONGEST = 1000.0


def epochs_of(length: float, epochs: int) -> int:
    """Epochs of a schedule of that length, at least one; `epochs`: of length 1."""
    return max(1, round(length * epochs))


def _lengths(given: object) -> object:
    """One length or several, as a tuple."""
    found: list[float] = []
    for length in given if isinstance(given, list | tuple) else [given]:
        if isinstance(length, bool) or not isinstance(length, int | float):
            raise Broken(f"must be a number or a list of numbers, got {echo(given)}")
        if not 0 < length <= LONGEST:
            raise Broken(f"must be > 0 and <= {LONGEST:g}, got {echo(length)}")
        found.append(float(length))
    if not found or len(set(found)) < len(found):
        raise Broken(f"must be different numbers, got {echo(given)}")
    return tuple(found)


_LENGTH = {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST}
Lengths = Annotated[
    tuple[float, ...],
    BeforeValidator(_lengths),
    WithJsonSchema({"anyOf": [_LENGTH, {"type": "array", "items": _LENGTH, "minItems": 1}]}),
]


class VariantTable(Table):
    """A variant with hyperparameters to fix, and to search beside lr and the radius."""

    name: str
    """registry key"""
    label: Name | None = None
    """tells two entries of one variant apart; default: the name"""
    length: Lengths | None = None
    """of its schedule in units of `train.epochs`, or a list of lengths: each is an arm of its own;
    default: 1, and [0.5, 1, 2] for `plain`"""
    fix: dict[str, Scalar] = Field(default_factory=dict)
    """hyperparameters and their values"""
    space: dict[str, Space] = Field(default_factory=dict)
    """hyperparameters and where to search them"""

    @model_validator(mode="after")
    def _fixed_or_searched(self) -> Self:
        for name in self.space:
            if name in self.fix:
                raise Broken("cannot be fixed and searched at once", "space", name)
        for place, given in (("fix", self.fix), ("space", self.space)):
            if "epochs_factor" in given:
                raise Broken("is no more; write length = [0.5, 1, 2]", place, "epochs_factor")
        return self

    def lengths(self, epochs: int) -> tuple[float, ...]:
        """Of its arms' schedules; of the baseline's own three, those that are as long only once."""
        if self.length or self.name != BASELINE:
            return self.length or (1.0,)
        full = epochs_of(1.0, epochs)
        return tuple(at for at in LENGTHS if at == 1 or epochs_of(at, epochs) != full)

    def labels(self, epochs: int) -> dict[str, float]:
        """Its arms and the lengths of their schedules; `epochs`: of a schedule of length 1."""
        own = self.label or self.name
        return {own if at == 1 else f"{own}-x{at:g}": at for at in self.lengths(epochs)}


class Arm(Table):
    """One competitor: a variant, what is fixed of it, what is searched, how long it trains."""

    label: Name
    key: Name
    """its name in the registry"""
    length: float
    """of its schedule, in units of `train.epochs`"""
    epochs: Count
    """of one run"""
    passes: float
    """gradient evaluations a step, as the variant declares them"""
    lr: float | None
    """None if it is searched"""
    fix: dict[str, Scalar]
    space: dict[str, Space]
    """lr, then the radius, then the rest; a range of an integer hyperparameter has int ends"""
    radius: str | None
    """the hyperparameter that records call rho"""
    defaults: dict[str, float] = Field(default_factory=dict)
    """the paper's values of the searched numbers"""

    @property
    def axes(self) -> dict[str, str]:
        """The axis of the pool that each searched hyperparameter takes its values from."""
        return {name: "radius" if name == self.radius else name for name in self.space}

    def cost(self, epochs: int) -> Fraction:
        """Of one run, in runs of the baseline over so many epochs, at the declared passes."""
        return Fraction(repr(float(self.passes))) * self.epochs / epochs


def arms(place: str, table: VariantTable, lr: Space | float, epochs: int) -> list[Arm]:
    """The competitors described by the table at `place`; UserError where the registry disagrees.

    epochs: of a schedule of length 1
    """
    import variants  # imports torch, too slow for a module that `--help` may load

    with _blamed_on(place):
        info = variants.info(table.name)
    with _blamed_on(f"{place}.fix"):
        passes = variants.create(table.name, **table.fix).passes
    for name, space in table.space.items():
        for end, value in space.extremes.items():
            with _blamed_on(f"{place}.space.{name}.{end}"):
                variants.create(table.name, **table.fix, **{name: value})
    searched = {"lr": lr.as_floats()} if isinstance(lr, Space) else {}
    space = {**searched, **_searched(table, info)}
    known = {name: info.hyperparameters[name].default for name in space if name != "lr"}
    numbers = {n: float(v) for n, v in known.items() if type(v) in (int, float)}
    return [
        Arm(
            label=label,
            key=table.name,
            length=length,
            epochs=epochs_of(length, epochs),
            passes=float(passes),
            lr=None if isinstance(lr, Space) else lr,
            fix=table.fix,
            space=space,
            radius=info.radius,
            defaults=numbers,
        )
        for label, length in table.labels(epochs).items()
    ]


def baselines(keys: Mapping[str, str]) -> list[str]:
    """Labels of the baseline's arms, the one that has its name first; `keys`: label -> key."""
    labels = [label for label, key in keys.items() if key == BASELINE]
    return sorted(labels, key=lambda label: (label != BASELINE, label))


def _searched(table: VariantTable, info: "VariantInfo") -> dict[str, Space]:
    """What is searched beside lr: the radius, then the rest in the registry's order."""
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
