"""What the engine does around a variant's step: averaged weights, and whatever a study adds."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from sambench import config, seeds
from sambench.tasks import images as data
from sambench.training.custom import Custom
from sambench.training.engine import Engine
from sambench.training.loop import engine_for
from sambench.training.run import Run

Spec = dict[str, Any]
Make = Callable[..., Engine]


def small(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 36, classes),
    )  # fmt: skip


OWN = Custom(model=small)


@pytest.fixture
def engine(spec: Spec) -> Make:
    """The engine of a run of the tiny study, with keys of [train] changed."""

    def engine(
        key: str = "sam", *, rho: float = 0.05, custom: Custom = OWN, **changes: Any
    ) -> Engine:
        study = config.parse({**spec, "train": spec["train"] | changes})
        settings = {} if key == "plain" else {"rho": rho}
        run = Run(study, key, key, "pool", 0, 0, seeds.derive(0, "point", 0), 0.05, settings, 2)
        dataset = data.load(study.task, run.seeds.streams)
        return engine_for(run, dataset, custom)

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
    assert found.evaluate(found.data.val).values["loss"] != averaged.values["loss"]


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

    custom = Custom(model=small, loss=loss) if own_loss else OWN
    found = engine(mixup=0.4, cutmix=1.0, label_smoothing=0.0, custom=custom)
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


# --- precision and memory


@pytest.mark.parametrize(("amp", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_training_and_evaluation_run_under_the_same_autocast(
    engine: Make, amp: str, dtype: torch.dtype
):
    found, reference = engine(amp=amp), engine()
    outputs: list[torch.dtype] = []
    found.model.register_forward_hook(lambda *args: outputs.append(args[-1].dtype))
    row, usual = found.train_epoch(0), reference.train_epoch(0)
    score = found.evaluate(found.data.val)
    assert set(outputs) == {dtype}
    assert (found.scaler is not None) == (amp == "fp16")
    assert row["skipped_steps"] == 0
    assert row["train_loss"] != usual["train_loss"]
    assert row["train_loss"] == pytest.approx(usual["train_loss"], rel=0.02)
    full = reference.evaluate(reference.data.val)
    assert score.values["loss"] == pytest.approx(full.values["loss"], rel=0.05)
    assert all(p.dtype == torch.float32 for p in found.model.parameters())
    assert not torch.is_autocast_enabled("cpu")


def test_an_overflow_skips_the_step_and_halves_the_scale(engine: Make):
    found = engine(amp="fp16", ema=0.9)
    assert found.scaler is not None and found.average is not None
    found.scaler.load_state_dict({**found.scaler.state_dict(), "scale": 2.0**40})
    before = weights(found.average.module)
    row = found.train_epoch(0)
    assert row["skipped_steps"] == found.steps_per_epoch
    assert found.scaler.get_scale() == 2.0 ** (40 - found.steps_per_epoch)
    assert found.is_finding_its_scale
    assert all(map(torch.equal, before, weights(found.average.module)))
    found.scaler.update(0.5)
    assert not found.is_finding_its_scale


def test_the_scale_is_in_the_checkpoint(engine: Make):
    found, again = engine(amp="fp16"), engine(amp="fp16")
    found.train_epoch(0)
    assert found.scaler is not None and again.scaler is not None
    found.scaler.update(128.0)
    again.load_state_dict(found.state_dict())
    assert again.scaler.get_scale() == 128.0


def linear(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, classes))


def test_micro_batches_compute_the_same_and_see_less_at_once(engine: Make):
    custom = Custom(model=linear)
    found, whole = engine(micro_batch=5, custom=custom), engine(custom=custom)
    sizes: list[int] = []
    found.model.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    row, usual = found.train_epoch(0), whole.train_epoch(0)
    assert set(sizes) == {5, 2}
    assert row["train_accuracy"] == usual["train_accuracy"]
    assert row["train_loss"] == pytest.approx(usual["train_loss"], rel=1e-5)
    assert row["gradient_evaluations"] == usual["gradient_evaluations"]
    for ours, theirs in zip(weights(found.model), weights(whole.model), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("amp", ["none", "fp16"])
def test_the_final_direction_is_clipped(engine: Make, amp: str):
    limit, lr = 0.01, 0.05
    found = engine(clip=limit, amp=amp, momentum=0.0, weight_decay=0.0, schedule="constant")
    before = [p.detach().clone() for p in found.model.parameters()]
    x, y = found.data.train.x[:32].float() / 255, found.data.train.y[:32]
    found.step(x, y)
    moved = [p.detach() - q for p, q in zip(found.model.parameters(), before, strict=True)]
    length = torch.stack([d.norm() for d in moved]).norm()
    assert float(length) == pytest.approx(lr * limit, rel=1e-3)


def test_channels_last_reaches_weights_and_images(engine: Make):
    found, usual = engine(channels_last=True), engine(channels_last=False)
    formats: list[bool] = []

    def look(_: nn.Module, args: tuple[torch.Tensor]) -> None:
        formats.append(args[0].is_contiguous(memory_format=torch.channels_last))

    found.model.register_forward_pre_hook(look)
    row, reference = found.train_epoch(0), usual.train_epoch(0)
    found.evaluate(found.data.val)
    assert formats and all(formats)
    assert row["train_loss"] == pytest.approx(reference["train_loss"], rel=1e-4)


@pytest.mark.parametrize(("asked", "used"), [(True, "tf32"), (False, "ieee")])
def test_tf32_is_chosen_for_the_run_alone(engine: Make, asked: bool, used: str):
    found, seen = engine(tf32=asked), set()
    units = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = [unit.fp32_precision for unit in units]
    found.model.register_forward_pre_hook(lambda *_: seen.update(u.fp32_precision for u in units))
    found.train_epoch(0)
    assert seen == {used}
    assert [unit.fp32_precision for unit in units] == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # dynamo's own
def test_a_compiled_model_computes_the_same(engine: Make):
    found, usual = engine(compile=True), engine()
    row, reference = found.train_epoch(0), usual.train_epoch(0)
    assert row["train_loss"] == pytest.approx(reference["train_loss"], rel=1e-4)
    assert found.state_dict()["model"].keys() == usual.state_dict()["model"].keys()
    for ours, theirs in zip(weights(found.model), weights(usual.model), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


# --- what is counted of every step


@pytest.mark.parametrize(
    ("key", "rho", "perturbed", "idle"),
    [("sam", 0.05, 2, 0), ("sam", 1e-12, 2, 2), ("plain", 0.0, 0, 0)],
)
@pytest.mark.filterwarnings("ignore:the perturbation vanished")
def test_steps_whose_perturbation_does_nothing(
    engine: Make, key: str, rho: float, perturbed: int, idle: int
):
    row = engine(key, rho=rho).train_epoch(0)
    assert (row["perturbed_steps"], row["idle_steps"]) == (perturbed, idle)
