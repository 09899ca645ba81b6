"""A study that runs: what each arm has found, what every worker is at, and how long it takes."""

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table as RichTable
from rich.text import Text

from sambench.analysis import duration
from sambench.render.terminal.columns import GAP, Column, drawn, shown, some
from sambench.scores import Score

if TYPE_CHECKING:
    from sambench.study import ArmStanding, Running, Standing
    from sambench.training import Run

LEAST_BAR, MOST_BAR = 8, 48
LEAST_ROWS = 10  # below, only the bar is shown


def render(standing: "Standing", width: int, height: int) -> RenderableType:
    """Within so many columns and lines."""
    head: list[RenderableType] = [_title(standing), _bar(standing, width)]
    if height < LEAST_ROWS:
        return Group(*head[-max(1, height) :])
    room = height - len(head) - 4  # two lines of names, two empty ones
    workers = [] if standing.all_done else standing.workers
    picked = workers[: max(1, room // 3, room - len(standing.arms))]
    room -= len(picked) + (len(picked) < len(workers))
    arms = _shown(standing, room)
    parts = [*head, Text(), _arms(standing, arms, width)]
    if len(arms) < len(standing.arms):
        parts.append(_more(len(standing.arms) - len(arms)))
    if picked:
        parts += [Text(), _workers(picked, standing.score, width)]
    if len(picked) < len(workers):
        parts.append(_more(len(workers) - len(picked)))
    return Group(*parts)


def roughly(seconds: float) -> str:
    """No finer than an estimate can be: "40 s", "12 min", "3 h 20 min"."""
    below = {90: 5, 60 * 60: 60, 24 * 3600: 600}
    step = next((step for limit, step in below.items() if seconds < limit), 3600)
    return duration(max(step, step * round(seconds / step))).removesuffix(" 0 s")


def remaining(standing: "Standing") -> str:
    """An ETA in words; empty before there is one, and at the end."""
    left = standing.left_s
    return "" if left is None or standing.all_done else f"ETA {roughly(left)}"


def counted(standing: "Standing") -> str:
    """Runs that have ended, of how many; "~" where stages to come may change it."""
    return f"{standing.num_done}/{'~' * bool(standing.later)}{standing.num_runs}"


def _title(standing: "Standing") -> Text:
    then = f", then {' and '.join(standing.later)}" if standing.later else ""
    now = "writing the report" if standing.all_done else standing.stages[0] + then
    return Text(f"{standing.study}: {now}", style="bold", no_wrap=True, overflow="ellipsis")


def _bar(standing: "Standing", width: int) -> RenderableType:
    share, eta = standing.share, remaining(standing)
    words = [f"{share:4.0%}", f"{counted(standing)} runs", duration(standing.elapsed_s)]
    words += [eta] if eta or standing.all_done else ["no ETA yet"]
    room = width - sum(len(word) + GAP for word in words)
    while room < LEAST_BAR and len(words) > 2:  # the run count and the elapsed time go first
        room += len(words.pop(1)) + GAP
    grid = RichTable.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    for word in words:
        grid.add_column(width=len(word), no_wrap=True)
    grid.add_column()
    bar = ProgressBar(total=1.0, completed=share, width=max(1, min(MOST_BAR, room)))
    grid.add_row(*map(Text, words), bar)
    return grid


def _more(num: int) -> Text:
    return Text(f"and {num} more", style="dim")


def _shown(standing: "Standing", room: int) -> list["ArmStanding"]:
    """All arms, or, where there is no room, the best and those that run, in the study's order."""
    arms = list(standing.arms.values())
    if len(arms) <= room:
        return arms
    merit = _merit(standing)
    by_score = sorted(arms, key=lambda arm: -merit(arm))
    running = sorted(by_score[1:], key=lambda arm: not arm.running)
    kept = [by_score[0], *running][: max(1, room - 1)]
    return [arm for arm in arms if arm in kept]


def _score(standing: "Standing") -> Callable[["ArmStanding"], float | None]:
    """What says how well an arm does: the best of its points, or the mean of a fixed setting."""
    return lambda arm: arm.best if standing.searches else arm.mean


def _merit(standing: "Standing") -> Callable[["ArmStanding"], float]:
    """The same, more being better; the least where there is none."""
    score, sign = _score(standing), standing.score.sign
    return lambda arm: -inf if (own := score(arm)) is None else sign * own


def _arms(standing: "Standing", arms: Sequence["ArmStanding"], width: int) -> RichTable:
    score, left = _score(standing), standing.left
    about = "~" * bool(standing.later)
    best = [arm.best_run for arm in arms]
    which = "best" if standing.searches else "mean"
    columns = [
        Column("arm", [arm.label for arm in arms], 0, right=False),
        Column(f"{which} validation", [shown(score(arm), standing.score) for arm in arms], 1),
        Column("done", [str(arm.done) for arm in arms], 2),
        Column("running", [some(arm.running) for arm in arms], 5),
        Column("left", [f"{about}{left[arm.label]}" for arm in arms], 3),
        Column("diverged", [some(arm.diverged) for arm in arms], 4),
    ]
    others = {
        "failed": [arm.failed for arm in arms],
        "pruned": [arm.pruned for arm in arms],
    }
    columns += [
        Column(name, list(map(some, nums)), 4) for name, nums in others.items() if any(nums)
    ]
    if standing.searches:
        columns[2:2] = [
            Column("at lr", ["" if run is None else f"{run.lr:.3g}" for run in best], 6),
            Column("rho", [_rho(run) for run in best], 7),
            Column("point", ["" if run is None else str(run.point) for run in best], 8),
        ]
    merit = _merit(standing)
    most = max(map(merit, standing.arms.values()))
    leads = [-inf < merit(arm) == most for arm in arms]
    return drawn(columns, width, ["bold" if lead else "" for lead in leads])


def _workers(workers: Sequence["Running | None"], score: Score, width: int) -> RichTable:
    runs = [None if own is None else own.run for own in workers]
    columns = [
        Column("running", ["idle" if run is None else run.label for run in runs], 0, right=False),
        Column(
            "stage", ["" if r is None else f"{r.stage} {r.place}" for r in runs], 3, right=False
        ),
        Column("lr", ["" if run is None else f"{run.lr:.3g}" for run in runs], 4),
        Column("rho", [_rho(run) for run in runs], 5),
        Column("epoch", ["" if o is None else f"{o.epoch}/{o.run.epochs}" for o in workers], 1),
        Column("validation", [shown(own and own.val, score) for own in workers], 2),
    ]
    return drawn(columns, width, [""] * len(runs))


def _rho(run: "Run | None") -> str:
    return "" if run is None or run.rho is None else f"{run.rho:.3g}"
