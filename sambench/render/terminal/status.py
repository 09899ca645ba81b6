"""How a study stands, for a terminal that is not the study's own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from sambench.analysis import duration
from sambench.render.terminal import spent as shares
from sambench.render.terminal.columns import Column, drawn, shown, some
from sambench.render.terminal.progress import roughly
from sambench.render.texts import command, one_line
from sambench.scores import Score

if TYPE_CHECKING:
    from sambench.study.live import ArmState, Failure, Live, Worker

FEWEST = 3  # rows of a table, however low the terminal
STYLES = {"running": "bold", "complete": "bold green", "stopped": "bold yellow", "detached": "bold"}
LISTED = 5  # failures


def render(live: "Live", now: datetime, width: int, height: int | None = None) -> RenderableType:
    """Within so many columns and, where that is asked, lines."""
    told = [one_line(line) for line in _told(live, now)]
    told += [f"! {one_line(remark)}" for remark in live.remarks]
    failures = live.failures[-LISTED:]
    lines = [line for failure in failures for line in _failed(failure)]
    more = sum(arm.failed for arm in live.arms) - len(failures)
    lines += [f"and {more} more failed"] if more > 0 and failures else []
    room = None if height is None else height - 1 - len(told) - len(lines) - 6
    arms, workers = _fitting(live, room)
    parts: list[RenderableType] = [
        Text(one_line(f"{live.study}: {_state(live)}"), style=STYLES[live.state]),
        *map(Text, told),
        Text(),
        _arms(live, arms, width),
        *_more(len(live.arms) - len(arms)),
    ]
    if workers:
        parts += [
            Text(),
            _workers(workers, live.score, now, width),
            *_more(len(live.workers) - len(workers)),
        ]
    if lines:
        parts += [Text(), *map(Text, lines)]
    return Group(*parts)


def closing(*, page: str, goes_on: str) -> list[str]:
    """What is to be opened or pasted, whole lines however narrow a terminal is; of none empty."""
    lines = [f"page: {one_line(page)}"] if page else []
    return lines + ([f"goes on with: {command(goes_on)}"] if goes_on else [])


def listed(
    studies: Mapping[str, "Live | None"], faults: Mapping[str, str], now: datetime, width: int
) -> RenderableType:
    """A line for each; `faults`: why one cannot be told."""
    known = {name: live for name, live in studies.items() if live is not None}
    lives = list(known.values())
    columns = [
        Column("study", [one_line(name) for name in known], 0, right=False),
        Column("state", [_stage(live) for live in lives], 1, right=False),
        Column("runs", [counted(live) for live in lives], 2),
        Column("work", [share(live) for live in lives], 5),
        Column("left", [_left(live, now) for live in lives], 4, right=False),
        Column("best validation", [_leader(live) for live in lives], 3, right=False),
        Column("failed", [some(sum(a.failed for a in live.arms)) for live in lives], 6),
        Column("driver", [_driver(live) for live in lives], 7, right=False),
    ]
    table = [drawn(columns, width, [""] * len(known))] if known else []
    return Group(
        *table, *(Text(one_line(f"{name}: {fault}"), style="red") for name, fault in faults.items())
    )


def line(live: "Live", now: datetime) -> str:
    """The same as a line for a log."""
    cells = [_stage(live), *_progress(live, now), _leader(live)]
    return one_line(f"{live.study}: {', '.join(filter(None, cells))}")


def _progress(live: "Live", now: datetime) -> list[str]:
    return [share(live), f"{counted(live)} runs", _left(live, now)]


def counted(live: "Live") -> str:
    """Runs that have ended, of how many; "~" where that is an estimate."""
    runs = live.runs
    return f"{runs.done}" if runs.all is None else f"{runs.done}/{_about(runs.exact)}{runs.all}"


def share(live: "Live") -> str:
    return "" if live.share is None or live.state == "complete" else f"{live.share:.0%}"


def _about(exact: bool) -> str:
    return "" if exact else "~"


def _state(live: "Live") -> str:
    """Its title."""
    part = f" (points {live.points})" if live.points else ""
    if live.state == "stopped":
        return f"not running{part}{f': {live.reason}' if live.reason else ''}"
    if live.state == "detached":
        return f"in the cluster's queue{part}: {_queue(live)}"
    if live.state == "complete":
        return f"complete{part}"
    then = f", then {' and '.join(live.later)}" if live.later else ""
    report = "writing the report" if not (live.workers or live.left_s != 0.0) else ""
    return f"{report or live.stage or 'running'}{then}{part}"


def _queue(live: "Live") -> str:
    runs = [(len(live.workers), "running"), (live.queued, "waiting")]
    return ", ".join(f"{num} {how}" for num, how in runs if num)


def _stage(live: "Live") -> str:
    return f"{live.state}, {live.stage}" if live.state == "running" and live.stage else live.state


def _told(live: "Live", now: datetime) -> Iterable[str]:
    yield ", ".join(filter(None, _progress(live, now)))
    who = _driver(live)
    if live.state == "detached":
        yield f"no driver waits for them{f': {live.reason}' if live.reason else ''}"
    elif live.state == "running":
        ago = duration(max(0.0, (now - live.updated).total_seconds()))
        yield f"driven by {who}{_since(live.driver.since, now)}; this was so {ago} ago"
    else:
        last = f", last driven by {who}" if who else ""
        yield f"as of {live.updated:%Y-%m-%d %H:%M} UTC{last}"
    if told := shares.render(live.spent, live.places):
        yield told


def _driver(live: "Live") -> str:
    own = live.driver
    pid = f"process {own.pid}" if own.pid else ""
    return " ".join(filter(None, [pid, f"on {own.host}" if own.host else ""]))


def _since(since: datetime | None, now: datetime) -> str:
    if since is None:
        return ""
    return f" for {duration(max(0.0, (now - since).total_seconds()))}"


def _left(live: "Live", now: datetime) -> str:
    """What remains by now of the estimate."""
    if live.state not in ("running", "detached") or live.left_s is None or not live.left_s:
        return ""
    return f"ETA {roughly(max(0.0, live.left_s - (now - live.updated).total_seconds()))}"


def _score(arm: "ArmState", live: "Live") -> float | None:
    """What says how well an arm does: the best of its points, or the mean of a fixed setting."""
    return (arm.best and arm.best.validation) if live.searches else arm.mean


def _leader(live: "Live") -> str:
    best = max(live.arms, key=lambda arm: _merit(arm, live), default=None)
    score = best and _score(best, live)
    return "" if best is None or score is None else f"{shown(score, live.score)} by {best.arm}"


def _merit(arm: "ArmState", live: "Live") -> float:
    """More is better; the least where there is none."""
    score = _score(arm, live)
    return -inf if score is None else live.score.sign * score


def _fitting(live: "Live", room: int | None) -> tuple[list["ArmState"], list["Worker"]]:
    """All arms and workers, or as many as there is room for: arms with runs first."""
    arms, workers = live.arms, live.workers
    if room is None or len(arms) + len(workers) <= room:
        return arms, workers
    num = max(FEWEST, room - len(workers), room // 2)
    by_rank = sorted(arms, key=lambda arm: (-_running(arm), -_merit(arm, live)))[:num]
    kept = [arm for arm in arms if arm in by_rank]
    return kept, workers[: max(FEWEST, room - len(kept))]


def _running(arm: "ArmState") -> int:
    return sum(stage.running for stage in arm.stages.values())


def _arms(live: "Live", arms: Sequence["ArmState"], width: int) -> RenderableType:
    best = [arm.best for arm in arms]
    which = "best" if live.searches else "mean"
    columns = [
        Column("arm", [one_line(arm.arm) for arm in arms], 0, right=False),
        Column(f"{which} validation", [shown(_score(arm, live), live.score) for arm in arms], 1),
    ]
    if live.searches:
        columns += [
            Column("at lr", ["" if b is None else f"{b.lr:.3g}" for b in best], 8),
            Column("rho", ["" if b is None or b.rho is None else f"{b.rho:.3g}" for b in best], 9),
            Column("point", ["" if b is None else str(b.point) for b in best], 10),
        ]
    for i, name in enumerate(_stages(live)):
        columns.append(Column(name, [_of_stage(arm, name, live) for arm in arms], 2 + i))
    columns.append(Column("running", [some(_running(arm)) for arm in arms], 5))
    others = ("diverged", "failed", "pruned")
    columns += [
        Column(name, [some(getattr(arm, name)) for arm in arms], 6)
        for name in others
        if any(getattr(arm, name) for arm in arms)
    ]
    most = max((_merit(arm, live) for arm in live.arms), default=-inf)
    leads = [-inf < _merit(arm, live) == most for arm in arms]
    return drawn(columns, width, ["bold" if lead else "" for lead in leads])


def _stages(live: "Live") -> list[str]:
    """Those that have runs."""
    names = list(dict.fromkeys(name for arm in live.arms for name in arm.stages))
    return [name for name in names if any(_some_runs(arm, name) for arm in live.arms)]


def _some_runs(arm: "ArmState", name: str) -> bool:
    own = arm.stages.get(name)
    return own is not None and bool(own.done or own.running or own.left)


def _of_stage(arm: "ArmState", name: str, live: "Live") -> str:
    """Done of all."""
    own = arm.stages.get(name)
    if own is None:
        return ""
    if own.left is None:
        return str(own.done)
    return f"{own.done}/{_about(name not in live.later)}{own.done + own.running + own.left}"


def _workers(
    workers: Sequence["Worker"], score: Score, now: datetime, width: int
) -> RenderableType:
    columns = [
        Column("running", [one_line(own.arm) for own in workers], 0, right=False),
        Column("stage", [f"{own.stage} {_place(own)}" for own in workers], 3, right=False),
        Column("epoch", [f"{own.epoch}/{own.epochs}" for own in workers], 1),
        Column("validation", [shown(own.validation, score) for own in workers], 2),
        Column("for", [_since(own.since, now).removeprefix(" for ") for own in workers], 5),
        Column("where", [_where(own) for own in workers], 4, right=False),
        Column("worker", [str(own.worker) for own in workers], 8),
        Column("lr", ["" if own.lr is None else f"{own.lr:.3g}" for own in workers], 6),
        Column("rho", ["" if own.rho is None else f"{own.rho:.3g}" for own in workers], 7),
    ]
    return drawn(columns, width, [""] * len(workers))


def _where(own: "Worker") -> str:
    return one_line(own.where) or "waits for a place"


def _place(own: "Worker") -> str:
    match own.stage:
        case "pool":
            return f"point {own.point}"
        case "confirm":
            return f"point {own.point}, rerun {own.rerun}"
    return f"rerun {own.rerun}"


def _failed(failure: "Failure") -> Iterable[str]:
    yield one_line(f"{failure.run}: failed, {failure.reason}")
    if failure.traceback:
        yield f"  traceback: {failure.traceback}"


def _more(num: int) -> list[RenderableType]:
    return [Text(f"and {num} more", style="dim")] if num > 0 else []
