"""Single runs, of the pools and beyond."""

from collections.abc import Mapping, Sequence

from sambench.analysis import NONE, numbers
from sambench.records import OUTCOMES, Record, Records, as_records
from sambench.render.tables.links import wandb
from sambench.render.tables.table import Cell, Column, Table, measured, of, text

LISTED = 500  # runs on a page; the files hold all


def _how_it_ended(run: Record) -> Cell:
    early = "" if run.outcome == "complete" else f" after {run.epochs_done} epochs"
    return text(f"{run.outcome}{early}")


def _wandb(run: Record) -> Cell:
    address = wandb(run.wandb)
    return Cell("run" if address else NONE, address or None, address)


ARM = Column[Record]("arm", lambda run: text(run.variant), number=False)
POINT = Column[Record]("point", lambda run: measured(run.point if run.point >= 0 else None))
SETTINGS: Sequence[Column[Record]] = (
    Column("lr", lambda run: measured(run.lr, numbers.setting)),
    Column("radius", lambda run: measured(run.rho, numbers.setting)),
)
ENDED = Column[Record]("outcome", _how_it_ended, number=False)
SOURCE = Column[Record]("source", lambda run: text(run.source), number=False)
WANDB = Column[Record]("W&B", _wandb, number=False)


def pool(records: Records) -> Table:
    """Every random point by arm and number, and trials of sweeps, which rank nothing."""
    return _listed(records, ("pool", "sweep"), [POINT, _validation(records)], "Pool runs")


def tested(records: Records) -> Table:
    """The runs that saw the test set: reruns of points, and the settings to use."""
    name = records.objective
    columns: Sequence[Column[Record]] = (
        Column("stage", lambda run: text(run.stage), number=False),
        POINT,
        Column("rank", lambda run: measured(run.rank)),
        Column("rerun", lambda run: measured(run.rerun)),
        Column(f"test {name}, %", lambda run: measured(run.test.get(name), numbers.percent)),
        _validation(records),
    )
    return _listed(records, ("confirm", "setting"), columns, "Reruns")


def outcomes(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Stage -> outcome -> runs."""

    def num(outcome: str) -> Column[str]:
        return Column(outcome, lambda stage: measured(counts[stage][outcome]))

    found = [stage for stage in counts if any(counts[stage].values())]
    return of(found, [Column("stage", text, number=False), *map(num, OUTCOMES)], "Runs")


def _validation(records: Records) -> Column[Record]:
    name = records.objective
    return Column(f"validation {name}, %", lambda run: measured(run.val.get(name), numbers.percent))


def _listed(
    records: Records, stages: Sequence[str], columns: Sequence[Column[Record]], what: str
) -> Table:
    frame = records.frame
    frame = frame.loc[frame["stage"].isin(stages)]
    order = ["variant", "stage", "point", "rerun", "source"]
    found = as_records(frame.sort_values(order).head(LISTED))
    more = len(frame) > LISTED
    after = f"The first {LISTED} of them; the records have all." if more else ""
    swept = [SOURCE] if frame["source"].ne("study").any() else []
    named = [ARM, *columns, *SETTINGS, ENDED, *swept, WANDB]
    table = of(found, named, f"{what}: {len(frame):,}", filtered=True, after=after)
    return table.without_empty(["point", "rank", "radius", "W&B"])
