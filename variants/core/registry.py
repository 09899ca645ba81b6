"""The registry: every variant under its key, built-in or from a third-party package."""

import dataclasses
import difflib
import inspect
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from variants.core import plugins
from variants.core.protocol import Hyperparameter, Variant

V = TypeVar("V", bound=Variant)

LONGEST = 100  # characters of a word that is compared with what is known


@dataclasses.dataclass(frozen=True)
class VariantInfo:
    """What a registered variant says about itself."""

    name: str
    title: str
    paper: str
    arxiv: str
    year: int | None
    passes: float
    """gradient evaluations a step at the default hyperparameters"""
    copies: float | None
    """peak memory beyond the base optimizer's, in copies of the parameters, where activations take
    next to nothing; where they do, it is no more"""
    clean: bool
    dynamic: bool
    whole: bool
    needs: frozenset[str]
    hyperparameters: Mapping[str, Hyperparameter]
    doc: str
    module: str
    """that registers it"""

    @property
    def radius(self) -> str | None:
        """The hyperparameter that is searched by default: the first one with a search range."""
        return next((n for n, h in self.hyperparameters.items() if h.range is not None), None)


_classes: dict[str, type[Variant]] = {}
_infos: dict[str, VariantInfo] = {}


def register(
    name: str,
    *,
    title: str = "",
    paper: str = "",
    arxiv: str = "",
    year: int | None = None,
    copies: float | None = None,
) -> Callable[[type[V]], type[V]]:
    """Class decorator: makes a variant known as `name`. A taken name is a ValueError."""

    def add(cls: type[V]) -> type[V]:
        if name in _classes:
            raise ValueError(
                f"variant {name!r} is taken, by {_classes[name].__module__}; choose another"
            )
        _infos[name] = VariantInfo(
            name=name,
            title=title or cls.__name__,
            paper=paper,
            arxiv=arxiv,
            year=year,
            passes=cls().passes,
            copies=copies,
            clean=cls.clean,
            dynamic=cls.dynamic,
            whole=cls.whole,
            needs=cls.needs,
            hyperparameters=cls.hyperparameters(),
            doc=inspect.cleandoc(cls.__doc__ or ""),
            module=cls.__module__,
        )
        _classes[name] = cls
        return cls

    return add


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """What registers variants in here and fails leaves none of them."""
    with plugins.undone(_classes, _infos):
        yield


def names() -> tuple[str, ...]:
    """The registered keys, sorted; the first look into the registry imports the plug-ins."""
    plugins.load(_classes, _infos)
    return tuple(sorted(_classes))


def info(name: str) -> VariantInfo:
    """What is known of the variant `name`; ValueError with close matches if there is none."""
    _known(name)
    return _infos[name]


def create(name: str, /, **hyperparameters: object) -> Variant:
    """The variant `name` with these hyperparameters.

    Where a hyperparameter is a variant, its name stands for it at its defaults. ValueError, one
    line, for an unknown name or hyperparameter (close matches listed) and for a value outside its
    domain.

    >>> create("sam", rho=0.1)
    SAM(rho=0.1)
    """
    _known(name)
    return _classes[name](**_values(name, _infos[name].hyperparameters, hyperparameters))


def changed(variant: Variant, **hyperparameters: object) -> Variant:
    """`variant` with other values of some hyperparameters; ValueError as of `create`."""
    values = _values(name_of(variant), variant.hyperparameters(), hyperparameters)
    return dataclasses.replace(cast(Any, variant), **values)


def name_of(variant: Variant) -> str:
    """The key of a variant's class; its class name if it was never registered."""
    known = (name for name, cls in _classes.items() if cls is type(variant))
    return next(known, type(variant).__name__)


def _values(
    name: str, declared: Mapping[str, Hyperparameter], given: Mapping[str, object]
) -> dict[str, object]:
    """`given`, with variants for their names."""
    values = dict(given)
    for key, value in given.items():
        if key not in declared:
            what = f"{name} has no hyperparameter {reprlib.repr(key)}"
            raise ValueError(f"{what}; {_nearest(key, declared)}")
        if isinstance(value, str) and issubclass(declared[key].kind, Variant):
            values[key] = create(value)
    return values


def _known(name: str) -> None:
    plugins.load(_classes, _infos)
    if name not in _classes:
        if name in plugins.failures:
            raise ValueError(f"unknown variant {name!r}: {plugins.failures[name]}")
        raise ValueError(f"unknown variant {reprlib.repr(name)}; {_nearest(name, _classes)}")


def _nearest(word: str, known: Mapping[str, object]) -> str:
    spelled = {_bare(key): key for key in known}
    bare = _bare(word[:LONGEST])
    alike = [bare] if bare in spelled else difflib.get_close_matches(bare, spelled, cutoff=0.5)
    if close := [spelled[key] for key in alike]:
        return f"did you mean {' or '.join(close)}?"
    return f"choose from {', '.join(sorted(known))}" if known else "it has none"


def _bare(word: str) -> str:
    """Small letters, nothing between words."""
    return word.lower().translate(str.maketrans("", "", "-_ "))
