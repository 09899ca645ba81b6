"""The setting to use of a study as a runnable program, or as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from sambench import records as records_
from sambench.analysis import Estimate, Leaderboard, Row, Setting, analyse, numbers
from sambench.config import (
    CHANNELS_LAST,
    IMAGES,
    OWN_BASES,
    OWN_SCHEDULES,
    Study,
    Task,
    Train,
    extensions,
)
from sambench.errors import UserError, nearest
from sambench.records import Record, Records, as_records
from sambench.render.texts import one_line
from sambench.scores import ACCURACY


class Chosen(NamedTuple):
    """An arm, its setting to use, and the first run that this was confirmed with (rule 9)."""

    row: Row
    setting: Setting
    score: Estimate
    first: Record


def settings(records: Records, label: str | None = None) -> dict[str, Any]:
    """The setting to use of an arm, by default of the recommended one; UserError if it has none.

    Where nothing is recommended: of the arm whose setting scored best.
    """
    leaderboard = analyse(records)
    row, setting, score, _ = _chosen(records, leaderboard, label)
    scored = f"test_{leaderboard.score.name}"
    return {
        "study": leaderboard.study,
        "model": records.header["spec"]["task"]["model"],
        "dataset": records.header["spec"]["task"]["dataset"],
        "own": records.header["own"],
        "headline": leaderboard.headline,
        "advice": leaderboard.advice,
        "recommended": row.label == leaderboard.use,
        "variant": row.key,
        "label": row.label,
        "lr": setting.lr,
        "hyperparameters": setting.hyperparameters,
        "epochs": setting.epochs,
        "edges": list(setting.edges),
        scored: {"mean": score.value, "low": score.low, "high": score.high},
        "runs": setting.runs,
    }


def _chosen(records: Records, leaderboard: Leaderboard, label: str | None) -> Chosen:
    rows = {row.label: row for row in leaderboard.rows}
    if label is not None and label not in rows:
        hint = nearest(label, rows)
        raise UserError(f"--variant: {label!r} is no arm of study {leaderboard.study!r}, {hint}")
    wanted = label or leaderboard.use
    found = [
        Chosen(row, row.setting, row.setting.score, _first(records, row.label))
        for row in ([rows[wanted]] if wanted else leaderboard.rows)
        if row.setting and row.setting.score
    ]
    if found:
        return max(found, key=lambda own: leaderboard.score.sign * own.score.value)
    whose = f"{wanted} of study" if wanted else "study"
    raise UserError(f"{whose} {leaderboard.study!r} has no setting that ran to its end yet")


def _first(records: Records, label: str) -> Record:
    """The first complete run of the arm's setting; what searches nothing is confirmed itself."""
    searches = any(arm["space"] for arm in records.header["arms"].values())
    frame, stage = records.frame, "setting" if searches else "confirm"
    ran = (frame["stage"] == stage) & (frame["outcome"] == "complete")
    runs = as_records(frame.loc[(ran & (frame["variant"] == label)).to_numpy()])
    return min(runs, key=lambda run: run.rerun)


def snippet(records: Records, label: str | None = None, imports: Sequence[str] = ()) -> str:
    """A Python program that trains the setting to use on the study's data, and prints its score.

    It spells the training loop, or calls sambench's own where the study asks for more than that.
    imports: files that register variants, which it imports
    UserError where a program cannot name what the study trained.
    """
    header = records.header
    if own := header["own"]:
        brought = numbers.listing([f"{what} ({one_line(name)})" for what, name in own.items()])
        raise UserError(
            f"study {header['study']!r} trained with its caller's own {brought}, which a program "
            "cannot name; --format json prints the setting"
        )
    leaderboard = analyse(records)
    asked = Study.model_validate(header["spec"]).task
    if asked.trains_itself:
        raise UserError(
            f"study {header['study']!r} is of a task of kind {asked.kind}, whose training no "
            "program here can spell; --format json prints the setting"
        )
    if asked.follows_runs:
        raise UserError(
            f"study {header['study']!r} goes by {leaderboard.score.words}, which a program that is "
            "scored once cannot print; --format json prints the setting"
        )
    found = _chosen(records, leaderboard, label)
    run, task, train = found.first, header["spec"]["task"], header["spec"]["train"]
    channels_last = CHANNELS_LAST in run.instructions
    code = header.get("code", {}).get(run.key)
    if code and not imports:
        raise UserError(
            f"{run.variant} is a variant of the user's own, and the program must import it: "
            f"--import {one_line(code['file'])}"
        )
    given = records_.hyperparameters(run.hyperparameters)
    values = {
        "head": _comment(_head(leaderboard, found)),
        "plugins": PLUGINS.format(files=list(imports)) if imports else "",
        "threads": run.threads,
        "task": _tables(type(asked).__name__, task),
        "streams": {
            "split": run.seed_split,
            "labels": run.seed_labels,
            "init": run.seed_init,
            "order": run.seed_order,
        },
        "create": ", ".join([repr(run.key), *(f"{k}={v!r}" for k, v in given.items())]),
        "lr": repr(run.lr),
        "epochs": run.epochs,
        "task_model": one_line(task["model"]),
    }
    known = train["base"] in OWN_BASES and train["schedule"] in OWN_SCHEDULES
    plain = asked.kind == IMAGES and asked.decides == ACCURACY and "class_weights" not in task
    if extensions(train) or not known or not plain:
        if asked.kind == IMAGES:
            train = {"channels_last": channels_last} | train
        return _by_engine(asked, train, values)
    return LOOP.format(
        **values,
        layout=LAYOUT if channels_last else "",
        base=_base(train, run.lr),
        batch_size=train["batch_size"],
        smoothing=train["label_smoothing"],
        augment=repr(train["augment"]),
        lr_rule=_lr_rule(train),
        warmup=train["warmup_epochs"] / train["epochs"],
    )


def _by_engine(task: Task, train: dict[str, Any], values: dict[str, Any]) -> str:
    cls, score = type(task), task.decides
    up = score.direction == "maximize"
    scored = {
        "objective": score.name,
        "words": score.words,
        "shown": ".2%" if score.in_percent else ".6g",
        "worst": f'float("{"-" * up}inf")',
        "beats": ">" if up else "<",
    }
    return ENGINE.format(
        **values,
        **scored,
        import_task=f"from {cls.__module__.removesuffix('.task')} import {cls.__name__}",
        item=task.item,
        scores=[*task.judged],
        replay="        replay=True,\n" if task.replays else "",
        train=_train(train),
        yields=YIELDS[train.get("yields", "last")].format(**scored),
    )


def _comment(lines: Iterable[str]) -> str:
    wrapped = [wrap(one_line(line), 96, break_long_words=False) or [""] for line in lines]
    return "\n".join(f"# {line}".rstrip() for own in wrapped for line in own)


def _head(leaderboard: Leaderboard, found: Chosen) -> Iterator[str]:
    """What the study says, and what it measured with this setting."""
    row, setting, score, run = found
    of = leaderboard.score
    yield leaderboard.headline
    yield f"Recommended: {leaderboard.advice}"
    yield ""
    mean = numbers.told(score.value, of)
    if score.low is not None and score.high is not None:
        mean += f" [{numbers.score(score.low, of)}, {numbers.score(score.high, of)}]"
    runs = f"{setting.runs} run{'s' * (setting.runs != 1)}"
    scored = f"{mean} test {of.words}, the mean of {runs}"
    yield f"The setting to use of {row.label} has {scored}."
    if setting.edges:
        edges = numbers.listing(list(setting.edges))
        yield f"It lies at the edge of the range of {edges}: a better one may lie beyond."
    measured = numbers.told(run.test[of.name] or 0.0, of)
    yield (
        f"This program repeats the first of them, which measured {measured} on {run.device}; "
        "other processors round in ways of their own."
    )


def _train(train: dict[str, Any]) -> str:
    """[train] as a call that leaves out what is at its default."""
    defaults = Train(epochs=train["epochs"], batch_size=train["batch_size"]).model_dump(mode="json")
    required = ("epochs", "batch_size")
    given = {k: v for k, v in train.items() if k in required or v != defaults.get(k)}
    return f"Train({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def _tables(name: str, task: dict[str, Any]) -> str:
    split = {k: v for k, v in task["split"].items() if v is not None}
    given = ", ".join(f"{k}={v!r}" for k, v in task.items() if k not in ("split", "kind") and v)
    return f"{name}({given}, split=Split({', '.join(f'{k}={v!r}' for k, v in split.items())}))"


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


PLUGINS = """\
from sambench import plugins

plugins.load({files})
"""

LOOP = '''\
{head}
import math

import torch
from torch.nn.functional import cross_entropy

import variants
{plugins}from sambench.config import Split
from sambench.tasks import images, num_batches
from sambench.tasks.images import ImageClassification, models

task = {task}
streams = {streams}


def main():
    torch.set_num_threads({threads})
    sets = images.load(task, streams)  # your own images go here

    torch.manual_seed(streams["init"])
    channels, classes = sets.train.shape[1], len(sets.classes)
    model = models.build(task, channels=channels, classes=classes)  # timm's {task_model}
{layout}    base = {base}
    epochs, batch_size = {epochs}, {batch_size}
    steps = epochs * num_batches(len(sets.train), batch_size)
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
        losses = []
        for x, y in images.epoch_batches(
            sets.train,
            batch_size=batch_size,
            seed=streams["order"],
            epoch=epoch,
            augment={augment},
            mean=sets.mean,
            std=sets.std,
        ):
            found = optimizer.step(
                lambda rows: cross_entropy(
                    model(x[rows]), y[rows], label_smoothing={smoothing}, reduction="none"
                )
            )
            losses.append(found)
            schedule.step()
        loss = torch.cat(losses).mean()
        print(f"epoch {{epoch + 1}} of {{epochs}}: training loss {{loss:.4f}}", flush=True)

    model.eval()
    with torch.no_grad():
        batches = images.eval_batches(sets.test, batch_size=1024, mean=sets.mean, std=sets.std)
        hits = torch.cat([model(x).argmax(1) == y for x, y in batches])
    print(f"test accuracy: {{hits.double().mean():.2%}}")


if __name__ == "__main__":
    main()
'''

ENGINE = """\
{head}
import torch

import variants
{plugins}from sambench.config import Split, Train
{import_task}
from sambench.training import Engine

task = {task}
train = {train}
streams = {streams}
epochs = {epochs}


def main():
    torch.set_num_threads({threads})
    sets = task.load(streams)  # your own {item}s go here

    torch.manual_seed(streams["init"])
    model = task.build(sets)  # {task_model}
    engine = Engine(
        train,
        variants.create({create}),
        model,
        sets,
        lr={lr},
        epochs=epochs,
        seed=streams["init"],
        order_seed=streams["order"],
        scores={scores},
{replay}    )
{yields}
    print(f"test {words}: {{engine.evaluate(sets.test).values['{objective}']:{shown}}}")


def told(epoch, row):
    print(f"epoch {{epoch + 1}} of {{epochs}}: training loss {{row['train_loss']:.4f}}", flush=True)


if __name__ == "__main__":
    main()
"""

LAYOUT = """\
    model.to(memory_format=torch.channels_last)  # faster on a CPU, where it is sambench's choice
"""

YIELDS = {
    "last": """\
    for epoch in range(epochs):
        told(epoch, engine.train_epoch(epoch))""",
    "best": """\
    best, weights = {worst}, {{}}
    for epoch in range(epochs):
        told(epoch, engine.train_epoch(epoch))
        score = engine.evaluate(sets.val).values["{objective}"]
        if score {beats} best:
            best = score
            weights = {{k: v.clone() for k, v in engine.evaluated.state_dict().items()}}
    engine.evaluated.load_state_dict(weights)""",
}
"""The weights of a run: the last, or those of the epoch with the best validation score."""
