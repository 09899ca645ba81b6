"""Whole tiny studies: inline and with workers, resumed, forked, with a model of one's own."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from rich.console import Console

import sambench
from sambench import records
from sambench.errors import UserError
from sambench.records import Record
from sambench.seeds import derive
from sambench.study import Settings
from sambench.tasks import images
from sambench.training import Engine, Outcome, train, write_outcome

Spec = dict[str, Any]
Recorded = Callable[[Path], list[Record]]
Ran = Callable[..., Path]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


def test_a_study_from_end_to_end(spec: Spec, run: Any, recorded: Recorded, tmp_path: Path):
    analysis = run(spec, command="python -m sambench study tiny.toml")
    folder = tmp_path / "runs" / "tiny"
    found = recorded(folder)
    assert [(r.stage, r.variant, r.point, r.rerun) for r in found] == [
        *[("pool", "plain", i, 0) for i in (0, 1)],
        ("pool", "sam", 0, 0),
        *[("confirm", "plain", best(found, "plain"), j) for j in range(6)],
        *[("confirm", "sam", 0, j) for j in range(6)],
        *[("setting", v, -1, 0) for v in ("plain", "sam")],
    ]
    assert {r.outcome for r in found} == {"complete"}
    assert {r.num_items for r in found if r.stage == "pool"} == {0}
    assert {r.num_items for r in found if r.stage != "pool"} == {30}
    assert all((r.test["accuracy"] is None) == (r.stage == "pool") for r in found)
    assert {r.rank for r in found if r.stage == "confirm"} == {0}

    header = records.read(folder / "records.csv").header
    assert header["test_runs"] == 14
    assert header["command"] == "python -m sambench study tiny.toml"
    assert set(header["arms"]["sam"]["space"]) == {"lr", "rho"}
    assert set(header["arms"]["plain"]["space"]) == {"lr"}
    assert {label: set(fit["setting"]) for label, fit in header["fits"].items()} == {
        "plain": {"lr"}, "sam": {"lr", "rho"}
    }  # fmt: skip

    page = (folder / "leaderboard.md").read_text()
    assert "sam" in page
    assert analysis.study == "tiny"
    assert not (folder / "wandb").exists()
    assert not list(folder.rglob("checkpoint.pt"))
    json.loads((folder / "study.json").read_text())


def test_a_caller_is_told_where_the_page_is(spec: Spec, run: Any, tmp_path: Path):
    page, said = tmp_path / "runs" / "tiny" / "index.html", StringIO()
    run(spec, console=Console(file=said))
    assert said.getvalue().endswith(f"page: {page}\n")
    assert "<code>records.csv</code>" in page.read_text()
    run(spec, console=Console(file=said), says_where=False)
    assert said.getvalue().count("page: ") == 1


def best(found: list[Record], label: str) -> int:
    """The point of an arm's best validation score."""
    pool = [r for r in found if (r.stage, r.variant) == ("pool", label)]
    return max(pool, key=lambda r: r.val["accuracy"] or 0).point


def test_what_arms_share_is_paired(ran: Ran, recorded: Recorded, tmp_path: Path):
    ran()
    found = recorded(tmp_path / "runs" / "tiny")
    by_arm = {r.variant: r for r in found if (r.stage, r.point) == ("pool", 0)}
    plain, sam = by_arm["plain"], by_arm["sam"]
    assert plain.lr == sam.lr
    assert plain.seed_init == sam.seed_init == derive(0, "point", 0).init
    settings = {r.variant: r.seed_order for r in found if r.stage == "setting"}
    assert settings["plain"] == settings["sam"] == derive(0, "setting", 0).order


def test_gradient_evaluations_are_counted(spec: Spec, run: Any, recorded: Recorded, tmp_path: Path):
    spec["variant"] = [{"name": "plain", "length": [0.5, 2]}]
    run(spec)
    epochs = {"plain-x0.5": 1, "plain-x2": 4, "sam": 2}
    for record in recorded(tmp_path / "runs" / "tiny"):
        assert record.epochs == epochs[record.variant]
        assert record.steps == 2 * record.epochs  # 64 images in batches of 32
        passes = 2 if record.variant == "sam" else 1
        assert record.gradient_evaluations == passes * record.steps


def test_a_study_grows_and_keeps_its_runs(
    spec: Spec, run: Any, ran: Ran, recorded: Recorded, tmp_path: Path
):
    """More searches, a larger budget, another variant: what has run is not run again."""
    ran()
    folder = tmp_path / "runs" / "tiny"
    first = {p: p.stat().st_mtime_ns for p in folder.glob("runs/[pc]*/result.json")}
    before = {(r.stage, r.variant, r.point, r.rerun): r for r in recorded(folder)}
    run(spec, ("search.searches=2", "search.budget=3", 'variants=["sam", "looksam"]'))
    assert {p: p.stat().st_mtime_ns for p in first} == first
    after = {(r.stage, r.variant, r.point, r.rerun): r for r in recorded(folder)}
    pool = [key for key in before if key[0] == "pool"]
    assert {key: before[key] for key in pool} == {key: after[key] for key in pool}
    assert {key[1] for key in after} == {"plain", "sam", "looksam"}
    assert len([key for key in after if key[:2] == ("pool", "plain")]) == 6


def test_an_extension_says_so(
    spec: Spec, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sambench.study.folder.CONCLUDING", 1)

    def extension(*overrides: str) -> int:
        run(spec, overrides)
        return records.read(tmp_path / "runs" / "tiny" / "records.csv").header["extension"]

    assert extension() == 0
    assert extension("search.searches=2") == 1
    assert extension('variants=["sam", "looksam"]', "search.searches=2") == 1  # the same size
    assert extension() == 0  # concluded first


def test_parts_of_a_pool_make_the_whole(
    spec: Spec, run: Any, ran: Ran, recorded: Recorded, tmp_path: Path
):
    ran(tmp_path / "whole")
    folder = tmp_path / "runs" / "tiny"
    run(spec, points=range(1, 2))
    assert [(r.variant, r.point) for r in recorded(folder)] == [("plain", 1)]
    run(spec, points=range(0, 1))  # with which the pools are complete
    found = recorded(folder)
    assert {r.stage for r in found} <= {"pool", "confirm"}
    assert {r.point for r in found if r.stage == "confirm"} <= {0}
    assert len([r for r in found if r.stage == "pool"]) == 3
    run(spec)
    assert recorded(folder) == recorded(tmp_path / "whole" / "tiny")


@pytest.mark.parametrize("points", [range(0, 3), range(2, 2), range(-1, 1)])
def test_points_outside_the_pool_are_refused(spec: Spec, run: Any, points: range, tmp_path: Path):
    with pytest.raises(UserError, match="--points: the largest pool has points 0 to 1, got"):
        run(spec, points=points)
    assert not (tmp_path / "runs" / "tiny").exists()


def test_a_study_that_searches_nothing_pairs_seeds(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    spec["search"] = {"lr": 0.1}
    spec |= {"variants": [], "confirm": {"seeds": 3}}
    spec["variant"] = [{"name": "plain", "length": 1}, {"name": "sam", "fix": {"rho": 0.1}}]
    analysis = run(spec)
    found = recorded(tmp_path / "runs" / "tiny")
    assert [(r.stage, r.variant, r.rerun, r.lr, r.rho) for r in found] == [
        *[("confirm", "plain", j, 0.1, None) for j in range(3)],
        *[("confirm", "sam", j, 0.1, 0.1) for j in range(3)],
    ]
    pairs = [{r.seed_init for r in found if r.rerun == j} for j in range(3)]
    assert [len(pair) for pair in pairs] == [1, 1, 1]
    assert analysis.kind == "fixed"


def test_two_workers_record_what_one_process_records(
    spec: Spec, run: Any, ran: Ran, recorded: Recorded, tmp_path: Path
):
    ran()
    run(spec, workers=2, root=tmp_path / "two")
    whole = recorded(tmp_path / "runs" / "tiny")
    two = recorded(tmp_path / "two" / "tiny")
    assert {r.threads for r in two} == {max(1, torch.get_num_threads())}
    assert two == whole


def test_the_same_call_again_trains_nothing_and_changes_nothing(
    spec: Spec, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run(spec)
    files = [tmp_path / "runs" / "tiny" / name for name in ("records.csv", "leaderboard.md")]
    before = [path.read_bytes() for path in files]
    monkeypatch.setattr(Engine, "train_epoch", None)
    run(spec)
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize("lost", ["journal.log", "study.json", "records.csv", "one run"])
def test_what_is_lost_is_made_again(
    spec: Spec, run: Any, ran: Ran, recorded: Recorded, tmp_path: Path, lost: str
):
    ran()
    folder = tmp_path / "runs" / "tiny"
    before = recorded(folder)
    victim = folder / "runs" / "pool-sam-p0" / "result.json" if lost == "one run" else None
    (victim or folder / lost).unlink()
    run(spec)
    assert recorded(folder) == before


def test_a_changed_study_is_refused_unless_it_is_forked(
    spec: Spec, run: Any, ran: Ran, tmp_path: Path
):
    ran()
    before = (tmp_path / "runs" / "tiny" / "records.csv").read_bytes()
    with pytest.raises(UserError, match=r"these have changed since: train\.epochs"):
        run(spec, ("train.epochs=1",))
    analysis = run(spec, ("train.epochs=1", "name=shorter"))
    assert analysis.study == "shorter"
    assert (tmp_path / "runs" / "shorter" / "records.csv").exists()
    assert (tmp_path / "runs" / "tiny" / "records.csv").read_bytes() == before


def test_a_study_in_which_everything_diverges_still_reports(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path
):
    spec["search"]["space"]["lr"] = {"low": 1e5, "high": 1e6, "log": True}
    spec["train"] |= {"weight_decay": 1e3, "epochs": 6}
    run(spec)
    found = recorded(tmp_path / "runs" / "tiny")
    assert {(r.stage, r.outcome) for r in found} == {("pool", "diverged")}
    assert all("epoch" in r.reason for r in found)
    assert "diverged" in (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()


def test_a_variant_that_diverges_leaves_the_others_their_result(
    spec: Spec, run: Any, recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def run_(config: Any, *arguments: Any, **options: Any) -> Outcome:
        outcome = train(config, *arguments, **options)
        if config.label == "sam":
            return Outcome("diverged", "non-finite loss in epoch 1", epochs_done=1)
        return outcome

    monkeypatch.setattr("sambench.executors.assignment.train", run_)
    run(spec)
    outcomes = {(r.variant, r.stage, r.outcome) for r in recorded(tmp_path / "runs" / "tiny")}
    assert ("plain", "confirm", "complete") in outcomes
    assert {o for o in outcomes if o[0] == "sam"} == {("sam", "pool", "diverged")}
    assert "diverged" in (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()


def test_another_model_of_ones_own_is_another_study(spec: Spec, run: Any, code: ModuleType):
    run(spec, model=code.linear)
    with pytest.raises(UserError, match=r"task\.model, own\.model; .*--fork"):
        run(spec, model=code.dropout)
    with pytest.raises(UserError, match=r"run from Python, which brought its model; go on from"):
        run(spec)


@pytest.mark.parametrize("workers", [1, 2])
def test_own_model_data_and_loss(
    spec: Spec, run: Any, recorded: Recorded, code: ModuleType, tmp_path: Path, workers: int
):
    from sambench.config import parse

    own = images.load(parse(spec).task, derive(7, "point", 0).streams)
    own = replace(own, classes=tuple("abcdefghij"))
    del spec["task"]["split"]
    spec["task"] |= {"model": "mine", "label_noise": 0.3}
    spec["train"]["label_smoothing"] = 0.1
    spec["question"] = "Which one on synthetic pictures?"
    board = run(spec, model=code.linear, data=own, loss=code.focal, workers=workers)
    page = (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()
    assert (
        "Task: custom_code.linear on own data, by the loss custom_code.focal "
        f"(train {len(own.train)}, val {len(own.val)}, test {len(own.test)}). "
        "A Python caller's own: model, loss and data."
    ) in page
    assert "sambench.run_study(study, model=model, data=data, loss=loss)" in page
    assert board.question == "" and "streams of initial weights and data order" in page
    for word in ("synthetic", "wrong", "smoothing", "mine"):
        assert word not in page.partition("<details>")[0], word
    found = recorded(tmp_path / "runs" / "tiny")
    assert {r.outcome for r in found} == {"complete"}
    assert {r.num_items for r in found if r.stage == "confirm"} == {len(own.test)}


def test_run_study_is_public_and_takes_tables_paths_and_studies(
    spec: Spec, run: Any, study_file: Path, tmp_path: Path
):
    from sambench.config import load
    from sambench.study.run import resolve

    assert sambench.run_study.__name__ == "run_study"
    loaded = load(study_file)
    assert all(resolve(given, (), tmp_path) == loaded for given in (spec, study_file, loaded))
    assert resolve(loaded, ["train.epochs=5"], tmp_path).train.epochs == 5


def test_a_pruner_and_tpe_run_to_the_end_and_again(
    spec: Spec, run: Any, recorded: Recorded, code: ModuleType, tmp_path: Path
):
    spec["search"] |= {"budget": 20.0, "sampler": "tpe", "pruner": "hyperband"}
    spec |= {"variants": [], "variant": [{"name": "plain", "length": 1}]}
    spec["train"]["epochs"] = 4
    spec["task"]["model"] = "mine"
    run(spec, model=code.linear)
    folder = tmp_path / "runs" / "tiny"
    before = recorded(folder)
    pruned = [r for r in before if r.outcome == "pruned"]
    assert pruned and all(r.epochs_done / r.epochs >= 0.3 for r in pruned)
    assert {r.stage for r in before} == {"pool", "setting"}
    assert {r.stage for r in pruned} == {"pool"}
    run(spec, model=code.linear)
    assert recorded(folder) == before
    run(spec, model=code.linear, root=tmp_path / "again")
    assert recorded(tmp_path / "again" / "tiny") == before


def test_a_variant_that_does_not_go_with_the_base_is_refused(spec: Spec, run: Any):
    spec["variants"] = ["momentum_sam"]
    spec["train"]["momentum"] = 0.0
    with pytest.raises(UserError, match="momentum_sam needs a base optimizer with momentum"):
        run(spec)


def test_a_model_that_does_not_fit_the_images_fails_before_anything_is_stored(
    spec: Spec, run: Any, tmp_path: Path
):
    spec["task"]["image_size"] = 9  # 3 x 81 values, where `linear` expects 3 x 64
    with pytest.raises(UserError, match=r"your own model does not take images \(3, 9, 9\)"):
        run(spec, model=lambda channels, classes: torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(channels * 64, classes)
        ))  # fmt: skip
    assert not (tmp_path / "runs" / "tiny").exists()


def test_one_validation_image_is_enough(spec: Spec, run: Any):
    spec["task"]["split"]["val"] = 1
    analysis = run(spec)
    assert {row.label: row.runs["complete"] for row in analysis.rows} == {"plain": 9, "sam": 8}


def test_options_stand_above_settings(spec: Spec):
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        sambench.run_study(spec, settings=Settings(workers=1), workers=0)


def test_workers_must_be_positive(spec: Spec, run: Any):
    with pytest.raises(UserError, match="--workers must be >= 1, got 0"):
        run(spec, workers=0)


def test_results_of_a_run_are_what_train_gives(
    spec: Spec, ran: Ran, recorded: Recorded, tmp_path: Path
):
    """A study adds nothing to its runs: any of them repeats alone, from its record."""
    from sambench.config import parse
    from sambench.training import Run

    ran()
    found = next(r for r in recorded(tmp_path / "runs" / "tiny") if r.stage == "confirm")
    alone = Run(
        study=parse(spec),
        label=found.variant,
        key=found.key,
        stage="confirm",
        point=found.point,
        rerun=found.rerun,
        seeds=derive(0, "confirm", found.point, found.rerun),
        lr=found.lr,
        hyperparameters=json.loads(found.hyperparameters),
        epochs=found.epochs,
    )
    outcome = train(alone, tmp_path / "alone", lambda row: False)
    assert outcome.test == found.test["accuracy"]
    assert outcome.scores["val_loss"] == found.val["loss"]


def test_a_run_lost_to_the_machine_is_repeated(
    spec: Spec,
    run: Any,
    ran: Ran,
    recorded: Recorded,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def run_(config: Any, folder: Path, *arguments: Any, **options: Any) -> Outcome:
        if config.id == "pool-plain-p1":
            lost = Outcome("failed", "out of memory")
            write_outcome(config, folder, lost)
            return lost
        return train(config, folder, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr("sambench.executors.assignment.train", run_)
        run(spec)
    folder = tmp_path / "runs" / "tiny"
    assert {r.stage for r in recorded(folder)} == {"pool"}  # nobody is confirmed yet
    run(spec)
    ran(tmp_path / "whole")
    assert recorded(folder) == recorded(tmp_path / "whole" / "tiny")


def test_a_kill_between_result_and_checkpoint_leaves_nothing_behind(
    spec: Spec, run: Any, ran: Ran, tmp_path: Path
):
    ran()
    folder = next((tmp_path / "runs" / "tiny" / "runs").glob("confirm-*"))
    for name in ("checkpoint.pt", ".checkpoint.pt.half"):
        (folder / name).write_bytes(b"")
    run(spec)
    assert [path.name for path in folder.iterdir()] == ["result.json"]
