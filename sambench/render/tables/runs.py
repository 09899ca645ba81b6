"""Single runs, of the pools and beyond."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from sambench.analysis import NONE, numbers
from sambench.records import OUTCOMES, Record, Records, as_records
from sambench.render import noise
from sambench.render.tables.links import wandb
from sambench.render.tables.table import ARM, Cell, Column, Table, measured, of, text
from sambench.scores import Score

LISTED = 500  # runs on a page; the files hold all
ORDER = ["variant", "stage", "point", "rerun", "source"]


def _how_it_ended(run: Record) -> Cell:
    early = "" if run.outcome == "complete" else f" after {run.epochs_done} epochs"
    return text(f"{run.outcome}{early}")


def _wandb(run: Record) -> Cell:
    address = wandb(run.wandb)
    return Cell("run" if address else NONE, address or None, address)


LABEL = Column[Record]("arm", lambda run: text(run.variant), number=False, hint=ARM)
POINT = Column[Record](
    "point",
    lambda run: measured(run.point if run.point >= 0 else None),
    hint="Its number, which gives it the same position and streams in every arm",
)
SETTINGS: Sequence[Column[Record]] = (
    Column("lr", lambda run: measured(run.lr, numbers.setting), hint="Peak learning rate"),
    Column(
        "radius",
        lambda run: measured(run.rho, numbers.setting),
        hint="How far weights are perturbed: rho, or what the variant calls it",
    ),
)
ENDED = Column[Record]("outcome", _how_it_ended, number=False, hint="How the run ended")
SOURCE = Column[Record](
    "source", lambda run: text(run.source), number=False, hint="The study, or a sweep of W&B"
)
WANDB = Column[Record]("W&B", _wandb, number=False, hint="Where W&B shows the run")


def pool(records: Records, score: Score) -> Table:
    """Every random point by arm and number, and trials of sweeps, which rank nothing."""
    return _listed(records, ("pool", "sweep"), [POINT, _validation(records, score)], "Pool runs")


def tested(records: Records, score: Score) -> Table:
    """The runs that saw the test set: reruns of points, and the settings to use."""
    columns: Sequence[Column[Record]] = (
        Column(
            "stage",
            lambda run: text(run.stage),
            number=False,
            hint="Reruns of a point are confirm, those of a setting to use are setting",
        ),
        POINT,
        Column(
            "rank", lambda run: measured(run.rank), hint="Of the point by validation, 0 the best"
        ),
        Column("rerun", lambda run: measured(run.rerun), hint="Its number"),
        Column(
            score.named("test"),
            lambda run: measured(run.test.get(score.name), partial(numbers.score, of=score)),
            hint="On test data, which tuning never sees",
        ),
        _validation(records, score),
    )
    told = noise.told(_noise(records), score)
    return _listed(records, ("confirm", "setting"), columns, "Reruns", told)


def outcomes(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Stage -> outcome -> runs."""

    def num(outcome: str) -> Column[str]:
        return Column(
            outcome, lambda stage: measured(counts[stage][outcome]), hint="Runs that ended so"
        )

    stage = Column[str]("stage", text, number=False, hint="What the runs were for")
    found = [name for name in counts if any(counts[name].values())]
    return of(found, [stage, *map(num, OUTCOMES)], "Runs")


def _validation(records: Records, score: Score) -> Column[Record]:
    labels = ", whose labels are as noisy as the training labels" if _noise(records) else ""
    return Column(
        score.named("validation"),
        lambda run: measured(run.val.get(score.name), partial(numbers.score, of=score)),
        hint=f"On validation data{labels}",
    )


def _noise(records: Records) -> float:
    return records.header["spec"]["task"].get("label_noise", 0.0)


def _listed(
    records: Records,
    stages: Sequence[str],
    columns: Sequence[Column[Record]],
    what: str,
    told: str = "",
) -> Table:
    found = records.frame[ORDER].loc[records.frame["stage"].isin(stages).to_numpy()]
    more = f"The first {LISTED} of them; the records have all." if len(found) > LISTED else ""
    after = " ".join(filter(None, (more, told)))
    swept = [SOURCE] if found["source"].ne("study").any() else []
    named = [LABEL, *columns, *SETTINGS, ENDED, *swept, WANDB]
    rows = as_records(records.frame.loc[_first(found).index])
    table = of(rows, named, f"{what}: {len(found):,}", filtered=True, after=after)
    return table.without_empty(["point", "rank", "radius", "W&B"])


def _first(runs: pd.DataFrame) -> pd.DataFrame:
    """Those that are listed, in order; arms whose runs all come later are not sorted."""
    arms = runs["variant"].cat.codes.to_numpy()
    last = np.sort(arms)[:LISTED].max(initial=0)
    return runs.loc[arms <= last].sort_values(ORDER).head(LISTED)
