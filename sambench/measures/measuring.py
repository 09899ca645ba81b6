"""Measures one after the other: what fails or runs out of memory costs the others nothing."""

import gc
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sambench.config import Measured, Task, one_line
from sambench.errors import UserError, kind_and_words
from sambench.files import read_sealed, write_sealed
from sambench.measures.measure import Detailed, Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject, misfit
from sambench.records import Score, pack_numbers
from sambench.scores import LOSS
from sambench.training import device

NAME = "measures.json"


@dataclass(frozen=True)
class Found:
    """What was measured of one model."""

    values: dict[str, float] = field(default_factory=dict)
    """by name of a quantity"""
    details: dict[str, str] = field(default_factory=dict)
    """what some of them sum up, as `records.pack_numbers` writes it"""
    failed: dict[str, str] = field(default_factory=dict)
    """measure -> why it has no value"""
    seconds: dict[str, float] = field(default_factory=dict)
    """of each measure"""
    settings: dict[str, object] = field(default_factory=dict)
    """of each measure, and how much of the data it saw"""
    items: dict[str, int] = field(default_factory=dict)
    """that each measure looked at"""


def chosen(
    asked: Measured, names: str = "measure.names", sets: str = "measure.set."
) -> dict[str, Measure]:
    """The measures of a study, set up; UserError, one line, for unknown names and settings.

    names, sets: what a message calls the place of either
    """
    found: dict[str, Measure] = {}
    for name in asked.names:
        try:
            cls = measures.get(name)
        except UserError as error:
            raise UserError(f"{names}: {error}") from None
        try:
            found[name] = cls.model_validate(asked.set.get(name, {}))
        except ValidationError as error:
            raise UserError(f"{sets}{name}.{one_line(error)}") from None
    _check_names(found)
    return found


def quantities(wanted: Mapping[str, Measure], task: Task) -> dict[str, list[Score]]:
    """By measure, what it returns; losses are told in the unit of the task's."""
    unit = next((score.unit for score in task.known if score.name == LOSS.name), LOSS.unit)
    return {
        name: [
            own.model_copy(update={"unit": unit}) if own.unit == LOSS.unit else own
            for own in one.quantities
        ]
        for name, one in wanted.items()
    }


def measure_all(subject: Subject, wanted: Mapping[str, Measure]) -> Found:
    """All of them; what goes wrong is told in the result."""
    found = Found(settings={name: one.model_dump(mode="json") for name, one in wanted.items()})
    for name, one in wanted.items():
        start = time.perf_counter()
        own = subject.fewer(one.max_batches)
        try:
            if why := misfit(one.needs, own.target, images=own.pixels is not None):
                raise UserError(why)
            values = dict(one.of(own))
            if wrong := [k for k, value in values.items() if not math.isfinite(value)]:
                raise UserError(f"{wrong[0]} is not finite")
            found.values.update({name: float(value) for name, value in values.items()})
            found.details.update(_details(values))
        except UserError as error:
            found.failed[name] = str(error)
        except (Exception, SystemExit) as error:  # whatever a measure of somebody's raises
            found.failed[name] = kind_and_words(error)
            del error
            gc.collect()
            device.release_memory(subject.device.type)
        found.seconds[name] = round(time.perf_counter() - start, 3)
        if one.evaluations:
            found.items[name] = own.num_items(one.subset)
    return found


def _details(values: Mapping[str, float]) -> dict[str, str]:
    return {
        name: pack_numbers(value.details)
        for name, value in values.items()
        if isinstance(value, Detailed)
    }


def write(folder: Path, found: Found) -> None:
    write_sealed(folder / NAME, asdict(found))


def read(folder: Path) -> Found | None:
    """What was measured of the run of this folder; None if nothing was, or the file is damaged."""
    try:
        return Found(**_renamed(read_sealed(folder / NAME)))
    except (OSError, ValueError, TypeError):
        return None


def _renamed(found: dict[str, Any]) -> dict[str, Any]:
    """Older versions called items images."""
    if "images" not in found:
        return found
    settings = {
        name: {"items" if key == "images" else key: value for key, value in own.items()}
        for name, own in found["settings"].items()
    }
    rest = {key: value for key, value in found.items() if key != "images"}
    return {**rest, "items": found["images"], "settings": settings}


def _check_names(found: Mapping[str, Measure]) -> None:
    """ValueError where two measures call a quantity the same."""
    seen: dict[str, str] = {}
    for name, one in found.items():
        for score in one.quantities:
            if seen.setdefault(score.name, name) != name:
                raise ValueError(f"measures {seen[score.name]} and {name} both have {score.name}")
