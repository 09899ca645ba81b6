"""What the engine does around a variant's step: averaged weights, and whatever a study adds."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from sambench import config, data, seeds, train
from sambench.engine.eager import EagerEngine
from sambench.train import Parts, Run

Spec = dict[str, Any]
Make = Callable[..., EagerEngine]


def small(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 36, classes),
    )  # fmt: skip


OWN = Parts(model=small)


@pytest.fixture
def engine(spec: Spec) -> Make:
    """The engine of a run of the tiny study, with keys of [train] changed."""

    def engine(
        key: str = "sam", *, rho: float = 0.05, parts: Parts = OWN, **changes: Any
    ) -> EagerEngine:
        study = config.parse({**spec, "train": spec["train"] | changes})
        settings = {} if key == "plain" else {"rho": rho}
        run = Run(study, key, key, "search", 0, seeds.derive(0), 0.05, settings, 2)
        dataset = data.load(study.task, run.seeds.streams)
        return train.engine_for(run, dataset, parts)

    return engine


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in model.state_dict().values()]


# --- averaged weights


def test_evaluation_uses_the_averaged_weights(engine: Make):
    found = engine(ema=0.9)
    mean = weights(found.model)
    before = found.optimizer.step

    def step(*args: Any, **options: Any) -> Any:
        losses = before(*args, **options)
        n = found.optimizer.steps
        decay = 0.0 if n == 1 else min(0.9, 1 - n ** (-2 / 3))
        for old, new in zip(mean, found.model.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)
        return losses

    found.optimizer.step = step  # pyright: ignore
    for epoch in range(3):
        found.train_epoch(epoch)
    assert found.average is not None
    for ours, theirs in zip(mean, found.average.module.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs)
    averaged = found.evaluate(found.data.val)
    found.average.module.load_state_dict(found.model.state_dict())
    assert found.evaluate(found.data.val).loss != averaged.loss


def test_a_skipped_step_does_not_move_the_average(engine: Make):
    found = engine(ema=0.9, rho=1e30)
    assert found.average is not None
    before = weights(found.average.module)
    row = found.train_epoch(0)
    assert row["skipped_steps"] == found.steps_per_epoch
    assert all(map(torch.equal, before, weights(found.average.module)))


def test_averaging_changes_nothing_in_training(engine: Make):
    plain, averaged = engine(), engine(ema=0.9)
    rows = [found.train_epoch(0) for found in (plain, averaged)]
    assert rows[0]["train_loss"] == rows[1]["train_loss"]
    assert all(map(torch.equal, weights(plain.model), weights(averaged.model)))


# --- mixed images


@pytest.mark.parametrize("own_loss", [False, True])
def test_every_pass_of_a_step_sees_the_same_mix(engine: Make, own_loss: bool):
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(logits, labels, reduction="none")

    parts = Parts(model=small, loss=loss) if own_loss else OWN
    found = engine(mixup=0.4, cutmix=1.0, label_smoothing=0.0, parts=parts)
    compute = found._loss
    images: list[torch.Tensor] = []
    found.model.register_forward_pre_hook(lambda _, args: images.append(args[0]))

    def watched(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        losses = compute(logits, labels)
        assert losses.shape == (len(labels),)
        expected = -(labels * logits.log_softmax(1)).sum(1)
        torch.testing.assert_close(losses, expected)
        seen.append((images[-1], labels))
        return losses

    found._loss = watched
    row = found.train_epoch(0)
    assert len(seen) == 2 * found.steps_per_epoch
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert all(map(torch.equal, first, second))
        assert first[1].shape == (32, len(found.data.classes))
        torch.testing.assert_close(first[1].sum(1), torch.ones(32))
    assert not torch.equal(seen[0][0], seen[2][0])
    assert 0 <= row["train_accuracy"] <= 1
