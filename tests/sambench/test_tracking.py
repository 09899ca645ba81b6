"""W&B: an offline run read back from its file; a tracker that fails; resumed runs."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sambench import config, seeds, tracking
from sambench.train import NO_PARTS, Outcome, Run
from sambench.worker import Assignment, execute

Spec = dict[str, Any]
OUTCOME = Outcome("complete", val_accuracy=0.5, test_accuracy=0.25, gradient_evaluations=8.0)
BLOCK, HEADER, FIRST_AND_FULL, LAST_AND_FULL = 32768, 7, (1, 2), (1, 4)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "_warned", False)


@pytest.fixture
def run_(spec: Spec) -> Run:
    study = config.parse(spec)
    rho = {"rho": 0.05}
    return Run(study, "sam", "sam", "confirm", 3, seeds.derive(1000), 0.1, rho, 2, "rho")


def records(path: Path) -> Iterator[Any]:
    """The protobuf records of a .wandb file: 7 bytes, then a LevelDB log in blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    data, at, parts = path.read_bytes(), HEADER, b""
    assert data[:4] == b":W&B"
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        chunk = data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind == 0 or at > len(data):
            return
        parts = chunk if kind in FIRST_AND_FULL else parts + chunk
        if kind in LAST_AND_FULL:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record


def written(path: Path, seconds: float = 30.0) -> list[Any]:
    """All records, once the last one is there: W&B's own process writes them in its own time."""
    end = time.monotonic() + seconds
    while True:
        found = list(records(path))
        if any(record.WhichOneof("record_type") == "exit" for record in found):
            return found
        assert time.monotonic() < end, "the run has no end"
        time.sleep(0.05)


def told(items: Any) -> dict[str, Any]:
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}


def track(run: Run, folder: Path, rows: list[dict[str, float]]) -> None:
    tracked = tracking.start(run, folder, "offline")
    assert isinstance(tracked, tracking._WandbRun)
    for row in rows:
        tracked.log(row)
    tracked.finish(OUTCOME)


ROWS = [{"epoch": e, "lr": 0.1 / e, "val_accuracy": 0.3 + e / 10, "steps": 2 * e} for e in (1, 2)]


@pytest.fixture(scope="module", autouse=True)
def no_leftovers() -> Iterator[None]:
    yield
    wandb = sys.modules.get("wandb")
    if wandb is not None and hasattr(wandb, "teardown"):
        wandb.teardown()


@pytest.mark.filterwarnings("default")  # W&B's own are none of our business
def test_an_offline_run_holds_all_that_panels_need(run_: Run, tmp_path: Path):
    track(run_, tmp_path, ROWS)
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    found = written(path)
    start = next(r.run for r in found if r.WhichOneof("record_type") == "run")
    assert (start.project, start.run_group, start.job_type) == ("sambench", "tiny", "confirm")
    assert start.display_name == run_.id == "confirm-sam-t3-s1000"
    assert start.run_id == tracking.run_id(run_) == path.stem.removeprefix("run-")
    assert set(start.tags) == {"sam", "test_resnet", "synthetic"}

    settings: dict[str, Any] = told(start.config.update)
    for record in found:
        if record.WhichOneof("record_type") == "config":
            settings |= told(record.config.update)
    settings.pop("_wandb", None)
    assert not any(isinstance(value, dict | list) for value in settings.values())
    expected = {
        "study": "tiny", "variant": "sam", "key": "sam", "stage": "confirm", "trial": 3,
        "seed": 1000, "lr": 0.1, "rho": 0.05, "epochs": 2, "batch_size": 32, "base": "sgd",
        "model": "test_resnet", "dataset": "synthetic", "label_noise": 0.0,
    }  # fmt: skip
    assert settings.items() >= expected.items()
    assert {f"seed_{name}" for name in seeds.STREAMS} < set(settings)

    history = [told(r.history.item) for r in found if r.WhichOneof("record_type") == "history"]
    assert [{k: row[k] for k in ROWS[0]} for row in history] == ROWS
    assert [row["_step"] for row in history] == [1, 2]

    summary: dict[str, Any] = {}
    for record in found:
        if record.WhichOneof("record_type") == "summary":
            summary |= told(record.summary.update)
    assert summary["state"] == "complete"
    assert summary["test_accuracy"] == 0.25 and summary["gradient_evaluations"] == 8.0
    assert next(r.exit for r in found if r.WhichOneof("record_type") == "exit").exit_code == 0


@pytest.mark.filterwarnings("default")
def test_a_resumed_run_continues_under_its_id(run_: Run, tmp_path: Path):
    tracked = tracking.start(run_, tmp_path, "offline")
    tracked.log(ROWS[0])
    tracked._run.finish()  # pyright: ignore[reportAttributeAccessIssue]
    track(run_, tmp_path, ROWS[1:])
    names = {path.name for path in tmp_path.glob("wandb/offline-run-*/*.wandb")}
    assert names == {f"run-{tracking.run_id(run_)}.wandb"}


def test_ids_differ_by_run_and_by_study(run_: Run, spec: Spec):
    other = config.parse({**spec, "name": "other"})
    runs = [run_, Run(**{**vars(run_), "trial": 4}), Run(**{**vars(run_), "study": other})]
    assert len({tracking.run_id(run) for run in runs}) == 3
    assert tracking.run_id(run_) == tracking.run_id(Run(**vars(run_)))


def test_the_mode_is_what_is_asked_else_the_environment_else_offline(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("WANDB_MODE", "online")
    assert tracking.mode("disabled") == "disabled"
    assert tracking.mode(None) == "online"
    monkeypatch.delenv("WANDB_MODE")
    assert tracking.mode(None) == "offline"


def broken(place: str, calls: list[str]) -> Any:
    """A wandb that raises at one place."""

    def at(name: str) -> Any:
        def called(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if name == place:
                raise ConnectionError(f"{name} failed\nwith details")
            return run

        return called

    run = SimpleNamespace(
        log=at("log"),
        finish=at("finish"),
        define_metric=at("define_metric"),
        summary=SimpleNamespace(update=at("summary")),
    )
    return SimpleNamespace(init=at("init"), Settings=lambda **options: None)


@pytest.mark.parametrize("place", ["init", "define_metric", "log", "summary", "finish"])
def test_a_failing_tracker_warns_once_and_the_run_goes_on(
    place: str,
    run_: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    calls: list[str] = []
    monkeypatch.setitem(sys.modules, "wandb", broken(place, calls))
    untracked = execute(assignment(run_, tmp_path / "untracked", "disabled"), lambda row: False)
    for name in "ab":
        outcome = execute(assignment(run_, tmp_path / name, "offline"), lambda row: False)
        assert outcome.test_correct == untracked.test_correct
    assert capsys.readouterr().err == f"W&B is off for this process: {place} failed\n"
    assert calls.count("init") == 1  # it is not tried again


def assignment(run: Run, folder: Path, mode: tracking.Mode) -> Assignment:
    return Assignment(run, folder, folder, folder, mode, 10.0, NO_PARTS)
