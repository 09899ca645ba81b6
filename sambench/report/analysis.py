"""From records to everything that page, terminal, index and JSON show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sambench.records import STAGES, Records
from sambench.report import numbers
from sambench.report import rows as rows_
from sambench.report import runs as runs_
from sambench.report.rows import MIN_SEEDS, Row
from sambench.report.runs import Runs
from sambench.report.sweeps import rankable
from sambench.report.verdict import judge, untuned

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
    found, spaces = runs_.gather(frame), records.header["spaces"]
    counts = runs_.tally(frame, "stage")
    variants = [runs for runs in found if runs.label != runs_.EQUAL_EPOCHS]
    rows = rows_.build(variants, spaces)
    verdict = judge(rows, _at_equal_epochs(found, spaces))
    machines = sorted({machine for runs in variants for machine in runs.machines})
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


def _at_equal_epochs(
    variants: Sequence[Runs], spaces: Mapping[str, Mapping[str, Any]]
) -> tuple[Row, ...]:
    """The rows of the second ranking; none where the study did not run its baseline."""
    if all(runs.label != runs_.EQUAL_EPOCHS for runs in variants):
        return ()
    tuned = runs_.baseline([runs for runs in variants if runs.label != runs_.EQUAL_EPOCHS])
    return rows_.build([runs for runs in variants if runs is not tuned], spaces)


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
