"""Memory that runs out: made up on the CPU by models that take only so many images at once."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import variants
from sambench import config, seeds
from sambench.study.protocol import settable
from sambench.training import Custom, Outcome, Run, device
from sambench.training.loop import train

Spec = dict[str, Any]
Row = dict[str, float]
EXACT = 1e-10  # relative; float64, sums in another order
ROOM = {"training": 1000, "evaluation": 10_000}
"""images that a model takes at once"""


class Small(nn.Module):
    """In float64; a layer may be put in between."""

    def __init__(self, classes: int, between: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(3 * 64, 12), between, nn.Tanh(), nn.Linear(12, classes)
        ).double()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > ROOM["training" if self.training else "evaluation"]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.layers(x.double())


class Centred(nn.Module):
    """Normalises over the batch, and is no BatchNorm."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0) if self.training else x


class Counting(nn.Module):
    """Keeps a statistic of every batch."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(12))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.copy_(0.9 * self.seen + 0.1 * x.detach().mean(0))
        return x


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def room(**images: int) -> None:
        for name, value in images.items():
            monkeypatch.setitem(ROOM, name, value)

    return room


def small(between: Callable[[], nn.Module] = nn.Identity) -> Custom:
    return Custom(model=lambda channels, classes: Small(classes, between()))


@pytest.fixture
def make(spec: Spec) -> Callable[..., Run]:
    def make(key: str = "sam", *overrides: str, stage: str = "pool") -> Run:
        study = config.parse({**spec, "variants": ["sam"]}, overrides=overrides)
        return Run(
            study=study, label=key, key=key, stage=stage, point=0, rerun=0,
            seeds=seeds.derive(0, stage, 0), lr=0.05, epochs=3,
            hyperparameters=settable(variants.create(key)),
        )  # fmt: skip

    return make


def proceed(row: Row) -> bool:
    return False


def same(found: Outcome, wanted: Outcome) -> None:
    """All that was measured, but for times."""
    assert found.outcome == wanted.outcome == "complete"
    told, expected = map(_measured, (found, wanted))
    assert told.pop("items") == expected.pop("items")
    rows = zip(told.pop("history"), expected.pop("history"), strict=True)
    scores = told.pop("scores"), expected.pop("scores")
    for ours, theirs in ((told, expected), scores, *rows):
        assert ours == pytest.approx(theirs, rel=EXACT, abs=EXACT, nan_ok=True)


def _measured(outcome: Outcome) -> dict[str, Any]:
    fields = dataclasses.asdict(outcome)
    for row in fields["history"]:
        del row["step_time_s"], row["items_per_s"]
    apart = ("wall_s", "step_time_s", "reason", "spent")
    return {k: v for k, v in fields.items() if k not in apart and not isinstance(v, str | None)}


@pytest.mark.parametrize(
    ("key", "limit", "parts"),
    [("plain", 5, 4), ("sam", 16, 16), ("esam", 5, 4), ("m_sam", 5, 4), ("cr_sam", 31, 16)],
)
def test_a_run_goes_on_in_parts_with_the_same_maths(
    key: str, limit: int, parts: int, make: Callable[..., Run], room: Any, tmp_path: Path
):
    """Batches of 32; whichever gradients and rows a rule asks for."""
    run = make(key, stage="confirm")
    whole = train(run, tmp_path / "whole", proceed, custom=small())
    room(training=limit)
    found = train(run, tmp_path / "parts", proceed, custom=small())
    same(found, whole)
    assert found.reason == f"memory ran out: gradients were summed over parts of {parts} images"
    assert whole.reason == ""
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["result.json"]


@pytest.mark.parametrize("more", ["train.clip=0.5", "train.micro_batch=20", "train.mixup=0.3"])
def test_with_more_keys_too(more: str, make: Callable[..., Run], room: Any, tmp_path: Path):
    run = make("sam", more, "train.ema=0.9")
    whole = train(run, tmp_path / "whole", proceed, custom=small())
    room(training=13)
    same(train(run, tmp_path / "parts", proceed, custom=small()), whole)


def test_it_goes_on_from_its_checkpoint(make: Callable[..., Run], room: Any, tmp_path: Path):
    """Memory is short from the third epoch on: others take it."""
    run, told = make(), []

    def report(row: Row) -> bool:
        told.append(row["epoch"])
        room(training=10 if row["epoch"] == 2 else ROOM["training"])
        return False

    found = train(run, tmp_path / "parts", report, checkpoint_every_s=0, custom=small())
    assert told == [1, 2, 3]
    room(training=1000)
    same(found, train(run, tmp_path / "whole", proceed, custom=small()))


def test_a_killed_run_remembers_how_many_it_had_room_for(
    make: Callable[..., Run], room: Any, tmp_path: Path
):
    def kill(row: Row) -> bool:
        raise KeyboardInterrupt

    room(training=10)
    with pytest.raises(KeyboardInterrupt):
        train(
            make(), tmp_path, lambda row: row["epoch"] == 2 and kill(row), checkpoint_every_s=0,
            custom=small(),
        )  # fmt: skip
    room(training=1000)
    found = train(make(), tmp_path, proceed, custom=small())
    assert found.reason == "memory ran out: gradients were summed over parts of 8 images"


def test_dropout_draws_other_masks_and_goes_on(make: Callable[..., Run], room: Any, tmp_path: Path):
    room(training=10)
    found = train(make(), tmp_path, proceed, custom=small(nn.Dropout))
    assert (found.outcome, found.epochs_done) == ("complete", 3)


@pytest.mark.parametrize("between", [lambda: nn.BatchNorm1d(12), Centred, Counting])
def test_where_images_meet_it_fails_and_says_what_would_help(
    between: Callable[[], nn.Module], make: Callable[..., Run], room: Any, tmp_path: Path
):
    room(training=31)
    found = train(make(), tmp_path, proceed, custom=small(between))
    assert found.outcome == "failed"
    assert found.reason == (
        "out of memory, and batches of this model cannot be computed in parts, which would change "
        "the result (BatchNorm or the like); try a smaller train.batch_size, a model without "
        "BatchNorm, or fewer workers on the device"
    )
    assert "Tried to allocate 2.00 GiB" in (tmp_path / "error.txt").read_text()


@pytest.mark.parametrize(("limit", "told"), [(1, "with two images;"), (0, "with two images;")])
def test_where_nothing_fits_it_says_so(
    limit: int, told: str, make: Callable[..., Run], room: Any, tmp_path: Path
):
    room(training=limit)
    found = train(make(), tmp_path, proceed, custom=small())
    assert found.outcome == "failed"
    assert found.reason.startswith(f"out of memory {told}")


def test_a_failed_run_keeps_its_checkpoint_and_another_attempt_goes_on(
    make: Callable[..., Run], room: Any, tmp_path: Path
):
    run, told = make(), []

    def report(row: Row) -> bool:
        told.append(row["epoch"])
        room(training=0 if len(told) == 2 else 1000)
        return False

    first = train(run, tmp_path, report, checkpoint_every_s=0, custom=small())
    assert (first.outcome, first.epochs_done) == ("failed", 2)
    room(training=1000)
    again = train(run, tmp_path, report, checkpoint_every_s=0, custom=small())
    assert told == [1, 2, 3]
    same(again, train(run, tmp_path / "whole", proceed, custom=small()))
    assert not (tmp_path / "error.txt").exists()


def test_evaluation_takes_smaller_batches(make: Callable[..., Run], room: Any, tmp_path: Path):
    """Also of a model with BatchNorm, which has nothing to normalise there."""
    run = make(stage="confirm")
    whole = train(run, tmp_path / "whole", proceed, custom=small(lambda: nn.BatchNorm1d(12)))
    room(evaluation=7)
    found = train(run, tmp_path / "few", proceed, custom=small(lambda: nn.BatchNorm1d(12)))
    same(found, whole)
    assert found.reason == ""


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be ..."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling ..."), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("shapes do not fit"), False),
        (OSError(28, "No space left on device"), False),
        (KeyError("DefaultCPUAllocator"), False),
    ],
)
def test_what_counts_as_no_memory(error: Exception, is_memory: bool):
    assert device.is_out_of_memory(error) is is_memory
    captured = RuntimeError("this step cannot be captured")
    captured.__cause__ = error
    assert device.is_out_of_memory(captured) is is_memory
