"""The registered variants, their hyperparameters, and what became of them in all studies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sambench.analysis import NONE, Row, numbers
from sambench.render.tables import ranking
from sambench.render.tables.table import Cell, Column, Table, measured, of, text
from sambench.scores import Score

if TYPE_CHECKING:
    from variants import VariantInfo
    from variants.core.protocol import Hyperparameter


PASSES = "Gradient evaluations a step, at its defaults"
MEMORY = (
    "Peak memory of a step beyond the base optimizer's, in copies of the parameters, where "
    "activations take next to nothing; where they do, some of it fits into their room"
)


def _short(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _range(h: "Hyperparameter") -> str:
    if h.range is None:
        return NONE
    return f"{h.range[0]:g} to {h.range[1]:g}{', log' if h.log else ''}"


HYPERPARAMETERS: "Sequence[Column[tuple[str, Hyperparameter]]]" = (
    Column("hyperparameter", lambda item: text(item[0]), number=False, hint="Its name in code"),
    Column("default", lambda item: text(item[1].default), number=False, hint="The paper's"),
    Column("legal", lambda item: text(item[1].domain), number=False, hint="What it may be"),
    Column(
        "search range",
        lambda item: text(_range(item[1])),
        number=False,
        hint="Where a study searches it, unless its file says otherwise",
    ),
)


def hyperparameters(info: "VariantInfo") -> Table:
    return of(info.hyperparameters.items(), HYPERPARAMETERS, "Hyperparameters")


def hyperparameters_in_short(info: "VariantInfo") -> Table:
    """The same with defaults of few digits."""
    default = replace(HYPERPARAMETERS[1], cell=lambda item: text(_short(item[1].default)))
    return of(info.hyperparameters.items(), [HYPERPARAMETERS[0], default, *HYPERPARAMETERS[2:]])


def _settings(info: "VariantInfo") -> str:
    return ", ".join(f"{name}={_short(h.default)}" for name, h in info.hyperparameters.items())


def passes(info: "VariantInfo") -> Cell:
    """Gradient evaluations a step."""
    return measured(info.passes, "{:.3g}".format)


def copies(info: "VariantInfo") -> Cell:
    """Of the parameters, beyond the base optimizer's."""
    return measured(info.copies, "+{:g}".format)


def year(info: "VariantInfo") -> Cell:
    return measured(info.year or None)


LISTING: "Sequence[Column[VariantInfo]]" = (
    Column("key", lambda info: text(info.name), number=False, hint="Its name in studies"),
    Column("title", lambda info: text(info.title), number=False, hint="Its paper's name"),
    Column("year", year, hint="Of its paper"),
    Column("passes", passes, hint=PASSES),
    Column("memory, at most", copies, hint=MEMORY),
    Column(
        "hyperparameters",
        lambda info: text(_settings(info)),
        number=False,
        hint="With their defaults",
    ),
)


def listing(infos: "Sequence[VariantInfo]") -> Table:
    return of(infos, LISTING)


class Entry(NamedTuple):
    """A variant of the catalogue; `info` is None where it is not installed."""

    key: str
    href: str
    info: "VariantInfo | None"
    studies: int


UNKNOWN = Cell(NONE)
CATALOGUE: Sequence[Column[Entry]] = (
    Column(
        "variant",
        lambda entry: Cell(entry.key, entry.key, entry.href),
        number=False,
        hint="Its name in studies",
    ),
    Column(
        "method",
        lambda entry: text(entry.info.title if entry.info else "not installed here"),
        number=False,
        hint="Its paper's name",
    ),
    Column("year", lambda entry: year(entry.info) if entry.info else UNKNOWN, hint="Of its paper"),
    Column(
        "gradients a step",
        lambda entry: passes(entry.info) if entry.info else UNKNOWN,
        hint=PASSES,
    ),
    Column(
        "memory, at most",
        lambda entry: copies(entry.info) if entry.info else UNKNOWN,
        hint=MEMORY,
    ),
    Column(
        "studies",
        lambda entry: measured(entry.studies, lambda num: str(num or NONE)),
        hint="That have run it",
    ),
)


def catalogue(entries: Sequence[Entry]) -> Table:
    return of(entries, CATALOGUE, "All variants", filtered=True)


class Result(NamedTuple):
    """Of an arm in a study; `plain`: label of the best arm of the baseline there, or ""."""

    study: str
    href: str
    row: Row
    plain: str
    score: Score
    """what the study goes by"""


def _of_setting(name: str) -> Callable[[Result], Cell]:
    return lambda found: measured(
        found.row.setting and getattr(found.row.setting, name), numbers.setting
    )


def _columns(score: Score | None) -> Sequence[Column[Result]]:
    """`score`: of all results; None: each its own, which then is told beside its numbers."""

    def scored(found: Result) -> Cell:
        cell = ranking.scored(found.row, found.score)
        return cell if score or cell.text == NONE else replace(cell, note=found.score.shown_in)

    return (
        Column(
            "study",
            lambda found: Cell(found.study, found.study, found.href),
            number=False,
            hint="Where it competed",
        ),
        Column("as", lambda found: text(found.row.label), number=False, hint="Its label there"),
        Column(score.named("test") if score else "test score", scored, hint="± 95% interval"),
        Column(
            "minus best plain [95% CI]",
            lambda found: ranking.difference(found.row, found.plain, found.score),
            hint=f"In {score.gaps}" if score else "In points, or the unit of the score",
        ),
        Column("Holm p", lambda found: ranking.P.cell(found.row), hint=ranking.P.hint),
        Column(
            "trials k",
            lambda found: ranking.trials(found.row),
            hint="Random points that the study's budget affords",
        ),
        Column("lr", _of_setting("lr"), hint="Of the setting to use"),
        Column("radius", _of_setting("rho"), hint="Of the setting to use"),
        Column("cost of a run", lambda found: ranking.cost(found.row), hint=ranking.COST.hint),
    )


def results(found: Sequence[Result]) -> Table:
    after = "What tuning with a study's budget is worth there; studies differ in task and budget."
    first = found[0].score
    alike = all(own.score.named("test") == first.named("test") for own in found)
    return of(found, _columns(first if alike else None), "Results", after=after)
