"""The winner of a study as a runnable snippet, or as JSON."""

from typing import Any

from sambench import records as records_
from sambench.analysis import Leaderboard, analyse
from sambench.config import OWN_BASES, OWN_SCHEDULES, Train, extensions
from sambench.errors import UserError
from sambench.records import Record, Records, as_records
from sambench.render.texts import one_line


def settings(records: Records) -> dict[str, Any]:
    """The recommended configuration; the best mean of the table where nothing is recommended."""
    leaderboard = analyse(records)
    record = _record(records, leaderboard)
    return {
        "study": record.study,
        "headline": leaderboard.headline,
        "recommended": leaderboard.use is not None,
        "variant": record.key,
        "label": record.variant,
        "lr": record.lr,
        "hyperparameters": records_.hyperparameters(record.hyperparameters),
        "epochs": record.epochs,
        "seed": record.seed,
        "test_accuracy": record.test_accuracy,
    }


def _record(records: Records, leaderboard: Leaderboard) -> Record:
    """The first complete confirm run of the variant to use."""
    confirmed = list(as_records(records.complete))
    if not confirmed:
        raise UserError(f"study {leaderboard.study!r} has no complete confirm run yet")
    label = leaderboard.use or next(
        row.label for row in leaderboard.rows if any(r.variant == row.label for r in confirmed)
    )
    return next(r for r in confirmed if r.variant == label)


def snippet(records: Records) -> str:
    """A Python program that trains the winner on the study's data and prints its accuracy.

    It spells the training loop, or calls sambench's own where the study asks for more than that.
    """
    found, spec = settings(records), records.header["spec"]
    seeds = _record(records, analyse(records))
    task, train = spec["task"], spec["train"]
    values = {
        "headline": one_line(found["headline"]),
        "measured": f"{100 * found['test_accuracy']:.2f}%",
        "seed": found["seed"],
        "task": _tables(task),
        "streams": {
            "split": seeds.seed_split,
            "labels": seeds.seed_labels,
            "init": seeds.seed_init,
            "order": seeds.seed_order,
        },
        "create": ", ".join(
            [repr(found["variant"]), *(f"{k}={v!r}" for k, v in found["hyperparameters"].items())]
        ),
        "lr": repr(found["lr"]),
        "epochs": found["epochs"],
        "task_model": one_line(task["model"]),
    }
    own = train["base"] in OWN_BASES and train["schedule"] in OWN_SCHEDULES
    if extensions(train) or not own:
        return ENGINE.format(**values, train=_train(train))
    return LOOP.format(
        **values,
        base=_base(train, found["lr"]),
        batch_size=train["batch_size"],
        smoothing=train["label_smoothing"],
        augment=repr(train["augment"]),
        lr_rule=_lr_rule(train),
        warmup=train["warmup_epochs"] / train["epochs"],
    )


def _train(train: dict[str, Any]) -> str:
    """[train] as a call that leaves out what is at its default."""
    defaults = Train(epochs=train["epochs"], batch_size=train["batch_size"]).model_dump(mode="json")
    required = ("epochs", "batch_size")
    given = {k: v for k, v in train.items() if k in required or v != defaults.get(k)}
    return f"Train({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def _tables(task: dict[str, Any]) -> str:
    split = {k: v for k, v in task["split"].items() if v is not None}
    given = ", ".join(f"{k}={v!r}" for k, v in task.items() if k != "split" and v)
    return f"Task({given}, split=Split({', '.join(f'{k}={v!r}' for k, v in split.items())}))"


def _base(train: dict[str, Any], lr: float) -> str:
    decay = train["weight_decay"]
    if train["base"] == "sgd":
        momentum, nesterov = train["momentum"], train["nesterov"]
        return (
            f"torch.optim.SGD(model.parameters(), lr={lr!r}, momentum={momentum!r}, "
            f"nesterov={nesterov!r}, weight_decay={decay!r})"
        )
    betas = tuple(train["betas"])
    return (
        f"torch.optim.AdamW(model.parameters(), lr={lr!r}, betas={betas!r}, weight_decay={decay!r})"
    )


def _lr_rule(train: dict[str, Any]) -> str:
    return "1.0" if train["schedule"] == "constant" else "0.5 * (1 + math.cos(math.pi * done))"


LOOP = '''\
# {headline}
# This program repeats one confirm run (seed {seed}), which measured {measured} test accuracy.
import math

import torch
from torch.nn.functional import cross_entropy

import variants
from sambench.config import Split, Task
from sambench.tasks import images
from sambench.tasks.images import models

task = {task}
streams = {streams}
sets = images.load(task, streams)  # your own images go here

torch.manual_seed(streams["init"])
channels, classes = sets.train.shape[1], len(sets.classes)
model = models.build(task, channels=channels, classes=classes)  # timm's {task_model}
base = {base}
epochs, batch_size = {epochs}, {batch_size}
steps = epochs * images.num_batches(len(sets.train), batch_size)
warmup = round({warmup} * steps)
optimizer = variants.SharpnessAware(
    base,
    variants.create({create}),
    model,
    seed=streams["init"],
    total_steps=steps,
)


def factor(step):
    """Of the learning rate at a step."""
    done = (step - warmup) / max(steps - warmup, 1)
    return (step + 1) / (warmup + 1) if step < warmup else {lr_rule}


schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
for epoch in range(epochs):
    model.train()
    for x, y in images.epoch_batches(
        sets.train,
        batch_size=batch_size,
        seed=streams["order"],
        epoch=epoch,
        augment={augment},
        mean=sets.mean,
        std=sets.std,
    ):
        optimizer.step(
            lambda rows: cross_entropy(
                model(x[rows]), y[rows], label_smoothing={smoothing}, reduction="none"
            )
        )
        schedule.step()

model.eval()
with torch.no_grad():
    batches = images.eval_batches(sets.test, batch_size=1024, mean=sets.mean, std=sets.std)
    hits = torch.cat([model(x).argmax(1) == y for x, y in batches])
print(f"test accuracy: {{hits.double().mean():.2%}}")
'''

ENGINE = """\
# {headline}
# This program repeats one confirm run (seed {seed}), which measured {measured} test accuracy.
import torch

import variants
from sambench.config import Split, Task, Train
from sambench.tasks import images
from sambench.tasks.images import models
from sambench.training import Engine

task = {task}
train = {train}
streams = {streams}
sets = images.load(task, streams)  # your own images go here

torch.manual_seed(streams["init"])
channels, classes = sets.train.shape[1], len(sets.classes)
model = models.build(task, channels=channels, classes=classes)  # timm's {task_model}
engine = Engine(
    train,
    variants.create({create}),
    model,
    sets,
    lr={lr},
    epochs={epochs},
    seed=streams["init"],
    order_seed=streams["order"],
)
for epoch in range({epochs}):
    engine.train_epoch(epoch)
print(f"test accuracy: {{engine.evaluate(sets.test).accuracy:.2%}}")
"""
