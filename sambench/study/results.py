"""What a study writes: a row of the records per run, their header, and the page from both."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import variants
from sambench import records
from sambench.analysis import Leaderboard, bands, published
from sambench.config import Study, Task
from sambench.measures import Found
from sambench.records import Fit, Record, Records
from sambench.render import Place, study_files, sync
from sambench.scores import Score
from sambench.study.folder import StudyFolder
from sambench.training import Outcome, Run, provenance

NOTHING = Found()


def rows(
    results: Iterable[tuple[Run, Outcome]],
    source: str = "study",
    ranks: Mapping[str, Mapping[int, int]] = MappingProxyType({}),
    measured: Mapping[str, Found] = MappingProxyType({}),
) -> list[Record]:
    """The records of finished runs, in the order of the file.

    ranks: label -> point -> rank; measured: run -> what was measured of its weights
    """
    return ordered(
        record(
            run,
            outcome,
            source,
            ranks.get(run.label, {}).get(run.point) if run.stage == "confirm" else None,
            measured.get(run.id, NOTHING),
        )
        for run, outcome in results
    )


def ordered(found: Iterable[Record]) -> list[Record]:
    return sorted(found, key=_order)


def write(folder: StudyFolder, header: dict[str, Any], rows: Sequence[Record]) -> Leaderboard:
    """The records, both pages, tables and figures; what is drawn for them is drawn here."""
    found = bands(Records(header, rows))
    drawn = {"bands": found.model_dump() if found else None}
    records.write(folder.records, header | drawn, rows)
    study = published.read(folder.records)
    infos = {name: variants.info(name) for name in variants.names()}
    files = study_files(Place.own(folder.path), study, infos)
    sync(files.texts, files.obsolete)
    return study.leaderboard


def header(
    folder: StudyFolder,
    rows: Sequence[Record],
    command: str,
    outcomes: Iterable[Path],
    *,
    fits: Mapping[str, Fit],
    extension: int,
    measured: Sequence[Score] = (),
) -> dict[str, Any]:
    """Where the records come from; of the files with the outcomes, the newest gives the date."""
    study = folder.study
    newest = max(outcomes, key=lambda path: path.stat().st_mtime, default=None)
    return {
        "study": study.name,
        "spec": study.model_dump(mode="json"),
        "arms": {label: arm.model_dump(mode="json") for label, arm in folder.arms.items()},
        "own": folder.own,
        "code": folder.code,
        "objective": study.task.objective,
        "scores": [score.model_dump() for score in _scores(study, rows)],
        "measures": [score.model_dump() for score in measured],
        "extension": extension,
        "fits": {label: fit.model_dump(mode="json") for label, fit in fits.items()},
        "command": command,
        "commit": provenance.commit(),
        "date": provenance.date(newest),
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
        "test_runs": sum(_is_tested(row) for row in rows),
        **of_data(folder),
    }


def _is_tested(row: Record) -> bool:
    return any(value is not None for value in row.test.values())


def _scores(study: Study, rows: Sequence[Record]) -> list[Score]:
    """Single test items are kept where every run that saw them tells."""
    tested = [row for row in rows if _is_tested(row)]
    kept = {} if all(row.num_items for row in tested) else {"items": None}
    return [score.model_copy(update=kept) for score in study.task.scores]


def of_data(folder: StudyFolder) -> dict[str, str]:
    """What the header says of the data; nothing where they are a caller's own."""
    found = folder.data_digest
    return {"data_digest": found} if found else {}


def record(
    run: Run,
    outcome: Outcome,
    source: str = "study",
    rank: int | None = None,
    measured: Found = NOTHING,
) -> Record:
    """A run as the records keep it; `rank`: of its point in the pool."""
    return Record(
        study=run.study.name,
        variant=run.label,
        key=run.key,
        stage=run.stage,
        point=run.point,
        rerun=run.rerun,
        rank=rank,
        **run.seeds.columns(),
        lr=run.lr,
        rho=run.rho,
        hyperparameters=json.dumps(run.hyperparameters),
        epochs=run.epochs,
        epochs_done=outcome.epochs_done,
        outcome=outcome.outcome,
        reason=outcome.reason,
        train_loss=outcome.train_loss,
        num_items=max(map(len, outcome.items.values()), default=0),
        gradient_evaluations=outcome.gradient_evaluations,
        steps=outcome.steps,
        step_time_s=outcome.step_time_s,
        wall_s=outcome.wall_s,
        device=outcome.device,
        processor=outcome.processor,
        instructions=outcome.instructions,
        threads=outcome.threads,
        torch=outcome.torch,
        data=outcome.data,
        source=source,
        curve=records.curve_text(outcome.curve, run.study.task.decides),
        peak_memory=outcome.peak_memory,
        wandb=outcome.wandb,
        val=_of("val", outcome),
        test=_of("test", outcome),
        measures=dict(measured.values),
        details=measured.details,
        items={
            score.name: records.pack_items(outcome.items[score.name], score.items)
            for score in run.study.task.scores
            if outcome.items.get(score.name)
        },
    )


def _of(stage: str, outcome: Outcome) -> dict[str, float]:
    """The scores of "val" or "test", by name."""
    start = f"{stage}_"
    return {k.removeprefix(start): v for k, v in outcome.scores.items() if k.startswith(start)}


def outcome(record: Record, task: Task) -> Outcome:
    """What a run's record says of how it ended; of the epochs, the objective's curve alone."""
    named, objective = {"val": record.val, "test": record.test}, task.objective
    scores = {
        f"{stage}_{name}": value
        for stage, own in named.items()
        for name, value in own.items()
        if value is not None
    }
    return Outcome(
        outcome=record.outcome,
        reason=record.reason,
        epochs_done=record.epochs_done,
        objective=objective,
        scores=scores,
        items={
            score.name: records.unpack_items(packed, record.num_items, score.items)
            for score in task.scores
            if (packed := record.items.get(score.name))
        },
        train_loss=record.train_loss,
        gradient_evaluations=record.gradient_evaluations,
        steps=record.steps,
        step_time_s=record.step_time_s,
        wall_s=record.wall_s,
        device=record.device,
        processor=record.processor,
        instructions=record.instructions,
        threads=record.threads,
        torch=record.torch,
        peak_memory=record.peak_memory,
        data=record.data,
        wandb=record.wandb,
        history=tuple(
            {"epoch": i, f"val_{objective}": float(score)}
            for i, score in enumerate(record.curve.split(), 1)
        ),
    )


def _order(record: Record) -> tuple[int, str, int, int]:
    return records.STAGES.index(record.stage), record.variant, record.point, record.rerun
