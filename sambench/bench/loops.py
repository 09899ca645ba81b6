"""Two training loops that do the same work: the suite's, and a bare one in plain PyTorch."""

from itertools import count

import torch
from torch.nn import functional as F

import variants
from sambench.bench.competitors import Competitor
from sambench.bench.work import LR, Pupil, Work
from sambench.tasks.images import Images
from sambench.training import Engine

EPOCHS = 1_000_000  # length of the schedule, longer than any benchmark


def engine_for(work: Work, rule: variants.Variant) -> Engine:
    """The suite's engine, on a copy of the model."""
    return Engine(
        work.train, rule, Pupil(work).model, work.data,
        lr=LR, epochs=EPOCHS, seed=0, order_seed=0,
    )  # fmt: skip


def suite_loop(work: Work) -> Competitor:
    """Epochs of our engine with the baseline."""
    engine = engine_for(work, variants.create("plain"))
    epochs = count()

    def run() -> None:
        with work.autocast():
            engine.train_epoch(next(epochs))

    return Competitor("suite's loop", run, lambda: engine.optimizer.passes, engine.steps_per_epoch)


def bare_loop(work: Work) -> Competitor:
    """Shuffle, normalise, train, and keep loss and accuracy, by hand."""
    pupil = Pupil(work)
    model, images, size = pupil.model, work.data.train, work.train.batch_size
    mean, std = (t[:, None, None] for t in (work.data.mean, work.data.std))
    assert isinstance(images, Images)
    steps, device = len(images) // size, images.device
    optimizer = pupil.base()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * steps)

    def epoch() -> tuple[float, float]:
        model.train()
        loss_sum = correct = torch.zeros((), device=device)
        order = torch.randperm(len(images), device=device)
        for rows in order[: steps * size].split(size):
            x, y = (images.x[rows].float() / 255 - mean) / std, images.y[rows]
            with work.autocast():
                logits = model(x)
                loss = F.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            pupil.evaluations += 1
            optimizer.step()
            schedule.step()
            loss_sum = loss_sum + loss.detach()
            correct = correct + (logits.argmax(1) == y).sum()
        return float(loss_sum) / steps, float(correct) / (steps * size)

    return Competitor("bare loop", epoch, lambda: pupil.evaluations, steps)
