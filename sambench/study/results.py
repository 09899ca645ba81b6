"""What a study writes: a row of the records per run, their header, and the page from both."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import variants
from sambench import records
from sambench.analysis import Leaderboard, published
from sambench.config import Arm
from sambench.records import Record
from sambench.render import study_files, sync
from sambench.study.folder import StudyFolder
from sambench.training import Outcome, Run, provenance


def rows(results: Iterable[tuple[Run, Outcome]], source: str = "study") -> list[Record]:
    """The records of finished runs, in the order of the file."""
    return ordered(record(run, outcome, source) for run, outcome in results)


def ordered(found: Iterable[Record]) -> list[Record]:
    return sorted(found, key=_order)


def write(folder: StudyFolder, header: Mapping[str, Any], rows: Sequence[Record]) -> Leaderboard:
    """The records, their page, its tables and its figures."""
    records.write(folder.records, header, rows)
    study = published.read(folder.records)
    files = study_files(folder.page.stem, study, folder.path)
    texts = {folder.path / name: text for name, text in files.texts.items()}
    sync(texts, files.obsolete(folder.path))
    return study.leaderboard


def header(
    folder: StudyFolder,
    arms: Sequence[Arm],
    rows: Sequence[Record],
    command: str,
    outcomes: Iterable[Path],
) -> dict[str, Any]:
    """Where the records come from; of the files with the outcomes, the newest gives the date."""
    study = folder.study
    newest = max(outcomes, key=lambda path: path.stat().st_mtime, default=None)
    return {
        "study": study.name,
        "spec": study.model_dump(mode="json"),
        "spaces": {
            arm.label: {name: space.model_dump(mode="json") for name, space in arm.space.items()}
            for arm in arms
        },
        "defaults": {arm.label: _defaults(arm) for arm in arms},
        "command": command,
        "commit": provenance.commit(),
        "date": provenance.date(newest),
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
        "test_runs": sum(bool(row.test_correct) for row in rows),
        **of_data(folder),
    }


def of_data(folder: StudyFolder) -> dict[str, str]:
    """What the header says of the data; nothing where they are a caller's own."""
    found = folder.data_digest
    return {"data_digest": found} if found else {}


def _defaults(arm: Arm) -> dict[str, float]:
    """The papers' values of the searched numbers."""
    known = variants.info(arm.key).hyperparameters
    found = {name: known[name].default for name in arm.space if name in known}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def record(run: Run, outcome: Outcome, source: str = "study") -> Record:
    """A run as the records keep it."""
    return Record(
        study=run.study.name,
        variant=run.label,
        key=run.key,
        stage=run.stage,
        trial=run.trial,
        **run.seeds.columns(),
        lr=run.lr,
        rho=run.rho,
        hyperparameters=json.dumps(run.hyperparameters),
        epochs=run.epochs,
        epochs_done=outcome.epochs_done,
        outcome=outcome.outcome,
        reason=outcome.reason,
        val_accuracy=outcome.val_accuracy,
        val_loss=outcome.val_loss,
        test_accuracy=outcome.test_accuracy,
        test_loss=outcome.test_loss,
        train_loss=outcome.train_loss,
        test_correct=records.pack(np.array(outcome.test_correct)) if outcome.test_correct else "",
        num_test=len(outcome.test_correct),
        gradient_evaluations=outcome.gradient_evaluations,
        steps=outcome.steps,
        step_time_s=outcome.step_time_s,
        wall_s=outcome.wall_s,
        device=outcome.device,
        threads=outcome.threads,
        torch=outcome.torch,
        source=source,
        curve=records.curve_text(row["val_accuracy"] for row in outcome.history),
        peak_memory=outcome.peak_memory,
        wandb=outcome.wandb,
    )


def _order(record: Record) -> tuple[int, str, int, int]:
    return records.STAGES.index(record.stage), record.variant, record.trial, record.seed
