"""One run: bitwise resume, divergence as an outcome, and who may see the test set."""

import dataclasses
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import variants
from sambench import config, seeds
from sambench.errors import UserError
from sambench.files import read_sealed, write_sealed
from sambench.study.protocol import settable
from sambench.tasks import Scored
from sambench.training import checkpoint
from sambench.training.custom import Custom
from sambench.training.engine import Engine
from sambench.training.loop import train
from sambench.training.outcome import Outcome, read_outcome
from sambench.training.run import Run

Spec = dict[str, Any]
Row = dict[str, float]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    return importlib.import_module("custom_code")


@pytest.fixture
def make(spec: Spec) -> Callable[..., Run]:
    def make(key: str = "sam", overrides: tuple[str, ...] = (), **changes: Any) -> Run:
        study = config.parse({**spec, "variants": ["sam"]}, overrides=overrides)
        fields = {"stage": "pool", "point": 0, "rerun": 0, "lr": 0.05, "epochs": 4, **changes}
        return Run(
            study=study,
            label=key,
            key=key,
            seeds=seeds.derive(0, fields["stage"], 0),
            hyperparameters=settable(variants.create(key)),
            **fields,
        )

    return make


def proceed(row: Row) -> bool:
    return False


def interrupt_after(epoch: int) -> Callable[[Row], bool]:
    def report(row: Row) -> bool:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt
        return False

    return report


def timeless(outcome: Outcome) -> str:
    """Everything else, to the last bit; as text, where NaN equals NaN."""
    fields = dataclasses.asdict(outcome)
    del fields["wall_s"], fields["step_time_s"], fields["spent"]
    for row in fields["history"]:
        del row["step_time_s"], row["items_per_s"]
    return repr(fields)


def resumed(run: Run, folder: Path, epochs: tuple[int, ...], custom: Custom = Custom()) -> Outcome:
    """Interrupted after each of the epochs; between two attempts others use the generators."""
    for epoch in epochs:
        with pytest.raises(KeyboardInterrupt):
            train(run, folder, interrupt_after(epoch), checkpoint_every_s=0, custom=custom)
        torch.rand(7)
    return train(run, folder, proceed, checkpoint_every_s=0, custom=custom)


@pytest.mark.parametrize("key", variants.names())
def test_a_resumed_run_equals_an_uninterrupted_one(
    key: str, make: Callable[..., Run], code: ModuleType, tmp_path: Path
):
    """Bit for bit, with momentum, BatchNorm, dropout, augmentation and a schedule with warm-up."""
    overrides = ("train.augment=crop-flip-cutout", "train.warmup_epochs=0.5")
    run = make(key, overrides, stage="confirm")
    own = Custom(model=code.dropout)
    whole = train(run, tmp_path / "whole", proceed, custom=own)
    again = resumed(run, tmp_path / "resumed", (1, 2, 4), own)
    assert timeless(again) == timeless(whole)
    assert (whole.outcome, whole.epochs_done, len(whole.history)) == ("complete", 4, 4)
    assert len({row["train_loss"] for row in whole.history}) == 4


def test_a_resumed_run_remembers_its_earlier_peak(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sambench.training.device.peak_memory", lambda name: 700)
    with pytest.raises(KeyboardInterrupt):
        train(make(), tmp_path, interrupt_after(2), checkpoint_every_s=0)
    monkeypatch.setattr("sambench.training.device.peak_memory", lambda name: 500)
    assert train(make(), tmp_path, proceed).peak_memory == 700


EXTENDED = {
    "groups": ("train.base=adopt", "train.decay_norm_and_bias=false", "train.layer_decay=0.7"),
    "schedule": ("train.schedule=wsd", "train.warmup_epochs=0.5"),
    "steps": ("train.schedule=step", "train.schedule_args={decay_epochs=1, decay_rate=0.5}"),
    "ema": ("train.ema=0.9",),
    "mixing": ("train.mixup=0.2", "train.cutmix=1.0", "train.label_smoothing=0.1"),
    "bf16": ("train.amp=bf16",),
    "fp16": ("train.amp=fp16", "train.ema=0.9"),
    "memory": ("train.micro_batch=12", "train.channels_last=true", "train.clip=0.3"),
    "randaugment": ("train.augment=randaugment",),
}


@pytest.mark.parametrize("overrides", EXTENDED.values(), ids=EXTENDED)
def test_runs_with_more_keys_resume_bit_for_bit(
    overrides: tuple[str, ...], make: Callable[..., Run], code: ModuleType, tmp_path: Path
):
    run, own = make("sam", overrides, stage="confirm"), Custom(model=code.dropout)
    whole = train(run, tmp_path / "whole", proceed, custom=own)
    assert timeless(resumed(run, tmp_path / "resumed", (1, 3), own)) == timeless(whole)
    usual = train(make("sam", stage="confirm"), tmp_path / "usual", proceed, custom=own)
    assert timeless(usual) != timeless(whole)


@pytest.mark.parametrize("base", ["sgd", "adamw", "lion", "muon", "lamb"])
def test_a_timm_model_resumes_too(base: str, make: Callable[..., Run], tmp_path: Path):
    run = make("sam", (f"train.base={base}", "task.label_noise=0.2"), lr=0.01)
    whole = train(run, tmp_path / "whole", proceed)
    assert timeless(resumed(run, tmp_path / "resumed", (3,))) == timeless(whole)


def test_interrupted_within_an_epoch_nothing_of_it_stays(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = make("sam")
    whole = train(run, tmp_path / "whole", proceed)
    evaluate, calls = Engine.evaluate, []

    def interrupted(engine: Engine, images: Any) -> Scored:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(engine, images)

    monkeypatch.setattr(Engine, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path / "resumed", proceed, checkpoint_every_s=0)
    again = train(run, tmp_path / "resumed", proceed, checkpoint_every_s=0)
    assert timeless(again) == timeless(whole)


def test_equal_runs_are_equal_and_other_seeds_are_not(make: Callable[..., Run], tmp_path: Path):
    run = make()
    first, second = (timeless(train(run, tmp_path / x, proceed)) for x in "ab")
    assert first == second
    other = dataclasses.replace(run, seeds=seeds.derive(0, "pool", 1))
    assert timeless(train(other, tmp_path / "c", proceed)) != first


def test_a_run_continues_only_from_its_own_checkpoint(make: Callable[..., Run], tmp_path: Path):
    """Another process, with another sampler history, may have begun a trial of the same number."""
    with pytest.raises(KeyboardInterrupt):
        train(make(lr=0.01), tmp_path, interrupt_after(3), checkpoint_every_s=0)
    found = train(make(lr=0.05), tmp_path, proceed)
    assert timeless(found) == timeless(train(make(lr=0.05), tmp_path / "fresh", proceed))


def test_a_finished_run_leaves_its_outcome_and_no_checkpoint(
    make: Callable[..., Run], tmp_path: Path
):
    run = make(stage="confirm")
    (tmp_path / ".checkpoint.pt.abc").write_bytes(b"half of one")
    found = train(run, tmp_path, proceed, checkpoint_every_s=0)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert read_outcome(run, tmp_path) == found
    assert read_outcome(make(stage="confirm", lr=0.06), tmp_path) is None
    assert read_outcome(run, tmp_path / "elsewhere") is None


@pytest.mark.parametrize("stage", ["pool", "confirm"])
def test_a_result_of_before_scores_had_names_is_read(
    make: Callable[..., Run], tmp_path: Path, stage: str
):
    """A study that an older version began goes on; nothing of it is trained again."""
    run = make(stage=stage)
    found = train(run, tmp_path, proceed)
    stored = read_sealed(tmp_path / "result.json")
    outcome = stored["outcome"]
    scores, items = outcome.pop("scores"), outcome.pop("items")
    del outcome["objective"]
    for name in ("val_accuracy", "val_loss", "test_accuracy", "test_loss"):
        outcome[name] = scores.get(name)
    outcome["test_correct"] = items.get("accuracy", [])
    write_sealed(tmp_path / "result.json", stored)
    assert read_outcome(run, tmp_path) == found


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "\x00\x00", '{"setting": {}}'])
def test_a_damaged_result_is_named(make: Callable[..., Run], tmp_path: Path, text: str):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(UserError, match=r"result\.json is damaged; remove it"):
        read_outcome(make(), tmp_path)


def test_a_cut_off_result_is_damage(make: Callable[..., Run], tmp_path: Path):
    run = make()
    train(run, tmp_path, proceed)
    whole = (tmp_path / "result.json").read_text()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / "result.json").write_text(whole[: int(share * len(whole))])
        with pytest.raises(UserError, match="is damaged"):
            read_outcome(run, tmp_path)


def test_no_flipped_bit_of_a_result_is_believed(make: Callable[..., Run], tmp_path: Path):
    run, path = make(), tmp_path / "result.json"
    train(run, tmp_path, proceed)
    whole = path.read_bytes()
    for place in range(0, 8 * len(whole), 7):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(UserError, match="is damaged"):
            read_outcome(run, tmp_path)


def test_no_flipped_bit_of_a_checkpoint_is_trained_on(
    make: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run, path = make(), tmp_path / checkpoint.NAME
    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path, interrupt_after(2), checkpoint_every_s=0)
    whole = path.read_bytes()
    assert checkpoint.load(tmp_path, "cpu") is not None
    for place in np.random.default_rng(0).integers(8 * len(whole), size=50).tolist():
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        capsys.readouterr()
        assert checkpoint.load(tmp_path, "cpu") is None
        told = capsys.readouterr().err
        assert told == f"sambench: {path} is damaged; its run starts from the beginning\n"


def test_a_run_of_a_damaged_checkpoint_starts_from_the_beginning(
    make: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = make()
    whole_run = train(run, tmp_path / "whole", proceed)
    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path, interrupt_after(2), checkpoint_every_s=0)
    whole = (tmp_path / checkpoint.NAME).read_bytes()
    for content in (b"", b"PK", b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / checkpoint.NAME).write_bytes(content)
        told = train(run, tmp_path, proceed)
        assert "checkpoint.pt is damaged; its run starts from" in capsys.readouterr().err
        assert [row["val_loss"] for row in told.history] == [
            row["val_loss"] for row in whole_run.history
        ]


def test_divergence_is_an_outcome_with_epoch_and_reason(make: Callable[..., Run], tmp_path: Path):
    run = make("sam", ("train.weight_decay=1.0",), lr=1e20, stage="confirm")
    told: list[Row] = []
    found = train(run, tmp_path, lambda row: bool(told.append(row)))
    assert found.outcome == "diverged"
    assert found.reason == f"non-finite loss in epoch {found.epochs_done}"
    assert len(told) == found.epochs_done < run.epochs
    assert (found.scores, found.train_loss) == ({}, None)
    assert found.gradient_evaluations > 0 and found.steps > 0
    assert read_outcome(run, tmp_path).reason == found.reason  # pyright: ignore


def test_an_epoch_of_skipped_steps_diverged(make: Callable[..., Run], tmp_path: Path):
    """A radius that throws w + e out of range leaves w as it is, step after step."""
    run = dataclasses.replace(make("sam"), hyperparameters={"rho": 1e30})
    found = train(run, tmp_path, proceed)
    assert found.outcome == "diverged"
    assert found.reason == "non-finite gradients at every step in epoch 1"


def test_weights_that_blow_up_in_the_last_step_diverged_too(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    score = Scored({"accuracy": 0.1, "loss": float("nan")}, {})
    monkeypatch.setattr(Engine, "evaluate", lambda engine, images: score)
    found = train(make(stage="confirm"), tmp_path, proceed)
    assert (found.outcome, found.epochs_done) == ("diverged", 4)
    assert found.reason == "non-finite validation loss after the last epoch"
    assert found.test is None


def test_pruning_is_an_outcome(make: Callable[..., Run], tmp_path: Path):
    found = train(make(), tmp_path, lambda row: row["epoch"] == 2)
    assert (found.outcome, found.reason, found.epochs_done) == ("pruned", "pruned after epoch 2", 2)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_no_memory_is_an_outcome(make: Callable[..., Run], tmp_path: Path, error: Exception):
    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        raise error

    found = train(make(), tmp_path, proceed, custom=Custom(loss=loss))
    assert found.outcome == "failed"
    assert found.reason.startswith("out of memory")
    told = (tmp_path / "error.txt").read_text()
    assert "Traceback" in told and told.strip().endswith(str(error) or "MemoryError")


def test_other_errors_are_errors(make: Callable[..., Run], tmp_path: Path):
    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        train(make(), tmp_path, proceed, custom=Custom(loss=loss))
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("stage", ["pool", "sweep", "trial", "confirm", "setting"])
def test_only_confirm_and_setting_runs_see_the_test_set(
    stage: str, make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    evaluate, seen = Engine.evaluate, []
    tested = stage in ("confirm", "setting")

    def watched(engine: Engine, images: Any) -> Scored:
        seen.append("test" if images is engine.data.test else "val")
        return evaluate(engine, images)

    monkeypatch.setattr(Engine, "evaluate", watched)
    found = train(make(stage=stage), tmp_path, proceed)
    assert seen == ["val"] * 4 + ["test"] * tested
    assert (found.test is not None) == tested
    assert len(found.items.get("accuracy", ())) == (30 if tested else 0)
    if tested:
        assert found.test == pytest.approx(sum(found.items["accuracy"]) / 30)
    assert "test" not in json.dumps(found.history)


# --- which weights a run yields


def scripted(
    monkeypatch: pytest.MonkeyPatch, scores: list[float], name: str = "accuracy"
) -> list[dict[str, torch.Tensor]]:
    """Validation scores as given, epoch by epoch; the weights that the test set saw."""
    evaluate, left, tested = Engine.evaluate, list(scores), []

    def made_up(engine: Engine, images: Any) -> Scored:
        found = evaluate(engine, images)
        if images is not engine.data.val:
            tested.append({k: v.clone() for k, v in engine.evaluated.state_dict().items()})
            return found
        return dataclasses.replace(found, values={**found.values, name: left.pop(0)})

    monkeypatch.setattr(Engine, "evaluate", made_up)
    return tested


def weights_after(make: Callable[..., Run], folder: Path, epoch: int) -> dict[str, torch.Tensor]:
    """Of the same run after so many epochs."""
    with pytest.raises(KeyboardInterrupt):
        train(make(), folder, interrupt_after(epoch + 1), checkpoint_every_s=0)
    state = checkpoint.load(folder, "cpu")
    assert state is not None and len(state["history"]) == epoch
    return state["engine"]["model"]


@pytest.mark.parametrize("resumed", [False, True])
def test_the_best_epoch_is_yielded(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: bool
):
    """Of 4 epochs the second, which is as good as the third and came first."""
    expected = weights_after(lambda: make(stage="confirm"), tmp_path / "part", 2)
    run = make("sam", ("train.yields=best",), stage="confirm")
    scores = [0.2, 0.6, 0.6, 0.1]
    if resumed:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            scripted(patch, scores)
            train(run, tmp_path / "run", interrupt_after(4), checkpoint_every_s=0)
        scores = scores[3:]
    tested = scripted(monkeypatch, scores)
    found = train(run, tmp_path / "run", proceed)
    assert found.val == 0.6 and found.epochs_done == 4
    assert found.scores["val_loss"] == found.history[1]["val_loss"]
    assert all(torch.equal(tested[0][name], expected[name]) for name in expected)


def test_the_best_epoch_of_a_loss_is_that_with_the_least(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And its single items are kept, of which the score is the mean."""
    words = ("train.yields=best", "task.objective=loss", "search.margin=0.1")
    scripted(monkeypatch, [2.0, 0.4, 0.4, 3.0], "loss")
    found = train(make("sam", words, stage="confirm"), tmp_path, proceed)
    assert found.val == 0.4 and found.curve == [2.0, 0.4, 0.4, 3.0]
    assert {name: len(items) for name, items in found.items.items()} == {"accuracy": 30, "loss": 30}
    assert found.test == pytest.approx(sum(found.items["loss"]) / 30, rel=1e-6)


def test_the_last_epoch_is_yielded_unless_the_study_says_otherwise(
    make: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scripted(monkeypatch, [0.2, 0.6, 0.6, 0.1])
    found = train(make(stage="confirm"), tmp_path, proceed)
    assert found.val == 0.1
    assert found.scores["val_loss"] == found.history[-1]["val_loss"]


def test_records_say_where_a_run_was_computed(make: Callable[..., Run], tmp_path: Path):
    found = train(make(), tmp_path, proceed, data_digest=None)
    used = torch.backends.cpu.get_cpu_capability()
    assert found.processor == found.device
    assert found.instructions == f"{used}, channels last"
    asked = train(make(overrides=("train.channels_last=false",)), tmp_path / "asked", proceed)
    assert asked.instructions == used
    assert found.data == ""
