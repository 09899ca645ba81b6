"""Parts of a study from several machines: joined they are the study, or nothing is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sambench import measures, records
from sambench.errors import UserError
from sambench.records import Record
from sambench.scores import ACCURACY
from sambench.study import merge
from sambench.training import RESULT_FILE, Outcome, Run, write_outcome
from tests.sambench.conftest import luck

Spec = dict[str, Any]
Recorded = Callable[[Path], list[Record]]
Ran = Callable[..., Path]


def outcome(run: Run) -> Outcome:
    """Made up; a function of the run's name, like that of any run on one machine."""
    share = round(15 + 3 * luck(1, run.id)) / 30
    tested = run.stage != "pool"
    right = tuple(i < round(30 * share) for i in range(30))
    test = {"test_accuracy": sum(right) / 30, "test_loss": 0.1 + 0.2} if tested else {}
    return Outcome(
        "complete",
        epochs_done=run.epochs,
        scores={"val_accuracy": round(20 * share) / 20, "val_loss": 1 / 3, **test},
        items={"accuracy": right} if tested else {},
        train_loss=0.7,
        gradient_evaluations=4.0 if run.key == "plain" else 8.0,
        steps=4,
        step_time_s=0.01 + abs(luck(0.001, run.id)),
        device="Example CPU",
        processor="Example CPU",
        instructions="AVX2",
        history=tuple({"epoch": i + 1, "val_accuracy": share} for i in range(run.epochs)),
    )


@pytest.fixture(autouse=True)
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that were trained, which takes no time here."""
    found: list[str] = []

    def train(run: Run, folder: Path, *_: object, data_digest: str, **__: object) -> Outcome:
        done = replace(outcome(run), data=data_digest)
        write_outcome(run, folder, done)
        found.append(run.id)
        return done

    monkeypatch.setattr("sambench.executors.assignment.train", train)
    return found


@pytest.fixture
def halves(spec: Spec, run: Any, tmp_path: Path) -> list[Path]:
    """Records of points 0 to 1 and of 2 to 3; the largest pool, of plain, has four."""
    spec["search"] |= {"budget": 4.0, "searches": 1}
    for name, points in (("a", range(2)), ("b", range(2, 4))):
        run(spec, root=tmp_path / name, points=points)
    return [tmp_path / name / "tiny" / "records.csv" for name in "ab"]


def refusal(files: list[Path], root: Path, into: str | None = None) -> str:
    """The one line of a merge that writes nothing."""
    before = written(root)
    with pytest.raises(UserError) as caught:
        merge(files, root, into)
    assert written(root) == before and "\n" not in str(caught.value)
    return str(caught.value)


def written(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def changed(path: Path, change: Callable[[Record], Record], **header: Any) -> Path:
    """A copy of a file, beside it, whose header or rows are others."""
    found = records.read(path)
    other = path.with_name("other.csv")
    records.write(other, found.header | header, map(change, found.records))
    return other


def same(record: Record) -> Record:
    return record


# --- what comes of it


def test_two_halves_are_the_whole_study(
    halves: list[Path], spec: Spec, run: Any, recorded: Recorded, tmp_path: Path, trained: list[str]
):
    merged = merge(halves, tmp_path / "joined")
    assert (merged.came, merged.known, merged.failed, merged.swept) == (6, 0, 0, 0)
    assert merged.missing == {"plain": 0, "sam": 0} and not merged.damages
    del trained[:]
    run(spec, root=tmp_path / "joined")
    assert not [name for name in trained if name.startswith("pool-")]
    run(spec, root=tmp_path / "whole")
    assert recorded(tmp_path / "joined" / "tiny") == recorded(tmp_path / "whole" / "tiny")


def test_an_outcome_comes_back_from_its_record(halves: list[Path], tmp_path: Path):
    """All that records hold, timings and machine as well; of the history the curve."""
    merge(halves, tmp_path / "joined")
    for half in halves:
        for file in half.parent.glob(f"runs/*/{RESULT_FILE}"):
            (before, after) = (
                json.loads(f.read_text())
                for f in (file, tmp_path / "joined" / "tiny" / file.relative_to(half.parent))
            )
            for told in (before, after):
                rows = told["outcome"].pop("history")
                curve = (row["val_accuracy"] for row in rows)
                told["curve"] = records.curve_text(curve, ACCURACY)
                told.pop("check")
            assert before == after


def test_confirm_and_setting_runs_come_too(
    spec: Spec, run: Any, ran: Ran, recorded: Recorded, tmp_path: Path, trained: list[str]
):
    ran()
    whole = tmp_path / "runs" / "tiny" / "records.csv"
    merged = merge([whole], tmp_path / "again")
    assert merged.came == 17
    del trained[:]
    run(spec, root=tmp_path / "again")
    assert trained == []
    assert recorded(tmp_path / "again" / "tiny") == recorded(tmp_path / "runs" / "tiny")


def test_what_was_measured_comes_too(
    spec: Spec,
    run: Any,
    recorded: Recorded,
    tmp_path: Path,
    trained: list[str],
    monkeypatch: pytest.MonkeyPatch,
):
    def after(of: Run, folder: Path, *_: object) -> None:
        bins = records.pack_numbers(np.full((15, 3), luck(1, of.id)))
        values = dict.fromkeys(("ece", "ece_adaptive", "brier", "nll"), abs(luck(0.1, of.id)))
        measures.write(folder, measures.Found(values, {"ece": bins, "ece_adaptive": bins}))

    monkeypatch.setattr(measures, "after", after)
    spec["measure"] = {"names": ["calibration"]}
    run(spec)
    merge([tmp_path / "runs" / "tiny" / "records.csv"], tmp_path / "again")
    del trained[:]
    run(spec, root=tmp_path / "again")
    found = recorded(tmp_path / "again" / "tiny")
    assert trained == [] and found == recorded(tmp_path / "runs" / "tiny")
    tested = [row for row in found if row.stage == "confirm"]
    assert tested and all(len(row.details["ece"]) == 240 and row.measures["nll"] for row in tested)


def test_a_study_that_searches_nothing(spec: Spec, run: Any, tmp_path: Path, trained: list[str]):
    spec["search"] = {"lr": 0.1}
    spec["variants"] = []
    spec["variant"] = [{"name": "plain", "length": 1}, {"name": "sam", "fix": {"rho": 0.1}}]
    run(spec)
    whole = tmp_path / "runs" / "tiny" / "records.csv"
    merged = merge([changed(whole, same)], tmp_path / "again")
    assert (merged.came, merged.missing) == (20, {"plain": 0, "sam": 0})


def test_what_is_missing_is_counted_at_the_largest_size(
    halves: list[Path], spec: Spec, tmp_path: Path
):
    assert merge(halves[:1], tmp_path / "joined").missing == {"plain": 2, "sam": 0}
    larger = records.read(halves[1]).header["spec"]
    larger["search"]["searches"] = 3
    grown = changed(halves[1], same, spec=larger)
    assert merge([halves[0], grown], tmp_path / "joined").missing == {"plain": 8, "sam": 4}


def test_the_same_again_changes_nothing(halves: list[Path], tmp_path: Path):
    root = tmp_path / "joined"
    merge(halves[:1], root)
    before = {path: content for path, content in written(root).items() if "runs" in path.parts[-3:]}
    again = merge([*halves, halves[0]], root)
    assert (again.came, again.known) == (2, 8)
    assert {path: written(root)[path] for path in before} == before
    assert merge(halves, root).came == 0


def test_another_clock_or_machine_with_the_same_digits_is_the_same_run(
    halves: list[Path], tmp_path: Path
):
    other = changed(
        halves[0], lambda r: replace(r, wall_s=r.wall_s + 1, processor="Other CPU", rank=None)
    )
    merged = merge([halves[0], other], tmp_path / "joined")
    assert (merged.came, merged.known) == (4, 4)


def test_machines_may_run_different_variants(
    halves: list[Path], spec: Spec, run: Any, tmp_path: Path, trained: list[str]
):
    spec["variants"] = ["asam"]
    run(spec, root=tmp_path / "c", points=range(4))
    third = tmp_path / "c" / "tiny" / "records.csv"
    merged = merge([halves[0], third], tmp_path / "joined")
    assert merged.missing == {"plain": 0, "sam": 0, "asam": 0}
    stored = json.loads((tmp_path / "joined" / "tiny" / "study.json").read_text())
    assert set(stored["arms"]) == set(stored["asked"]) == {"plain", "sam", "asam"}
    del trained[:]
    run({**spec, "variants": ["sam", "asam"]}, root=tmp_path / "joined")
    assert not [name for name in trained if name.startswith("pool-")]


def test_ranges_stay_as_the_records_froze_them(halves: list[Path], tmp_path: Path):
    """Whatever the registry of this machine says."""
    arms = records.read(halves[0]).header["arms"]
    arms["sam"]["defaults"]["rho"] = 0.07
    merge([changed(halves[0], same, arms=arms)], tmp_path / "joined")
    stored = json.loads((tmp_path / "joined" / "tiny" / "study.json").read_text())
    assert stored["arms"]["sam"]["defaults"] == {"rho": 0.07}


def test_failed_runs_and_sweeps_are_left_out_and_counted(halves: list[Path], tmp_path: Path):
    def change(record: Record) -> Record:
        if (record.variant, record.point) == ("plain", 0):
            return replace(record, outcome="failed")
        if (record.variant, record.point) == ("plain", 1):
            return replace(record, stage="sweep", source="sweep")
        return record

    merged = merge([changed(halves[0], change)], tmp_path / "joined")
    assert (merged.came, merged.failed, merged.swept) == (2, 1, 1)
    assert merged.missing == {"plain": 4, "sam": 0}
    assert merge(halves[:1], tmp_path / "joined").came == 2


def test_a_failed_run_of_the_folder_is_replaced(halves: list[Path], tmp_path: Path):
    joined = tmp_path / "joined"
    merge(halves[:1], joined)
    (file,) = joined.glob(f"tiny/runs/pool-sam-p1/{RESULT_FILE}")
    before = file.read_bytes()
    stored = records.read(halves[0]).records[-1]
    text = json.loads(before)["outcome"]

    class Known:
        setting = json.loads(before)["setting"]

    write_outcome(Known(), file.parent, Outcome(**{**text, "outcome": "failed"}))  # pyright: ignore
    assert merge(halves[:1], joined).came == 1
    assert file.read_bytes() == before and stored.variant == "sam"


def test_a_size_that_was_concluded_counts(
    spec: Spec, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The next one is an extension, which tests at half of alpha."""
    monkeypatch.setattr("sambench.study.folder.CONCLUDING", 1)
    run(spec)
    merge([tmp_path / "runs" / "tiny" / "records.csv"], tmp_path / "again")
    spec["search"]["searches"] = 2
    run(spec, root=tmp_path / "again")
    assert records.read(tmp_path / "again" / "tiny" / "records.csv").header["extension"] == 1


def test_another_name(halves: list[Path], spec: Spec, run: Any, tmp_path: Path):
    run({**spec, "name": "third"}, root=tmp_path / "c", points=range(2, 4))
    files = [halves[0], tmp_path / "c" / "third" / "records.csv"]
    line = refusal(files, tmp_path / "joined")
    assert line.startswith(f"{files[1]}: records of study 'third', and of 'tiny' in {files[0]}")
    merged = merge(files, tmp_path / "joined", "both")
    assert (merged.folder, merged.study) == (tmp_path / "joined" / "both", "tiny")
    run({**spec, "name": "both"}, root=tmp_path / "joined")


# --- what is refused

SPECS = {
    "train.epochs": {"train": {"epochs": 3}},
    "seed": {"seed": 1},
    "task.label_noise": {"task": {"label_noise": 0.5}},
}


@pytest.mark.parametrize("key", SPECS)
def test_records_of_another_task_training_or_seed(halves: list[Path], tmp_path: Path, key: str):
    spec = records.read(halves[1]).header["spec"]
    for table, change in SPECS[key].items():
        spec[table] = {**spec[table], **change} if isinstance(change, dict) else change
    other = changed(halves[1], same, spec=spec)
    line = refusal([halves[0], other], tmp_path / "joined")
    assert line == f"{other}: of another study than {halves[0]}: {key} differ"
    merge(halves[:1], tmp_path / "joined")
    line = refusal([other], tmp_path / "joined")
    assert line.startswith(f"{other}: of another study than {tmp_path / 'joined' / 'tiny'}: {key}")
    assert line.endswith("choose another --into")


def test_records_of_other_arms_or_data(halves: list[Path], tmp_path: Path):
    header = records.read(halves[1]).header
    arms = json.loads(json.dumps(header["arms"]))
    arms["sam"]["space"]["rho"]["high"] = 0.25
    for change, what in (
        ({"arms": arms}, "sam.space.rho.high"),
        ({"data_digest": "1" * 32}, "the data"),
        ({"own": {"model": "mine"}}, "own.model"),
    ):
        other = changed(halves[1], same, **change)
        line = refusal([halves[0], other], tmp_path / "joined")
        assert line == f"{other}: of another study than {halves[0]}: {what} differ"
        merge(halves[:1], tmp_path / "known")
        if what != "the data":  # of which the folder knows only once the study has been run there
            assert f"{what} differ; choose" in refusal([other], tmp_path / "known")
        assert f"{what} differ; choose" in refusal([other], tmp_path / "a")


def test_pools_of_adaptive_samplers(halves: list[Path], tmp_path: Path):
    spec = records.read(halves[0]).header["spec"]
    spec["search"] |= {"sampler": "gp"}
    line = refusal([changed(halves[0], same, spec=spec)], tmp_path / "joined")
    assert line.endswith("gp chose each point by those before it; only pools of random points can "
                         "be joined")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"lr": 0.123}, "lr"),
        ({"seed_order": 1}, "seed_order"),
        ({"hyperparameters": "{}"}, "hyperparameters"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_row_that_the_study_would_not_run(
    halves: list[Path], tmp_path: Path, change: dict[str, Any], what: str
):
    other = changed(halves[0], lambda r: replace(r, **change) if r.variant == "sam" else r)
    line = refusal([other], tmp_path / "joined")
    assert line == f"{other}: line 5: pool-sam-p0 is no run of tiny: {what} differ"


def test_a_run_told_differently_is_a_conflict(halves: list[Path], tmp_path: Path):
    def other_digits(record: Record) -> Record:
        val = {**record.val, "accuracy": 0.55}
        return replace(record, val=val, curve="0.5500") if record.point == 1 else record

    other = changed(halves[0], other_digits)
    line = refusal([halves[0], halves[1], other], tmp_path / "joined")
    assert line == (
        f"{other}: line 4: pool-plain-p1 came to something else than in {halves[0]}: line 4: "
        "val_accuracy, curve differ; nothing is merged"
    )
    merge(halves, tmp_path / "joined")
    known = tmp_path / "joined" / "tiny" / "runs" / "pool-plain-p1" / RESULT_FILE
    line = refusal([other], tmp_path / "joined")
    assert f"line 4: pool-plain-p1 came to something else than in {known}: val_acc" in line


def test_a_setting_that_the_registry_refuses(ran: Ran, tmp_path: Path):
    ran()
    whole = tmp_path / "runs" / "tiny" / "records.csv"

    def negative(record: Record) -> Record:
        own = (record.variant, record.stage) == ("sam", "setting")
        return replace(record, hyperparameters='{"rho": -1}') if own else record

    line = refusal([changed(whole, negative)], tmp_path / "again")
    assert "line 19: rho must be >= 0" in line


def test_damaged_lines_are_told_and_the_rest_comes(halves: list[Path], tmp_path: Path):
    lines = halves[0].read_text().splitlines(keepends=True)
    halves[0].write_text("".join([*lines[:-1], lines[-1].replace("sam", "asm", 1)]))
    merged = merge(halves, tmp_path / "joined")
    assert merged.damages == [
        f"{halves[0]}: line 6: damaged: its check does not fit its cells; not counted"
    ]
    assert (merged.came, merged.missing) == (5, {"plain": 0, "sam": 1})


def test_runs_of_other_data_are_not_gone_on_with(
    halves: list[Path], spec: Spec, run: Any, tmp_path: Path
):
    """The folder of a merge has no data yet: those of its machine must be the same."""
    digest = "1" * 32
    other = changed(halves[0], lambda r: replace(r, data=digest), data_digest=digest)
    merge([other], tmp_path / "joined")
    with pytest.raises(UserError, match=r"pool-.*: its run was trained on other data than this"):
        run(spec, root=tmp_path / "joined")
