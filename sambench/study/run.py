"""One study from file to leaderboard, as it is asked for from Python."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from torch import nn

from sambench import config, plugins
from sambench.config import Study, Task
from sambench.study import storage as storages
from sambench.study.collection import collect
from sambench.study.execution import Execution
from sambench.study.options import Settings, changed
from sambench.study.result import Result
from sambench.tasks import Data
from sambench.training import Custom, Loss


def run_study(
    study: Study | Mapping[str, object] | str | Path = "digits",
    overrides: Sequence[str] = (),
    *,
    task: Task | None = None,
    model: Callable[[int, int], nn.Module] | None = None,
    data: Data | None = None,
    loss: Loss | None = None,
    fork: str | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Result:
    """Runs a study, or goes on with it, and returns what it found.

    study: a name, a path, the tables of a study file as a dict, or a `config.Study`
    overrides: such as "train.epochs=3"
    task: instead of the study's
    model: (channels, classes) -> module, or of what sizes the data have, instead of the study's
    data: fixed train, val and test sets, instead of the study's dataset
    loss: (logits, labels) -> losses (batch,), instead of cross-entropy
        (what is yours belongs to the study: with others, it is another study)
    fork: the name of a new study, from the same file
    settings: how it is executed
    options: fields of the settings by keyword: device, workers, root, wandb, points, ...

    UserError for bad input, WorkFailed where all runs of an arm fail, Detached where the settings
    say so and runs are left in a queue. What of yours cannot be imported by name, as from a
    notebook, is run by this process alone.
    """
    chosen, custom = changed(settings or Settings(), options), Custom(model, data, loss)
    plugins.load(chosen.imports)
    words = [*overrides, *([] if fork is None else [f"name={json.dumps(fork)}"])]
    asked = resolve(study, words, chosen.root, task)
    options = {"fork": fork, "imports": [str(path) for path in chosen.imports]}
    command = chosen.command or _call(study, overrides, task, custom, options)
    return execute_study(asked, replace(chosen, command=command), custom)


def execute_study(
    study: Study, settings: Settings, custom: Custom, notes: Sequence[str] = ()
) -> Result:
    """Runs it, or goes on with it; `notes` are for its page."""
    with _quiet_optuna():
        execution = Execution(study, settings, custom)
        execution.told = {"notes": list(notes)} if notes else {}
        leaderboard = execution.run()
        storage = storages.chosen(settings.storage)
        found = collect(execution.folder, settings.command, storage) or leaderboard
    if settings.says_where:
        settings.console.print(f"page: {execution.folder.web}", markup=False, soft_wrap=True)
    return Result(found, execution.folder.path)


def _call(
    study: Study | Mapping[str, object] | str | Path,
    overrides: Sequence[str],
    task: Task | None,
    custom: Custom,
    options: Mapping[str, object],
) -> str:
    """The call that repeats the study, as far as words can."""
    named = repr(str(study)) if isinstance(study, str | Path) else "study"
    changes = [repr(list(overrides))] if overrides else []
    given = {"task": task, "model": custom.model, "data": custom.data, "loss": custom.loss}
    own = [f"{name}={name}" for name, value in given.items() if value is not None]
    own += [f"{name}={value!r}" for name, value in options.items() if value]
    return f"sambench.run_study({', '.join([named, *changes, *own])})"


def resolve(
    study: Study | Mapping[str, object] | str | Path,
    overrides: Sequence[str],
    root: Path,
    task: Task | None = None,
) -> Study:
    """The study that a caller means, of this task instead of its own if one is given."""
    own = {} if task is None else {"task": task.model_dump(mode="json")}
    if isinstance(study, Mapping):
        return config.parse({**study, **own}, overrides=overrides)
    if not isinstance(study, Study) and not own:
        return config.load(study, overrides, root=root)
    found = study if isinstance(study, Study) else config.load(study, root=root)
    return config.parse({**found.model_dump(mode="json"), **own}, found.name, overrides)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Optuna logs every trial; our display does, too."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
