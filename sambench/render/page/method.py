"""How the answer was found: task, training, and the protocol's rules in words."""

from collections.abc import Iterator, Mapping

from sambench.analysis import Leaderboard, listing, numbers
from sambench.config import IMAGES, Study, Task, extensions, task_of
from sambench.render import noise
from sambench.scores import Score

YIELDS = {
    "last": "the weights after the last epoch",
    "best": "the weights of the epoch with the best validation score",
}
WAYS = {"maximize": "more", "minimize": "less"}


def method(leaderboard: Leaderboard) -> list[str]:
    study = Study.model_validate(leaderboard.header["spec"])
    rules = {"fixed": _fixed, "adaptive": _adaptive}.get(leaderboard.kind, _pool)
    own = leaderboard.header.get("own", {})
    task = _training(study, own) if "training" in own else _task(study, own)
    return [*task, *rules(study, streams(leaderboard))]


def streams(leaderboard: Leaderboard) -> str:
    """What each run draws anew."""
    header = leaderboard.header
    if "training" in header.get("own", {}):
        return "the function's random numbers"
    if "data" in header.get("own", {}):
        return "initial weights and data order"
    task = task_of(header["spec"]["task"])
    assert isinstance(task, Task)
    return task.drawn


def _training(study: Study, own: Mapping[str, str]) -> list[str]:
    """Of a function of the caller's that trains its own way."""
    epochs = f" It was told its epochs, {study.train.epochs} at length 1." * (
        study.train.epochs > 1
    )
    return [
        f"Task: {own['training']}, a Python caller's own function, which makes its data and its "
        "model, trains with the optimizer of its arm and by a seed, and returns its scores."
        f"{epochs}",
        f"It trained {own['model']} with {own['optimizer']}.",
        *_score(study.task.decides, ""),
    ]


def _task(study: Study, own: Mapping[str, str]) -> list[str]:
    task, train = study.task, study.train
    sizes = [(name, size) for name, size in task.split if size]
    split = ", ".join(f"{name} {size:,}" for name, size in sizes) or "the default split"
    if task.trains_itself:
        split += f" {task.item}s"
    images = task.kind == IMAGES or train.augment != "none"
    augmented = f", augmentation {train.augment}" * images
    loss = f", by the loss {own['loss']}" if "loss" in own else ""
    wrong = noise.told(task.label_noise, task.decides)
    brought = f"A Python caller's own: {listing(list(own))}." if own else ""
    further = extensions(train.model_dump(mode="json"))
    further.pop("yields", None)
    trained = f"{task.model} on {task.dataset}{task.detail}{loss}"
    also = ", ".join(f"{name} {value}" for name, value in further.items())
    meaning = task.meaning(train.epochs)
    return [
        " ".join(filter(None, (f"Task: {trained} ({split}).", wrong, brought))),
        f"Training: {train.base}, {numbers.times(train.epochs, 'epoch')} at length 1, batch size "
        f"{train.batch_size}, {train.schedule} schedule, weight decay {train.weight_decay:g}"
        f"{augmented}. A run yields {YIELDS[train.yields]}.",
        *([f"Also: {also}."] if also else []),
        *_score(task.decides, meaning),
    ]


def _score(score: Score, meaning: str) -> Iterator[str]:
    """What a name does not say: what it is, or that less of it is better."""
    if meaning:
        yield f"The score, {score.words}: {meaning}"
    elif not (score.in_percent and score.sign > 0):
        yield f"The score: {score.named('test')}; {WAYS[score.direction]} is better."


def _pool(study: Study, drawn: str) -> list[str]:
    size = study.search
    return [
        f"Budget: {size.budget:g} full runs of plain, in counted gradient evaluations. Whose run "
        "costs twice as much affords half as many trials. Below 3 trials an arm is not ranked.",
        "Pool: every arm ran as many independent random points as its budget affords in "
        f"{numbers.times(size.searches, 'search')}. A point is a position in the ranges, and "
        f"streams of {drawn}; its number gives it the same ones in every arm. Validation data "
        "only.",
        "Reruns: an arm's best points by validation were trained again on fresh streams, the more "
        "often the likelier a search picks them. Only these runs and those of the settings to use "
        "saw the test set, so a lucky run gains nothing.",
        f"tuned(k): the mean test {study.task.decides.words} of each point's reruns, weighed by "
        "the chance that it wins a search of k points of the pool; linear between whole k.",
        "Intervals: the jackknife over points, each with its reruns; t with "
        f"{numbers.times(2 * size.searches - 1, 'degree')} of freedom. Bands around curves "
        "are simultaneous.",
        _claims(study),
        "All else, curves and equal trials included, carries intervals and claims nothing.",
        "Setting to use: the optimum of a smooth surface through all validation scores of an arm, "
        "to two digits, trained again on fresh streams.",
    ]


def _claims(study: Study) -> str:
    score, margin = study.task.decides, study.search.margin
    return (
        "Claims are three: who beats plain, which is to beat each arm of plain; who is separated "
        "from whom, the groups; and the recommendation, the cheapest run among the arms that no "
        f"other may {score.exceed} by more than {score.amount(f'{margin:g}')} (upper end of the "
        "95% interval)."
    )


def _fixed(study: Study, drawn: str) -> list[str]:
    return [
        f"Nothing was searched: each arm ran its fixed settings on {study.confirm.seeds} seeds, "
        f"the same for all. A seed draws {drawn}.",
        "Intervals: t over seeds, of differences paired by seed.",
        _claims(study),
    ]


def _adaptive(study: Study, _: str) -> list[str]:
    search = study.search
    pruner = "" if search.pruner == "none" else f" with the pruner {search.pruner}"
    return [
        f"Search: Optuna's {search.sampler}{pruner}, within {search.budget:g} full runs of "
        "plain for each arm, on validation data only.",
        "Its trials depend on one another: they are one search, and one search says nothing of "
        'the next one. So this study hands out settings and ranks nothing; sampler = "random" '
        "ranks.",
        "Setting to use: the optimum of a smooth surface through all validation scores of an arm, "
        "to two digits, trained again on fresh streams.",
    ]
