"""Trials of W&B agents in their study: each counted once, whatever else goes on."""

import os
import signal
import threading
import time
from collections.abc import Callable
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
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    before = [signal.getsignal(name) for name in HANDLERS]
    yield tmp_path / "runs"
    for name, handler in zip(HANDLERS, before, strict=True):
        signal.signal(name, handler)


def leave(root: Path, study: Study, label: str, run_id: str, **changes: Any) -> None:
    """What a finished trial leaves behind, without training it."""
    rho = None if label == "plain" else 0.1
    run = trial.plan(study, label, lr=0.1, rho=rho, on="cpu", stage="search")
    run = replace(run, **{k: v for k, v in changes.items() if k in ("lr", "seeds")})
    folder = agent_trials.folder(root / study.name, "swp", run_id)
    folder.mkdir(parents=True)
    stored = {"study": config.fingerprint(study), "variant": run.key, "label": label,
              "seed": run.seeds.number, "device": "cpu", **run.setting}  # fmt: skip
    outcome = Outcome("complete", epochs_done=2, val_accuracy=changes.get("accuracy", 0.5),
                      val_loss=1.0, steps=4, gradient_evaluations=8.0)  # fmt: skip
    write_sealed(folder / "trial.json", stored)
    result = {"setting": run.setting, "outcome": vars(outcome) | {"history": []}}
    write_sealed(folder / "result.json", result)


def sweep_rows(root: Path, name: str = "tiny") -> list[records.Record]:
    found = records.read(root / name / "records.csv").records
    return [row for row in found if row.source == "sweep"]


def test_a_trial_lands_in_storage_and_records(root: Path, study: Study) -> None:
    run = trial.plan(study, "sam", lr=0.1, rho=0.2, on="cpu", stage="search")
    outcome = agent_trial.execute(run, root, AGENT)
    again = agent_trial.execute(run, root, AGENT)  # an agent that resumes it
    assert outcome == again and outcome.outcome == "complete"
    (row,) = sweep_rows(root)
    assert (row.variant, row.stage, row.lr, row.rho) == ("sam", "search", 0.1, 0.2)
    assert row.trial == study.search.trials  # behind the study's own
    assert row.val_accuracy == outcome.val_accuracy and len(row.curve.split()) == 2
    with StudyFolder(root, study).opened() as storage:
        (summary,) = optuna.get_all_study_summaries(storage)
        (collected,) = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    assert collected.user_attrs == {"source": "sweep", "run": "swp00000/run00000"}
    assert collected.params == {"lr": 0.1, "rho": 0.2} and collected.value == outcome.val_accuracy
    assert "1 trial of W&B sweeps" in (root / "tiny" / "leaderboard.md").read_text()


def test_a_crash_counts_as_failed(
    root: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(*words: Any, **more: Any) -> None:
        raise ZeroDivisionError("a bug\nof yours")

    monkeypatch.setattr("sambench.study.trial.train", crashes)
    run = trial.plan(study, "sam", lr=0.1, on="cpu", stage="search")
    with pytest.raises(ZeroDivisionError):
        agent_trial.execute(run, root, AGENT)
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
    run = replace(trial.plan(study, "sam", lr=0.1, on="cpu", stage="search"), epochs=50)
    outcome = agent_trial.execute(run, root, AGENT)
    assert (outcome.outcome, outcome.epochs_done) == ("pruned", 2)
    (row,) = sweep_rows(root)
    assert (row.outcome, row.reason, row.epochs_done) == ("pruned", "stopped by SIGTERM", 2)
    assert row.val_accuracy == told[1]["val_accuracy"]


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
    assert sorted(row.trial for row in rows) == [2, 3, 4, 5, 6, 7]
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
    assert len(sweep_rows(root)) == 2 and len(found.records) == 4 + 2 + 4 + 2
    assert found.header["swept"] == {"trials": {"plain": 0, "sam": 2}, "ranked": 0}


def test_they_rank_only_at_equal_budgets(root: Path, study: Study, run: Callable[..., Any]) -> None:
    for label in ("plain", "sam"):
        leave(root, study, label, f"{label}0", accuracy=0.99)
    analysis = run(study)
    confirmed = [r for r in records.read(root / "tiny" / "records.csv").records
                 if r.stage == "confirm"]  # fmt: skip
    assert {row.trial for row in confirmed} == {study.search.trials}  # the swept ones won
    assert analysis.header["swept"]["ranked"] == 2
    assert any("took part" in warning for warning in analysis.warnings)


def test_unequal_budgets_change_nothing(
    root: Path, study: Study, run: Callable[..., Any], tmp_path: Path
) -> None:
    def own(folder: Path) -> list[Any]:
        found = records.read(folder / "records.csv").records
        rows = [row for row in found if row.source == "study"]
        return [replace(row, wall_s=0.0, step_time_s=None) for row in rows]

    run(study, root=tmp_path / "alone")
    leave(root, study, "sam", "run0", accuracy=0.99)
    analysis = run(study)
    assert own(root / "tiny") == own(tmp_path / "alone" / "tiny")
    assert any("rank nothing" in warning for warning in analysis.warnings)
    leave(root, study, "plain", "run1", accuracy=0.99)  # equal now, but the test set was seen
    run(study)
    assert own(root / "tiny") == own(tmp_path / "alone" / "tiny")


def test_other_seeds_and_studies_do_not_rank(root: Path, study: Study) -> None:
    for label in ("plain", "sam"):
        leave(root, study, label, label, seeds=seeds.derive(7))
    arms = study.arms()
    trials = agent_trials.found(root / "tiny", study, arms)
    assert len(trials) == 2 and not agent_trials.equal_budget(trials, arms)
    other = config.parse(study.model_dump(mode="json"), overrides=["train.epochs=3"])
    assert agent_trials.found(root / "tiny", other, arms) == []


def test_another_file_is_refused_before_training(root: Path, study: Study, spec: Spec) -> None:
    with StudyFolder(root, study).opened():
        pass
    other = config.parse({**spec, "train": {"epochs": 3, "batch_size": 32}})
    run = trial.plan(other, "sam", lr=0.1, on="cpu", stage="search")
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
        run = trial.plan(study, "sam", lr=0.1, on="cpu", stage="search")
        with pytest.raises(UserError, match=r"trial\.json is damaged; remove its folder"):
            agent_trial.execute(run, root, AGENT)
        assert not agent_trials.folder(root / "tiny", AGENT.sweep_id, AGENT.run_id).exists()
    write_sealed(path, {**kept, "lr": 0.123})
    with pytest.raises(UserError, match=r"run0: trial\.json and result\.json tell of different"):
        agent_trials.found(root / "tiny", study, study.arms())


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b"null", b"\xff", b"[" * 10**5])
def test_a_damaged_decision_is_named(root: Path, study: Study, content: bytes) -> None:
    for label in ("plain", "sam"):
        leave(root, study, label, f"{label}0")
    arms = study.arms()
    with StudyFolder(root, study).opened() as storage:
        collected = agent_trials.collect(
            storage, agent_trials.found(root / "tiny", study, arms), study, arms
        )
    assert len(agent_trials.admitted(root / "tiny", collected, arms)) == 2
    path = root / "tiny" / "admitted.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"admitted\.json is damaged; restore it from a copy, or"):
        agent_trials.admitted(root / "tiny", collected, arms)
    path.unlink()
    assert len(agent_trials.admitted(root / "tiny", collected, arms)) == 2


def test_another_trial_in_the_same_folder(root: Path, study: Study, tmp_path: Path) -> None:
    run = trial.plan(study, "sam", lr=0.1, on="cpu")
    (tmp_path / "trial.json").write_text("{")
    with pytest.raises(UserError, match=r"trial\.json is damaged"):
        trial.execute(run, tmp_path, tmp_path / "cache")
