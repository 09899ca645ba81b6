"""Single runs, of the search and of the confirmation."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.analysis.tables import SearchRun, rows
from sambench.records import OUTCOMES, Record, as_records
from sambench.render.tables.links import wandb
from sambench.render.tables.table import Cell, Column, Table, measured, of, text

LISTED = 500  # runs on a page; the files hold all

Run = SearchRun | Record


def _how_it_ended(run: Run) -> Cell:
    early = "" if run.outcome == "complete" else f" after {run.epochs_done} epochs"
    return text(f"{run.outcome}{early}")


VARIANT = Column[Run]("variant", lambda run: text(run.variant), number=False)
TRIAL = Column[Run]("trial", lambda run: measured(run.trial))
SETTINGS: Sequence[Column[Run]] = (
    Column("lr", lambda run: measured(run.lr, numbers.setting)),
    Column("rho", lambda run: measured(run.rho, numbers.setting)),
    Column("epochs", lambda run: measured(run.epochs)),
)
VALIDATION = Column[Run](
    "validation accuracy, %", lambda run: measured(run.val_accuracy, numbers.percent)
)
ENDED = Column[Run]("outcome", _how_it_ended, number=False)
CONFIGURATIONS: Sequence[Column[Run]] = (
    VARIANT,
    TRIAL,
    *SETTINGS,
    VALIDATION,
    Column("outcome", lambda run: text(run.outcome), number=False),
)
SOURCE = Column[Run]("source", lambda run: text(run.source), number=False)
SEARCH: Sequence[Column[Run]] = (VARIANT, TRIAL, VALIDATION, *SETTINGS, ENDED)


def _wandb(run: Record) -> Cell:
    address = wandb(run.wandb)
    return Cell("run" if address else NONE, address or None, address)


CONFIRM: Sequence[Column[Record]] = (
    VARIANT,
    Column("seed", lambda run: measured(run.seed)),
    Column("test accuracy, %", lambda run: measured(run.test_accuracy, numbers.percent)),
    VALIDATION,
    *SETTINGS,
    ENDED,
    Column("W&B", _wandb, number=False),
)


def configurations(search: pd.DataFrame) -> Table:
    """The first of them; their source too where some ran in a sweep."""
    swept = bool(search["source"].ne("study").any())
    columns = [*CONFIGURATIONS, SOURCE] if swept else CONFIGURATIONS
    return of(rows(search.head(LISTED), SearchRun), columns)


def searched(search: pd.DataFrame) -> Table:
    caption, after = f"Search runs: {len(search):,}", _rest(len(search), "table search.csv has")
    found = rows(search.head(LISTED), SearchRun)
    return of(found, SEARCH, caption, filtered=True, after=after)


def confirmed(frame: pd.DataFrame) -> Table:
    """Of a study's records; with addresses where W&B shows some."""
    runs = frame.query("stage == 'confirm'").sort_values(["variant", "seed"])
    caption, after = f"Confirm runs: {len(runs):,}", _rest(len(runs), "records have")
    found = as_records(runs.head(LISTED))
    return of(found, CONFIRM, caption, filtered=True, after=after).without_empty(["W&B"])


def outcomes(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Stage -> outcome -> runs."""

    def num(outcome: str) -> Column[str]:
        return Column(outcome, lambda stage: measured(counts[stage][outcome]))

    return of(counts, [Column("stage", text, number=False), *map(num, OUTCOMES)])


def _rest(num: int, holder: str) -> str:
    return f"The first {LISTED} of them; the {holder} all." if num > LISTED else ""
