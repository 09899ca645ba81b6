"""From a name to a checked study: find its file, follow `extends`, apply overrides."""

import copy
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from pydantic import ValidationError

from sambench.config import places, roster
from sambench.config.arms import Arm
from sambench.config.bases import check_base
from sambench.config.models import Study
from sambench.config.numbers import DEEPEST
from sambench.config.table import one_line
from sambench.errors import ECHOED, UserError, echo, shortened

Data = dict[str, object]

VARIANTS = ("variants", "variant")
"""Names, and tables: a file may have both."""
LARGEST_FILE = 1_000_000  # bytes
RANKED_FROM = 3  # trials that a budget must afford an arm
FEWEST_TPE = 20  # trials of an arm; the first third are random


def load(
    source: str | Path,
    overrides: Sequence[str] = (),
    variant: str | None = None,
    root: Path = places.ROOT,
) -> Study:
    """The study in a file or of a name, after overrides; UserError, one line, if anything is wrong.

    variant: what --variant names, to be checked before torch is imported
    root: holds a folder per study that has runs

    >>> load("digits", ["train.epochs=3"]).train.epochs
    3
    """
    return _registered(*_validated(*_found(source, overrides, root), overrides, variant))


def read(source: str | Path, overrides: Sequence[str] = (), root: Path = places.ROOT) -> Study:
    """The same without asking the registry, which needs torch: hyperparameters may be wrong."""
    study, _ = _validated(*_found(source, overrides, root), overrides)
    return study


def name_of(source: str | Path, root: Path = places.ROOT) -> str:
    """What a study is called, whatever else is wrong with it; UserError if there is none."""
    return str(_read(places.find(source, root))[0]["name"])


def parse(
    data: Mapping[str, object], source: str = "study", overrides: Sequence[str] = ()
) -> Study:
    """The study spelled by plain tables; `source` stands in messages, and for a missing name."""
    return _registered(*_validated(data, source, overrides))


def _found(source: str | Path, overrides: Sequence[str], root: Path) -> tuple[Data, str]:
    data, origin = _read(places.find(source, root))
    if overrides:
        origin = f"{origin} with {shortened(', '.join(overrides), 2 * ECHOED)}"
    return data, origin


def _validated(
    data: Mapping[str, object], source: str, overrides: Sequence[str], variant: str | None = None
) -> tuple[Study, str]:
    tables = {"name": Path(source).stem, **copy.deepcopy(dict(data))}
    for override in overrides:
        _override(tables, override)
    with _told_of(source):
        study = Study.model_validate(tables)
        for place, name in study.names():
            roster.check(f"{place}: ", name)
    if variant is not None:
        roster.check("--variant: ", variant, study.labels())
    return study, source


def _registered(study: Study, source: str) -> Study:
    with _told_of(source):
        competitors = study.arms()
        check_base(study.train.base)
        _check_size(study, competitors)
    return study


def _check_size(study: Study, competitors: Sequence[Arm]) -> None:
    """UserError where an arm affords no run or the sampler too few, or seeds say nothing."""
    if not any(arm.space for arm in competitors):
        return
    if "seeds" in study.confirm.model_fields_set:
        searched = sorted({f"{a.label}'s {name}" for a in competitors for name in a.space})
        raise UserError(
            f"confirm.seeds: is for a study that searches nothing, and {searched[0]} is searched: "
            "give it a value, or leave seeds out (search.searches is the size of a search)"
        )
    search = study.search
    for arm in competitors:
        cost = arm.cost(study.train.epochs)
        if cost > Fraction(repr(search.budget)):
            raise UserError(
                f"search.budget: {search.budget:g} full runs of the baseline afford {arm.label} no "
                f"run, which costs {float(cost):.3g}; write {math.ceil(RANKED_FROM * cost)} for a "
                "ranking"
            )
        if search.sampler == "tpe" and study.points(arm) < FEWEST_TPE:
            enough = math.ceil(FEWEST_TPE * cost / Fraction(repr(search.budget)))
            raise UserError(
                f"search.searches: tpe needs {FEWEST_TPE} trials of every arm, of which the first "
                f"are random, and {arm.label} has {study.points(arm)}; write {enough}"
            )


@contextmanager
def _told_of(source: str) -> Iterator[None]:
    """What is wrong, in one line that begins with where it stands."""
    try:
        yield
    except ValidationError as error:
        raise UserError(f"{source}: {one_line(error)}") from None
    except UserError as error:
        raise UserError(f"{source}: {error}") from None


def assignments(option: str, given: Sequence[str]) -> Data:
    """Values of NAME=VALUE words, spelled as in a study file."""
    found: Data = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"{option} {echo(word)}: must look like alpha=0.4")
        found[name.strip()] = _value(value, f"{option} {echo(word)}")
    return found


def _read(path: Path) -> tuple[Data, str]:
    """The study's merged tables, `name` included, and what they were read from, for messages."""
    layers = _layers(path)
    data: Data = {}
    for layer in reversed(layers.values()):
        data.pop("name", None)  # a name belongs to its own file: two studies never share a folder
        data = _merged(_without_those_of(layer, data), layer)
    first = next(iter(layers))
    data.setdefault("name", first.stem)
    return data, " extending ".join(map(str, layers))


def _without_those_of(nearer: Data, data: Data) -> Data:
    """The variants of an extended file, but those that the nearer one has an entry for."""
    own = [_label(entry) for place in VARIANTS for entry in _listed(nearer, place)]
    kept = {
        place: [entry for entry in _listed(data, place) if _label(entry) not in own]
        for place in VARIANTS
        if place in data and place not in nearer
    }
    return {**data, **kept}


def _listed(data: Data, place: str) -> list[object]:
    """Nothing where it is no list, which the models say."""
    found = data.get(place)
    return found if isinstance(found, list) else []


def _label(entry: object) -> object:
    """What an entry is called: a name, or the table of one."""
    return entry.get("label") or entry.get("name") if isinstance(entry, dict) else entry


def _layers(path: Path) -> dict[Path, Data]:
    """The file and, after it, every file that it extends."""
    layers: dict[Path, Data] = {}
    while True:
        layers[path] = data = _parsed(path)
        base = data.pop("extends", None)
        if base is None:
            return layers
        path = _extended(path, base)
        if any(path.samefile(seen) for seen in layers):
            raise UserError(f"extends goes in a circle: {' -> '.join(map(str, (*layers, path)))}")


def _parsed(path: Path) -> Data:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path}: too large for a study, more than {LARGEST_FILE} bytes")
        if path.name == places.KEPT:
            return json.loads(path.read_text(encoding="utf-8"))["spec"]
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (LookupError, TypeError, json.JSONDecodeError):
        raise UserError(f"{path} does not tell of a whole study; name its TOML file") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: {_unreadable(error)}") from None


def _extended(path: Path, base: object) -> Path:
    """The file that `path` extends: relative to its folder, or a study's name."""
    if not isinstance(base, str):
        raise UserError(f"{path}: extends: must be a path or the name of a study, got {echo(base)}")
    beside = path.parent / base
    try:
        return beside if beside.is_file() else places.find(base)
    except UserError as error:
        raise UserError(f"{path}: extends: {error}") from None


def _merged(base: Data, over: Data) -> Data:
    """`over` on top of `base`: tables are merged key by key, everything else is replaced.

    Choices replace a range, and a range replaces choices: no space can be both.
    """
    merged = _unchosen(base, over)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            value = _merged({} if "choices" in {**below, **value} else below, value)
        merged[key] = value
    return merged


def _unchosen(base: Data, over: Data) -> Data:
    """`base` without a range of lr where `over` has its value, or without its value."""
    if "lr" in over and isinstance(base.get("space"), dict):
        return {key: value for key, value in base.items() if key != "space"}
    space = over.get("space")
    if isinstance(space, dict) and "lr" in space:
        return {key: value for key, value in base.items() if key != "lr"}
    return dict(base)


def _override(data: Data, override: str) -> None:
    """Sets one value in place: `train.epochs=3`."""
    key, equals, value = override.partition("=")
    given = f"override {echo(override)}"
    if not equals:
        raise UserError(f"{given}: must look like train.epochs=3")
    *tables, last = names = key.strip().split(".")
    if len(tables) > DEEPEST:
        raise UserError(f"{given}: no key lies so deep")
    search = data.get("search")
    if names[0] == "search" and len(names) > 1 and isinstance(search, dict):
        search.pop({"lr": "space", "space": "lr"}.get(names[1], ""), None)  # searched or fixed
    for name in tables:
        table = data.setdefault(name, {})
        if not isinstance(table, dict):
            raise UserError(f"{given}: {name} is not a table")
        data = table
    data[last] = _value(value, given)


def _value(text: str, given: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (ValueError, RecursionError) as error:
        raise UserError(f"{given}: {_unreadable(error)}") from None


def _unreadable(error: Exception) -> str:
    """Why a TOML parser gave up."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError):
        return str(error)
    return "holds a number of thousands of digits"
