"""Runs of a study that a cluster has, without a driver that waits for them."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sambench.errors import UserError
from sambench.executors import Left, left
from sambench.study import pool
from sambench.study.forecast import Forecast, InFlight
from sambench.study.live import ArmState, Live, Worker

if TYPE_CHECKING:
    from sambench.study.traces import Kept, Named


def asked(folder: Path, told: Live) -> Live:
    """How the study stands with what is in the queue of its cluster; unchanged if nothing is."""
    try:
        jobs = left(folder)
    except UserError as error:
        remark = f"what is in its cluster's queue is not known here: {error}"
        return told.model_copy(update={"remarks": [*told.remarks, remark]})
    if not jobs:
        return told
    from sambench.study import traces  # scipy

    kept = traces.kept(folder)
    known = [(job, named) for job in jobs if (named := traces.named(job.job, kept.arms))]
    if not known:
        return told
    running = [_worker(i, job, named, kept) for i, (job, named) in enumerate(known) if job.host]
    waiting = [named for job, named in known if not job.host]
    return told.model_copy(
        update={
            "state": "detached",
            "updated": datetime.now(UTC),
            "workers": running,
            "queued": len(waiting),
            "left_s": _left_s(told, kept, running, waiting),
            "arms": [_with_running(arm, running) for arm in told.arms],
        }
    )


def _with_running(arm: ArmState, running: Sequence[Worker]) -> ArmState:
    here = Counter(own.stage for own in running if own.arm == arm.arm)
    stages = {
        name: own.model_copy(
            update={
                "running": here[name],
                "left": None if own.left is None else max(0, own.left - here[name]),
            }
        )
        for name, own in arm.stages.items()
    }
    return arm.model_copy(update={"stages": stages})


def _worker(number: int, job: Left, named: "Named", kept: "Kept") -> Worker:
    from sambench.study import traces

    arm, row = kept.arms[named.label], job.epoch or {}
    at = {}
    if kept.study is not None and named.point >= 0:
        at = pool.parameters(kept.study, arm, named.point)
    return Worker(
        worker=number,
        where=job.host,
        run=job.job,
        arm=named.label,
        stage=named.stage,
        point=named.point,
        rerun=named.rerun,
        lr=at.get("lr"),
        rho=at.get(arm.radius or ""),
        epoch=int(row.get("epoch", 0)),
        epochs=arm.epochs,
        since=job.since,
        heard=job.heard or job.since,
        validation=traces.number(
            row.get(f"val_{kept.study.task.objective}") if kept.study else None
        ),
    )


def _left_s(
    told: Live, kept: "Kept", running: list[Worker], waiting: list["Named"]
) -> float | None:
    """Seconds to the end of the queue, if as many go on running at a time."""
    costs = {label: arm.passes * arm.epochs for label, arm in kept.arms.items()}
    forecast, now = Forecast(costs, max(1, len(running))), datetime.now(UTC)
    for arm in told.arms:
        if arm.run_s is not None:
            forecast.ended(arm.arm, "", arm.run_s, complete=True, here=False)
    in_flight = [
        InFlight(own.arm, 1 - own.epoch / own.epochs, (now - own.heard).total_seconds())
        for own in running
        if own.heard is not None
    ]
    return forecast.left(in_flight, [("", Counter(named.label for named in waiting))])
