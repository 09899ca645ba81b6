"""Trials of W&B agents in their study: each counted once, and ranked never."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from sambench import config, records, seeds
from sambench.config import Study
from sambench.errors import UserError
from sambench.files import read_sealed, sealed, write_sealed
from sambench.study import agent_trials, trial
from sambench.study.collection import collect
from sambench.study.folder import StudyFolder
from sambench.sweeps import agent_trial
from sambench.training import Outcome

Spec = dict[str, Any]
HANDLERS = (signal.SIGTERM, signal.SIGINT)
AGENT = agent_trial.Agent("swp00000", "run00000")


@pytest.fixture
def study(spec: Spec) -> Study:
    return config.parse(spec)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    before = [signal.getsignal(name) for name in HANDLERS]
    yield tmp_path / "runs"
    for name, handler in zip(HANDLERS, before, strict=True):
        signal.signal(name, handler)


def leave(root: Path, study: Study, label: str, run_id: str, **changes: Any) -> None:
    """What a finished trial leaves behind, without training it."""
    rho = None if label == "plain" else 0.1
    run = trial.plan(study, label, lr=0.1, rho=rho, on="cpu", stage="sweep")
    run = replace(run, **{k: v for k, v in changes.items() if k in ("lr", "seeds")})
    folder = agent_trials.folder(root / study.name, "swp", run_id)
    folder.mkdir(parents=True)
    stored = {"study": config.fingerprint(study), "variant": run.key, "label": label,
              "streams": run.seeds.streams, "device": "cpu", **run.setting}  # fmt: skip
    scores = {"val_accuracy": changes.get("accuracy", 0.5), "val_loss": 1.0}
    outcome = Outcome("complete", epochs_done=2, scores=scores, steps=4, gradient_evaluations=8.0)
    write_sealed(folder / "trial.json", stored)
    result = {"setting": run.setting, "outcome": vars(outcome) | {"history": []}}
    write_sealed(folder / "result.json", result)


def sweep_rows(root: Path, name: str = "tiny") -> list[records.Record]:
    found = records.read(root / name / "records.csv").records
    return [row for row in found if row.source == "sweep"]


def test_a_trial_lands_in_storage_and_records(root: Path, study: Study) -> None:
    run = trial.plan(study, "sam", lr=0.1, rho=0.2, on="cpu", stage="sweep")
    outcome = agent_trial.execute(run, root, AGENT)
    again = agent_trial.execute(run, root, AGENT)  # an agent that resumes it
    assert outcome == again and outcome.outcome == "complete"
    (row,) = sweep_rows(root)
    assert (row.variant, row.stage, row.point) == ("sam", "sweep", 0)
    assert (row.lr, row.rho) == (0.1, 0.2)
    assert row.val["accuracy"] == outcome.val and len(row.curve.split()) == 2
    with StudyFolder(root, study).opened() as storage:
        (summary,) = optuna.get_all_study_summaries(storage)
        (collected,) = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    told = {"source": "sweep", "run": "swp00000/run00000", "label": "sam", "outcome": "complete"}
    assert told.items() <= collected.user_attrs.items()
    assert collected.params == {"lr": 0.1, "rho": 0.2} and collected.value == outcome.val
    assert records.read(root / "tiny" / "records.csv").header["swept"] == {"sam": 1, "plain": 0}
    assert (root / "tiny" / "leaderboard.md").exists()


def test_a_crash_counts_as_failed(
    root: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(*words: Any, **more: Any) -> None:
        raise ZeroDivisionError("a bug\nof yours")

    monkeypatch.setattr("sambench.executors.assignment.train", crashes)
    run = trial.plan(study, "sam", lr=0.1, on="cpu", stage="sweep")
    assert agent_trial.execute(run, root, AGENT).outcome == "failed"
    (trace,) = (root / "tiny" / "sweeps").rglob("error.txt")
    assert trace.read_text().endswith("ZeroDivisionError: a bug\nof yours\n")
    (row,) = sweep_rows(root)
    assert (row.outcome, row.reason) == ("failed", "ZeroDivisionError: a bug")


def test_sigterm_prunes_and_lands(
    root: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def log(self: Any, row: dict[str, float]) -> bool:
        told.append(row)
        if len(told) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)  # the signal ends it
        return False

    monkeypatch.setattr(agent_trial._AgentsRun, "log", log)
    run = replace(trial.plan(study, "sam", lr=0.1, on="cpu", stage="sweep"), epochs=50)
    outcome = agent_trial.execute(run, root, AGENT)
    assert (outcome.outcome, outcome.epochs_done) == ("pruned", 2)
    (row,) = sweep_rows(root)
    assert (row.outcome, row.reason, row.epochs_done) == ("pruned", "stopped by SIGTERM", 2)
    assert row.val["accuracy"] == told[1]["val_accuracy"]


def test_trials_that_land_at_once_are_counted_once(root: Path, study: Study) -> None:
    for number in range(6):
        leave(root, study, "sam", f"run{number}", lr=0.05 + number / 100)
    folders = [StudyFolder(root, study) for _ in range(4)]
    threads = [threading.Thread(target=collect, args=(folder, "x")) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = sweep_rows(root)
    assert sorted(row.point for row in rows) == [0, 1, 2, 3, 4, 5]
    assert len({row.lr for row in rows}) == 6


def test_a_running_study_takes_them_in_at_its_end(
    root: Path, study: Study, run: Callable[..., Any]
) -> None:
    folder = StudyFolder(root, study)
    with folder.opened():
        leave(root, study, "sam", "run0")
        assert collect(folder, "x") is None  # it would disturb the study
        assert not folder.records.exists()
    run(study)
    assert [row.variant for row in sweep_rows(root)] == ["sam"]
    leave(root, study, "sam", "run1")  # after the end
    assert collect(folder, "x") is not None
    found = records.read(folder.records)
    assert len(sweep_rows(root)) == 2 and len(found.records) == 17 + 2
    assert found.header["swept"] == {"plain": 0, "sam": 2}


def test_they_change_nothing(
    root: Path, study: Study, run: Callable[..., Any], tmp_path: Path
) -> None:
    """Neither what is confirmed nor what is concluded: they are nobody's independent points."""

    def own(folder: Path) -> list[Any]:
        found = records.read(folder / "records.csv").records
        rows = [row for row in found if row.source == "study"]
        return [replace(row, wall_s=0.0, step_time_s=None) for row in rows]

    alone = run(study, root=tmp_path / "alone")
    for label in ("plain", "sam"):
        leave(root, study, label, f"{label}0", accuracy=0.99)
    found = run(study)
    assert own(root / "tiny") == own(tmp_path / "alone" / "tiny")
    assert len(sweep_rows(root)) == 2
    assert [(r.label, r.score, r.group) for r in found.rows] == [
        (r.label, r.score, r.group) for r in alone.rows
    ]
    assert found.headline == alone.headline


def test_other_studies_trials_are_left_out(root: Path, study: Study) -> None:
    """Other streams than the study's own are none of these."""
    for label in ("plain", "sam"):
        leave(root, study, label, label, seeds=seeds.derive(7, "trial", 0))
    arms = {arm.label: arm for arm in study.arms()}
    assert len(agent_trials.found(root / "tiny", study, arms)) == 2
    only = {"plain": arms["plain"]}
    assert [t.run.label for t in agent_trials.found(root / "tiny", study, only)] == ["plain"]
    other = config.parse(study.model_dump(mode="json"), overrides=["train.epochs=3"])
    assert agent_trials.found(root / "tiny", other, arms) == []


def test_a_trial_beyond_the_ranges_is_kept(root: Path, study: Study) -> None:
    for number, lr in enumerate((0.1, 5.0, 0.0001)):
        leave(root, study, "sam", f"run{number}", lr=lr)
    assert collect(StudyFolder(root, study), "x") is not None
    assert sorted(row.lr for row in sweep_rows(root)) == [0.0001, 0.1, 5.0]


def test_another_file_is_refused_before_training(root: Path, study: Study, spec: Spec) -> None:
    with StudyFolder(root, study).opened():
        pass
    other = config.parse({**spec, "train": {"epochs": 3, "batch_size": 32}})
    run = trial.plan(other, "sam", lr=0.1, on="cpu", stage="sweep")
    with pytest.raises(UserError, match=r"have changed since: train\.epochs"):
        agent_trial.execute(run, root, AGENT)
    assert not (root / "tiny" / "sweeps").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"{}", b"\xff", b'{"label": 3}'])
def test_a_damaged_trial_is_named_before_another_one_trains(
    root: Path, study: Study, content: bytes
) -> None:
    leave(root, study, "sam", "run0")
    path = root / "tiny" / "sweeps" / "swp" / "run0" / "trial.json"
    kept = read_sealed(path)
    for changed in (content, sealed({**kept, "lr": "fast"}).encode()):
        path.write_bytes(changed)
        run = trial.plan(study, "sam", lr=0.1, on="cpu", stage="sweep")
        with pytest.raises(UserError, match=r"trial\.json is damaged; remove its folder"):
            agent_trial.execute(run, root, AGENT)
        assert not agent_trials.folder(root / "tiny", AGENT.sweep_id, AGENT.run_id).exists()
    write_sealed(path, {**kept, "lr": 0.123})
    with pytest.raises(UserError, match=r"run0: trial\.json and result\.json tell of different"):
        agent_trials.found(root / "tiny", study, StudyFolder(root, study).arms)


def test_another_trial_in_the_same_folder(root: Path, study: Study, tmp_path: Path) -> None:
    run = trial.plan(study, "sam", lr=0.1, on="cpu")
    (tmp_path / "trial.json").write_text("{")
    with pytest.raises(UserError, match=r"trial\.json is damaged"):
        trial.execute(run, tmp_path, tmp_path / "cache")
