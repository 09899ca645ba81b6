"""From records to everything that page, terminal, index and JSON show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sambench.analysis import numbers
from sambench.analysis import rows as rows_
from sambench.analysis import runs as runs_
from sambench.analysis.comparison import MIN_SEEDS, compare
from sambench.analysis.eligible import rankable
from sambench.analysis.rows import Row
from sambench.analysis.runs import Runs
from sambench.analysis.verdict import judge, untuned
from sambench.config import EQUAL_EPOCHS
from sambench.records import STAGES, Records

MANY_VARIANTS, MANY_SEEDS = 5, 10  # so many variants ask for so many seeds


@dataclass(frozen=True)
class Analysis:
    """A study's answer and its evidence; `dataclasses.asdict` makes it JSON."""

    study: str
    question: str
    headline: str
    use: str | None  # label of the recommended variant
    advice: str
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]
    damages: tuple[str, ...]  # lines of the records that do not count, and why
    counts: dict[str, dict[str, int]]  # stage -> outcome -> runs
    machines: tuple[str, ...]  # that the confirm runs used
    num_test: int  # images in the test set
    header: dict[str, Any]  # of the records


def analyse(records: Records) -> Analysis:
    """The answer does not depend on the order of the records."""
    frame = rankable(records)
    found = {runs.label: runs for runs in runs_.gather(frame)}
    counts = runs_.tally(frame, "stage")
    equal_epochs = found.keys() & {EQUAL_EPOCHS}
    tuned = runs_.baseline(runs for runs in found.values() if runs.label not in equal_epochs)
    rows = _rows(records, found, found.keys() - equal_epochs, tuned)
    again = _rows(records, found, found.keys() - {tuned}, EQUAL_EPOCHS) if equal_epochs else ()
    verdict = judge(rows, again)
    machines = sorted({machine for row in rows for machine in found[row.label].machines})
    return Analysis(
        study=records.header["study"],
        question=records.header["spec"].get("question", ""),
        headline=verdict.headline,
        use=verdict.use,
        advice=verdict.advice,
        rows=rows,
        warnings=(
            *_warn_study(rows, len(machines)),
            *_warn_swept(records.header.get("swept")),
            *(w for row in rows for w in _warn(row)),
        ),
        damages=tuple(map(str, records.damages)),
        counts={stage: counts[stage] for stage in STAGES},
        machines=tuple(f"{device}, threads {threads}" for device, threads in machines),
        num_test=int(frame["num_test"].to_numpy().max(initial=0)),
        header=records.header,
    )


def _rows(
    records: Records, found: Mapping[str, Runs], labels: Collection[str], baseline: str | None
) -> tuple[Row, ...]:
    standings = compare(records.complete, sorted(labels), baseline)
    return rows_.build(standings, found, records.header["spaces"])


def _warn_study(rows: Sequence[Row], num_machines: int) -> list[str]:
    found = []
    seeds = max((row.accuracy.n for row in rows if row.accuracy), default=0)
    if len(rows) >= MANY_VARIANTS and seeds < MANY_SEEDS:
        found.append(f"{len(rows)} variants ask for {MANY_SEEDS} seeds; this study has {seeds}.")
    if num_machines > 1:
        found.append("Step times are blank where devices or thread counts differ.")
    return found


def _warn_swept(swept: dict[str, Any] | None) -> list[str]:
    """What the trials of W&B agents have to do with the ranking."""
    if not swept:
        return []
    each = numbers.listing([f"{label} {n}" for label, n in swept["trials"].items()])
    total = sum(swept["trials"].values())
    trials = f"{total} trial{'s' * (total != 1)} of W&B sweeps ({each})"
    if swept["ranked"]:
        return [f"{trials}: {swept['ranked']} took part in the choice of finalists."]
    return [
        f"{trials} are in the records but rank nothing: for that every variant needs as many, on "
        "the search's seed, before the first finalist is chosen."
    ]


def _warn(row: Row) -> list[str]:
    told = row.is_baseline and row.group  # the headline says it
    edges = row.settings.edges if row.settings and not told else ()
    found = [f"{untuned(row, edge)}; a better one may lie outside." for edge in edges]
    total = sum(row.confirm.values())
    if diverged := row.confirm["diverged"]:
        found.append(
            f"{row.label} diverged in {diverged} of {total} confirm runs: "
            "its mean covers only the others, and it cannot win."
        )
    if failed := row.runs["failed"]:
        found.append(f"{row.label}: {failed} of {sum(row.runs.values())} runs failed.")
    if not (row.group or row.is_baseline) and total >= MIN_SEEDS:
        found.append(f"{row.label} is not ranked: fewer than {MIN_SEEDS} of its seeds are paired.")
    return found
