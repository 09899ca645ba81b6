"""SharpnessAware in timm's train script: what its train_one_epoch becomes.

The script's NativeScaler, or backward() alone, its accumulation, clipping, schedule and EMA. The
scaler calls backward (need_update=False) and is handed to SharpnessAware with --clip-grad.
"""

import pytest
import timm
import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3, NativeScaler

import variants

CLIP, ACCUM_STEPS, UPDATES = 0.5, 2, 6


def train_one_epoch(
    model, loader, optimizer, loss_fn, lr_scheduler, model_ema, loss_scaler=None, num_updates=0
):
    batches = []
    for batch in loader:
        batches.append(batch)
        if len(batches) < ACCUM_STEPS:
            continue
        for inputs, target in optimizer.evaluations(parts=batches):
            with torch.autocast("cpu", torch.bfloat16, enabled=False):  # amp_autocast()
                loss = loss_fn(model(inputs), target)
            loss = loss / ACCUM_STEPS
            if loss_scaler is None:
                loss.backward()
            else:
                loss_scaler(loss, optimizer, need_update=False)
        batches = []
        optimizer.zero_grad()
        num_updates += 1
        model_ema.update(model, step=num_updates)
        lr_scheduler.step_update(num_updates=num_updates)


def model_and_data():
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=2, drop_rate=0.0).double()
    x = torch.randn(UPDATES * ACCUM_STEPS, 4, 3, 32, 32).double()
    return model, list(zip(x, (x[:, :, 0].mean((2, 3)) > 0).long(), strict=True))


def made(model):
    base = create_optimizer_v2(model, opt="momentum", lr=0.05, momentum=0.9, weight_decay=1e-3)
    return base, ModelEmaV3(model, decay=0.9)


def scheduled(optimizer):
    return CosineLRScheduler(optimizer, t_initial=UPDATES, t_in_epochs=False)


@pytest.mark.parametrize("scaled", [False, True])
def test_train_one_epoch(scaled, by_hand, same):
    (model, loader), (expected, _) = model_and_data(), model_and_data()
    loss_fn = torch.nn.CrossEntropyLoss()
    loss_scaler = NativeScaler(device="cpu") if scaled else None
    base, ema = made(model)
    optimizer = variants.SharpnessAware(
        base,
        variants.create("sam"),
        model,
        scaler=loss_scaler and loss_scaler._scaler,
        clip=CLIP,
    )
    model.train()
    schedule = scheduled(optimizer)
    train_one_epoch(model, loader, optimizer, loss_fn, schedule, ema, loss_scaler)
    assert optimizer.steps == UPDATES and optimizer.skipped == 0

    base, ema_by_hand = made(expected)
    schedule = scheduled(base)
    expected.train()
    for update in range(UPDATES):
        batches = loader[update * ACCUM_STEPS : (update + 1) * ACCUM_STEPS]
        moved = {}

        def loss(batches=batches):
            for inputs, target in batches:
                (loss_fn(expected(inputs), target) / ACCUM_STEPS).backward()

        def keep(moved=moved):
            moved.update({n: b.clone() for n, b in expected.named_buffers()})

        def clip():
            torch.nn.utils.clip_grad_norm_(expected.parameters(), CLIP)

        by_hand(base, loss, after_first=keep, before_step=clip)
        for n, b in expected.named_buffers():  # BatchNorm has seen the batch once
            b.copy_(moved[n])
        ema_by_hand.update(expected, step=update + 1)
        schedule.step_update(num_updates=update + 1)
    same(model, expected)
    same(ema.module, ema_by_hand.module)


def test_it_resumes():
    """As the script does, by the states of model and optimizer: in bits."""
    (whole, loader), loss_fn = model_and_data(), torch.nn.CrossEntropyLoss()

    def run(model, batches, num_updates=0, saved=None):
        base, ema = made(model)
        optimizer = variants.SharpnessAware(base, variants.create("looksam", k=2), model)
        schedule = scheduled(optimizer)
        if saved is not None:
            optimizer.load_state_dict(saved)
            schedule.step_update(num_updates)
        model.train()
        train_one_epoch(model, batches, optimizer, loss_fn, schedule, ema, None, num_updates)
        return optimizer.state_dict()

    run(whole, loader)
    first, second = model_and_data()[0], model_and_data()[0]
    saved = run(first, loader[: len(loader) // 2])
    second.load_state_dict(first.state_dict())
    run(second, loader[len(loader) // 2 :], UPDATES // 2, saved)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
