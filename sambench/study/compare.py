"""My recipe: is SAM worth it? A study of a training function of the caller's own."""

import inspect
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import variants as registry
from sambench import config
from sambench.analysis import listing
from sambench.config import BASELINE, Arm
from sambench.errors import UserError, echo
from sambench.scores import ACCURACY, Score
from sambench.study.options import Settings, changed
from sambench.study.preflight import told_idle
from sambench.study.result import Result
from sambench.study.run import execute_study
from sambench.training import Asked, Custom, OwnTraining, probe

ScoreLike = Score | tuple[str, str, str] | Mapping[str, Any]

Variant = str | Mapping[str, Any]
"""A registry key, or a `[[variant]]` table of a study file: name, label, fix, space"""


def compare(
    train: Callable[..., Any],
    variants: Sequence[Variant],
    *,
    seeds: int = 10,
    lr: float | tuple[float, float] | None = None,
    epochs: int | None = None,
    budget: float | None = None,
    searches: int = 5,
    score: ScoreLike = ACCURACY,
    margin: float | None = None,
    name: str | None = None,
    question: str | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Result:
    """Trains your recipe with each variant and without, and says whether it pays.

        def train(optimizer, seed):
            model = ...
            sgd = optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model)
            ...: sgd.step(lambda: loss(model(x), y))  # instead of backward() and step()
            return accuracy_on_test_data

        sambench.compare(train, ["sam", "asam"])

    train: (optimizer, seed) -> a test score, or {"val": ..., "test": ...}; a score may be given
        item by item, (items,), of which it is the mean: bool of shares, else float. Global
        generators are seeded before every call. With a third parameter `epochs` it is told how long
        to train, and the baseline also enters at half and twice that
    variants: beside `plain`
    seeds: paired, of a comparison that searches nothing
    lr: what the optimizer's rate is set to, or a range to search; default: the recipe's own
    epochs: of a full schedule; default: that of the parameter
    budget: what tuning may cost, in runs of the recipe: then radii are searched too, by validation
        score. None: nothing is searched, and radii are the papers'
    searches: the pool of each arm is as large as so many searches
    score: what `train` returns: default accuracy, in [0, 1]; else a `Score`, or (name, unit,
        direction), e.g. ("mean_return", "return", "maximize") or ("perplexity", "perplexity",
        "minimize"); of the unit "share" it lies in [0, 1] and is shown in percent
    margin: what may be given up for a cheaper run; default: 1 point; of a score that is no share
        it must be said, in the score's unit
    name: of the folder in runs/; default: the file of `train`
    settings, options: as of `run_study`: device, workers (default: one), root, wandb, ...

    The study knows `train` by its code, and nothing of the data: if those change, use another name.

    The same call goes on where it stopped, and grows by seeds, searches, budget and variants.
    What `train` raises is how its run ended: the traceback lies beside it, and the same call tries
    again. UserError for bad input, WorkFailed where all runs of a variant fail.
    """
    own = OwnTraining(train)
    length = _epochs(own, epochs)
    chosen = changed(settings or Settings(workers=1), options)
    chosen = replace(chosen, command=chosen.command or _command(train))
    plain = {"name": BASELINE, **({} if own.takes_epochs else {"length": 1})}
    rivals = _tables(variants, searches_nothing=budget is None)
    asked = probe(own, 0, length)
    study = config.parse(
        {
            "name": name or _name(train),
            "question": question or _question(rivals, train),
            "variant": [plain, *rivals],
            "task": {"dataset": "own", "model": "own", **_goes_by(score, margin)},
            "train": {"epochs": length, "batch_size": 1},
            "search": {
                **_search(asked.lr if lr is None else lr, budget, searches),
                **({} if margin is None else {"margin": margin}),
            },
            **({"confirm": {"seeds": seeds}} if budget is None else {}),
        }
    )
    notes = tuple(_idle(study.arms(), asked))
    for note in notes:
        print(f"sambench: {note}", file=sys.stderr)
    training = replace(own, brought=asked.describe())
    return execute_study(study, chosen, Custom(training=training), notes)


def _goes_by(given: ScoreLike, margin: float | None) -> dict[str, Any]:
    """What [task] says of a score; nothing of accuracy."""
    try:
        names = ("name", "unit", "direction")
        table = dict(zip(names, given, strict=True)) if isinstance(given, tuple) else given
        score = Score.model_validate(table)
    except (ValidationError, ValueError) as error:
        told = config.one_line(error) if isinstance(error, ValidationError) else error
        rule = 'a Score, or (name, unit, direction) with "maximize" or "minimize"'
        raise UserError(f"score must be {rule}, got {echo(given)}: {told}") from None
    if score == ACCURACY:
        return {}
    if margin is None and not score.in_percent:
        raise UserError(
            f"margin: say how much {score.words} may be given up for a cheaper run, in its own unit"
        )
    kept = "bits" if score.unit == "share" else "values"
    return {"kind": "own", "score": score.model_copy(update={"items": kept})}


def _idle(arms: Sequence[Arm], asked: Asked) -> Iterator[str]:
    """A sentence on those that perturb nothing; UserError where one cannot drive the optimizer."""
    found = {(arm.key, repr(arm.fix)): arm for arm in reversed(arms) if arm.key != BASELINE}
    idle = [rule for rule, arm in found.items() if _perturbs(asked, arm) is False]
    labels = [arm.label for arm in arms if (arm.key, repr(arm.fix)) in idle]
    if labels:
        yield told_idle(labels, "your model", found[idle[0]].passes)


def _perturbs(asked: Asked, arm: Arm) -> bool | None:
    """What fails here fails in the runs, which say where."""
    try:
        return asked.perturbs(arm.key, arm.fix)
    except UserError:
        raise
    except Exception:
        return None


def _epochs(own: OwnTraining, given: int | None) -> int:
    """1 for a training that is not told."""
    if not callable(own.train):
        raise UserError(f"train must be a function, got {echo(own.train)}")
    signature = inspect.signature(own.train)
    if next(iter(signature.parameters), "") == "seed":
        raise UserError("train must take (optimizer, seed), in this order")
    try:
        signature.bind(None, 0, **({"epochs": 1} if own.takes_epochs else {}))
    except TypeError as error:
        rule = "train must take (optimizer, seed) or (optimizer, seed, epochs)"
        raise UserError(f"{rule}: {error}") from None
    if not own.takes_epochs:
        if given is not None:
            raise UserError(f"epochs={given}: train has no parameter `epochs` that it could go by")
        return 1
    default = signature.parameters["epochs"].default
    if given is None and default is inspect.Parameter.empty:
        raise UserError("train takes `epochs`: say how many, compare(..., epochs=10)")
    found = default if given is None else given
    if type(found) is not int or found < 1:
        raise UserError(f"epochs must be a whole number >= 1, got {echo(found)}")
    return found


def _tables(given: Sequence[Variant], *, searches_nothing: bool) -> list[dict[str, Any]]:
    """Without the baseline, which enters by itself; papers' radii where nothing is searched."""
    if isinstance(given, str | Mapping):
        given = [given]
    if not isinstance(given, Sequence) or not all(isinstance(e, str | Mapping) for e in given):
        raise UserError(f"variants must be a list of names or tables, got {echo(given)}")
    found: list[dict[str, Any]] = [
        dict(each) if isinstance(each, Mapping) else {"name": each} for each in given
    ]
    rivals = [table for table in found if table.get("name") != BASELINE]
    if not rivals:
        raise UserError(f"variants: name at least one beside {BASELINE}")
    for table in rivals if searches_nothing else ():
        if table.get("space"):
            raise UserError(f"variants: {table['name']} searches, so say budget=8 or the like")
        if table.get("name") in registry.names():
            info = registry.info(table["name"])
            if info.radius:
                radius = {info.radius: info.hyperparameters[info.radius].default}
                table["fix"] = {**radius, **table.get("fix", {})}
    return rivals


def _search(lr: float | tuple[float, float], budget: float | None, searches: int) -> dict[str, Any]:
    if not isinstance(lr, tuple | list):
        return {"lr": lr, **_size(budget, searches)}
    if budget is None:
        raise UserError(f"lr={lr} is a range to search, so say what that may cost: budget=8")
    low, high = lr
    return {"space": {"lr": {"low": low, "high": high, "log": True}}, **_size(budget, searches)}


def _size(budget: float | None, searches: int) -> dict[str, Any]:
    return {} if budget is None else {"budget": budget, "searches": searches}


def _file(train: Callable[..., Any]) -> Path | None:
    """None in a notebook."""
    try:
        path = Path(inspect.getfile(train))
    except TypeError:
        return None
    return path if path.suffix == ".py" else None


def _name(train: Callable[..., Any]) -> str:
    """The file's name, as far as it can be a folder's; in a notebook that of the function."""
    path = _file(train)
    found = train.__name__ if path is None else path.stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", found).lstrip(".-") or "compare"


def _question(rivals: Sequence[Mapping[str, Any]], train: Callable[..., Any]) -> str:
    labels = [str(table.get("label", table.get("name"))) for table in rivals]
    where = f"{train.__name__} of {path.name}" if (path := _file(train)) else train.__name__
    which = f"Is {labels[0]}" if len(labels) == 1 else f"Which of {listing(labels)} is"
    return f"{which} worth its cost in {where}?"


def _command(train: Callable[..., Any]) -> str:
    """How the caller's script was started, as far as that is known."""
    if train.__module__ == "__main__" and sys.argv[:1] and sys.argv[0].endswith(".py"):
        return shlex.join(["python", *sys.argv])
    return f"sambench.compare({train.__name__}, ...)"
